import { intAttribute } from '../../graph/attributes.js'
import type { GraphNode } from '../../graph/model.js'
import { fillSlot } from '../../ops/slot.js'
import { planTranspose, x32Transpose, x8CopyRows } from '../../ops/transpose.js'
import { shifted, type Operand, type Planner } from '../plan.js'
import type { Product } from './matrix.js'
import type { Cell } from './recurrent-cells.js'

/** Gates of so many bytes are made from the input before the steps that use them: what a second-level cache holds. */
const CHUNK_BYTES = 256 * 1024

/** Where a node reads and writes. */
export interface Places {
  /** [steps, batch, input] */
  readonly x: Operand
  readonly y: Operand | undefined
  /** h and c of all directions, before and after. */
  readonly initial: readonly (Operand | undefined)[]
  readonly final: readonly (Operand | undefined)[]
  readonly directions: number
  /**
   * ONNX's layout 1: `y` is [batch, steps, directions, hidden], states are [batch, directions, hidden]. Otherwise
   * [steps, directions, batch, hidden] and [directions, batch, hidden].
   */
  readonly batchFirst: boolean
}

/** Brings the input of a node into order, and makes places for its outputs. */
export function placesOf(planner: Planner, node: GraphNode): Places {
  const { inputs, outputs } = node
  const given = planner.float(inputs[0]!, 'first')
  const batchFirst = intAttribute(node, 'layout', 0) === 1
  let x = given
  if (batchFirst) {
    const order = planTranspose(given.shape, [1, 0, 2])
    const turned = (x = planner.temporary(order.shape))
    planner.step('x32_transpose', [given], [turned], () => x32Transpose(order, given, turned))
  }
  const read = (name = '') => (name === '' ? undefined : planner.float(name, 'first'))
  const create = (name = '') => (name === '' ? undefined : planner.create(name))
  return {
    x,
    y: create(outputs[0]),
    initial: [read(inputs[5]), read(inputs[6])],
    final: [create(outputs[1]), create(outputs[2])],
    directions: planner.shape(inputs[1]!)[0]!,
    batchFirst,
  }
}

/** One direction of a node. */
export interface Direction {
  readonly index: number
  readonly reverse: boolean
  readonly hidden: number
  /** Gates of a sequence and step, in elements. */
  readonly columns: number
  readonly product: Product
  readonly cell: Cell
}

/** Ranges of sequences. */
type Spans = readonly (readonly [first: number, rows: number])[]

/** The sequences that go on at a step: neighbours together. */
function activeAt(step: number, lengths: readonly number[]): Spans {
  const spans: [number, number][] = []
  lengths.forEach((length, row) => {
    if (length <= step) return
    const last = spans.at(-1)
    if (last !== undefined && last[0] + last[1] === row) last[1]++
    else spans.push([row, 1])
  })
  return spans
}

/** @param lengths steps of each sequence, where they differ; the state then stays, and the output is 0 */
export function planDirection(
  planner: Planner,
  { index, reverse, hidden, columns, product, cell }: Direction,
  { x, y, initial, final, directions, batchFirst }: Places,
  lengths: readonly number[] | undefined,
): void {
  const [steps, batch, input] = x.shape as [number, number, number]
  if (batch === 0) return
  if (lengths?.some((length) => length < 0 || length > steps)) {
    throw new RangeError(`sequence_lens expected numbers in 0..${steps}, got [${lengths.join(', ')}]`)
  }
  const rowBytes = hidden * 4
  const states = Array.from({ length: cell.states }, () => planner.temporary([batch, hidden]))
  const work = cell.work.map((size) => planner.temporary([batch, size]))
  const stateStart = index * (batchFirst ? 1 : batch) * rowBytes
  const stateStride = (batchFirst ? directions : 1) * rowBytes
  states.forEach((to, i) => {
    const from = initial[i]
    if (from === undefined) planner.step('fill', [], [to], () => fillSlot(to, batch * hidden, 0))
    else {
      const start = shifted(from, stateStart)
      const copy = () => x8CopyRows(start, stateStride, to, rowBytes, batch, rowBytes)
      planner.step('x8_copy_rows', [from], [to], copy)
    }
  })
  if (y !== undefined && lengths !== undefined && index === 0) {
    planner.step('fill', [], [y], () => fillSlot(y, y.elements, 0))
  }

  const [rowStride, stepStride] = batchFirst
    ? [steps * directions * rowBytes, directions * rowBytes]
    : [rowBytes, directions * batch * rowBytes]
  const chunk = Math.min(Math.max(Math.floor(CHUNK_BYTES / (batch * columns * 4)), 1), steps)
  const gates = planner.temporary([chunk, batch, columns])
  const state = { states, work }
  const changed = [...states, ...work, ...(y === undefined ? [] : [y])]
  const all: Spans = [[0, batch]]
  for (let begun = 0; begun < steps; begun += chunk) {
    const count = Math.min(chunk, steps - begun)
    const start = reverse ? steps - begun - count : begun
    const part = shifted(x, start * batch * input * 4)
    planner.step(product.kernel, [x], [gates], () => product.run(part, gates, count * batch))
    planner.step(cell.kernel, [gates, ...changed], changed, () => {
      for (let i = 0; i < count; i++) {
        const step = reverse ? count - 1 - i : i
        for (const [first, rows] of lengths === undefined ? all : activeAt(start + step, lengths)) {
          cell.step(shifted(gates, (step * batch + first) * columns * 4), state, first, rows)
          if (y === undefined) continue
          const to = stateStart + (start + step) * stepStride + first * rowStride
          x8CopyRows(
            shifted(states[0]!, first * rowBytes),
            rowBytes,
            shifted(y, to),
            rowStride,
            rows,
            rowBytes,
          )
        }
      }
    })
  }
  states.forEach((from, i) => {
    const to = final[i]
    if (to === undefined) return
    const start = shifted(to, stateStart)
    planner.step('x8_copy_rows', [from], [to], () =>
      x8CopyRows(from, rowBytes, start, stateStride, batch, rowBytes),
    )
  })
}
