// Keras's layers that multiply, normalize, join and move.
import type { Tensor } from '../../../formats/tensor.js'
import { fail } from '../fields.js'
import { activate } from './activations.js'
import type { LayerCall, LayerConverter } from './layer.js'

const dense: LayerConverter = (call) => {
  const { to } = call
  const kernel = call.value(call.weight('kernel', 2))
  if (call.rank() === 2) return activate(call, to.emit('Gemm', [call.x, kernel, ...call.bias()]))
  const product = to.emit('MatMul', [call.x, kernel])
  const [bias] = call.bias()
  return activate(call, bias === undefined ? product : to.emit('Add', [product, bias]))
}

/** An axis from 0 up of a layer's setting, which may hold it in a list. */
function axisOf(call: LayerCall, rank: number): number {
  const value = call.config.get('axis')
  const axis = Array.isArray(value) ? call.config.ints('axis', 1, -1)[0]! : call.config.int('axis', -1)
  return axis < 0 ? axis + rank : axis
}

/** A weight, or a vector of one number in its place. */
function parameter(call: LayerCall, name: string, length: number, absent: number): string {
  if (call.optionalWeight(name) !== undefined) return call.value(call.weight(name, 1))
  return call.to.derived(`${absent} x ${length}`, (): Tensor => {
    const data = new Float32Array(length).fill(absent)
    return { kind: 'dense', dtype: 'float32', shape: [length], data }
  })
}

const batchNormalization: LayerConverter = (call) => {
  const { config, to } = call
  const rank = call.rank()
  const axis = axisOf(call, rank)
  const mean = call.weight('moving_mean', 1)
  const [channels] = mean.tensor.shape as [number]
  const parameters = [
    parameter(call, 'gamma', channels, 1),
    parameter(call, 'beta', channels, 0),
    call.value(mean),
    call.value(call.weight('moving_variance', 1)),
  ]
  const normalize = (x: string) =>
    to.emit('BatchNormalization', [x, ...parameters], { epsilon: config.float('epsilon', 1e-3) })
  if (axis === 1) return normalize(call.x)
  return axis === rank - 1 ? to.onChannelsFirst(call.x, rank, normalize) : call.refuse(`axis ${axis}`)
}

const layerNormalization: LayerConverter = (call) => {
  const rank = call.rank()
  if (axisOf(call, rank) !== rank - 1) call.refuse('an axis that is not the last')
  const known = call.optionalWeight('gamma') ?? call.optionalWeight('beta') ?? call.refuse('no weights')
  const [channels = 0] = known.tensor.shape
  const inputs = [call.x, parameter(call, 'gamma', channels, 1), parameter(call, 'beta', channels, 0)]
  return call.to.emit('LayerNormalization', inputs, { axis: -1, epsilon: call.config.float('epsilon', 1e-3) })
}

const embedding: LayerConverter = (call) => {
  if (call.config.flag('mask_zero', false)) call.refuse('a mask')
  const table = call.value(call.weight('embeddings', 2))
  return call.to.emit('Gather', [table, call.to.cast(call.x, 'int64')], { axis: 0 })
}

/** A layer that joins all its inputs, two at a time. */
const merge =
  (op: string): LayerConverter =>
  ({ config, inputs, to }) =>
    inputs.length < 2
      ? fail(`${config} joins ${inputs.length} inputs`)
      : inputs.reduce((a, b) => to.emit(op, [a, b]))

const average: LayerConverter = (call) =>
  call.to.emit('Mul', [merge('Add')(call) as string, call.to.scalar(1 / call.inputs.length)])

const subtract: LayerConverter = ({ config, inputs, to }) =>
  inputs.length === 2 ? to.emit('Sub', inputs) : fail(`${config} subtracts ${inputs.length} inputs`)

const concatenate: LayerConverter = ({ config, inputs, to }) =>
  inputs.length === 1 ? inputs[0]! : to.emit('Concat', inputs, { axis: config.int('axis', -1) })

const flatten: LayerConverter = (call) => {
  if (call.config.isChannelsFirst && call.rank() > 2) call.refuse('channels first')
  return call.to.emit('Flatten', [call.x], { axis: 1 })
}

/** A list of integers of any length. */
function list(call: LayerCall, key: string): number[] {
  const value = call.config.get(key)
  return call.config.ints(key, Array.isArray(value) ? value.length : 1, 0)
}

const reshape: LayerConverter = (call) =>
  // The batch stays, which ONNX writes as 0.
  call.to.emit('Reshape', [call.x, call.to.ints([0, ...list(call, 'target_shape')])])

const permute: LayerConverter = (call) => call.to.transpose(call.x, [0, ...list(call, 'dims')])

const repeatVector: LayerConverter = ({ config, to, x }) => {
  const rows = to.emit('Unsqueeze', [x, to.ints([1])])
  return to.emit('Expand', [rows, to.ints([1, config.int('n', 1), 1])])
}

const rescaling: LayerConverter = ({ config, to, x }) =>
  to.emit('Add', [
    to.emit('Mul', [x, to.scalar(config.float('scale', 1))]),
    to.scalar(config.float('offset', 0)),
  ])

const identity: LayerConverter = (call) => call.inputs

export const BASIC_LAYERS: readonly (readonly [string, LayerConverter])[] = [
  ...[
    'ActivityRegularization',
    'AlphaDropout',
    'Dropout',
    'GaussianDropout',
    'GaussianNoise',
    'SpatialDropout1D',
    'SpatialDropout2D',
  ].map((name) => [name, identity] as const),
  ['Add', merge('Add')],
  ['Average', average],
  ['BatchNormalization', batchNormalization],
  ['Concatenate', concatenate],
  ['Dense', dense],
  ['Embedding', embedding],
  ['Flatten', flatten],
  ['LayerNormalization', layerNormalization],
  ['Maximum', merge('Max')],
  ['Minimum', merge('Min')],
  ['Multiply', merge('Mul')],
  ['Permute', permute],
  ['RepeatVector', repeatVector],
  ['Rescaling', rescaling],
  ['Reshape', reshape],
  ['Subtract', subtract],
]
