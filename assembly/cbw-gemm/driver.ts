import { f32_gemm } from '../f32-gemm/driver'
import { MR, VECTOR_PANELS } from '../f32-gemm/layout'
import { expandPanel } from './expand'
import { BYTE_TABLE, NR, PANEL_ROW_BYTES, panelBytesOf, tableBytesOf, UNIT } from './layout'

/** Rows for which a panel is expanded once: 1024 floats of each are half of a second-level cache. */
const ROW_BLOCK: i32 = 256

/** Bytes of work space for the product below, in f64. */
export function f32_cbw_gemm_scratch_bytes(k: i32): f64 {
  const rows = <f64>VECTOR_PANELS * (<f64>k + 1) + <f64>UNIT
  return <f64>PANEL_ROW_BYTES * rows
}

/**
 * c [m][n] = clamp(bias + a * w), w being centroids by their indices: they become panels of f32_gemm, one at a time.
 * Contract: assembly/README.md#cbw-gemm
 */
export function f32_cbw_gemm(
  a: usize,
  lda: i32,
  w: usize,
  c: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
  bits: i32,
  low: f32,
  high: f32,
  scratch: usize,
): void {
  if (bits == 8) memory.copy(BYTE_TABLE, w, tableBytesOf(bits))
  const panelBytes = panelBytesOf(k, bits)
  const expandedBytes = (<usize>k + 1) * PANEL_ROW_BYTES
  while (m > 0) {
    // Tiles take a panel at a time, which stays in a first-level cache; vectors several.
    const widest = m < MR ? VECTOR_PANELS * NR : NR
    const rows = min(m, ROW_BLOCK)
    let panel = w + tableBytesOf(bits)
    let to = c
    let columns = n
    while (columns > 0) {
      const width = min(columns, widest)
      let expanded = scratch
      for (let j = 0; j < width; j += NR) {
        expandPanel(panel, w, k, bits, expanded)
        panel += panelBytes
        expanded += expandedBytes
      }
      f32_gemm(a, lda, scratch, to, ldc, rows, width, k, low, high)
      to += (<usize>width) << 2
      columns -= width
    }
    a += (<usize>rows * <usize>lda) << 2
    c += (<usize>rows * <usize>ldc) << 2
    m -= rows
  }
}
