import { STRIP_ROW_BYTES } from './layout'

// The same kernels on i32x4.relaxed_dot_i8x16_i7x16_add_s, four products a lane. Only for engines where the probe shows
// that it multiplies signed by unsigned bytes without saturation. Activations are stored as a + 128, which makes them
// unsigned; accumulators start at -128 times the sums of the columns to make up for it.

/** acc [6][8] = a [steps][6][4] times a panel [steps][8][4] with column sums. */
export function qs8_gemm_6x8c4(a: usize, w: usize, sums: usize, acc: usize, steps: i32): void {
  let acc0x0123 = startOf(sums)
  let acc0x4567 = startOf(sums + 16)
  let acc1x0123 = acc0x0123
  let acc1x4567 = acc0x4567
  let acc2x0123 = acc0x0123
  let acc2x4567 = acc0x4567
  let acc3x0123 = acc0x0123
  let acc3x4567 = acc0x4567
  let acc4x0123 = acc0x0123
  let acc4x4567 = acc0x4567
  let acc5x0123 = acc0x0123
  let acc5x4567 = acc0x4567
  while (steps > 0) {
    const w0123_i8x16 = v128.load(w)
    const w4567_i8x16 = v128.load(w, 16)
    // Each activation is loaded next to its use: 12 accumulators, 2 of the panel and 1 are all registers there are.
    const a0_u8x16 = v128.load32_splat(a)
    acc0x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0123_i8x16, a0_u8x16, acc0x0123)
    acc0x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w4567_i8x16, a0_u8x16, acc0x4567)
    const a1_u8x16 = v128.load32_splat(a, 4)
    acc1x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0123_i8x16, a1_u8x16, acc1x0123)
    acc1x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w4567_i8x16, a1_u8x16, acc1x4567)
    const a2_u8x16 = v128.load32_splat(a, 8)
    acc2x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0123_i8x16, a2_u8x16, acc2x0123)
    acc2x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w4567_i8x16, a2_u8x16, acc2x4567)
    const a3_u8x16 = v128.load32_splat(a, 12)
    acc3x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0123_i8x16, a3_u8x16, acc3x0123)
    acc3x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w4567_i8x16, a3_u8x16, acc3x4567)
    const a4_u8x16 = v128.load32_splat(a, 16)
    acc4x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0123_i8x16, a4_u8x16, acc4x0123)
    acc4x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w4567_i8x16, a4_u8x16, acc4x4567)
    const a5_u8x16 = v128.load32_splat(a, 20)
    acc5x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0123_i8x16, a5_u8x16, acc5x0123)
    acc5x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w4567_i8x16, a5_u8x16, acc5x4567)
    a += 24
    w += 32
    steps--
  }
  v128.store(acc, acc0x0123)
  v128.store(acc, acc0x4567, 16)
  acc += STRIP_ROW_BYTES
  v128.store(acc, acc1x0123)
  v128.store(acc, acc1x4567, 16)
  acc += STRIP_ROW_BYTES
  v128.store(acc, acc2x0123)
  v128.store(acc, acc2x4567, 16)
  acc += STRIP_ROW_BYTES
  v128.store(acc, acc3x0123)
  v128.store(acc, acc3x4567, 16)
  acc += STRIP_ROW_BYTES
  v128.store(acc, acc4x0123)
  v128.store(acc, acc4x4567, 16)
  acc += STRIP_ROW_BYTES
  v128.store(acc, acc5x0123)
  v128.store(acc, acc5x4567, 16)
}

