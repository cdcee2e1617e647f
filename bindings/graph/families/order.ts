// Operators that sort, accumulate and reverse along an axis.
import { elementCount, type Tensor } from '../../formats/tensor.js'
import { attribute, intAttribute } from '../attributes.js'
import { stridesOf } from '../broadcast.js'
import { show, type Call } from '../call.js'
import { allocate, copyStrided, elementFrom, elementsOf, type Elements } from '../evaluators.js'
import { operator, operatorTable, type Evaluator, type Rule } from '../operators.js'
import { same } from '../rules.js'
import { alongAxis } from './search.js'

/** Ascending, with NaN after all numbers. */
const ascending = (a: number, b: number): number =>
  a < b ? -1 : a > b ? 1 : Number(a !== a) - Number(b !== b)

const topK: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const axis = call.axis(intAttribute(call.node, 'axis', -1), shape.length)
  const [k = -1, ...rest] = call.ints(1)
  if (k < 0 || k > shape[axis]! || rest.length > 0) call.fail(`K ${k} does not fit ${show(shape)}`)
  const top = shape.with(axis, k)
  return [
    { dtype, shape: top },
    { dtype: 'int64', shape: top },
  ]
}

/** Of equal elements those at lower indices come first. */
const top: Evaluator = (call, [output, places]) => {
  const source = elementsOf(call, 0)
  const axis = intAttribute(call.node, 'axis', -1)
  const { size, outer, inner } = alongAxis(call, axis)
  const sign = intAttribute(call.node, 'largest', 1) === 0 ? 1 : -1
  const k = output.shape.at(axis)!
  const [values, indices] = [allocate(output), allocate(places!)]
  const order = new Uint32Array(size)
  for (let lane = 0; lane < outer * inner; lane++) {
    const start = Math.floor(lane / inner) * inner * size + (lane % inner)
    for (let i = 0; i < size; i++) order[i] = i
    order.sort((a, b) => sign * ascending(source[start + a * inner]!, source[start + b * inner]!) || a - b)
    const first = Math.floor(lane / inner) * inner * k + (lane % inner)
    for (let i = 0; i < k; i++) {
      values.elements[first + i * inner] = source[start + order[i]! * inner]!
      indices.elements[first + i * inner] = elementFrom('int64', order[i]!)
    }
  }
  return [values.tensor, indices.tensor]
}

const cumulative: Evaluator = (call, [output]) => {
  const { size, outer, inner } = alongAxis(call, Number(elementsOf(call, 1)[0]))
  const exclusive = intAttribute(call.node, 'exclusive', 0) !== 0
  const reverse = intAttribute(call.node, 'reverse', 0) !== 0
  const source = elementsOf(call, 0)
  const round = output.dtype === 'float32' ? Math.fround : (x: number) => x
  const { tensor, elements } = allocate(output)
  for (let lane = 0; lane < outer * inner; lane++) {
    const start = Math.floor(lane / inner) * inner * size + (lane % inner)
    let at = reverse ? start + (size - 1) * inner : start
    const step = reverse ? -inner : inner
    let sum = elementFrom(output.dtype, 0)
    for (let i = 0; i < size; i++, at += step) {
      const next = round(sum + source[at]!)
      elements[at] = exclusive ? sum : next
      sum = next
    }
  }
  return [tensor]
}

const reverseSequence: Rule = (call) => {
  const { shape } = call.input(0)
  const batch = intAttribute(call.node, 'batch_axis', 1)
  const time = intAttribute(call.node, 'time_axis', 0)
  if (shape.length < 2 || batch + time !== 1 || batch * time !== 0) {
    call.fail(`batch axis ${batch} and time axis ${time} of ${show(shape)}`)
  }
  call.expectShape('sequence_lens', call.input(1), [shape[batch]!])
  return same(call)
}

const reversed: Evaluator = (call, [output]) => {
  const { shape } = call.input(0)
  const strides = stridesOf(shape)
  const batch = intAttribute(call.node, 'batch_axis', 1)
  const time = 1 - batch
  const length = elementCount(shape.slice(2))
  const source = elementsOf(call, 0)
  const lengths = elementsOf(call, 1)
  const { tensor, elements } = allocate(output)
  for (let b = 0; b < shape[batch]!; b++) {
    const turned = Math.min(Number(lengths[b]), shape[time]!)
    for (let t = 0; t < shape[time]!; t++) {
      const from = b * strides[batch]! + (t < turned ? turned - 1 - t : t) * strides[time]!
      elements.set(source.subarray(from, from + length), b * strides[batch]! + t * strides[time]!)
    }
  }
  return [tensor]
}

