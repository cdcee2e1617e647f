import { BLOCK_COLUMNS } from './layout'
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
  const low_f32x4 = f32x4.splat(low)
  const high_f32x4 = f32x4.splat(high)
  if (n == 1) {
    memory.copy(acc, bias, (<usize>rows) << 2)
    for (let k = 0; k < cols; k += BLOCK_COLUMNS) w = f32_spmv(w, acc, x + ((<usize>k) << 2))
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
        block = multiply(block, acc, width)
      } else {
        slabFromColumns(x + <usize>k * nBytes, nBytes, depth, samples, width)
        block = multiply(block, acc, width)
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
function multiply(w: usize, acc: usize, width: i32): usize {
  if (width == 32) return f32_spmm_32(w, acc)
  if (width == 16) return f32_spmm_16(w, acc)
  return f32_spmm_8(w, acc)
}
