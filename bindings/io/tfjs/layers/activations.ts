import type { GraphBuilder } from '../builder.js'
import { clip } from '../elementwise.js'
import type { LayerCall, LayerConverter } from './layer.js'

type Activation = (to: GraphBuilder, x: string) => string

const direct =
  (op: string, attributes = {}): Activation =>
  (to, x) =>
    to.emit(op, [x], attributes)

/** Keras's activations, by their names in lower case without underscores. */
const ACTIVATIONS: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ['elu', direct('Elu')],
  ['exponential', direct('Exp')],
  ['hardsigmoid', direct('HardSigmoid')],
  ['leakyrelu', direct('LeakyRelu', { alpha: 0.2 })],
  ['linear', (_, x) => x],
  ['logsoftmax', direct('LogSoftmax', { axis: -1 })],
  ['mish', (to, x) => to.emit('Mul', [x, to.emit('Tanh', [to.emit('Softplus', [x])])])],
  ['relu', direct('Relu')],
  ['relu6', (to, x) => clip(to, x, 0, 6)],
  ['selu', direct('Selu')],
  ['sigmoid', direct('Sigmoid')],
  ['silu', (to, x) => to.emit('Mul', [x, to.emit('Sigmoid', [x])])],
  ['softmax', direct('Softmax', { axis: -1 })],
  ['softplus', direct('Softplus')],
  ['softsign', direct('Softsign')],
  ['swish', (to, x) => to.emit('Mul', [x, to.emit('Sigmoid', [x])])],
  ['tanh', direct('Tanh')],
])

/** Appends the activation that a layer names. */
export function activate(call: LayerCall, x: string): string {
  const name = call.config.activation('activation')
  const activation = ACTIVATIONS.get(name) ?? call.refuse(`the activation ${name}`)
  return activation(call.to, x)
}

const relu: LayerConverter = (call) => {
  const { config, to, x } = call
  const slope = config.float('negative_slope', 0)
  if (config.float('threshold', 0) !== 0) call.refuse('a threshold')
  const max = config.get('max_value')
  if (max === undefined)
    return to.emit(slope === 0 ? 'Relu' : 'LeakyRelu', [x], slope === 0 ? {} : { alpha: slope })
  const limit = config.float('max_value', 0)
  if (slope === 0) return clip(to, x, 0, limit)
  return to.emit('Min', [to.emit('LeakyRelu', [x], { alpha: slope }), to.scalar(limit)])
}

const leakyRelu: LayerConverter = ({ config, to, x }) =>
  to.emit('LeakyRelu', [x], { alpha: config.float('negative_slope', config.float('alpha', 0.3)) })

/** Alpha has the input's shape without the batch; axes that share one have size 1. */
const preLu: LayerConverter = (call) => {
  const alpha = call.weight('alpha', call.rank() - 1)
  return call.to.emit('PRelu', [call.x, call.value(alpha)])
}

const softmax: LayerConverter = (call) => {
  const axis = call.config.get('axis')
  if (Array.isArray(axis) && axis.length !== 1) call.refuse('several axes')
  return call.to.emit('Softmax', [call.x], {
    axis: Array.isArray(axis) ? call.config.ints('axis', 1, -1)[0]! : call.config.int('axis', -1),
  })
}

export const ACTIVATION_LAYERS: readonly (readonly [string, LayerConverter])[] = [
  ['Activation', (call) => activate(call, call.x)],
  ['ELU', ({ config, to, x }) => to.emit('Elu', [x], { alpha: config.float('alpha', 1) })],
  ['LeakyReLU', leakyRelu],
  ['PReLU', preLu],
  ['ReLU', relu],
  ['Softmax', softmax],
]
