import { checkBits, type BitTensor } from '../formats/bits.js'
import type { Tensor } from '../formats/tensor.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkOptions, checkTypedArray } from '../validate.js'
import { packBitWeights, PackedBits } from './bit-weights.js'
import { checkDepth, resultLength, runtimeFor, withWeights } from './matmul-operands.js'

export interface BitMatmulOptions {
  /** Receives the result. */
  out?: Int32Array
  runtime?: Runtime
}

/**
 * `a * b` transposed, of elements 1 and -1, or 1, 0 and -1: a [..., k], b [n, k] as a dense layer has it, exact sums
 * [..., n].
 *
 * @param b planes of bits, copied at every call, or `packWeights(b)`
 * @throws TypeError, RangeError for arguments that do not fit; CapacityError when memory is short
 * @see Rastegari et al. 2016, XNOR-Net
 */
export function bitMatmul(
  a: BitTensor,
  b: BitTensor | PackedBits,
  options: BitMatmulOptions = {},
): Tensor<'int32'> {
  checkOptions('options', options, ['out', 'runtime'])
  const { rows: m, columns } = checkBits('a', a)
  const runtime = runtimeFor(b, options)
  return withWeights(
    b instanceof PackedBits ? b : undefined,
    () => packBitWeights(runtime, b as BitTensor),
    (weights) => {
      const { n, k } = weights
      checkDepth({ k: columns }, weights)
      const length = resultLength(m, n)
      const { out = new Int32Array(length) } = options
      checkTypedArray('out', out, 'Int32Array', length)
      const { kernels, memory, scratch } = runtime
      const mark = scratch.mark()
      try {
        const isTernary = a.ones !== undefined || weights.isTernary
        const signs = scratch.take(a.signs.length)
        const ones = isTernary ? scratch.take(a.signs.length) : 0
        const wOnes = isTernary && !weights.isTernary ? scratch.take(weights.planeBytes) : weights.onesPointer
        const to = scratch.take(length * 4)
        const { u8, i32 } = memory
        u8.set(a.signs, signs)
        if (isTernary) {
          // Ones after the end of a row on one side alone count nothing.
          if (a.ones === undefined) u8.fill(255, ones, ones + a.signs.length)
          else u8.set(a.ones, ones)
          if (!weights.isTernary) u8.fill(255, wOnes, wOnes + weights.planeBytes)
          kernels.t2_i32_gemm(signs, ones, weights.pointer, wOnes, to, n, m, n, k)
        } else {
          kernels.b1_i32_gemm(signs, weights.pointer, to, n, m, n, k)
        }
        out.set(i32.subarray(to >>> 2, (to >>> 2) + length))
      } finally {
        scratch.release(mark)
      }
      return { kind: 'dense', dtype: 'int32', shape: [...a.shape.slice(0, -1), n], data: out }
    },
  )
}
