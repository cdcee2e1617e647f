import { boundaryBetween, checkCodebook, checkIndices, type Codebook } from '../formats/codebook.js'
import { floatsOf, type Tensor } from '../formats/tensor.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Runtime } from '../runtime/runtime.js'
import { Status } from '../runtime/status.js'
import { checkOptions, checkTypedArray } from '../validate.js'

export interface AssignOptions {
  /** Receives the indices; as long as the data. */
  out?: Uint8Array
  runtime?: Runtime
}

export interface ExpandOptions {
  /** Receives the values; as long as the indices. */
  out?: Float32Array
  runtime?: Runtime
}

/**
 * The index of the nearest centroid for each value, exactly; of two equally near ones, the lower.
 *
 * @throws TypeError, RangeError; RangeError if `data` holds NaN or an infinity
 */
export function assignCodebook(
  data: Float32Array | Tensor<'float32'>,
  codebook: Codebook,
  options: AssignOptions = {},
): Uint8Array {
  checkOptions('options', options, ['out', 'runtime'])
  const x = floatsOf('data', data)
  checkCodebook('codebook', codebook)
  const out = options.out ?? new Uint8Array(x.length)
  checkTypedArray('out', out, 'Uint8Array', x.length)
  const { kernels, memory, scratch } = options.runtime ?? defaultRuntime()
  const { centroids } = codebook
  const count = centroids.length - 1
  const mark = scratch.mark()
  try {
    const xPointer = scratch.take(4 * x.length)
    const boundaries = scratch.take(4 * count)
    const outPointer = scratch.take(Math.max(x.length, 8))
    const { f32, u8 } = memory
    f32.set(x, xPointer >>> 2)
    if (kernels.f32_range(xPointer, outPointer, outPointer + 4, 1, 1, x.length) === Status.nonFinite) {
      const index = x.findIndex((value) => !Number.isFinite(value))
      throw new RangeError(`"data" expected finite values, got ${x[index]} at index ${index}`)
    }
    for (let i = 0; i < count; i++) {
      f32[(boundaries >>> 2) + i] = boundaryBetween(centroids[i]!, centroids[i + 1]!)
    }
    kernels.f32_kmeans_assign(xPointer, boundaries, count, outPointer, x.length)
    out.set(u8.subarray(outPointer, outPointer + x.length))
  } finally {
    scratch.release(mark)
  }
  return out
}

/**
 * The centroid of each index: the inverse of `assignCodebook`, but for the error of the codebook.
 *
 * @throws TypeError, RangeError; RangeError if an index has no centroid
 */
export function expandCodebook(
  indices: Uint8Array,
  codebook: Codebook,
  options: ExpandOptions = {},
): Float32Array {
  checkOptions('options', options, ['out', 'runtime'])
  checkCodebook('codebook', codebook)
  checkIndices('indices', indices, codebook)
  const { length } = indices
  const out = options.out ?? new Float32Array(length)
  checkTypedArray('out', out, 'Float32Array', length)
  const { kernels, memory, scratch } = options.runtime ?? defaultRuntime()
  const mark = scratch.mark()
  try {
    const indicesPointer = scratch.take(length)
    const centroidsPointer = scratch.take(4 * codebook.centroids.length)
    const outPointer = scratch.take(4 * length)
    const { f32, u8 } = memory
    u8.set(indices, indicesPointer)
    f32.set(codebook.centroids, centroidsPointer >>> 2)
    kernels.u8_f32_codebook_expand(indicesPointer, centroidsPointer, outPointer, length)
    out.set(f32.subarray(outPointer >>> 2, (outPointer >>> 2) + length))
  } finally {
    scratch.release(mark)
  }
  return out
}
