import { f32_spmm_bsr_8, f32_spmv_bsr } from './blocks'
import { BLOCK_COLUMNS, NARROW_COLUMNS, TABLE } from './layout'
import { f32_spmm_nm_8, f32_spmv_nm, fillMasks } from './nm'
import { finishColumns, finishRows, slabFromColumns, slabFromRows, startFromBias } from './slab'
import { f32_spmm_16, f32_spmm_32, f32_spmm_8, f32_spmv } from './ukernel'

/** How entries are stored; the last two take four rows and 8 samples at a time. */
const VALUES: i32 = 0
const SHARED: i32 = 1
const BLOCKS: i32 = 2
const PATTERN: i32 = 3

/**
 * y = clamp(bias + W x, low, high) for sparse W [rows, cols] in slices at w, and n samples. Samples are the columns of
 * x [cols, n] and y [rows, n], or, where samplesAreRows, the rows of x [n, cols] and y [n, rows]. acc is work space.
 * Contract: assembly/README.md#f32-spmm
 */
export function f32_spmm_csr(
  w: usize,
  bias: usize,
  x: usize,
  y: usize,
  rows: i32,
  cols: i32,
  n: i32,
  samplesAreRows: i32,
  low: f32,
  high: f32,
  acc: usize,
): void {
  multiply(w, bias, x, y, rows, cols, n, samplesAreRows, low, high, acc, VALUES)
}

/** The same, where an entry is a byte, the index of its value among the 256 f32 at `table`. */
export function f32_cb8w_spmm_csr(
  w: usize,
  table: usize,
  bias: usize,
  x: usize,
  y: usize,
  rows: i32,
  cols: i32,
  n: i32,
  samplesAreRows: i32,
  low: f32,
  high: f32,
  acc: usize,
): void {
  memory.copy(TABLE, table, 1024)
  multiply(w, bias, x, y, rows, cols, n, samplesAreRows, low, high, acc, SHARED)
}

/** The same for W in blocks of four rows and a column. */
export function f32_spmm_bsr(
  w: usize,
  bias: usize,
  x: usize,
  y: usize,
  rows: i32,
  cols: i32,
  n: i32,
  samplesAreRows: i32,
  low: f32,
  high: f32,
  acc: usize,
): void {
  multiply(w, bias, x, y, rows, cols, n, samplesAreRows, low, high, acc, BLOCKS)
}

/** The same for W with one or two entries in each four columns. */
export function f32_spmm_nm(
  w: usize,
  bias: usize,
  x: usize,
  y: usize,
  rows: i32,
  cols: i32,
  n: i32,
  samplesAreRows: i32,
  low: f32,
  high: f32,
  acc: usize,
): void {
  if (n == 1) fillMasks()
  multiply(w, bias, x, y, rows, cols, n, samplesAreRows, low, high, acc, PATTERN)
}

function multiply(
  w: usize,
  bias: usize,
  x: usize,
  y: usize,
  rows: i32,
  cols: i32,
  n: i32,
  samplesAreRows: i32,
  low: f32,
  high: f32,
  acc: usize,
  form: i32,
): void {
  const columns = form >= BLOCKS ? NARROW_COLUMNS : BLOCK_COLUMNS
  const low_f32x4 = f32x4.splat(low)
  const high_f32x4 = f32x4.splat(high)
  if (n == 1) {
    memory.copy(acc, bias, (<usize>rows) << 2)
    for (let k = 0; k < cols; k += columns) {
      const from = x + ((<usize>k) << 2)
      w = multiplyVector(w, acc, from, form)
    }
    finishColumns(acc, y, 0, 1, rows, 0, low_f32x4, high_f32x4)
    return
  }
  const colsBytes = (<usize>cols) << 2
  const nBytes = (<usize>n) << 2
  let left = n
  while (left > 0) {
    const width = widthFor(left, form)
    const samples = min(left, width)
    startFromBias(acc, bias, rows, width)
    let block = w
    for (let k = 0; k < cols; k += columns) {
      const depth = min(cols - k, columns)
      // Multiplied in two places, so that it stays a function of its own: V8 changes tiers only between calls.
      if (samplesAreRows) {
        slabFromRows(x + ((<usize>k) << 2), colsBytes, depth, samples, width)
        block = multiplyBlock(block, acc, width, form)
      } else {
        slabFromColumns(x + <usize>k * nBytes, nBytes, depth, samples, width)
        block = multiplyBlock(block, acc, width, form)
      }
    }
    if (samplesAreRows) {
      finishRows(acc, y, rows, samples, width, low_f32x4, high_f32x4)
      x += <usize>samples * colsBytes
      y += ((<usize>samples) << 2) * <usize>rows
    } else {
      finishColumns(acc, y, nBytes, rows, samples, width, low_f32x4, high_f32x4)
      x += (<usize>samples) << 2
      y += (<usize>samples) << 2
    }
    left -= samples
  }
}

/** Samples of the next slab. */
function widthFor(samples: i32, form: i32): i32 {
  if (form >= BLOCKS || samples <= 8) return 8
  return samples > 16 ? 32 : 16
}

/** acc += one block times the slab; returns the end of the block. */
function multiplyBlock(w: usize, acc: usize, width: i32, form: i32): usize {
  if (form == BLOCKS) return f32_spmm_bsr_8(w, acc)
  if (form == PATTERN) return f32_spmm_nm_8(w, acc)
  if (form == SHARED) {
    if (width == 32) return f32_spmm_32<u8>(w, acc)
    if (width == 16) return f32_spmm_16<u8>(w, acc)
    return f32_spmm_8<u8>(w, acc)
  }
  if (width == 32) return f32_spmm_32<f32>(w, acc)
  if (width == 16) return f32_spmm_16<f32>(w, acc)
  return f32_spmm_8<f32>(w, acc)
}

/** acc += one block times the x values of its columns; returns the end of the block. */
function multiplyVector(w: usize, acc: usize, x: usize, form: i32): usize {
  if (form == BLOCKS) return f32_spmv_bsr(w, acc, x)
  if (form == PATTERN) return f32_spmv_nm(w, acc, x)
  return form == SHARED ? f32_spmv<u8>(w, acc, x) : f32_spmv<f32>(w, acc, x)
}
