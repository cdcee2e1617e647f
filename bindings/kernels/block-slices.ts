import type { BlockSparseMatrix } from '../formats/block-sparse.js'
import type { LinearMemory } from '../runtime/memory.js'
import { BLOCK_HEADER_BYTES, blocksOf, NARROW_COLUMNS, type Lines } from './slices.js'

// These mirror assembly/f32-spmm/layout.ts.
export const BSR_SLICE_GROUPS = 4
export const BSR_COUNTS = 16
export const BSR_SLICE_HEADER_BYTES = 24
export const BSR_VALUES = 8
export const BSR_STEP_BYTES = 72

/** Groups of four rows as the rows of a matrix. */
function groupsOf({ cols, groupPtr, colIndices }: BlockSparseMatrix): Lines {
  return { rows: groupPtr.length - 1, cols, rowPtr: groupPtr, colIndices }
}

/** Bytes of the slices of a matrix. */
export function blockSliceBytes(matrix: BlockSparseMatrix): number {
  let bytes = 0
  for (const { rows, counts } of blocksOf(groupsOf(matrix), NARROW_COLUMNS)) {
    bytes += BLOCK_HEADER_BYTES
    for (let i = 0; i < rows.length; i += BSR_SLICE_GROUPS) {
      bytes += BSR_SLICE_HEADER_BYTES + counts[rows[i]!]! * BSR_STEP_BYTES
    }
  }
  return bytes
}

/** Writes a matrix in slices of groups (assembly/README.md#f32-spmm) from byte `to` on. */
export function writeBlockSlices(
  matrix: BlockSparseMatrix,
  { u16, u32, f32 }: Pick<LinearMemory, 'u16' | 'u32' | 'f32'>,
  to: number,
): void {
  const lines = groupsOf(matrix)
  for (const { firstColumn, rows: groups, starts, counts } of blocksOf(lines, NARROW_COLUMNS)) {
    u32[to >>> 2] = groups.length
    to += BLOCK_HEADER_BYTES
    for (let i = 0; i < groups.length; i += BSR_SLICE_GROUPS) {
      const shortest = counts[groups[Math.min(i + BSR_SLICE_GROUPS, groups.length) - 1]!]!
      for (let lane = 0; lane < BSR_SLICE_GROUPS; lane++) {
        const group = groups[i + lane]
        const count = group === undefined ? shortest : counts[group]!
        u32[(to >>> 2) + lane] = group ?? lines.rows
        u16[((to + BSR_COUNTS) >>> 1) + lane] = count
        let step = to + BSR_SLICE_HEADER_BYTES
        for (let j = 0; j < count; j++, step += BSR_STEP_BYTES) {
          const entry = group === undefined ? -1 : starts[group]! + j
          u16[(step >>> 1) + lane] = entry < 0 ? 0 : 4 * (matrix.colIndices[entry]! - firstColumn)
          const values = ((step + BSR_VALUES) >>> 2) + 4 * lane
          if (entry < 0) f32.fill(0, values, values + 4)
          else f32.set(matrix.values.subarray(4 * entry, 4 * entry + 4), values)
        }
      }
      to += BSR_SLICE_HEADER_BYTES + counts[groups[i]!]! * BSR_STEP_BYTES
    }
  }
}
