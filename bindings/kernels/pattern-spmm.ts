import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import {
  BSR_COUNTS,
  BSR_SLICE_GROUPS,
  BSR_SLICE_HEADER_BYTES,
  BSR_STEP_BYTES,
  BSR_VALUES,
} from './block-slices.js'
import { NM_POSITION_BYTES, NM_ROWS, NM_VALUE_BYTES } from './nm-panels.js'
import { clamp } from './rounding.js'
import { BLOCK_HEADER_BYTES, NARROW_COLUMNS } from './slices.js'

const { fround } = Math

/** One stored entry: the sum of its row goes on. */
type AddEntry = (row: number, column: number, value: number) => void

export function patternSpmmKernels(memory: LinearMemory): Pick<Kernels, 'f32_spmm_bsr' | 'f32_spmm_nm'> {
  /** Starts from the bias, adds the entries in the order in which `visit` meets those of a row, and clamps. */
  function multiply(
    visit: (w: number, cols: number, add: AddEntry) => void,
    [w, bias, x, y, rows, cols, n, samplesAreRows, low, high]: Parameters<Kernels['f32_spmm_bsr']>,
  ): void {
    const { f32 } = memory
    const [xColumn, xSample, yRow, ySample] = samplesAreRows ? [1, cols, 1, rows] : [n, 1, n, 1]
    for (let row = 0; row < rows; row++) {
      for (let j = 0; j < n; j++) f32[(y >>> 2) + row * yRow + j * ySample] = f32[(bias >>> 2) + row]!
    }
    visit(w, cols, (row, column, value) => {
      if (row >= rows) return
      for (let j = 0; j < n; j++) {
        const to = (y >>> 2) + row * yRow + j * ySample
        f32[to] = fround(f32[to]! + fround(value * f32[(x >>> 2) + column * xColumn + j * xSample]!))
      }
    })
    for (let i = y >>> 2; i < (y >>> 2) + rows * n; i++) f32[i] = clamp(f32[i]!, low, high)
  }

  function visitBlocks(w: number, cols: number, add: AddEntry): void {
    const { f32, u16, u32 } = memory
    for (let column = 0; column < cols; column += NARROW_COLUMNS) {
      let left = u32[w >>> 2]!
      w += BLOCK_HEADER_BYTES
      for (; left > 0; left -= BSR_SLICE_GROUPS) {
        for (let lane = 0; lane < Math.min(left, BSR_SLICE_GROUPS); lane++) {
          const count = u16[((w + BSR_COUNTS) >>> 1) + lane]!
          const firstRow = 4 * u32[(w >>> 2) + lane]!
          for (let i = 0, step = w + BSR_SLICE_HEADER_BYTES; i < count; i++, step += BSR_STEP_BYTES) {
            const at = column + u16[(step >>> 1) + lane]! / 4
            const values = ((step + BSR_VALUES) >>> 2) + 4 * lane
            for (let row = 0; row < 4; row++) add(firstRow + row, at, f32[values + row]!)
          }
        }
        w += BSR_SLICE_HEADER_BYTES + u16[(w + BSR_COUNTS) >>> 1]! * BSR_STEP_BYTES
      }
    }
  }

  function visitPattern(w: number, cols: number, add: AddEntry): void {
    const { f32, u8, u32 } = memory
    for (let column = 0; column < cols; column += NARROW_COLUMNS) {
      const [panels, steps, n] = u32.subarray(w >>> 2) as unknown as [number, number, number]
      w += BLOCK_HEADER_BYTES
      for (let panel = 0; panel < panels; panel++) {
        const values = w + steps * NM_POSITION_BYTES
        for (let lane = 0; lane < NM_ROWS; lane++) {
          for (let step = 0; step < steps; step++) {
            const byte = u8[w + step * NM_POSITION_BYTES + (lane >> 2)]!
            const at = column + 4 * Math.floor(step / n) + ((byte >> (2 * (lane & 3))) & 3)
            add(panel * NM_ROWS + lane, at, f32[((values + step * NM_VALUE_BYTES) >>> 2) + lane]!)
          }
        }
        w = values + steps * NM_VALUE_BYTES
      }
    }
  }

  return {
    f32_spmm_bsr: (...args) => multiply(visitBlocks, args),
    f32_spmm_nm: (...args) => multiply(visitPattern, args),
  }
}
