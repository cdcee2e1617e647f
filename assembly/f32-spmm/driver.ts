import { BLOCK_COLUMNS, TABLE } from './layout'
import { finishColumns, finishRows, slabFromColumns, slabFromRows, startFromBias } from './slab'
import { f32_spmm_16, f32_spmm_32, f32_spmm_8, f32_spmv } from './ukernel'

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
  multiply(w, bias, x, y, rows, cols, n, samplesAreRows, low, high, acc, false)
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
  multiply(w, bias, x, y, rows, cols, n, samplesAreRows, low, high, acc, true)
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
  isShared: bool,
): void {
  const low_f32x4 = f32x4.splat(low)
  const high_f32x4 = f32x4.splat(high)
  if (n == 1) {
    memory.copy(acc, bias, (<usize>rows) << 2)
    for (let k = 0; k < cols; k += BLOCK_COLUMNS) {
      const from = x + ((<usize>k) << 2)
      w = isShared ? f32_spmv<u8>(w, acc, from) : f32_spmv<f32>(w, acc, from)
    }
    finishColumns(acc, y, 0, 1, rows, 0, low_f32x4, high_f32x4)
    return
  }
  const colsBytes = (<usize>cols) << 2
  const nBytes = (<usize>n) << 2
  let left = n
  while (left > 0) {
    const width = left > 16 ? 32 : left > 8 ? 16 : 8
    const samples = min(left, width)
    startFromBias(acc, bias, rows, width)
    let block = w
    for (let k = 0; k < cols; k += BLOCK_COLUMNS) {
      const depth = min(cols - k, BLOCK_COLUMNS)
      // Multiplied in two places, so that it stays a function of its own: V8 changes tiers only between calls.
      if (samplesAreRows) {
        slabFromRows(x + ((<usize>k) << 2), colsBytes, depth, samples, width)
        block = multiplyBlock(block, acc, width, isShared)
      } else {
        slabFromColumns(x + <usize>k * nBytes, nBytes, depth, samples, width)
        block = multiplyBlock(block, acc, width, isShared)
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

/** acc += one block times the slab; returns the end of the block. */
function multiplyBlock(w: usize, acc: usize, width: i32, isShared: bool): usize {
  if (isShared) {
    if (width == 32) return f32_spmm_32<u8>(w, acc)
    if (width == 16) return f32_spmm_16<u8>(w, acc)
    return f32_spmm_8<u8>(w, acc)
  }
  if (width == 32) return f32_spmm_32<f32>(w, acc)
  if (width == 16) return f32_spmm_16<f32>(w, acc)
  return f32_spmm_8<f32>(w, acc)
}
