import { FormatError, UnsupportedOpError } from '../errors.js'
import type { ElementType } from '../formats/tensor.js'
import type { Model } from './model.js'
import type { ValueType } from './call.js'
import { NodeInference, weightType } from './inference.js'
import { OPERATORS } from './known.js'

/** What is known of a value whatever the sizes of the inputs. */
export interface RankedType {
  readonly dtype: ElementType
  readonly rank: number
  /** Sizes, of which some are made up: good for finding out what does not fit. */
  readonly shape: readonly number[]
}

/** A size that symbolic dimensions are given: no ordinary kernel is larger. */
const STAND_IN = 64

/**
 * Element types and ranks, found by inferring shapes with a made-up size for every unknown dimension. Values for which
 * that leads nowhere are left out, so the result is good for optional rewriting only.
 */
export function inferRanks(model: Model): Map<string, RankedType> {
  const types = new Map<string, ValueType>()
  for (const { name, dtype, shape } of model.inputs) {
    if (shape === undefined) continue
    types.set(name, { dtype, shape: shape.map((size) => (typeof size === 'number' ? size : STAND_IN)) })
  }
  for (const [name, weight] of model.weights) types.set(name, weightType(weight))
  const inference = new NodeInference(OPERATORS, types)
  for (const node of model.nodes) {
    try {
      inference.infer(node)
    } catch (error) {
      const isExpected = [RangeError, FormatError, UnsupportedOpError].some((kind) => error instanceof kind)
      if (!isExpected) throw error
    }
  }
  return new Map([...types].map(([name, { dtype, shape }]) => [name, { dtype, rank: shape.length, shape }]))
}
