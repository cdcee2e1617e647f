import { NR, PANEL_ROW_BYTES, tableBytesOf, UNIT, UNIT_BYTES } from './layout'

/** Bytes of packed weights, in f64: it cannot wrap. `bits` of an index are 4 or 8. */
export function cbw_gemm_packed_bytes(n: i32, k: i32, bits: i32): f64 {
  const indices = bits == 8 ? <f64>k * <f64>NR : Math.ceil(<f64>k / <f64>UNIT) * <f64>UNIT_BYTES
  return <f64>tableBytesOf(bits) + Math.ceil(<f64>n / <f64>NR) * (<f64>PANEL_ROW_BYTES + indices)
}

/**
 * Packs weights that are indices into `count` centroids, element (column j, depth p) at `w + j * strideN + p * strideK`,
 * with the bias (0: none). Contract: assembly/README.md#cbw-gemm
 */
export function cbw_gemm_pack(
  w: usize,
  strideN: i32,
  strideK: i32,
  centroids: usize,
  count: i32,
  bits: i32,
  bias: usize,
  packed: usize,
  n: i32,
  k: i32,
): void {
  for (let i = 0; i < 1 << bits; i++) {
    const at = (<usize>i) << 2
    const centroid = i < count ? load<u32>(centroids + at) : 0
    if (bits == 8) {
      store<u32>(packed + at, centroid)
    } else {
      for (let plane = 0; plane < 4; plane++) {
        store<u8>(packed + <usize>(16 * plane + i), centroid >> (8 * plane))
      }
    }
  }
  packed += tableBytesOf(bits)
  // Rows that high nibbles are ahead of low ones.
  const ahead = bits == 8 ? 0 : UNIT >> 1
  while (n > 0) {
    for (let j = 0; j < NR; j++) {
      const inside = j < n && bias != 0
      store<f32>(packed, inside ? load<f32>(bias + ((<usize>j) << 2)) : 0)
      packed += 4
    }
    let p = 0
    while (p < k) {
      for (let j = 0; j < NR; j++) {
        const from = w + <usize>j * <usize>strideN
        let index: u32 = j < n ? load<u8>(from + <usize>p * <usize>strideK) : 0
        if (ahead > 0 && j < n && p + ahead < k) {
          index |= (<u32>load<u8>(from + <usize>(p + ahead) * <usize>strideK)) << 4
        }
        store<u8>(packed, index)
        packed++
      }
      p++
      if (ahead > 0 && (p & 1) == 0) p += ahead
    }
    if (ahead > 0 && p & 1) {
      store<u64>(packed, 0)
      packed += <usize>NR
    }
    w += <usize>NR * <usize>strideN
    if (bias != 0) bias += PANEL_ROW_BYTES
    n -= NR
  }
}
