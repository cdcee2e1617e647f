import { checkBlockSparse, type BlockSparseMatrix } from '../formats/block-sparse.js'
import { checkCsr, type CsrMatrix, type CsrValues } from '../formats/csr.js'
import { checkNmSparse, type NmSparseMatrix } from '../formats/nm-sparse.js'
import { blockSliceBytes, writeBlockSlices } from '../kernels/block-slices.js'
import { nmPanelBytes, writeNmPanels } from '../kernels/nm-panels.js'
import { sliceBytes, writeSlices } from '../kernels/slices.js'
import { MAX_TENSOR_ELEMENTS } from '../limits.js'
import { alignUp } from '../runtime/allocator.js'
import { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkChoice, checkInteger, checkOptions, checkTypedArray } from '../validate.js'
import { addressOf, checkSlot, type Slot } from './slot.js'

/** How samples lie in memory: one a row (as inference holds activations), or one a column (as a matrix product has them). */
export type SampleLayout = 'rows' | 'columns'

export interface SpmmOptions {
  /** `rows`: x [n, cols], out [n, rows]. `columns` (default): x [cols, n], out [rows, n]. Both row-major. */
  layout?: SampleLayout
  /** Bounds of the result, for a fused activation: `{ min: 0 }` is ReLU. */
  min?: number
  max?: number
}

/** Sparse weights in any form. */
export type SparseMatrix = CsrMatrix | BlockSparseMatrix | NmSparseMatrix

export type SparseKernel = 'f32_spmm_csr' | 'f32_cb8w_spmm_csr' | 'f32_spmm_bsr' | 'f32_spmm_nm'

/** How a form of sparse weights lies in linear memory. */
interface Layout {
  readonly kernel: SparseKernel
  /** Elements that are stored. */
  readonly entries: number
  readonly bytes: number
  write(to: number): void
}

function layoutOf(matrix: SparseMatrix, { memory }: Runtime): Layout {
  if (matrix.kind === 'nm') {
    return {
      kernel: 'f32_spmm_nm',
      entries: matrix.values.length,
      bytes: nmPanelBytes(matrix),
      write: (to) => writeNmPanels(matrix, memory, to),
    }
  }
  if (matrix.kind === 'blocks') {
    return {
      kernel: 'f32_spmm_bsr',
      entries: matrix.values.length,
      bytes: blockSliceBytes(matrix),
      write: (to) => writeBlockSlices(matrix, memory, to),
    }
  }
  const { rowPtr, values, scale, codebook } = matrix
  const stored = scale === undefined ? values : realValues(values, scale, rowPtr)
  return {
    kernel: codebook === undefined ? 'f32_spmm_csr' : 'f32_cb8w_spmm_csr',
    entries: values.length,
    bytes: sliceBytes(matrix, codebook === undefined ? 4 : 1),
    write: (to) => writeSlices(matrix, stored as Float32Array | Uint8Array, memory, to),
  }
}

/** 256 values of f32: whatever a byte is, it has one. */
const TABLE_BYTES = 1024

/** A sparse matrix and its bias, resident in the layout that the kernels read. */
export class SparseWeights extends Handle {
  readonly rows: number
  readonly cols: number
  /** Elements that are stored. */
  readonly nonZeros: number
  /** The kernel that reads them. */
  readonly kernel: SparseKernel

  /** Made by `packWeights`. */
  constructor(runtime: Runtime, matrix: SparseMatrix, bias: Float32Array | undefined) {
    const { rows, cols } = matrix
    const { kernel, entries, bytes, write } = layoutOf(matrix, runtime)
    const table = matrix.kind === 'csr' ? matrix.codebook?.centroids : undefined
    super(runtime, alignUp(4 * rows) + (table === undefined ? 0 : TABLE_BYTES) + bytes)
    this.rows = rows
    this.cols = cols
    this.nonZeros = entries
    this.kernel = kernel
    const { f32 } = runtime.memory
    const biasStart = this.pointer >>> 2
    f32.fill(0, biasStart, biasStart + rows)
    if (bias !== undefined) f32.set(bias, biasStart)
    if (table !== undefined) f32.set(table, this.table >>> 2)
    write(this.slices)
  }

  /** Address of the table of a codebook, which follows the bias; for ops/ only. */
  get table(): number {
    return this.pointer + alignUp(4 * this.rows)
  }

  /** Address of the entries; for ops/ only. */
  get slices(): number {
    return this.table + (this.kernel === 'f32_cb8w_spmm_csr' ? TABLE_BYTES : 0)
  }
}

