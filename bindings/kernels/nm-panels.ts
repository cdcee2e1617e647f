import { NM_GROUP, positionAt, type NmSparseMatrix } from '../formats/nm-sparse.js'
import type { LinearMemory } from '../runtime/memory.js'
import { BLOCK_HEADER_BYTES, NARROW_COLUMNS } from './slices.js'

// These mirror assembly/f32-spmm/layout.ts.
export const NM_ROWS = 16
export const NM_POSITION_BYTES = 4
export const NM_VALUE_BYTES = 64

/** Bytes of the panels of a matrix. */
export function nmPanelBytes({ rows, cols, n }: NmSparseMatrix): number {
  const steps = (cols / NM_GROUP) * n
  const panelBytes = steps * (NM_POSITION_BYTES + NM_VALUE_BYTES)
  return Math.ceil(cols / NARROW_COLUMNS) * BLOCK_HEADER_BYTES + Math.ceil(rows / NM_ROWS) * panelBytes
}

/** Writes a matrix in panels of 16 rows (assembly/README.md#f32-spmm) from byte `to` on. */
export function writeNmPanels(
  { rows, cols, n, values, positions }: NmSparseMatrix,
  { u8, u32, f32 }: Pick<LinearMemory, 'u8' | 'u32' | 'f32'>,
  to: number,
): void {
  const panels = Math.ceil(rows / NM_ROWS)
  const rowEntries = (cols / NM_GROUP) * n
  for (let column = 0; column < cols; column += NARROW_COLUMNS) {
    const steps = (Math.min(cols - column, NARROW_COLUMNS) / NM_GROUP) * n
    u32.set([panels, steps, n], to >>> 2)
    to += BLOCK_HEADER_BYTES
    for (let panel = 0; panel < panels; panel++) {
      const valuesAt = to + steps * NM_POSITION_BYTES
      const end = valuesAt + steps * NM_VALUE_BYTES
      u8.fill(0, to, end)
      for (let lane = 0; lane < NM_ROWS && panel * NM_ROWS + lane < rows; lane++) {
        const first = (panel * NM_ROWS + lane) * rowEntries + (column / NM_GROUP) * n
        for (let step = 0; step < steps; step++) {
          u8[to + step * NM_POSITION_BYTES + (lane >> 2)]! |=
            positionAt(positions, first + step) << (2 * (lane & 3))
          f32[((valuesAt + step * NM_VALUE_BYTES) >>> 2) + lane] = values[first + step]!
        }
      }
      to = end
    }
  }
}
