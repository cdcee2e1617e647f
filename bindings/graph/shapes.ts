import { inferTypes, type ValueTypes } from './inference.js'
import { OPERATORS } from './known.js'
import type { Model } from './model.js'

export type { ValueType } from './call.js'
export type { ValueTypes } from './inference.js'

/** `inferTypes` for a model of any operators that the graph understands, whether they can be run or not. */
export function inferShapes(
  model: Model,
  inputShapes: Readonly<Record<string, readonly number[]>>,
): ValueTypes {
  return inferTypes(OPERATORS, model, inputShapes)
}
