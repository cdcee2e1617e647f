// Operators that look for elements along an axis.
import { intAttribute } from '../attributes.js'
import { elementCount } from '../../formats/tensor.js'
import { stridesOf } from '../broadcast.js'
import type { Call } from '../call.js'
import { allocate, elementFrom, elementsOf } from '../evaluators.js'
import { operator, operatorTable, type Evaluator, type Rule } from '../operators.js'

const argReduce: Rule = (call) => {
  const { shape } = call.input(0)
  const axis = call.axis(intAttribute(call.node, 'axis', 0), shape.length)
  const keep = intAttribute(call.node, 'keepdims', 1) !== 0
  if (shape[axis] === 0) call.fail('the axis is empty')
  return [{ dtype: 'int64', shape: keep ? shape.with(axis, 1) : shape.toSpliced(axis, 1) }]
}

/** An axis of a tensor, as strides of loops. */
export function alongAxis(call: Call, axis: number, rank = call.input(0).shape.length) {
  const { shape } = call.input(0)
  const at = call.axis(axis, rank)
  return {
    size: shape[at] ?? 1,
    outer: elementCount(shape.slice(0, at)),
    inner: elementCount(shape.slice(at + 1)),
  }
}

/** @param better whether an element beats the best before it; NaN beats all */
const arg =
  (better: (x: number, best: number) => boolean): Evaluator =>
  (call, [output]) => {
    const source = elementsOf(call, 0)
    const { size, outer, inner } = alongAxis(call, intAttribute(call.node, 'axis', 0))
    const last = intAttribute(call.node, 'select_last_index', 0) !== 0
    const { tensor, elements } = allocate(output)
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const start = o * size * inner + i
        let found = 0
        for (let k = 1; k < size; k++) {
          const [x, best] = [source[start + k * inner]!, source[start + found * inner]!]
          if (better(x, best) || (x !== x && (last || best === best)) || (last && x === best)) found = k
        }
        elements[o * inner + i] = elementFrom('int64', found)
      }
    }
    return [tensor]
  }

/** Positions of the elements that are not 0. */
function nonZeros(call: Call): number[] {
  const data = call.known(0)
  const found: number[] = []
  for (let i = 0; i < data.length; i++) if (data[i]) found.push(i)
  return found
}

const nonZero: Rule = (call) => [
  { dtype: 'int64', shape: [Math.max(1, call.input(0).shape.length), nonZeros(call).length] },
]

/** A row for each axis. */
const coordinates: Evaluator = (call, [output]) => {
  const { shape } = call.input(0)
  const { tensor, elements } = allocate(output)
  const found = nonZeros(call)
  const strides = stridesOf(shape)
  strides.forEach((stride, axis) => {
    found.forEach((i, column) => {
      elements[axis * found.length + column] = elementFrom('int64', Math.floor(i / stride) % shape[axis]!)
    })
  })
  return [tensor]
}

export const SEARCH = operatorTable(
  [
    ['ArgMax', operator(1, 1, argReduce)],
    ['ArgMin', operator(1, 1, argReduce)],
    ['NonZero', operator(1, 1, nonZero)],
  ],
  {
    ArgMax: arg((x, best) => x > best),
    ArgMin: arg((x, best) => x < best),
    NonZero: coordinates,
  },
)
