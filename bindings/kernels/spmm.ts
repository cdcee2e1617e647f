import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { clamp } from './rounding.js'
import {
  BLOCK_COLUMNS,
  BLOCK_HEADER_BYTES,
  COUNTS,
  SLICE_HEADER_BYTES,
  SLICE_ROWS,
  stepBytes,
  VALUES,
} from './slices.js'

const { fround } = Math

export function spmmKernels(memory: LinearMemory): Pick<Kernels, 'f32_spmm_csr' | 'f32_cb8w_spmm_csr'> {
  /** `table`: where the values are that entries are indices of; undefined where they are values themselves. */
  function multiply(
    table: number | undefined,
    [w, bias, x, y, rows, cols, n, samplesAreRows, low, high]: Parameters<Kernels['f32_spmm_csr']>,
  ): void {
    const { f32, u8, u16, u32 } = memory
    const bytes = stepBytes(table === undefined ? 4 : 1)
    const valueAt = (values: number, lane: number): number =>
      table === undefined ? f32[(values >>> 2) + lane]! : f32[(table >>> 2) + u8[values + lane]!]!
    const [xColumn, xSample, yRow, ySample] = samplesAreRows ? [1, cols, 1, rows] : [n, 1, n, 1]
    for (let row = 0; row < rows; row++) {
      for (let j = 0; j < n; j++) f32[(y >>> 2) + row * yRow + j * ySample] = f32[(bias >>> 2) + row]!
    }
    for (let column = 0; column < cols; column += BLOCK_COLUMNS) {
      let left = u32[w >>> 2]!
      w += BLOCK_HEADER_BYTES
      for (; left > 0; left -= SLICE_ROWS) {
        for (let lane = 0; lane < Math.min(left, SLICE_ROWS); lane++) {
          const count = u16[((w + COUNTS) >>> 1) + lane]!
          for (let j = 0; j < n; j++) {
            const to = (y >>> 2) + u32[(w >>> 2) + lane]! * yRow + j * ySample
            let sum = f32[to]!
            for (let i = 0, step = w + SLICE_HEADER_BYTES; i < count; i++, step += bytes) {
              const at = column + u16[(step >>> 1) + lane]! / 4
              const value = valueAt(step + VALUES, lane)
              sum = fround(sum + fround(value * f32[(x >>> 2) + at * xColumn + j * xSample]!))
            }
            f32[to] = sum
          }
        }
        w += SLICE_HEADER_BYTES + u16[(w + COUNTS) >>> 1]! * bytes
      }
    }
    for (let i = y >>> 2; i < (y >>> 2) + rows * n; i++) f32[i] = clamp(f32[i]!, low, high)
  }
  return {
    f32_spmm_csr: (...args) => multiply(undefined, args),
    f32_cb8w_spmm_csr: (w, table, ...args) => multiply(table, [w, ...args]),
  }
}
