import { codesOf, type SparseSource } from '../formats/csr.js'
import type { QuantizedTensor } from '../formats/quantized.js'
import type { Weight } from '../graph/model.js'
import { expandCodebook } from '../ops/codebook.js'
import { dequantizeInt8 } from '../ops/quantize.js'
import type { Runtime } from '../runtime/runtime.js'

/**
 * The real values of a weight of any stored form; those of a dense one are not copied. undefined: it holds none, but
 * integers and the like.
 *
 * @throws TypeError, RangeError when the parts of a stored form do not fit each other
 */
export function floatsOf(weight: Weight, runtime: Runtime): Float32Array | undefined {
  if (weight.kind === 'quantized') return dequantizeInt8(weight, { runtime })
  if (weight.kind === 'codebook') return expandCodebook(weight.indices, weight.codebook, { runtime })
  return weight.dtype === 'float32' ? (weight.data as Float32Array) : undefined
}

/**
 * Whether the int8 kernels can take a weight as it is: zero points all 0, and one scale in all or one for each slice
 * along `axis`, the axis of the outputs.
 */
export function isSymmetric(weight: Weight, axis: number): weight is QuantizedTensor {
  if (weight.kind !== 'quantized' || weight.zeroPoint.some((zero) => zero !== 0)) return false
  const { granularity } = weight
  return granularity.per === 'tensor' || (granularity.per === 'channel' && granularity.axis === axis)
}

/**
 * Share of zeros from which a float matrix is held as sparse rows. At 70 % that takes under half of the memory; measured
 * on matrices of LeNet and of 1024 x 1024, one to four rows are then as fast as dense ones (1.0 to 1.3 times), 16 and more
 * 2.5 times as fast. Below it small batches lose.
 */
export const SPARSE_FROM = 0.7

/** Share of a weight's elements that are a real 0; 0 of none. */
export function zeroShare(weight: SparseSource): number {
  const { codes, zero } = codesOf(weight)
  let zeros = 0
  for (let i = 0; i < codes.length; i++) if (codes[i] === zero) zeros++
  return codes.length === 0 ? 0 : zeros / codes.length
}