/** acc [32] = a [steps][4] times four neighbouring panels. */
export function qs8_gemm_1x32c4(
  a: usize,
  w: usize,
  panelBytes: usize,
  sums: usize,
  acc: usize,
  steps: i32,
): void {
  let w1 = w + panelBytes
  let w2 = w1 + panelBytes
  let w3 = w2 + panelBytes
  let acc0x0123 = startOf(sums)
  let acc0x4567 = startOf(sums + 16)
  let acc1x0123 = startOf(sums + 32)
  let acc1x4567 = startOf(sums + 48)
  let acc2x0123 = startOf(sums + 64)
  let acc2x4567 = startOf(sums + 80)
  let acc3x0123 = startOf(sums + 96)
  let acc3x4567 = startOf(sums + 112)
  while (steps > 0) {
    const a_u8x16 = v128.load32_splat(a)
    acc0x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(w), a_u8x16, acc0x0123)
    acc0x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(w, 16), a_u8x16, acc0x4567)
    acc1x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(w1), a_u8x16, acc1x0123)
    acc1x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(w1, 16), a_u8x16, acc1x4567)
    acc2x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(w2), a_u8x16, acc2x0123)
    acc2x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(w2, 16), a_u8x16, acc2x4567)
    acc3x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(w3), a_u8x16, acc3x0123)
    acc3x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(w3, 16), a_u8x16, acc3x4567)
    a += 4
    w += 32
    w1 += 32
    w2 += 32
    w3 += 32
    steps--
  }
  v128.store(acc, acc0x0123)
  v128.store(acc, acc0x4567, 16)
  v128.store(acc, acc1x0123, 32)
  v128.store(acc, acc1x4567, 48)
  v128.store(acc, acc2x0123, 64)
  v128.store(acc, acc2x4567, 80)
  v128.store(acc, acc3x0123, 96)
  v128.store(acc, acc3x4567, 112)
}

/** acc [8] = a [steps][4] times one panel. */
export function qs8_gemm_1x8c4(a: usize, w: usize, sums: usize, acc: usize, steps: i32): void {
  let acc0123 = startOf(sums)
  let acc4567 = startOf(sums + 16)
  while (steps > 0) {
    const a_u8x16 = v128.load32_splat(a)
    acc0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(w), a_u8x16, acc0123)
    acc4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(w, 16), a_u8x16, acc4567)
    a += 4
    w += 32
    steps--
  }
  v128.store(acc, acc0123)
  v128.store(acc, acc4567, 16)
}

/** Six rows of int8 activations as a [steps][6][4] u8. What follows their end meets weights that are zero. */
export function qs8_gemm_pack_6c4(a: usize, lda: usize, k: i32, to: usize): void {
  const flip = i8x16.splat(-128)
  const a2 = a + 2 * lda
  const a4 = a2 + 2 * lda
  let p: usize = 0
  while (k > 0) {
    const row0 = v128.xor(v128.load(a + p), flip)
    const row1 = v128.xor(v128.load(a + lda + p), flip)
    const row2 = v128.xor(v128.load(a2 + p), flip)
    const row3 = v128.xor(v128.load(a2 + lda + p), flip)
    const row4 = v128.xor(v128.load(a4 + p), flip)
    const row5 = v128.xor(v128.load(a4 + lda + p), flip)
    // Steps s and s + 1 of two rows, [step][row].
    const low01 = v128.shuffle<i32>(row0, row1, 0, 4, 1, 5)
    const low23 = v128.shuffle<i32>(row2, row3, 0, 4, 1, 5)
    const low45 = v128.shuffle<i32>(row4, row5, 0, 4, 1, 5)
    const high01 = v128.shuffle<i32>(row0, row1, 2, 6, 3, 7)
    const high23 = v128.shuffle<i32>(row2, row3, 2, 6, 3, 7)
    const high45 = v128.shuffle<i32>(row4, row5, 2, 6, 3, 7)
    v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2))
    v128.store64_lane(to, low45, 0, 16)
    v128.store(to, v128.shuffle<i64>(low01, low23, 1, 3), 24)
    v128.store64_lane(to, low45, 1, 40)
    v128.store(to, v128.shuffle<i64>(high01, high23, 0, 2), 48)
    v128.store64_lane(to, high45, 0, 64)
    v128.store(to, v128.shuffle<i64>(high01, high23, 1, 3), 72)
    v128.store64_lane(to, high45, 1, 88)
    p += 16
    to += 96
    k -= 16
  }
}

/** One row of int8 activations as u8. */
export function qs8_gemm_pack_1c4(a: usize, k: i32, to: usize): void {
  const flip = i8x16.splat(-128)
  while (k > 0) {
    v128.store(to, v128.xor(v128.load(a), flip))
    a += 16
    to += 16
    k -= 16
  }
}

/** -128 times the sums of four columns. */
function startOf(sums: usize): v128 {
  return i32x4.neg(i32x4.shl(v128.load(sums), 7))
}
