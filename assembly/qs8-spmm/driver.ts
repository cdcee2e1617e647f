import { finishColumns, finishRows } from '../f32-spmm/slab'
import { BLOCK_COLUMNS } from './layout'
import { scaleSums, scaleVector } from './scale'
import { readParameters, slabFromColumns, slabFromRows, slabFromVector } from './slab'
import { qs8_spmm_32, qs8_spmm_8, qs8_spmv } from './ukernel'

/**
 * y = clamp((aScale * wScale) * (W (a - aZero)) + bias, low, high) for sparse int8 W [rows, cols] in slices at w, and n
 * int8 samples. Samples are the columns of a [cols, n] and y [rows, n], or, where samplesAreRows, the rows of a [n, cols]
 * and y [n, rows]. acc is work space. Contract: assembly/README.md#qs8-spmm
 */
export function qd8_f32_qc8w_spmm_csr(
  w: usize,
  wScale: usize,
  bias: usize,
  a: usize,
  aScale: usize,
  aZero: usize,
  aStep: i32,
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
    readParameters(aScale, aZero, 0, 1)
    memory.fill(acc, 0, (<usize>rows) << 2)
    for (let k = 0; k < cols; k += BLOCK_COLUMNS) {
      slabFromVector(a + <usize>k, min(cols - k, BLOCK_COLUMNS))
      w = qs8_spmv(w, acc)
    }
    scaleVector(acc, wScale, bias, rows)
    finishColumns(acc, y, 0, 1, rows, 0, low_f32x4, high_f32x4)
    return
  }
  let left = n
  while (left > 0) {
    // Two passes for 8 samples take less time than one for 32 that is half empty.
    const width = left > 16 ? 32 : 8
    const samples = min(left, width)
    readParameters(aScale, aZero, aStep, samples)
    memory.fill(acc, 0, <usize>rows * ((<usize>width) << 2))
    let block = w
    for (let k = 0; k < cols; k += BLOCK_COLUMNS) {
      const depth = min(cols - k, BLOCK_COLUMNS)
      // Multiplied in two places, so that it stays a function of its own: V8 changes tiers only between calls.
      if (samplesAreRows) {
        slabFromRows(a + <usize>k, <usize>cols, depth, samples, width)
        block = multiply(block, acc, width)
      } else {
        slabFromColumns(a + <usize>k * <usize>n, <usize>n, depth, samples, width)
        block = multiply(block, acc, width)
      }
    }
    scaleSums(acc, wScale, bias, rows, width)
    if (samplesAreRows) {
      finishRows(acc, y, rows, samples, width, low_f32x4, high_f32x4)
      a += <usize>samples * <usize>cols
      y += ((<usize>samples) << 2) * <usize>rows
    } else {
      finishColumns(acc, y, (<usize>n) << 2, rows, samples, width, low_f32x4, high_f32x4)
      a += <usize>samples
      y += (<usize>samples) << 2
    }
    aScale += ((<usize>samples) << 2) * <usize>aStep
    aZero += ((<usize>samples) << 2) * <usize>aStep
    left -= samples
  }
}

/** acc += one block times the slab; returns the end of the block. */
function multiply(w: usize, acc: usize, width: i32): usize {
  if (width == 32) return qs8_spmm_32(w, acc)
  return qs8_spmm_8(w, acc)
}
