import { checkCodebook, checkIndices, type Codebook } from '../formats/codebook.js'
import { MAX_TENSOR_ELEMENTS } from '../limits.js'
import { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkChoice, checkInteger, checkOptions, checkTypedArray } from '../validate.js'
import { addressOf, checkSlot, type Slot } from './slot.js'

/** How a weight matrix is stored: `nk` one output column a row (ONNX Gemm with transB), `kn` as MatMul has it. */
export type WeightLayout = 'nk' | 'kn'

export interface F32Weights {
  /** n * k values in the order of `layout`, or the indices of those that share the centroids of `codebook`. */
  readonly data: Float32Array | Uint8Array
  readonly codebook?: Codebook | undefined
  /** Output columns. */
  readonly n: number
  /** Depth: elements of an input row. */
  readonly k: number
  readonly layout: WeightLayout
  /** One value an output column; zero unless given. */
  readonly bias?: Float32Array | undefined
}

/** Rows of both operands and bounds of the result; strides in elements, dense unless given. */
export interface GemmOptions {
  lda?: number
  ldc?: number
  /** Results below are raised to it: 0 is a ReLU. */
  min?: number
  max?: number
}

/** The nibble of a byte is an index of up to 16 centroids. */
const NIBBLE_CENTROIDS = 16

/**
 * f32 weights and bias in the order in which the kernel reads them, resident in linear memory. Shared values stay indices
 * of 4 bits for up to 16 centroids, else 8.
 */
export class PackedF32Weights extends Handle {
  readonly n: number
  readonly k: number
  /** 0: values are not shared. */
  readonly indexBits: 0 | 4 | 8

  constructor(runtime: Runtime, n: number, k: number, centroids: number) {
    const bits = centroids === 0 ? 0 : centroids <= NIBBLE_CENTROIDS ? 4 : 8
    const { kernels } = runtime
    super(
      runtime,
      bits === 0 ? kernels.f32_gemm_packed_bytes(n, k) : kernels.cbw_gemm_packed_bytes(n, k, bits),
    )
    this.n = n
    this.k = k
    this.indexBits = bits
  }

  get kernel(): 'f32_gemm' | 'f32_cbw_gemm' {
    return this.indexBits === 0 ? 'f32_gemm' : 'f32_cbw_gemm'
  }
}

/** Checks sizes and bias of a weight matrix, whose data is checked by the caller. */
export function checkWeights(weights: Omit<F32Weights, 'data'>, maxDepth: number): void {
  checkInteger('n', weights.n, 0, MAX_TENSOR_ELEMENTS)
  checkInteger('k', weights.k, 0, maxDepth)
  checkChoice('layout', weights.layout, ['nk', 'kn'])
  if (weights.bias !== undefined) checkTypedArray('bias', weights.bias, 'Float32Array', weights.n)
}

/**
 * Packs f32 weights once for many products.
 *
 * @throws TypeError, RangeError for parts that do not fit each other; CapacityError when memory is short
 */
export function packF32Weights(runtime: Runtime, weights: F32Weights): PackedF32Weights {
  checkOptions('weights', weights, ['data', 'codebook', 'n', 'k', 'layout', 'bias'])
  checkWeights(weights, MAX_TENSOR_ELEMENTS)
  const { data, codebook, n, k, layout, bias } = weights
  checkTypedArray('data', data, codebook === undefined ? 'Float32Array' : 'Uint8Array', n * k)
  if (codebook !== undefined) {
    checkCodebook('codebook', codebook)
    checkIndices('data', data, codebook)
  }

  const { kernels, memory, scratch } = runtime
  const mark = scratch.mark()
  try {
    const source = scratch.take(data.byteLength)
    const biasPointer = bias === undefined ? 0 : scratch.take(n * 4)
    const count = codebook?.centroids.length ?? 0
    const centroids = scratch.take(count * 4)
    const packed = new PackedF32Weights(runtime, n, k, count)
    const { f32, u8 } = memory
    if (bias !== undefined) f32.set(bias, biasPointer >>> 2)
    const [strideN, strideK] = layout === 'nk' ? [k, 1] : [1, n]
    if (codebook === undefined) {
      f32.set(data, source >>> 2)
      kernels.f32_gemm_pack(source, strideN, strideK, biasPointer, packed.pointer, n, k)
    } else {
      u8.set(data, source)
      f32.set(codebook.centroids, centroids >>> 2)
      // prettier-ignore
      kernels.cbw_gemm_pack(
        source, strideN, strideK, centroids, count, packed.indexBits, biasPointer, packed.pointer, n, k,
      )
    }
    return packed
  } finally {
    scratch.release(mark)
  }
}

/** Bytes that `rows` rows of `columns` elements span, `stride` elements apart. */
export function spanBytes(rows: number, columns: number, stride: number, elementBytes: number): number {
  return rows === 0 ? 0 : ((rows - 1) * stride + columns) * elementBytes
}

const DEFAULTS: GemmOptions = {}

/**
 * `out [m, n] = clamp(bias + a [m, k] * weights)`, both slots f32. Allocates nothing; for shared values, once the scratch
 * arena has grown by one panel.
 */
export function f32Gemm(
  weights: PackedF32Weights,
  a: Slot,
  out: Slot,
  m: number,
  options: GemmOptions = DEFAULTS,
): void {
  const { n, k } = weights
  checkSlot('a', a, spanBytes(m, k, options.lda ?? k, 4))
  checkSlot('out', out, spanBytes(m, n, options.ldc ?? n, 4))
  f32GemmAt(weights, addressOf(a), addressOf(out), m, options)
}

/** f32Gemm between addresses; for ops/ only. */
export function f32GemmAt(
  { runtime, pointer, n, k, indexBits }: PackedF32Weights,
  a: number,
  out: number,
  m: number,
  { lda = k, ldc = n, min = -Infinity, max = Infinity }: GemmOptions,
): void {
  const { kernels, scratch } = runtime
  if (indexBits === 0) return kernels.f32_gemm(a, lda, pointer, out, ldc, m, n, k, min, max)
  const mark = scratch.mark()
  try {
    const work = scratch.take(kernels.f32_cbw_gemm_scratch_bytes(k))
    kernels.f32_cbw_gemm(a, lda, pointer, out, ldc, m, n, k, indexBits, min, max, work)
  } finally {
    scratch.release(mark)
  }
}
