import { elementCount } from '../formats/tensor.js'
import { allocate, elementsOf, unary } from './evaluators.js'
import type { Evaluator } from './operators.js'

const floats =
  (evaluator: Evaluator): Evaluator =>
  (call, outputs) =>
    outputs[0].dtype === 'float32' ? evaluator(call, outputs) : undefined

/** Evaluators of operators that inference does not run, by name. */
export const FURTHER_EVALUATORS: Readonly<Record<string, Evaluator>> = {
  ReduceProd: (call, [output]) => {
    if (output.dtype !== 'int64' || elementCount(output.shape) !== 1) return undefined
    const { tensor, elements } = allocate(output)
    const source = elementsOf(call, 0)
    elements.fill(1n as unknown as number)
    for (let i = 0; i < source.length; i++) elements[0]! *= source[i]!
    return [tensor]
  },

  Sqrt: floats(unary(Math.sqrt)),
}
