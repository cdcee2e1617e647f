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
    if (columns == NR && strideN == 1) {
      packRows(w, depthBytes, bias, packed, k)
      w += <usize>NR * columnBytes
      if (bias != 0) bias += (<usize>NR) << 2
      packed += (<usize>k + 1) * PANEL_ROW_BYTES
      n -= NR
      continue
    }
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

/** A whole panel whose columns lie next to each other, as those of a matrix [k][n] do. */
function packRows(w: usize, depthBytes: usize, bias: usize, packed: usize, k: i32): void {
  v128.store(packed, bias == 0 ? i32x4.splat(0) : v128.load(bias))
  v128.store(packed, bias == 0 ? i32x4.splat(0) : v128.load(bias, 16), 16)
  while (k > 0) {
    packed += PANEL_ROW_BYTES
    v128.store(packed, v128.load(w))
    v128.store(packed, v128.load(w, 16), 16)
    w += depthBytes
    k--
  }
}
