import { checkInt4, type Int4Tensor } from '../formats/int4.js'
import { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'
import { Status } from '../runtime/status.js'
import { checkTypedArray } from '../validate.js'
import { spanBytes, type GemmOptions } from './f32-gemm.js'
import { addressOf, checkSlot, type Slot } from './slot.js'

export interface Int4GemmOptions extends GemmOptions {
  /**
   * `int8` (default): every row of the input is quantized by its own range, and products are integers within a group.
   * `float32`: it is taken as it is, and the result has the bits of the product with the dequantized weights.
   */
  inputs?: 'int8' | 'float32'
}

/** Weights of 4 bits with scales and bias, in the order in which the kernels read them, resident in linear memory. */
export class PackedInt4Weights extends Handle {
  readonly n: number
  readonly k: number
  readonly groupSize: number

  constructor(runtime: Runtime, n: number, k: number, groupSize: number) {
    super(runtime, runtime.kernels.qb4w_gemm_packed_bytes(n, k, groupSize))
    this.n = n
    this.k = k
    this.groupSize = groupSize
  }
}

/**
 * Packs weights once for many products: one output a row along the axis of the groups.
 *
 * @throws TypeError, RangeError for parts that do not fit each other; CapacityError when memory is short
 */
export function packInt4Weights(
  runtime: Runtime,
  weights: Int4Tensor,
  bias?: Float32Array,
): PackedInt4Weights {
  const { rows: n, columns: k } = checkInt4('weights', weights)
  if (bias !== undefined) checkTypedArray('bias', bias, 'Float32Array', n)
  const { data, scale, groupSize } = weights
  const { kernels, memory, scratch } = runtime
  const mark = scratch.mark()
  try {
    const codes = scratch.take(data.length)
    const scales = scratch.take(scale.byteLength)
    const biasPointer = bias === undefined ? 0 : scratch.take(bias.byteLength)
    const packed = new PackedInt4Weights(runtime, n, k, groupSize)
    const { f32, u8 } = memory
    u8.set(data, codes)
    f32.set(scale, scales >>> 2)
    if (bias !== undefined) f32.set(bias, biasPointer >>> 2)
    kernels.qb4w_gemm_pack(codes, scales, biasPointer, packed.pointer, n, k, groupSize)
    return packed
  } finally {
    scratch.release(mark)
  }
}

const DEFAULTS: Int4GemmOptions = {}

/**
 * `out [m, n] = clamp(a [m, k] * weights + bias)`, both slots f32. Allocates nothing once the scratch arena has grown.
 *
 * @throws RangeError if `a` is to be quantized and holds NaN or an infinity
 */
export function int4Gemm(
  weights: PackedInt4Weights,
  a: Slot,
  out: Slot,
  m: number,
  options: Int4GemmOptions = DEFAULTS,
): void {
  const { n, k } = weights
  checkSlot('a', a, spanBytes(m, k, options.lda ?? k, 4))
  checkSlot('out', out, spanBytes(m, n, options.ldc ?? n, 4))
  int4GemmAt(weights, addressOf(a), addressOf(out), m, options)
}

/** int4Gemm between addresses; for ops/ only. */
export function int4GemmAt(
  weights: PackedInt4Weights,
  a: number,
  out: number,
  m: number,
  options: Int4GemmOptions,
): void {
  const { runtime, pointer, n, k, groupSize } = weights
  const { lda = k, ldc = n, min = -Infinity, max = Infinity } = options
  const { kernels, scratch } = runtime
  const mark = scratch.mark()
  try {
    if (options.inputs === 'float32') {
      const work = scratch.take(kernels.f32_qb4w_gemm_scratch_bytes(k))
      return kernels.f32_qb4w_gemm(a, lda, pointer, out, ldc, m, n, k, groupSize, min, max, work)
    }
    const codes = scratch.take(m * k)
    const scale = scratch.take(m * 4)
    const zero = scratch.take(m * 4)
    if (kernels.f32_qd8_quantize(a, lda, codes, scale, zero, m, k) === Status.nonFinite) {
      throw new RangeError('"a" expected finite values, got NaN or an infinity')
    }
    int4CodesGemmAt(weights, codes, k, scale, zero, 1, out, m, options)
  } finally {
    scratch.release(mark)
  }
}

/**
 * int8 codes times weights between addresses, unchecked; for ops/ only. `step` is 1 where every row has a scale and a
 * zero point, 0 where all share one. Takes scratch that the caller releases.
 */
export function int4CodesGemmAt(
  { runtime, pointer, n, k, groupSize }: PackedInt4Weights,
  a: number,
  lda: number,
  scale: number,
  zero: number,
  step: 0 | 1,
  out: number,
  m: number,
  { ldc = n, min = -Infinity, max = Infinity }: GemmOptions,
): void {
  const { kernels, scratch } = runtime
  const work = scratch.take(kernels.qb4w_gemm_scratch_bytes(m, k, groupSize))
  // prettier-ignore
  kernels.qd8_f32_qb4w_gemm(
    a, lda, scale, zero, step, pointer, out, ldc, m, n, k, groupSize, min, max, work,
  )
}
