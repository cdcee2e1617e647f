import { MAX_INT8_DEPTH } from '../limits.js'
import { alignUp } from '../runtime/allocator.js'
import { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'
import { Status } from '../runtime/status.js'
import { checkOptions, checkTypedArray } from '../validate.js'
import { checkWeights, spanBytes, type GemmOptions, type WeightLayout } from './f32-gemm.js'
import { addressOf, checkSlot, type Slot } from './slot.js'

export interface Int8Weights {
  /** n * k symmetric codes (zero point 0) in the order of `layout`. */
  readonly data: Int8Array
  readonly n: number
  readonly k: number
  readonly layout: WeightLayout
  /** One scale an output column, or one for all. */
  readonly scale: Float32Array
  /** In real units, one value an output column; zero unless given. */
  readonly bias?: Float32Array | undefined
}

/** What the accumulators become; int32 results carry neither scale, bias nor bounds. */
export type Int8GemmOutput =
  | { readonly kind: 'int32' }
  | { readonly kind: 'f32' }
  | { readonly kind: 'int8'; readonly scale: number; readonly zeroPoint: number }

export interface Qd8GemmOptions extends GemmOptions {
  /** f32 unless given. */
  output?: Exclude<Int8GemmOutput, { kind: 'int32' }>
}

export interface Qs8GemmOptions extends GemmOptions {
  /** `real = inputScale * (a - inputZeroPoint)` */
  inputScale: number
  inputZeroPoint: number
  output: Int8GemmOutput
}

/** The kernels read eight scales and biases at a time. */
const COLUMNS_AT_ONCE = 8

/** int8 weights with their scales and bias, in the order in which the kernel reads them, resident in linear memory. */
export class PackedInt8Weights extends Handle {
  readonly n: number
  readonly k: number
  readonly #packedBytes: number

  constructor(runtime: Runtime, packedBytes: number, n: number, k: number) {
    super(runtime, alignUp(packedBytes) + 2 * alignUp(paddedBytes(n)))
    this.#packedBytes = packedBytes
    this.n = n
    this.k = k
  }

  /** Address of the scales, one a column; for ops/ only. */
  get scalePointer(): number {
    return this.pointer + alignUp(this.#packedBytes)
  }

  /** Address of the bias; for ops/ only. */
  get biasPointer(): number {
    return this.scalePointer + alignUp(paddedBytes(this.n))
  }
}

function paddedBytes(n: number): number {
  return Math.ceil(n / COLUMNS_AT_ONCE) * COLUMNS_AT_ONCE * 4
}

/**
 * Packs int8 weights once for many products.
 *
 * @throws TypeError, RangeError for parts that do not fit each other; CapacityError when memory is short
 */
export function packInt8Weights(runtime: Runtime, weights: Int8Weights): PackedInt8Weights {
  checkOptions('weights', weights, ['data', 'n', 'k', 'layout', 'scale', 'bias'])
  checkWeights(weights, MAX_INT8_DEPTH)
  const { data, n, k, layout, scale, bias } = weights
  checkTypedArray('data', data, 'Int8Array', n * k)
  checkTypedArray('scale', scale, 'Float32Array')
  if (scale.length !== 1) checkTypedArray('scale', scale, 'Float32Array', n)

  const { kernels, memory, scratch } = runtime
  const mark = scratch.mark()
  try {
    const source = scratch.take(data.length)
    const packed = new PackedInt8Weights(runtime, kernels.qs8_gemm_packed_bytes(n, k), n, k)
    const { f32, i8 } = memory
    i8.set(data, source)
    const scaleStart = packed.scalePointer >>> 2
    if (scale.length === 1) f32.fill(scale[0]!, scaleStart, scaleStart + n)
    else f32.set(scale, scaleStart)
    f32.fill(0, scaleStart + n, scaleStart + paddedBytes(n) / 4)
    const biasStart = packed.biasPointer >>> 2
    f32.fill(0, biasStart, biasStart + paddedBytes(n) / 4)
    if (bias !== undefined) f32.set(bias, biasStart)
    const [strideN, strideK] = layout === 'nk' ? [k, 1] : [1, n]
    kernels.qs8_gemm_pack(source, strideN, strideK, packed.pointer, n, k)
    return packed
  } finally {
    scratch.release(mark)
  }
}

const DEFAULTS: Qd8GemmOptions = {}
const F32: Int8GemmOutput = { kind: 'f32' }

/**
 * `out [m, n] = clamp(a [m, k] * weights + bias)`, `a` f32: every row of it is quantized to int8 by its own range.
 * Allocates nothing once the scratch arena has grown.
 *
 * @throws RangeError if `a` holds NaN or an infinity
 */
export function qd8Gemm(
  weights: PackedInt8Weights,
  a: Slot,
  out: Slot,
  m: number,
  options: Qd8GemmOptions = DEFAULTS,
): void {
  const { n, k } = weights
  checkSlot('a', a, spanBytes(m, k, options.lda ?? k, 4))
  checkSlot('out', out, spanBytes(m, n, options.ldc ?? n, (options.output ?? F32).kind === 'int8' ? 1 : 4))
  qd8GemmAt(weights, addressOf(a), addressOf(out), m, options)
}

/** qd8Gemm between addresses; for ops/ only. */
export function qd8GemmAt(
  weights: PackedInt8Weights,
  a: number,
  out: number,
  m: number,
  options: Qd8GemmOptions,
): void {
  const { k, runtime } = weights
  const { kernels, scratch } = runtime
  const mark = scratch.mark()
  try {
    const codes = scratch.take(m * k)
    const scale = scratch.take(m * 4)
    const zero = scratch.take(m * 4)
    if (kernels.f32_qd8_quantize(a, options.lda ?? k, codes, scale, zero, m, k) === Status.nonFinite) {
      throw new RangeError('"a" expected finite values, got NaN or an infinity')
    }
    int8GemmAt(weights, codes, k, scale, zero, 1, out, m, options.output ?? F32, options)
  } finally {
    scratch.release(mark)
  }
}

/**
 * `out [m, n] = a [m, k] * weights` for int8 codes `a` that share one scale and zero point; `output` says what is stored.
 * An int8 result is the f32 result quantized as ONNX QuantizeLinear does. Allocates nothing once the arena has grown.
 */
export function qs8Gemm(
  weights: PackedInt8Weights,
  a: Slot,
  out: Slot,
  m: number,
  options: Qs8GemmOptions,
): void {
  const { n, k } = weights
  checkSlot('a', a, spanBytes(m, k, options.lda ?? k, 1))
  checkSlot('out', out, spanBytes(m, n, options.ldc ?? n, options.output.kind === 'int8' ? 1 : 4))
  qs8GemmAt(weights, addressOf(a), addressOf(out), m, options)
}

/** qs8Gemm between addresses; for ops/ only. */
export function qs8GemmAt(
  weights: PackedInt8Weights,
  a: number,
  out: number,
  m: number,
  options: Qs8GemmOptions,
): void {
  const { memory, scratch } = weights.runtime
  const mark = scratch.mark()
  try {
    const scale = scratch.take(4)
    const zero = scratch.take(4)
    memory.f32[scale >>> 2] = options.inputScale
    memory.i32[zero >>> 2] = options.inputZeroPoint
    int8GemmAt(weights, a, options.lda ?? weights.k, scale, zero, 0, out, m, options.output, options)
  } finally {
    scratch.release(mark)
  }
}

/**
 * Codes times weights between addresses, unchecked; for ops/ only. `step` is 1 where every row has a scale and a zero
 * point, 0 where all share one. Takes scratch that the caller releases.
 */
export function int8GemmAt(
  weights: PackedInt8Weights,
  a: number,
  lda: number,
  scale: number,
  zero: number,
  step: 0 | 1,
  out: number,
  m: number,
  output: Int8GemmOutput,
  { ldc = weights.n, min = -Infinity, max = Infinity }: GemmOptions,
): void {
  const { n, k, pointer, scalePointer, biasPointer } = weights
  const { kernels, scratch } = weights.runtime
  // Released with the mark of the caller.
  const work = scratch.take(kernels.qs8_gemm_scratch_bytes(m, n, k))
  // prettier-ignore
  switch (output.kind) {
    case 'int32':
      return kernels.qs8_i32_gemm(a, lda, zero, pointer, out, ldc, m, n, k, work)
    case 'f32':
      return kernels.qd8_f32_qc8w_gemm(
        a, lda, scale, zero, step, pointer, scalePointer, biasPointer, out, ldc, m, n, k, min, max, work,
      )
    case 'int8':
      return kernels.qd8_qs8_qc8w_gemm(
        a, lda, scale, zero, step, pointer, scalePointer, biasPointer, out, ldc, m, n, k, min, max,
        output.scale, output.zeroPoint, work,
      )
  }
}
