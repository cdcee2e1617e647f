import { intAttribute } from '../../graph/attributes.js'
import type { GraphNode } from '../../graph/model.js'
import { planBroadcast } from '../../ops/broadcast.js'
import { f32Add, f32Clamp, f32Unary } from '../../ops/elementwise.js'
import { f32GruCell, f32GruGates, f32LstmCell, type LstmOptions } from '../../ops/recurrent.js'
import type { Slot } from '../../ops/slot.js'
import { shifted, type Operand } from '../plan.js'
import type { Product } from './matrix.js'

/** One direction of a node: its options and the parts of its weights. */
export interface Direction {
  readonly node: GraphNode
  readonly options: LstmOptions
  readonly peepholes: Operand | undefined
  /** Function of the candidate, in lower case. */
  readonly activation: string
  /** Packs rows of R with their bias. */
  recurrent(first: number, rows: number): Product
}

/** What the steps of a direction change, for every sequence of the batch. */
export interface State {
  /** h, and c of an LSTM. */
  readonly states: readonly Operand[]
  readonly work: readonly Operand[]
}

export interface Cell {
  readonly kernel: string
  /** How many states a sequence has. */
  readonly states: 1 | 2
  /** Elements of each work space that a sequence needs. */
  readonly work: readonly number[]
  /** One step of `rows` sequences, the first of which is number `first`; `x` is the part of their gates that comes from the input. */
  step(x: Slot, state: State, first: number, rows: number): void
}

export type CellFactory = (direction: Direction) => Cell

const slotAt = (operand: Operand, row: number, columns: number) => shifted(operand, row * columns * 4)

export const lstmCell: CellFactory = ({ options, peepholes, recurrent }) => {
  const { hidden } = options
  const product = recurrent(0, 4 * hidden)
  return {
    kernel: 'f32_lstm_cell',
    states: 2,
    work: [4 * hidden],
    step(x, { states: [h, c], work: [r] }, first, rows) {
      const [from, gates] = [slotAt(h!, first, hidden), slotAt(r!, first, 4 * hidden)]
      product.run(from, gates, rows)
      f32LstmCell(x, gates, peepholes, slotAt(c!, first, hidden), from, rows, options)
    },
  }
}

/** The reset gate takes effect behind the product with R, as PyTorch has it. */
const gruCellLinear: CellFactory = ({ options, recurrent }) => {
  const { hidden } = options
  const product = recurrent(0, 3 * hidden)
  return {
    kernel: 'f32_gru_cell',
    states: 1,
    work: [3 * hidden],
    step(x, { states: [h], work: [r] }, first, rows) {
      const stride = 3 * hidden
      const [from, slot] = [slotAt(h!, first, hidden), slotAt(r!, first, stride)]
      product.run(from, slot, rows)
      const candidate = { slot: shifted(slot, 2 * hidden * 4), stride }
      f32GruGates(x, { slot, stride }, candidate, candidate, rows, options)
      f32GruCell(x, candidate, from, rows, options)
    },
  }
}

export const gruCell: CellFactory = (direction) => {
  const { node, options, recurrent } = direction
  if (intAttribute(node, 'linear_before_reset', 0) !== 0) return gruCellLinear(direction)
  const { hidden: stride } = options
  const gates = recurrent(0, 2 * stride)
  const candidate = recurrent(2 * stride, stride)
  return {
    kernel: 'f32_gru_cell',
    states: 1,
    work: [2 * stride, stride, stride],
    step(x, { states: [h], work }, first, rows) {
      const from = slotAt(h!, first, stride)
      const slot = slotAt(work[0]!, first, 2 * stride)
      const [kept, s] = [slotAt(work[1]!, first, stride), slotAt(work[2]!, first, stride)]
      gates.run(from, slot, rows)
      f32GruGates(
        x,
        { slot, stride: 2 * stride },
        { slot: from, stride },
        { slot: kept, stride },
        rows,
        options,
      )
      candidate.run(kept, s, rows)
      f32GruCell(x, { slot: s, stride }, from, rows, options)
    },
  }
}

export const rnnCell: CellFactory = ({ options, activation, recurrent }) => {
  const { hidden, clip } = options
  const product = recurrent(0, hidden)
  return {
    kernel: `f32_${activation === 'relu' ? 'clamp' : activation}`,
    states: 1,
    work: [hidden],
    step(x, { states: [h], work: [r] }, first, rows) {
      const [state, gates] = [slotAt(h!, first, hidden), slotAt(r!, first, hidden)]
      const elements = rows * hidden
      product.run(state, gates, rows)
      f32Add(planBroadcast([elements], [elements]), x, gates, state)
      if (clip < Infinity) f32Clamp(state, state, elements, -clip, clip)
      if (activation === 'relu') f32Clamp(state, state, elements, 0, Infinity)
      else f32Unary(activation === 'tanh' ? 'Tanh' : 'Sigmoid', state, state, elements)
    },
  }
}
