import type { CsrMatrix } from '../formats/csr.js'
import type { LinearMemory } from '../runtime/memory.js'

// These mirror assembly/f32-spmm/layout.ts.
export const BLOCK_COLUMNS = 256
export const NARROW_COLUMNS = 1024
export const SLICE_ROWS = 8
export const BLOCK_HEADER_BYTES = 16
export const COUNTS = 32
export const SLICE_HEADER_BYTES = 48
export const VALUES = 16

/** Bytes of a step whose values take `valueBytes` each: 4, or 1 for indices of a codebook. */
export function stepBytes(valueBytes: number): number {
  return VALUES + SLICE_ROWS * valueBytes
}

/** Some neighbouring columns: the rows that have entries there, most entries first, equal ones in order. */
export interface Block {
  readonly firstColumn: number
  readonly rows: Uint32Array
  /** By row of the matrix: its first entry in the block, and how many there are. */
  readonly starts: Uint32Array
  readonly counts: Uint32Array
}

/** What `blocksOf` reads of a matrix. */
export type Lines = Pick<CsrMatrix, 'rows' | 'cols' | 'rowPtr' | 'colIndices'>

/** Walks the blocks of `width` columns of a matrix. The arrays are used again for the next block. */
export function* blocksOf({ rows, cols, rowPtr, colIndices }: Lines, width: number): Generator<Block> {
  const starts = rowPtr.slice(0, rows)
  const counts = new Uint32Array(rows)
  const order = new Uint32Array(rows)
  // A counting sort: places[b] is where the rows with `width - b` entries go.
  const places = new Uint32Array(width + 2)
  for (let firstColumn = 0; firstColumn < cols; firstColumn += width) {
    places.fill(0)
    for (let row = 0; row < rows; row++) {
      const start = starts[row]! + counts[row]!
      let end = start
      while (end < rowPtr[row + 1]! && colIndices[end]! < firstColumn + width) end++
      starts[row] = start
      counts[row] = end - start
      places[width - (end - start) + 1]!++
    }
    for (let i = 0; i <= width; i++) places[i + 1]! += places[i]!
    const used = places[width]!
    for (let row = 0; row < rows; row++) order[places[width - counts[row]!]!++] = row
    yield { firstColumn, rows: order.subarray(0, used), starts, counts }
  }
}

/** Bytes of the slices of a matrix with values of `valueBytes`. */
export function sliceBytes(csr: CsrMatrix, valueBytes: number): number {
  let bytes = 0
  for (const { rows, counts } of blocksOf(csr, BLOCK_COLUMNS)) {
    bytes += BLOCK_HEADER_BYTES
    for (let i = 0; i < rows.length; i += SLICE_ROWS) {
      bytes += SLICE_HEADER_BYTES + counts[rows[i]!]! * stepBytes(valueBytes)
    }
  }
  return bytes
}

/**
 * Writes a matrix in slices (assembly/README.md#f32-spmm) from byte `to` on, with `values` for its own: real ones, or
 * indices of a codebook. A lane without a row belongs to row `csr.rows`, one past the last, whose sums nobody reads.
 */
export function writeSlices(
  csr: CsrMatrix,
  values: Float32Array | Uint8Array,
  { u8, u16, u32, f32 }: Pick<LinearMemory, 'u8' | 'u16' | 'u32' | 'f32'>,
  to: number,
): void {
  const valueBytes = values.BYTES_PER_ELEMENT
  const view = valueBytes === 1 ? u8 : f32
  const bytes = stepBytes(valueBytes)
  for (const { firstColumn, rows, starts, counts } of blocksOf(csr, BLOCK_COLUMNS)) {
    u32[to >>> 2] = rows.length
    to += BLOCK_HEADER_BYTES
    for (let i = 0; i < rows.length; i += SLICE_ROWS) {
      const shortest = counts[rows[Math.min(i + SLICE_ROWS, rows.length) - 1]!]!
      for (let lane = 0; lane < SLICE_ROWS; lane++) {
        const row = rows[i + lane]
        const count = row === undefined ? shortest : counts[row]!
        u32[(to >>> 2) + lane] = row ?? csr.rows
        u16[((to + COUNTS) >>> 1) + lane] = count
        let step = to + SLICE_HEADER_BYTES
        for (let j = 0; j < count; j++, step += bytes) {
          const entry = row === undefined ? -1 : starts[row]! + j
          u16[(step >>> 1) + lane] = entry < 0 ? 0 : 4 * (csr.colIndices[entry]! - firstColumn)
          view[(step + VALUES) / valueBytes + lane] = entry < 0 ? 0 : values[entry]!
        }
      }
      to += SLICE_HEADER_BYTES + counts[rows[i]!]! * bytes
    }
  }
}
