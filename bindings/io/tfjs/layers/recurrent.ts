// Keras's recurrent layers, which have the batch first, as ONNX's, which have time first.
import type { Tensor } from '../../../formats/tensor.js'
import { Config, LayerCall, type LayerConverter, type NamedWeight } from './layer.js'
import { fail, objectOf, textOf } from '../fields.js'

interface Cell {
  readonly op: string
  /** For each gate in ONNX's order, its place in Keras's. */
  readonly gates: readonly number[]
  /** ONNX's activations by Keras's settings, in ONNX's order. */
  readonly activations: readonly (readonly [key: string, fallback: string])[]
}

const CELLS: ReadonlyMap<string, Cell> = new Map<string, Cell>([
  [
    'LSTM',
    {
      // Keras: input, forget, cell, output. ONNX: input, output, forget, cell.
      op: 'LSTM',
      gates: [0, 3, 1, 2],
      activations: [
        ['recurrent_activation', 'sigmoid'],
        ['activation', 'tanh'],
        ['activation', 'tanh'],
      ],
    },
  ],
  [
    'GRU',
    {
      op: 'GRU',
      gates: [0, 1, 2],
      activations: [
        ['recurrent_activation', 'sigmoid'],
        ['activation', 'tanh'],
      ],
    },
  ],
  ['SimpleRNN', { op: 'RNN', gates: [0], activations: [['activation', 'tanh']] }],
])

/** Activations that ONNX's recurrent operators know, by Keras's names in lower case without underscores. */
const ONNX_ACTIVATIONS: ReadonlyMap<string, string> = new Map(
  'Elu HardSigmoid Relu Sigmoid Softplus Softsign Tanh'.split(' ').map((name) => [name.toLowerCase(), name]),
)

/** A matrix [inputs, gates * units] of Keras as ONNX's [1, gates * units, inputs]. */
function turnedMatrix(
  { tensor: { shape, data } }: NamedWeight,
  units: number,
  gates: readonly number[],
): Tensor {
  const [inputs, columns] = shape as [number, number]
  const turned = new Float32Array(data.length)
  const from = data as Float32Array
  let at = 0
  for (const gate of gates) {
    for (let unit = 0; unit < units; unit++) {
      for (let input = 0; input < inputs; input++) turned[at++] = from[input * columns + gate * units + unit]!
    }
  }
  return { kind: 'dense', dtype: 'float32', shape: [1, columns, inputs], data: turned }
}

/** Biases of the input and of the state [1, 2 * gates * units]; Keras has the second only for one kind of GRU. */
function turnedBias({ tensor: { data } }: NamedWeight, units: number, gates: readonly number[]): Tensor {
  const size = gates.length * units
  const turned = new Float32Array(2 * size)
  for (let part = 0; part * size < data.length; part++) {
    gates.forEach((gate, i) => {
      const from = part * size + gate * units
      turned.set((data as Float32Array).subarray(from, from + units), part * size + i * units)
    })
  }
  return { kind: 'dense', dtype: 'float32', shape: [1, 2 * size], data: turned }
}

/** The outputs of a recurrent layer in Keras's forms: all states [batch, time, units], and the last ones [batch, units]. */
interface Outputs {
  readonly sequence: string
  readonly last: readonly string[]
}

function runCell(call: LayerCall, cell: Cell, backwards: boolean): Outputs {
  const { config, to } = call
  const { op, gates } = cell
  if (config.flag('stateful', false)) call.refuse('a state that it keeps')
  if (call.inputs.length !== 1) call.refuse('a first state')
  const units = config.int('units', 0)
  const [kernel, recurrent] = [call.weight('kernel', 2), call.weight('recurrent_kernel', 2)]
  const columns = units * gates.length
  const fits = kernel.tensor.shape[1] === columns && recurrent.tensor.shape.join() === [units, columns].join()
  if (!fits) fail(`${config}: weights do not fit ${units} units`)
  const inputs = [
    to.transpose(call.x, [1, 0, 2]),
    to.derived(`${kernel.path}/onnx`, () => turnedMatrix(kernel, units, gates)),
    to.derived(`${recurrent.path}/onnx`, () => turnedMatrix(recurrent, units, gates)),
  ]
  const resetAfter = op === 'GRU' && config.flag('reset_after', false)
  if (config.flag('use_bias', true)) {
    const bias = call.weight('bias', resetAfter ? 2 : 1)
    if (bias.tensor.data.length !== columns * (resetAfter ? 2 : 1))
      fail(`${config}: bias does not fit ${units} units`)
    inputs.push(to.derived(`${bias.path}/onnx`, () => turnedBias(bias, units, gates)))
  }
  const activations = cell.activations.map(([key, fallback]) => {
    const name = config.activation(key, fallback)
    return ONNX_ACTIVATIONS.get(name) ?? call.refuse(`the activation ${name}`)
  })
  const attributes = {
    hidden_size: units,
    direction: backwards ? 'reverse' : 'forward',
    activations,
    ...(op === 'GRU' ? { linear_before_reset: resetAfter ? 1 : 0 } : {}),
  }
  const [y, ...states] = to.emitMany(op, inputs, op === 'LSTM' ? 3 : 2, attributes) as [string, ...string[]]
  const squeeze = (x: string, axis: number) => to.emit('Squeeze', [x, to.ints([axis])])
  return { sequence: to.transpose(squeeze(y, 1), [1, 0, 2]), last: states.map((state) => squeeze(state, 0)) }
}

/** The values along the time axis in the other order. */
function reversed({ to }: LayerCall, x: string): string {
  const lists = [[-1], [-(2 ** 31)], [1], [-1]].map((list) => to.ints(list))
  return to.emit('Slice', [x, ...lists])
}

const recurrent =
  (cell: Cell): LayerConverter =>
  (call) => {
    const backwards = call.config.flag('go_backwards', false)
    const { sequence, last } = runCell(call, cell, backwards)
    if (!call.config.flag('return_sequences', false)) return [last[0]!, ...last]
    // Keras gives the states in the order in which it computed them.
    return [backwards ? reversed(call, sequence) : sequence, ...last]
  }

const MERGE_OPS: ReadonlyMap<string, string> = new Map([
  ['sum', 'Add'],
  ['mul', 'Mul'],
  ['ave', 'Add'],
])

/** The same layer over the sequence in both directions. */
const bidirectional: LayerConverter = (call) => {
  const { config, to } = call
  const inner = objectOf(`${config}: "layer"`, config.get('layer'))
  const kind = textOf(`${config}: the class of its layer`, inner.get('class_name'))
  const cell = CELLS.get(kind) ?? call.refuse(`${kind} in it`)
  const settings = new Config(objectOf(`${config}: "config"`, inner.get('config')), String(config))
  const sequences = settings.flag('return_sequences', false)
  const directions = (['forward', 'backward'] as const).map((direction) => {
    const { sequence, last } = runCell(call.within(kind, settings, direction), cell, direction === 'backward')
    return sequences ? sequence : last[0]!
  })
  const mode = config.get('merge_mode') === undefined ? 'concat' : config.text('merge_mode', 'concat')
  if (mode === 'concat') return to.emit('Concat', directions, { axis: -1 })
  const joined = to.emit(MERGE_OPS.get(mode) ?? call.refuse(`merge mode ${mode}`), directions)
  return mode === 'ave' ? to.emit('Mul', [joined, to.scalar(0.5)]) : joined
}

export const RECURRENT_LAYERS: readonly (readonly [string, LayerConverter])[] = [
  ...Array.from(CELLS, ([name, cell]) => [name, recurrent(cell)] as const),
  ['Bidirectional', bidirectional],
]
