import { MR, NR, ROW_BLOCK } from '../qs8-gemm/layout'
import { groupsOf, HEAD_BYTES, panelBytesOf, PANEL_ROW_BYTES, rowBytesOf, UNIT, unitsOf } from './layout'

/** Bytes of packed weights, in f64: it cannot wrap. */
export function qb4w_gemm_packed_bytes(n: i32, k: i32, group: i32): f64 {
  const rows = <f64>groupsOf(k, group) + <f64>unitsOf(k) + 2
  return Math.ceil(<f64>n / <f64>NR) * rows * <f64>PANEL_ROW_BYTES
}

/** Bytes of work space for a product of m rows, in f64. */
export function qb4w_gemm_scratch_bytes(m: i32, k: i32, group: i32): f64 {
  const expanded = m < MR ? 0 : <f64>unitsOf(k) * <f64>(UNIT * NR) * (ASC_FEATURE_RELAXED_SIMD ? 1 : 2)
  return <f64>min(m, ROW_BLOCK) * <f64>rowBytesOf(k, group) + expanded
}

/**
 * Packs int4 weights: codes + 8, low nibble first, one column a row of whole 32-bit words; scale [n][groups]; bias [n],
 * or none. Contract: assembly/README.md#qb4w-gemm
 */
export function qb4w_gemm_pack(
  w: usize,
  scale: usize,
  bias: usize,
  packed: usize,
  n: i32,
  k: i32,
  group: i32,
): void {
  const rowBytes = (<usize>unitsOf(k)) << 2
  const groups = groupsOf(k, group)
  const panelBytes = panelBytesOf(k, group)
  for (let j = 0; j < n; j++) {
    // The columns beyond n, which nobody stores, stay as they are; so do their scales.
    const lane = <usize>(j & (NR - 1))
    const head = packed + <usize>(j / NR) * panelBytes + (lane << 2)
    let to = head + HEAD_BYTES
    let total: f32 = 0
    let left = k
    for (let g = 0; g < groups; g++) {
      const factor = load<f32>(scale)
      scale += 4
      store<f32>(to, factor)
      to += PANEL_ROW_BYTES
      let sum = 0
      let depth = min(left, group)
      left -= depth
      do {
        const codes = load<u32>(w)
        w += 4
        // Nibbles 0 to 7 become 0, 2, 4, 6, 1, 3, 5, 7: pairs in depth are then 16 bits apart, as a dot product wants them.
        let turned: u32 = 0
        for (let p = 0; p < UNIT; p++) {
          const code = (codes >> (p << 2)) & 15
          turned |= code << (((p >> 1) + ((p & 1) << 2)) << 2)
          if (p < depth) sum += <i32>code - 8
        }
        store<u32>(to, turned)
        to += PANEL_ROW_BYTES
        depth -= UNIT
      } while (depth > 0)
      total += factor * <f32>sum
    }
    store<f32>(head, total)
    let start: f32 = 0
    if (bias != 0) {
      start = load<f32>(bias)
      bias += 4
    }
    store<f32>(head, start, PANEL_ROW_BYTES)
  }
}
