import { checkTypedArray } from '../validate.js'
import { sortFloats } from './sort.js'

/** Training values in ascending order, with what a range of them needs. */
export interface Samples {
  readonly values: Float32Array
  /** Positive; undefined where all weigh 1. */
  readonly weights: Float32Array | undefined
  /** Sums of weight, and of weight * value, over the first i values, n + 1 of them. */
  readonly weightSums: Float64Array | undefined
  readonly valueSums: Float64Array
}

/**
 * Checks and sorts the values that are trained on. A value of weight 0 has no say, so it is left out: every range of the
 * others has a mean.
 */
export function prepareSamples(
  data: Float32Array,
  weights: Float32Array | undefined,
  skipZeros: boolean,
): Samples {
  for (let i = 0; i < data.length; i++) {
    if (data[i]! - data[i]! !== 0)
      throw new RangeError(`"data" expected finite values, got ${data[i]} at index ${i}`)
  }
  if (weights !== undefined) {
    checkTypedArray('weights', weights, 'Float32Array', data.length)
    const bad = weights.findIndex((weight) => !(weight >= 0 && weight < Infinity))
    if (bad >= 0) throw new RangeError(`"weights" expected 0 or more, got ${weights[bad]} at index ${bad}`)
  }
  const isUsed = (_: number, i: number): boolean => !(skipZeros && data[i] === 0) && weights?.[i] !== 0
  const all = !skipZeros && weights === undefined
  const sorted = sortFloats(all ? data : data.filter(isUsed), weights?.filter(isUsed))
  const { values, weights: sortedWeights } = sorted
  const weightSums = sortedWeights && sumsOf(sortedWeights)
  return { ...sorted, valueSums: sumsOf(values, sortedWeights), weightSums }
}

function sumsOf(values: Float32Array, weights?: Float32Array): Float64Array {
  const sums = new Float64Array(values.length + 1)
  let sum = 0
  for (let i = 0; i < values.length; i++) {
    sum += weights === undefined ? values[i]! : weights[i]! * values[i]!
    sums[i + 1] = sum
  }
  return sums
}
