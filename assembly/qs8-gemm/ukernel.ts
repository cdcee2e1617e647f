import { STRIP_ROW_BYTES } from './layout'

/** acc [4][8] = a [steps][4][2] i16 times a panel [steps][8][2] i16. */
export function qs8_gemm_4x8c2(a: usize, w: usize, acc: usize, steps: i32): void {
  let acc0x0123 = i32x4.splat(0)
  let acc0x4567 = i32x4.splat(0)
  let acc1x0123 = i32x4.splat(0)
  let acc1x4567 = i32x4.splat(0)
  let acc2x0123 = i32x4.splat(0)
  let acc2x4567 = i32x4.splat(0)
  let acc3x0123 = i32x4.splat(0)
  let acc3x4567 = i32x4.splat(0)
  while (steps > 0) {
    const w0123_i16x8 = v128.load(w)
    const w4567_i16x8 = v128.load(w, 16)
    const a0_i16x8 = v128.load32_splat(a)
    acc0x0123 = i32x4.add(acc0x0123, i32x4.dot_i16x8_s(a0_i16x8, w0123_i16x8))
    acc0x4567 = i32x4.add(acc0x4567, i32x4.dot_i16x8_s(a0_i16x8, w4567_i16x8))
    const a1_i16x8 = v128.load32_splat(a, 4)
    acc1x0123 = i32x4.add(acc1x0123, i32x4.dot_i16x8_s(a1_i16x8, w0123_i16x8))
    acc1x4567 = i32x4.add(acc1x4567, i32x4.dot_i16x8_s(a1_i16x8, w4567_i16x8))
    const a2_i16x8 = v128.load32_splat(a, 8)
    acc2x0123 = i32x4.add(acc2x0123, i32x4.dot_i16x8_s(a2_i16x8, w0123_i16x8))
    acc2x4567 = i32x4.add(acc2x4567, i32x4.dot_i16x8_s(a2_i16x8, w4567_i16x8))
    const a3_i16x8 = v128.load32_splat(a, 12)
    acc3x0123 = i32x4.add(acc3x0123, i32x4.dot_i16x8_s(a3_i16x8, w0123_i16x8))
    acc3x4567 = i32x4.add(acc3x4567, i32x4.dot_i16x8_s(a3_i16x8, w4567_i16x8))
    a += 16
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
}

/** acc [32] = a [steps][2] i16 times four neighbouring panels [steps][8][2] i8, widened on the way. */
export function qs8_gemm_1x32c2(a: usize, w: usize, panelBytes: usize, acc: usize, steps: i32): void {
  let w1 = w + panelBytes
  let w2 = w1 + panelBytes
  let w3 = w2 + panelBytes
  let acc0x0123 = i32x4.splat(0)
  let acc0x4567 = i32x4.splat(0)
  let acc1x0123 = i32x4.splat(0)
  let acc1x4567 = i32x4.splat(0)
  let acc2x0123 = i32x4.splat(0)
  let acc2x4567 = i32x4.splat(0)
  let acc3x0123 = i32x4.splat(0)
  let acc3x4567 = i32x4.splat(0)
  while (steps > 0) {
    const a_i16x8 = v128.load32_splat(a)
    acc0x0123 = i32x4.add(acc0x0123, i32x4.dot_i16x8_s(a_i16x8, v128.load8x8_s(w)))
    acc0x4567 = i32x4.add(acc0x4567, i32x4.dot_i16x8_s(a_i16x8, v128.load8x8_s(w, 8)))
    acc1x0123 = i32x4.add(acc1x0123, i32x4.dot_i16x8_s(a_i16x8, v128.load8x8_s(w1)))
    acc1x4567 = i32x4.add(acc1x4567, i32x4.dot_i16x8_s(a_i16x8, v128.load8x8_s(w1, 8)))
    acc2x0123 = i32x4.add(acc2x0123, i32x4.dot_i16x8_s(a_i16x8, v128.load8x8_s(w2)))
    acc2x4567 = i32x4.add(acc2x4567, i32x4.dot_i16x8_s(a_i16x8, v128.load8x8_s(w2, 8)))
    acc3x0123 = i32x4.add(acc3x0123, i32x4.dot_i16x8_s(a_i16x8, v128.load8x8_s(w3)))
    acc3x4567 = i32x4.add(acc3x4567, i32x4.dot_i16x8_s(a_i16x8, v128.load8x8_s(w3, 8)))
    a += 4
    w += 16
    w1 += 16
    w2 += 16
    w3 += 16
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

/** acc [8] = a [steps][2] i16 times one panel. */
export function qs8_gemm_1x8c2(a: usize, w: usize, acc: usize, steps: i32): void {
  let acc0123 = i32x4.splat(0)
  let acc4567 = i32x4.splat(0)
  while (steps > 0) {
    const a_i16x8 = v128.load32_splat(a)
    acc0123 = i32x4.add(acc0123, i32x4.dot_i16x8_s(a_i16x8, v128.load8x8_s(w)))
    acc4567 = i32x4.add(acc4567, i32x4.dot_i16x8_s(a_i16x8, v128.load8x8_s(w, 8)))
    a += 4
    w += 16
    steps--
  }
  v128.store(acc, acc0123)
  v128.store(acc, acc4567, 16)
}

/** A panel of int8 weights as i16, once for all rows of a block. */
export function qs8_gemm_widen(w: usize, panelBytes: usize, to: usize): void {
  const end = w + panelBytes
  while (w < end) {
    v128.store(to, v128.load8x8_s(w))
    v128.store(to, v128.load8x8_s(w, 8), 16)
    w += 16
    to += 32
  }
}

/** Rows of int8 activations as a [steps][rows][2] i16, rows being 4 or 1; an odd last element gets a zero beside it. */
export function qs8_gemm_pack_4c2(a: usize, lda: usize, k: i32, to: usize): void {
  let a1 = a + lda
  let a2 = a1 + lda
  let a3 = a2 + lda
  while (k >= 8) {
    const row0 = v128.load8x8_s(a)
    const row1 = v128.load8x8_s(a1)
    const row2 = v128.load8x8_s(a2)
    const row3 = v128.load8x8_s(a3)
    // Transposes 4x4 pairs.
    const low01 = v128.shuffle<i32>(row0, row1, 0, 4, 1, 5)
    const low23 = v128.shuffle<i32>(row2, row3, 0, 4, 1, 5)
    const high01 = v128.shuffle<i32>(row0, row1, 2, 6, 3, 7)
    const high23 = v128.shuffle<i32>(row2, row3, 2, 6, 3, 7)
    v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2))
    v128.store(to, v128.shuffle<i64>(low01, low23, 1, 3), 16)
    v128.store(to, v128.shuffle<i64>(high01, high23, 0, 2), 32)
    v128.store(to, v128.shuffle<i64>(high01, high23, 1, 3), 48)
    a += 8
    a1 += 8
    a2 += 8
    a3 += 8
    to += 64
    k -= 8
  }
  while (k > 0) {
    store<i32>(to, pairAt(a, k))
    store<i32>(to, pairAt(a1, k), 4)
    store<i32>(to, pairAt(a2, k), 8)
    store<i32>(to, pairAt(a3, k), 12)
    a += 2
    a1 += 2
    a2 += 2
    a3 += 2
    to += 16
    k -= 2
  }
}

/** One row of int8 activations as i16. */
export function qs8_gemm_pack_1c2(a: usize, k: i32, to: usize): void {
  while (k >= 8) {
    v128.store(to, v128.load8x8_s(a))
    a += 8
    to += 16
    k -= 8
  }
  while (k > 0) {
    store<i32>(to, pairAt(a, k))
    a += 2
    to += 4
    k -= 2
  }
}

/** Two int8 as two i16; the second is 0 when only one is left. */
function pairAt(a: usize, left: i32): i32 {
  const first: i32 = load<i8>(a)
  let second: i32 = 0
  if (left > 1) second = load<i8>(a, 1)
  return (first & 0xffff) | (second << 16)
}
