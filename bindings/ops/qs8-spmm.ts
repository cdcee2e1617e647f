import { checkCsr, type CsrMatrix } from '../formats/csr.js'
import { qs8SliceBytes, writeQs8Slices } from '../kernels/qs8-slices.js'
import { MAX_INT8_DEPTH } from '../limits.js'
import { alignUp } from '../runtime/allocator.js'
import { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'
import { Status } from '../runtime/status.js'
import { checkInteger, checkNumber, checkOptions, checkTypedArray } from '../validate.js'
import type { Int8GemmOutput } from './qs8-gemm.js'
import { addressOf, type Slot } from './slot.js'
import { checkPlace, checkProduct, workBytes, type SpmmOptions } from './spmm.js'

export interface Qs8SpmmOptions extends SpmmOptions {
  /** `real = inputScale * (a - inputZeroPoint)` */
  inputScale: number
  inputZeroPoint: number
  /** What is stored; f32 unless given. */
  output?: Exclude<Int8GemmOutput, { kind: 'int32' }>
}

/** A sparse int8 matrix with its scales and bias, resident in the layout that the kernels read. */
export class SparseInt8Weights extends Handle {
  readonly rows: number
  readonly cols: number
  readonly nonZeros: number

  /** Made by `packSparseInt8`. */
  constructor(runtime: Runtime, csr: CsrMatrix<Int8Array>, bias: Float32Array | undefined) {
    const { rows, cols, values } = csr
    const scale = csr.scale!
    super(runtime, 2 * alignUp(4 * rows) + qs8SliceBytes(csr))
    this.rows = rows
    this.cols = cols
    this.nonZeros = values.length
    const { f32 } = runtime.memory
    const scaleStart = this.pointer >>> 2
    if (scale.length === rows) f32.set(scale, scaleStart)
    else f32.fill(scale[0]!, scaleStart, scaleStart + rows)
    const biasStart = this.biasPointer >>> 2
    f32.fill(0, biasStart, biasStart + rows)
    if (bias !== undefined) f32.set(bias, biasStart)
    writeQs8Slices(csr, runtime.memory, this.slices)
  }

  /** Address of the bias, which follows the scales; for ops/ only. */
  get biasPointer(): number {
    return this.pointer + alignUp(4 * this.rows)
  }

  /** Address of the slices; for ops/ only. */
  get slices(): number {
    return this.biasPointer + alignUp(4 * this.rows)
  }
}

/**
 * Makes a sparse int8 matrix resident for `qd8Spmm` and `qs8Spmm`: 3 bytes an entry.
 *
 * @param bias added to each row, in real units; length `rows`, none unless given
 * @throws TypeError, RangeError; CapacityError when the runtime is full
 */
export function packSparseInt8(
  runtime: Runtime,
  csr: CsrMatrix<Int8Array>,
  bias?: Float32Array,
): SparseInt8Weights {
  checkCsr('csr', csr)
  checkTypedArray('csr.values', csr.values, 'Int8Array')
  checkInteger('csr.cols', csr.cols, 0, MAX_INT8_DEPTH)
  if (bias !== undefined) checkTypedArray('bias', bias, 'Float32Array', csr.rows)
  return new SparseInt8Weights(runtime, csr, bias)
}

/** One scale and zero point a sample (step 1), or one pair for all (step 0). */
interface Parameters {
  readonly scale: number
  readonly zero: number
  readonly step: 0 | 1
}

const DEFAULTS: Omit<SpmmOptions, 'layout'> = {}

/**
 * out = clamp(weights x + bias) for f32 samples x [n, cols] and out [n, rows], where every sample is quantized to int8
 * by its own range. The bits of `qd8Gemm` with the same weights. Allocates nothing once the scratch arena has grown.
 *
 * @throws RangeError if `x` holds NaN or an infinity, or when a slot is too small or belongs to another runtime
 */
export function qd8Spmm(
  weights: SparseInt8Weights,
  x: Slot,
  out: Slot,
  n: number,
  options: Omit<SpmmOptions, 'layout'> = DEFAULTS,
): void {
  checkOptions('options', options, ['min', 'max'])
  const bounds = { ...checkProduct(n, options), layout: 'rows' } as const
  const { rows, cols } = weights
  checkPlace('x', x, weights, 4 * n * cols)
  checkPlace('out', out, weights, 4 * n * rows)
  const { kernels, scratch } = weights.runtime
  const mark = scratch.mark()
  try {
    const codes = scratch.take(n * cols)
    const scale = scratch.take(4 * n)
    const zero = scratch.take(4 * n)
    if (kernels.f32_qd8_quantize(addressOf(x), cols, codes, scale, zero, n, cols) === Status.nonFinite) {
      throw new RangeError('"x" expected finite values, got NaN or an infinity')
    }
    run(weights, codes, { scale, zero, step: 1 }, addressOf(out), n, bounds)
  } finally {
    scratch.release(mark)
  }
}

/**
 * out = weights a for int8 codes `a` that share one scale and zero point. An int8 result is the f32 result quantized as
 * ONNX QuantizeLinear does. The bits of `qs8Gemm` with the same weights. Allocates nothing once the arena has grown.
 *
 * @throws RangeError when a slot is too small or belongs to another runtime
 */
export function qs8Spmm(
  weights: SparseInt8Weights,
  a: Slot,
  out: Slot,
  n: number,
  options: Qs8SpmmOptions,
): void {
  checkOptions('options', options, ['layout', 'min', 'max', 'inputScale', 'inputZeroPoint', 'output'])
  const bounds = checkProduct(n, options)
  const { inputScale, inputZeroPoint, output = { kind: 'f32' } } = options
  checkNumber('inputScale', inputScale, 0)
  checkInteger('inputZeroPoint', inputZeroPoint, -128, 127)
  const { rows, cols, runtime } = weights
  const length = n * rows
  checkPlace('a', a, weights, n * cols)
  checkPlace('out', out, weights, output.kind === 'int8' ? length : 4 * length)
  const { kernels, memory, scratch } = runtime
  const mark = scratch.mark()
  try {
    const scale = scratch.take(4)
    const zero = scratch.take(4)
    const real = output.kind === 'int8' ? scratch.take(4 * length) : addressOf(out)
    memory.f32[scale >>> 2] = inputScale
    memory.i32[zero >>> 2] = inputZeroPoint
    run(weights, addressOf(a), { scale, zero, step: 0 }, real, n, bounds)
    if (output.kind === 'int8') {
      memory.f32[scale >>> 2] = output.scale
      memory.i8[zero] = output.zeroPoint
      kernels.f32_qs8_quantize(real, scale, zero, addressOf(out), 1, 1, length, -128)
    }
  } finally {
    scratch.release(mark)
  }
}

function run(
  weights: SparseInt8Weights,
  a: number,
  { scale, zero, step }: Parameters,
  out: number,
  n: number,
  { layout, min, max }: Required<SpmmOptions>,
): void {
  const { rows, cols, pointer, biasPointer, slices, runtime } = weights
  const { kernels, scratch } = runtime
  const mark = scratch.mark()
  try {
    const width = n === 1 ? 1 : n > 16 ? 32 : 8
    const acc = scratch.take(workBytes(rows, width))
    kernels.qd8_f32_qc8w_spmm_csr(
      slices,
      pointer,
      biasPointer,
      a,
      scale,
      zero,
      step,
      out,
      rows,
      cols,
      n,
      layout === 'rows' ? 1 : 0,
      min,
      max,
      acc,
    )
  } finally {
    scratch.release(mark)
  }
}