/** int8 codes times the scale of their row, rounded once. */
function realValues(codes: CsrValues, scale: Float32Array, rowPtr: Uint32Array): Float32Array {
  const real = new Float32Array(codes.length)
  for (let row = 0; row + 1 < rowPtr.length; row++) {
    const s = scale[scale.length === 1 ? 0 : row]!
    for (let e = rowPtr[row]!; e < rowPtr[row + 1]!; e++) real[e] = s * codes[e]!
  }
  return real
}

/**
 * Makes a sparse matrix resident for `f32Spmm` and `sparseMatmul`. int8 values are dequantized; indices
 * of a codebook stay indices, with the bits of the values they stand for.
 *
 * @param bias added to each row; length `rows`, none unless given
 * @throws TypeError, RangeError; CapacityError when the runtime is full
 */
export function packSparse(runtime: Runtime, matrix: SparseMatrix, bias?: Float32Array): SparseWeights {
  checkSparse('matrix', matrix, bias)
  return new SparseWeights(runtime, matrix, bias)
}

/** Throws unless the parts of a sparse matrix, and its bias, fit each other. */
export function checkSparse(name: string, matrix: SparseMatrix, bias: Float32Array | undefined): void {
  if (matrix?.kind === 'nm') checkNmSparse(name, matrix)
  else if (matrix?.kind === 'blocks') checkBlockSparse(name, matrix)
  else checkCsr(name, matrix)
  if (bias !== undefined) checkTypedArray('bias', bias, 'Float32Array', matrix.rows)
}

/**
 * out = clamp(weights x + bias) between resident places. Each output starts from its bias and takes the stored entries
 * in ascending column order, every product and sum rounded to f32: for finite data the bits (but for the sign of zero)
 * of the dense product, whatever `n` is. n = 1 needs no layout.
 *
 * @param x n samples of `cols` values; a slot of the weights' runtime
 * @param out n samples of `rows` values; must not overlap x
 * @throws RangeError when a slot is too small or belongs to another runtime, DisposedError
 */
export function f32Spmm(
  weights: SparseWeights,
  x: Slot,
  out: Slot,
  n: number,
  options: SpmmOptions = {},
): void {
  checkOptions('options', options, ['layout', 'min', 'max'])
  const { layout, min, max } = checkProduct(n, options)
  checkPlace('x', x, weights, 4 * n * weights.cols)
  checkPlace('out', out, weights, 4 * n * weights.rows)
  spmmAt(weights, addressOf(x), addressOf(out), n, layout, min, max)
}

/** Checks the options of a sparse product and fills in what is not given. */
export function checkProduct(n: number, options: SpmmOptions): Required<SpmmOptions> {
  const { layout = 'columns', min = -Infinity, max = Infinity } = options
  checkChoice('layout', layout, ['rows', 'columns'])
  checkInteger('n', n, 0, MAX_TENSOR_ELEMENTS)
  if (!(min <= max)) throw new RangeError(`"min" expected at most "max" ${max}, got ${min}`)
  return { layout, min, max }
}

/** Throws unless the slot has `bytes` in the memory of the weights. */
export function checkPlace(name: string, slot: Slot, weights: Handle, bytes: number): void {
  if (slot.handle.runtime !== weights.runtime) {
    throw new RangeError(`"${name}" expected a slot of the weights' runtime`)
  }
  if (!(slot.offset >= 0 && slot.offset % 4 === 0)) {
    throw new RangeError(`"${name}" expected an offset that is a multiple of 4, got ${slot.offset}`)
  }
  checkSlot(name, slot, bytes)
}

/** Accumulators: a group of four rows more for lanes without rows, then to the 16 rows of a panel. */
export function workBytes(rows: number, width: number): number {
  return 4 * width * 16 * Math.ceil((rows + 4) / 16)
}

/** Samples that a kernel takes at once. */
function widthOf(kernel: SparseKernel, n: number): number {
  if (n === 1) return 1
  if (n <= 8 || kernel === 'f32_spmm_bsr' || kernel === 'f32_spmm_nm') return 8
  return n > 16 ? 32 : 16
}

/** The product between addresses, unchecked; for ops/ only. */
export function spmmAt(
  weights: SparseWeights,
  x: number,
  out: number,
  n: number,
  layout: SampleLayout,
  min: number,
  max: number,
): void {
  const { rows, cols, pointer, slices, kernel, table, runtime } = weights
  const { kernels, scratch } = runtime
  const mark = scratch.mark()
  try {
    const acc = scratch.take(workBytes(rows, widthOf(kernel, n)))
    const operands = [pointer, x, out, rows, cols, n, layout === 'rows' ? 1 : 0, min, max, acc] as const
    if (kernel === 'f32_cb8w_spmm_csr') kernels[kernel](slices, table, ...operands)
    else kernels[kernel](slices, ...operands)
  } finally {
    scratch.release(mark)
  }
}
