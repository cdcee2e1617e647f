import type { CsrMatrix } from '../formats/csr.js'
import type { LinearMemory } from '../runtime/memory.js'
import { blocksOf } from './slices.js'

// These mirror assembly/qs8-spmm/layout.ts.
export const BLOCK_COLUMNS = 512
export const SLICE_ROWS = 8
export const BLOCK_HEADER_BYTES = 16
export const COUNTS = 32
export const SLICE_HEADER_BYTES = 48
export const OFFSETS = 16
export const STEP_BYTES = 48

/** Bytes of the int8 slices of a matrix. */
export function qs8SliceBytes(csr: CsrMatrix): number {
  let bytes = 0
  for (const { rows, counts } of blocksOf(csr, BLOCK_COLUMNS)) {
    bytes += BLOCK_HEADER_BYTES
    for (let i = 0; i < rows.length; i += SLICE_ROWS) {
      bytes += SLICE_HEADER_BYTES + pairs(counts[rows[i]!]!) * STEP_BYTES
    }
  }
  return bytes
}

function pairs(entries: number): number {
  return (entries + 1) >> 1
}

/**
 * Writes a matrix in int8 slices (assembly/README.md#qs8-spmm) from byte `to` on. Steps are filled up with zeros at
 * column 0 of the block, which add nothing; lanes without a row belong to row `csr.rows`, one past the last.
 */
export function writeQs8Slices(
  csr: CsrMatrix<Int8Array>,
  { u8, i8, u16, u32 }: Pick<LinearMemory, 'u8' | 'i8' | 'u16' | 'u32'>,
  to: number,
): void {
  for (const { firstColumn, rows, starts, counts } of blocksOf(csr, BLOCK_COLUMNS)) {
    u32[to >>> 2] = rows.length
    to += BLOCK_HEADER_BYTES
    for (let i = 0; i < rows.length; i += SLICE_ROWS) {
      const end = to + SLICE_HEADER_BYTES + pairs(counts[rows[i]!]!) * STEP_BYTES
      u8.fill(0, to, end)
      for (let lane = 0; lane < SLICE_ROWS; lane++) {
        const row = rows[i + lane]
        u32[(to >>> 2) + lane] = row ?? csr.rows
        if (row === undefined) continue
        const start = starts[row]!
        const count = counts[row]!
        u16[((to + COUNTS) >>> 1) + lane] = pairs(count)
        for (let j = 0; j < count; j++) {
          const step = to + SLICE_HEADER_BYTES + (j >> 1) * STEP_BYTES
          const at = 2 * lane + (j & 1)
          i8[step + at] = csr.values[start + j]!
          u16[((step + OFFSETS) >>> 1) + at] = 2 * (csr.colIndices[start + j]! - firstColumn)
        }
      }
      to = end
    }
  }
}
