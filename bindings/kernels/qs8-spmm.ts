import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import {
  BLOCK_COLUMNS,
  BLOCK_HEADER_BYTES,
  COUNTS,
  OFFSETS,
  SLICE_HEADER_BYTES,
  SLICE_ROWS,
  STEP_BYTES,
} from './qs8-slices.js'
import { realOf } from './requantize.js'

export function qs8SpmmKernels(memory: LinearMemory): Pick<Kernels, 'qd8_f32_qc8w_spmm_csr'> {
  return {
    qd8_f32_qc8w_spmm_csr(
      w,
      wScale,
      bias,
      a,
      aScale,
      aZero,
      aStep,
      y,
      rows,
      cols,
      n,
      samplesAreRows,
      low,
      high,
      acc,
    ) {
      const { f32, i8, i32, u16, u32 } = memory
      const [aColumn, aSample, yRow, ySample] = samplesAreRows ? [1, cols, 1, rows] : [n, 1, n, 1]
      for (let j = 0; j < n; j++) {
        const zero = i32[(aZero >>> 2) + j * aStep]!
        i32.fill(0, acc >>> 2, (acc >>> 2) + rows)
        let block = w
        for (let column = 0; column < cols; column += BLOCK_COLUMNS) {
          let left = u32[block >>> 2]!
          block += BLOCK_HEADER_BYTES
          for (; left > 0; left -= SLICE_ROWS) {
            for (let lane = 0; lane < Math.min(left, SLICE_ROWS); lane++) {
              let sum = 0
              const count = u16[((block + COUNTS) >>> 1) + lane]!
              for (let i = 0; i < 2 * count; i++) {
                const step = block + SLICE_HEADER_BYTES + (i >> 1) * STEP_BYTES
                const at = 2 * lane + (i & 1)
                const k = column + u16[((step + OFFSETS) >>> 1) + at]! / 2
                sum += i8[step + at]! * (i8[a + k * aColumn + j * aSample]! - zero)
              }
              i32[(acc >>> 2) + u32[(block >>> 2) + lane]!]! += sum
            }
            block += SLICE_HEADER_BYTES + u16[(block + COUNTS) >>> 1]! * STEP_BYTES
          }
        }
        for (let row = 0; row < rows; row++) {
          const scale = Math.fround(f32[(aScale >>> 2) + j * aStep]! * f32[(wScale >>> 2) + row]!)
          f32[(y >>> 2) + row * yRow + j * ySample] = realOf(
            i32[(acc >>> 2) + row]!,
            scale,
            f32[(bias >>> 2) + row]!,
            low,
            high,
          )
        }
      }
    },
  }
}
