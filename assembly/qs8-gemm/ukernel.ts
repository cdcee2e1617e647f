import { STRIP_ROW_BYTES, VECTOR_HEAD } from './layout'

// Two products a lane by i32x4.dot_i16x8_s. A step of four in depth is taken apart into its even and its odd two, which
// a mask and a shift extract from bytes; in weights the even bytes are w + 128 for that.

/** acc [4][8] = a [pairs][4][2] i16 times a widened panel [pairs][8][2] i16. */
export function qs8_gemm_4x8c2(a: usize, w: usize, acc: usize, pairs: i32): void {
  let acc0x0123 = i32x4.splat(0)
  let acc0x4567 = i32x4.splat(0)
  let acc1x0123 = i32x4.splat(0)
  let acc1x4567 = i32x4.splat(0)
  let acc2x0123 = i32x4.splat(0)
  let acc2x4567 = i32x4.splat(0)
  let acc3x0123 = i32x4.splat(0)
  let acc3x4567 = i32x4.splat(0)
  while (pairs > 0) {
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
    pairs--
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

/** acc [16] = a packed vector times two neighbouring panels; more would not fit the registers of Node 20. */
export function qs8_gemm_1x16c4(a: usize, w: usize, panelBytes: usize, acc: usize, steps: i32): void {
  let w1 = w + panelBytes
  let acc0x0123 = v128.load(a)
  let acc0x4567 = acc0x0123
  let acc1x0123 = acc0x0123
  let acc1x4567 = acc0x0123
  const mask = v128.load(a, 16)
  a += VECTOR_HEAD
  while (steps > 0) {
    const even_i16x8 = v128.load32_splat(a)
    const odd_i16x8 = v128.load32_splat(a, 4)
    acc0x0123 = multiplyAdd(acc0x0123, v128.load(w), even_i16x8, odd_i16x8, mask)
    acc0x4567 = multiplyAdd(acc0x4567, v128.load(w, 16), even_i16x8, odd_i16x8, mask)
    acc1x0123 = multiplyAdd(acc1x0123, v128.load(w1), even_i16x8, odd_i16x8, mask)
    acc1x4567 = multiplyAdd(acc1x4567, v128.load(w1, 16), even_i16x8, odd_i16x8, mask)
    a += 8
    w += 32
    w1 += 32
    steps--
  }
  v128.store(acc, acc0x0123)
  v128.store(acc, acc0x4567, 16)
  v128.store(acc, acc1x0123, 32)
  v128.store(acc, acc1x4567, 48)
}

/** acc [8] = a packed vector times one panel. */
export function qs8_gemm_1x8c4(a: usize, w: usize, acc: usize, steps: i32): void {
  let acc0123 = v128.load(a)
  let acc4567 = acc0123
  const mask = v128.load(a, 16)
  a += VECTOR_HEAD
  while (steps > 0) {
    const even_i16x8 = v128.load32_splat(a)
    const odd_i16x8 = v128.load32_splat(a, 4)
    acc0123 = multiplyAdd(acc0123, v128.load(w), even_i16x8, odd_i16x8, mask)
    acc4567 = multiplyAdd(acc4567, v128.load(w, 16), even_i16x8, odd_i16x8, mask)
    a += 8
    w += 32
    steps--
  }
  v128.store(acc, acc0123)
  v128.store(acc, acc4567, 16)
}

/** acc + four products a column: w [4][4] bytes, of which the even ones are w + 128. */
function multiplyAdd(acc: v128, w: v128, even_i16x8: v128, odd_i16x8: v128, mask: v128): v128 {
  const sum_i32x4 = i32x4.add(acc, i32x4.dot_i16x8_s(even_i16x8, v128.and(w, mask)))
  return i32x4.add(sum_i32x4, i32x4.dot_i16x8_s(odd_i16x8, i16x8.shr_s(w, 8)))
}

/** A panel of weights [steps][8][4] as i16 [steps][2][8][2], the even two of a step before the odd. */
export function qs8_gemm_widen(w: usize, panelBytes: usize, to: usize): void {
  const end = w + panelBytes
  const bias_i16x8 = i16x8.splat(128)
  while (w < end) {
    const w0123 = v128.load(w)
    const w4567 = v128.load(w, 16)
    v128.store(to, i16x8.sub(i16x8.shr_u(i16x8.shl(w0123, 8), 8), bias_i16x8))
    v128.store(to, i16x8.sub(i16x8.shr_u(i16x8.shl(w4567, 8), 8), bias_i16x8), 16)
    v128.store(to, i16x8.shr_s(w0123, 8), 32)
    v128.store(to, i16x8.shr_s(w4567, 8), 48)
    w += 32
    to += 64
  }
}

/** Four rows of int8 activations as i16 [steps][2][4][2], the even two of a step before the odd; zeros follow the end. */
export function qs8_gemm_pack_4c4(a: usize, lda: usize, k: i32, to: usize): void {
  const a2 = a + 2 * lda
  let p: usize = 0
  while (k > 0) {
    const inside = insideMask(k)
    const row0 = v128.and(v128.load(a + p), inside)
    const row1 = v128.and(v128.load(a + lda + p), inside)
    const row2 = v128.and(v128.load(a2 + p), inside)
    const row3 = v128.and(v128.load(a2 + lda + p), inside)
    storeSteps(to, evenOf(row0), evenOf(row1), evenOf(row2), evenOf(row3))
    storeSteps(to + 16, oddOf(row0), oddOf(row1), oddOf(row2), oddOf(row3))
    p += 16
    to += 128
    k -= 16
  }
}

/**
 * One row of int8 activations as i16 [steps][2][2], behind a head of two vectors: where accumulators start that meet
 * weights w + 128, -128 times the sum of the even elements; and the mask of even bytes, because V8 would make a constant
 * anew at each use.
 */
export function qs8_gemm_pack_1c4(a: usize, k: i32, to: usize): void {
  const head = to
  let sum_i32x4 = i32x4.splat(0)
  to += VECTOR_HEAD
  while (k > 0) {
    const row = v128.and(v128.load(a), insideMask(k))
    const even_i16x8 = evenOf(row)
    const odd_i16x8 = oddOf(row)
    sum_i32x4 = i32x4.add(sum_i32x4, i32x4.dot_i16x8_s(even_i16x8, i16x8.splat(-128)))
    v128.store(to, v128.shuffle<i32>(even_i16x8, odd_i16x8, 0, 4, 1, 5))
    v128.store(to, v128.shuffle<i32>(even_i16x8, odd_i16x8, 2, 6, 3, 7), 16)
    a += 16
    to += 32
    k -= 16
  }
  const pair = i32x4.add(sum_i32x4, v128.shuffle<i32>(sum_i32x4, sum_i32x4, 2, 3, 0, 1))
  v128.store(head, i32x4.add(pair, v128.shuffle<i32>(pair, pair, 1, 0, 3, 2)))
  v128.store(head, i16x8.splat(255), 16)
}

/** Ones in the first k of sixteen bytes. */
function insideMask(k: i32): v128 {
  const indices = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
  return i8x16.lt_s(indices, i8x16.splat(<i8>min(k, 16)))
}

function evenOf(v_i8x16: v128): v128 {
  return i16x8.shr_s(i16x8.shl(v_i8x16, 8), 8)
}

function oddOf(v_i8x16: v128): v128 {
  return i16x8.shr_s(v_i8x16, 8)
}

/** Transposes pairs [row][step] into [step][row], steps 32 bytes apart. */
function storeSteps(to: usize, row0: v128, row1: v128, row2: v128, row3: v128): void {
  const low01 = v128.shuffle<i32>(row0, row1, 0, 4, 1, 5)
  const low23 = v128.shuffle<i32>(row2, row3, 0, 4, 1, 5)
  const high01 = v128.shuffle<i32>(row0, row1, 2, 6, 3, 7)
  const high23 = v128.shuffle<i32>(row2, row3, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2))
  v128.store(to, v128.shuffle<i64>(low01, low23, 1, 3), 32)
  v128.store(to, v128.shuffle<i64>(high01, high23, 0, 2), 64)
  v128.store(to, v128.shuffle<i64>(high01, high23, 1, 3), 96)
}
