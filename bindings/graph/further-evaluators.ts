import { elementCount } from '../formats/tensor.js'
import { broadcastStrides } from './broadcast.js'
import { allocate, arithmetic, elementsOf, spread, strided } from './evaluators.js'
import type { Evaluator } from './operators.js'

function unary(floats: (x: number) => number): Evaluator {
  return (call, output) => {
    if (output.dtype !== 'float32') return undefined
    return { ...allocate(output).tensor, data: (call.input(0).value!.data as Float32Array).map(floats) }
  }
}

/** Evaluators of operators that inference does not run, by name. */
export const FURTHER_EVALUATORS: Readonly<Record<string, Evaluator>> = {
  Range: (call, output) => {
    if (output.dtype !== 'int64') return undefined
    const [start, delta] = [elementsOf(call, 0)[0] as bigint, elementsOf(call, 2)[0] as bigint]
    const { tensor, elements } = allocate(output)
    for (let i = 0; i < elements.length; i++) elements[i] = start + BigInt(i) * delta
    return tensor
  },

  Expand: (call, output) => strided(call, output, broadcastStrides(call.input(0).shape, output.shape)),
  Equal: (call, output) => {
    const [a, b] = [spread(call, 0, output.shape), spread(call, 1, output.shape)]
    const { tensor, elements } = allocate(output)
    for (let i = 0; i < elements.length; i++) elements[i] = a[i] === b[i] ? 1 : 0
    return tensor
  },

  Where: (call, output) => {
    const condition = spread(call, 0, output.shape)
    const [a, b] = [spread(call, 1, output.shape), spread(call, 2, output.shape)]
    const { tensor, elements } = allocate(output)
    for (let i = 0; i < elements.length; i++) elements[i] = condition[i] ? a[i]! : b[i]!
    return tensor
  },

  ReduceProd: (call, output) => {
    if (output.dtype !== 'int64' || elementCount(output.shape) !== 1) return undefined
    const { tensor, elements } = allocate(output)
    elements[0] = (call.input(0).value!.data as BigInt64Array).reduce((a, b) => BigInt.asIntN(64, a * b), 1n)
    return tensor
  },

  Min: arithmetic({ ints: (a, b) => (a < b ? a : b) }),
  Max: arithmetic({ ints: (a, b) => (a > b ? a : b) }),
  Sqrt: unary(Math.sqrt),
  Neg: unary((x) => -x),
}
