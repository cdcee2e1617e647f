import { addScaled } from './accumulate'
import { MASKS, PANEL_ROW_BYTES, SUMS_ROW_BYTES, UNIT_BYTES, unitsOf } from './layout'

/** sums [4][8] f32 += a [pairs][4][2] i16 times a panel: its codes [pairs][8][2] i16, its scales in place. */
export function qb4w_gemm_4x8c2(a: usize, codes: usize, w: usize, sums: usize, k: i32, group: i32): void {
  while (k > 0) {
    const units = unitsOf(min(k, group))
    let pairs = units << 2
    let acc0x0123 = i32x4.splat(0)
    let acc0x4567 = i32x4.splat(0)
    let acc1x0123 = i32x4.splat(0)
    let acc1x4567 = i32x4.splat(0)
    let acc2x0123 = i32x4.splat(0)
    let acc2x4567 = i32x4.splat(0)
    let acc3x0123 = i32x4.splat(0)
    let acc3x4567 = i32x4.splat(0)
    do {
      const w0123_i16x8 = v128.load(codes)
      const w4567_i16x8 = v128.load(codes, 16)
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
      codes += 32
      pairs--
    } while (pairs > 0)
    const scale0123 = v128.load(w)
    const scale4567 = v128.load(w, 16)
    addScaled(sums, acc0x0123, scale0123)
    addScaled(sums + 16, acc0x4567, scale4567)
    addScaled(sums + SUMS_ROW_BYTES, acc1x0123, scale0123)
    addScaled(sums + SUMS_ROW_BYTES + 16, acc1x4567, scale4567)
    addScaled(sums + 2 * SUMS_ROW_BYTES, acc2x0123, scale0123)
    addScaled(sums + 2 * SUMS_ROW_BYTES + 16, acc2x4567, scale4567)
    addScaled(sums + 3 * SUMS_ROW_BYTES, acc3x0123, scale0123)
    addScaled(sums + 3 * SUMS_ROW_BYTES + 16, acc3x4567, scale4567)
    w += PANEL_ROW_BYTES + <usize>units * UNIT_BYTES
    k -= group
  }
}

/** sums [8] f32 += a [pairs][2] i16 times a panel as it is packed. */
export function qb4w_gemm_1x8c2(a: usize, w: usize, sums: usize, k: i32, group: i32): void {
  const flip = v128.load(MASKS)
  const top = v128.load(MASKS, 16)
  let sum0123 = v128.load(sums)
  let sum4567 = v128.load(sums, 16)
  while (k > 0) {
    const scales = w
    w += PANEL_ROW_BYTES
    let units = unitsOf(min(k, group))
    let acc0123 = i32x4.splat(0)
    let acc4567 = i32x4.splat(0)
    do {
      // A code in the top nibble of 16 bits, two's complement, is 4096 times itself: no shift has to bring it down.
      const w0123 = v128.xor(v128.load(w), flip)
      const w4567 = v128.xor(v128.load(w, 16), flip)
      const a01_i16x8 = v128.load32_splat(a)
      acc0123 = i32x4.add(acc0123, i32x4.dot_i16x8_s(a01_i16x8, i16x8.shl(w0123, 12)))
      acc4567 = i32x4.add(acc4567, i32x4.dot_i16x8_s(a01_i16x8, i16x8.shl(w4567, 12)))
      const a23_i16x8 = v128.load32_splat(a, 4)
      acc0123 = i32x4.add(acc0123, i32x4.dot_i16x8_s(a23_i16x8, v128.and(i16x8.shl(w0123, 8), top)))
      acc4567 = i32x4.add(acc4567, i32x4.dot_i16x8_s(a23_i16x8, v128.and(i16x8.shl(w4567, 8), top)))
      const a45_i16x8 = v128.load32_splat(a, 8)
      acc0123 = i32x4.add(acc0123, i32x4.dot_i16x8_s(a45_i16x8, v128.and(i16x8.shl(w0123, 4), top)))
      acc4567 = i32x4.add(acc4567, i32x4.dot_i16x8_s(a45_i16x8, v128.and(i16x8.shl(w4567, 4), top)))
      const a67_i16x8 = v128.load32_splat(a, 12)
      acc0123 = i32x4.add(acc0123, i32x4.dot_i16x8_s(a67_i16x8, v128.and(w0123, top)))
      acc4567 = i32x4.add(acc4567, i32x4.dot_i16x8_s(a67_i16x8, v128.and(w4567, top)))
      a += 16
      w += UNIT_BYTES
      units--
    } while (units > 0)
    const dot0123 = f32x4.convert_i32x4_s(i32x4.shr_s(acc0123, 12))
    const dot4567 = f32x4.convert_i32x4_s(i32x4.shr_s(acc4567, 12))
    sum0123 = f32x4.add(sum0123, f32x4.mul(v128.load(scales), dot0123))
    sum4567 = f32x4.add(sum4567, f32x4.mul(v128.load(scales, 16), dot4567))
    k -= group
  }
  v128.store(sums, sum0123)
  v128.store(sums, sum4567, 16)
}

/** What the kernels above keep in registers; as constants V8 would make them anew at every use. */
export function qb4w_gemm_masks_c2(): void {
  v128.store(MASKS, i8x16.splat(-0x78))
  v128.store(MASKS, i16x8.splat(-0x1000), 16)
}

/** The codes of a panel as [pairs][8][2] i16. */
export function qb4w_gemm_expand_c2(w: usize, k: i32, group: i32, to: usize): void {
  const flip = i8x16.splat(-0x78)
  while (k > 0) {
    w += PANEL_ROW_BYTES
    let units = unitsOf(min(k, group)) << 1
    do {
      const w_i4x32 = v128.xor(v128.load(w), flip)
      v128.store(to, i16x8.shr_s(i16x8.shl(w_i4x32, 12), 12))
      v128.store(to, i16x8.shr_s(i16x8.shl(w_i4x32, 8), 12), 32)
      v128.store(to, i16x8.shr_s(i16x8.shl(w_i4x32, 4), 12), 64)
      v128.store(to, i16x8.shr_s(w_i4x32, 12), 96)
      w += 16
      // The other four columns of a unit lie between these.
      to += units & 1 ? 112 : 16
      units--
    } while (units > 0)
    k -= group
  }
}
