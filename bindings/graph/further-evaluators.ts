import { unary } from './evaluators.js'
import type { Evaluator } from './operators.js'

const floats =
  (operation: (x: number) => number): Evaluator =>
  (call, outputs) =>
    outputs[0].dtype === 'float32' ? unary(operation)(call, outputs) : undefined

/** Evaluators for folding alone, by name of operators that inference has a kernel for. */
export const FURTHER_EVALUATORS: Readonly<Record<string, Evaluator>> = {
  Ceil: floats(Math.ceil),
  Floor: floats(Math.floor),
  Reciprocal: floats((x) => 1 / x),
  Sqrt: floats(Math.sqrt),
}
