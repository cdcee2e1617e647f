import { WINDOW_BYTES, writeWindow } from '../kernels/window.js'
import type { ConvWeights } from './conv-weights.js'

/** im2col rows together: what stays in a second-level cache beside the weights. */
const CHUNK_BYTES = 256 * 1024
/** Chunks of whole row blocks of both products (64 and 96), or at least of whole tiles of both (4 and 6 rows). */
const ROW_BLOCKS = 192
const TILE_ROWS = 12

/** Rows of a chunk, for rows of `rowBytes` of which there are `pixels`. */
function chunkRows(rowBytes: number, pixels: number): number {
  const fitting = Math.floor(CHUNK_BYTES / Math.max(rowBytes, 1))
  const unit = fitting >= ROW_BLOCKS ? ROW_BLOCKS : TILE_ROWS
  return Math.min(pixels, Math.max(Math.floor(fitting / unit), 1) * unit)
}

/** The product of `m` rows at `a`, `lda` elements apart, with the weights of a group: output pixels from `first` on. */
export type MultiplyRows = (a: number, lda: number, group: number, first: number, m: number) => void

/**
 * Calls `multiply` for the windows of the fitted images at `from` as rows of a matrix: as they lie in memory where they
 * are rows already, otherwise gathered by im2col, some rows at a time. What `multiply` takes from scratch is released.
 *
 * @param fill the byte of which the elements of the padding are made
 */
export function eachRowChunk(
  weights: ConvWeights,
  from: number,
  elementBytes: number,
  fill: number,
  multiply: MultiplyRows,
): void {
  const { window, group, groupChannels, rowStride, depth } = weights
  const { kernels, memory, scratch } = weights.runtime
  const pixels = window.batch * window.outPixels
  const sliceBytes = groupChannels * elementBytes
  const rows = rowStride > 0 ? pixels : chunkRows(depth * elementBytes, pixels)
  const mark = scratch.mark()
  try {
    const pointer = scratch.take(WINDOW_BYTES)
    const gathered = rowStride > 0 ? 0 : scratch.take(rows * depth * elementBytes)
    writeWindow(memory, pointer, window)
    const inner = scratch.mark()
    for (let g = 0; g < group; g++) {
      const slice = from + g * sliceBytes
      for (let first = 0; first < pixels; first += rows) {
        const m = Math.min(rows, pixels - first)
        if (rowStride > 0) {
          multiply(slice, rowStride, g, first, m)
        } else {
          const pixelBytes = window.channels * elementBytes
          kernels.x8_im2col(pointer, slice, pixelBytes, sliceBytes, fill, first, m, gathered)
          multiply(gathered, depth, g, first, m)
        }
        scratch.release(inner)
      }
    }
  } finally {
    scratch.release(mark)
  }
}