/** The slices of input 0 along an axis that are not like an earlier one. */
interface Distinct {
  readonly axis: number
  /** Input 0 with that axis first, and the length of a slice. */
  readonly slices: Elements
  readonly length: number
  /** Index of the first slice of each kind, in the order of the output. */
  readonly first: readonly number[]
  /** The kind of each slice, and how many slices a kind has. */
  readonly kinds: readonly number[]
  readonly counts: readonly number[]
}

/** Flat input counts as one axis. */
function flatShape(call: Call): { shape: readonly number[]; axis: number } {
  const { shape } = call.input(0)
  if (attribute(call.node, 'axis') === undefined) return { shape: [elementCount(shape)], axis: 0 }
  return { shape, axis: call.axis(intAttribute(call.node, 'axis'), shape.length) }
}

function distinct(call: Call): Distinct {
  const data = call.known(0) as unknown as Elements
  const { shape, axis } = flatShape(call)
  const count = shape[axis]!
  const order = [axis, ...[...shape.keys()].filter((other) => other !== axis)]
  const strides = stridesOf(shape)
  const slices = data.slice()
  copyStrided(data, 0, order.map((at) => strides[at]!), order.map((at) => shape[at]!), slices) // prettier-ignore
  const length = count === 0 ? 0 : slices.length / count
  const compare = (a: number, b: number) => {
    for (let i = 0; i < length; i++) {
      const found = ascending(slices[a * length + i]!, slices[b * length + i]!)
      if (found !== 0) return found
    }
    return 0
  }
  const sorted = Array.from({ length: count }, (_, i) => i).sort((a, b) => compare(a, b) || a - b)
  let groups: number[][] = []
  for (const index of sorted) {
    const group = groups.at(-1)
    if (group !== undefined && compare(group[0]!, index) === 0) group.push(index)
    else groups.push([index])
  }
  if (intAttribute(call.node, 'sorted', 1) === 0) groups = groups.sort((a, b) => a[0]! - b[0]!)
  const kinds = new Array<number>(count)
  groups.forEach((group, kind) => group.forEach((index) => (kinds[index] = kind)))
  const first = groups.map((group) => group[0]!)
  return { axis, slices, length, first, kinds, counts: groups.map((group) => group.length) }
}

const unique: Rule = (call) => {
  const { first, kinds, axis } = distinct(call)
  const { shape } = flatShape(call)
  const list = (size: number) => ({ dtype: 'int64', shape: [size] }) as const
  return [
    { dtype: call.input(0).dtype, shape: shape.with(axis, first.length) },
    list(first.length),
    list(kinds.length),
    list(first.length),
  ]
}

const uniques: Evaluator = (call, outputs) => {
  const { axis, slices, length, first, kinds, counts } = distinct(call)
  const { tensor, elements } = allocate(outputs[0])
  // Slices of the output lie along the axis again.
  const { shape } = outputs[0]
  const inner = elementCount(shape.slice(axis + 1))
  first.forEach((index, kind) => {
    for (let i = 0; i < length; i++) {
      const to = (Math.floor(i / inner) * first.length + kind) * inner + (i % inner)
      elements[to] = slices[index * length + i]!
    }
  })
  const lists = [first, kinds, counts].map((list, i): Tensor => {
    const made = allocate(outputs[i + 1]!)
    list.forEach((value, at) => (made.elements[at] = elementFrom('int64', value)))
    return made.tensor
  })
  return [tensor, ...lists]
}

export const ORDER = operatorTable(
  [
    ['CumSum', operator(2, 2, same)],
    ['ReverseSequence', operator(2, 2, reverseSequence)],
    ['TopK', operator(2, 2, topK, 2)],
    ['Unique', operator(1, 1, unique, 4)],
  ],
  { CumSum: cumulative, ReverseSequence: reversed, TopK: top, Unique: uniques },
)
