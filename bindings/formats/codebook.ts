import { checkTypedArray, describe } from '../validate.js'

/**
 * Centroids of one-dimensional weight sharing: finite, strictly ascending, at most 256, so that an index is one byte. A
 * value belongs to the nearest centroid, the lower one when two are equally near. Pruned weights stay exactly 0 when 0
 * is among the centroids, at whatever index that is; a weight that is not 0 goes there only if it is nearest.
 */
export interface Codebook {
  readonly centroids: Float32Array
}

/** A tensor whose elements are `codebook.centroids[indices[i]]`, in row-major order. */
export interface CodebookTensor {
  readonly kind: 'codebook'
  readonly shape: readonly number[]
  readonly indices: Uint8Array
  readonly codebook: Codebook
}

/** An index is one byte. */
export const MAX_CENTROIDS = 256

/** @throws TypeError, RangeError unless `codebook` holds 1 to 256 finite, strictly ascending centroids */
export function checkCodebook(name: string, codebook: unknown): asserts codebook is Codebook {
  if (typeof codebook !== 'object' || codebook === null) {
    throw new TypeError(`"${name}" expected a Codebook, got ${describe(codebook)}`)
  }
  const { centroids } = codebook as Codebook
  checkTypedArray(`${name}.centroids`, centroids, 'Float32Array')
  if (centroids.length < 1 || centroids.length > MAX_CENTROIDS) {
    throw new RangeError(
      `"${name}.centroids" expected 1 to ${MAX_CENTROIDS} centroids, got ${centroids.length}`,
    )
  }
  for (let i = 0; i < centroids.length; i++) {
    const c = centroids[i]!
    if (!Number.isFinite(c) || (i > 0 && c <= centroids[i - 1]!)) {
      throw new RangeError(`"${name}.centroids" expected finite ascending values, got ${c} at index ${i}`)
    }
  }
}

/** The index of the centroid 0; -1 without one. */
export function zeroIndex({ centroids }: Codebook): number {
  return centroids.indexOf(0)
}

/** @throws TypeError, RangeError unless every index has a centroid */
export function checkIndices(
  name: string,
  indices: unknown,
  { centroids }: Codebook,
): asserts indices is Uint8Array {
  checkTypedArray(name, indices, 'Uint8Array')
  const k = centroids.length
  if (k === MAX_CENTROIDS) return
  for (let i = 0; i < indices.length; i++) {
    if (indices[i]! >= k)
      throw new RangeError(`"${name}" expected indices below ${k}, got ${indices[i]} at ${i}`)
  }
}

const word = new Uint32Array(1)
const float = new Float32Array(word.buffer)

/** The next float below a finite one other than the least. */
function floatBelow(x: number): number {
  float[0] = x
  if (x === 0) word[0] = 0x80000001
  else word[0]! += x > 0 ? -1 : 1
  return float[0]
}

/**
 * The greatest f32 value that belongs to the lower of two centroids: that at or below the midpoint, in exact
 * arithmetic. The sum of two floats need not fit an f64; the error of the sum (Knuth, TwoSum) tells on which side of
 * the rounded midpoint the true one lies.
 */
export function boundaryBetween(low: number, high: number): number {
  const sum = low + high
  const highPart = sum - low
  const error = low - (sum - highPart) + (high - highPart)
  const middle = Math.fround(sum / 2)
  return middle > sum / 2 || (middle === sum / 2 && error < 0) ? floatBelow(middle) : middle
}
