import { NR, PANEL_ROW_BYTES } from './layout'

/** Bytes of packed weights, in f64: it cannot wrap. */
export function f32_gemm_packed_bytes(n: i32, k: i32): f64 {
  return Math.ceil(<f64>n / <f64>NR) * (<f64>k + 1) * <f64>PANEL_ROW_BYTES
}

/**
 * Packs weights, element (column j, depth p) at `w + 4 * (j * strideN + p * strideK)`, with the bias (0: none).
 * Contract: assembly/README.md#f32-gemm
 */
export function f32_gemm_pack(
  w: usize,
  strideN: i32,
  strideK: i32,
  bias: usize,
  packed: usize,
  n: i32,
  k: i32,
): void {
  const columnBytes = (<usize>strideN) << 2
  const depthBytes = (<usize>strideK) << 2
  while (n > 0) {
    const columns = min(n, NR)
    for (let j = 0; j < NR; j++) {
      const inside = j < columns
      let to = packed + ((<usize>j) << 2)
      store<f32>(to, inside && bias != 0 ? load<f32>(bias + ((<usize>j) << 2)) : 0)
      let from = w + <usize>j * columnBytes
      for (let p = 0; p < k; p++) {
        to += PANEL_ROW_BYTES
        store<f32>(to, inside ? load<f32>(from) : 0)
        from += depthBytes
      }
    }
    w += <usize>NR * columnBytes
    if (bias != 0) bias += (<usize>NR) << 2
    packed += (<usize>k + 1) * PANEL_ROW_BYTES
    n -= NR
  }
}
