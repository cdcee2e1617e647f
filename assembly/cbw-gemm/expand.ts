import { BYTE_TABLE, NR, PANEL_ROW_BYTES, UNIT, UNIT_BYTES } from './layout'

/** A panel as f32_gemm has it: the bias, then row after row of weights, of 4-bit ones up to a whole unit. */
export function expandPanel(panel: usize, table: usize, k: i32, bits: i32, to: usize): void {
  v128.store(to, v128.load(panel))
  v128.store(to, v128.load(panel, 16), 16)
  panel += PANEL_ROW_BYTES
  to += PANEL_ROW_BYTES
  if (bits == 8) expandBytes(panel, k, to)
  else expandNibbles(panel, table, k, to)
}

function expandBytes(panel: usize, k: i32, to: usize): void {
  while (k > 0) {
    const i0123 = load<u32>(panel)
    const i4567 = load<u32>(panel, 4)
    store<u32>(to, load<u32>(offsetOf(i0123, 0), BYTE_TABLE))
    store<u32>(to, load<u32>(offsetOf(i0123, 1), BYTE_TABLE), 4)
    store<u32>(to, load<u32>(offsetOf(i0123, 2), BYTE_TABLE), 8)
    store<u32>(to, load<u32>(offsetOf(i0123, 3), BYTE_TABLE), 12)
    store<u32>(to, load<u32>(offsetOf(i4567, 0), BYTE_TABLE), 16)
    store<u32>(to, load<u32>(offsetOf(i4567, 1), BYTE_TABLE), 20)
    store<u32>(to, load<u32>(offsetOf(i4567, 2), BYTE_TABLE), 24)
    store<u32>(to, load<u32>(offsetOf(i4567, 3), BYTE_TABLE), 28)
    panel += <usize>NR
    to += PANEL_ROW_BYTES
    k--
  }
}

/** Bytes into the table of byte `i` of a word of indices. */
function offsetOf(indices: u32, i: i32): usize {
  return <usize>((i == 0 ? indices << 2 : indices >> (8 * i - 2)) & 0x3fc)
}

function expandNibbles(panel: usize, table: usize, k: i32, to: usize): void {
  const plane0 = v128.load(table)
  const plane1 = v128.load(table, 16)
  const plane2 = v128.load(table, 32)
  const plane3 = v128.load(table, 48)
  while (k > 0) {
    const nibbles = v128.load(panel)
    const low = v128.and(nibbles, i8x16.splat(15))
    store16(low, plane0, plane1, plane2, plane3, to)
    const high = i8x16.shr_u(nibbles, 4)
    store16(high, plane0, plane1, plane2, plane3, to + 2 * PANEL_ROW_BYTES)
    panel += UNIT_BYTES
    to += <usize>UNIT * PANEL_ROW_BYTES
    k -= UNIT
  }
}

/** The centroids of sixteen indices: each byte of them by a swizzle of its plane, then the bytes put together. */
function store16(indices: v128, plane0: v128, plane1: v128, plane2: v128, plane3: v128, to: usize): void {
  const byte0 = i8x16.swizzle(plane0, indices)
  const byte1 = i8x16.swizzle(plane1, indices)
  const byte2 = i8x16.swizzle(plane2, indices)
  const byte3 = i8x16.swizzle(plane3, indices)
  const low01 = zipLow(byte0, byte1)
  const low23 = zipLow(byte2, byte3)
  v128.store(to, zipPairsLow(low01, low23))
  v128.store(to, zipPairsHigh(low01, low23), 16)
  const high01 = zipHigh(byte0, byte1)
  const high23 = zipHigh(byte2, byte3)
  v128.store(to, zipPairsLow(high01, high23), 32)
  v128.store(to, zipPairsHigh(high01, high23), 48)
}

// prettier-ignore
function zipLow(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}

// prettier-ignore
function zipHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
}

function zipPairsLow(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
}

function zipPairsHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
}
