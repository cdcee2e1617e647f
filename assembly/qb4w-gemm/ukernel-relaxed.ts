import { addScaled } from './accumulate'
import { MASKS, PANEL_ROW_BYTES, SUMS_ROW_BYTES, UNIT_BYTES, unitsOf } from './layout'

// The same kernels on i32x4.relaxed_dot_i8x16_i7x16_add_s, whose second operand is the codes, 0 to 15: such products are
// exact on every engine, even where pairs of them are summed in 16 bits. Accumulators start at -8 times the sum of the
// activations, which lies before those of each group.

/** sums [6][8] f32 += a, groups of [6] i32 and [steps][6][4] i8, times a panel: its codes [steps][8][4], its scales in place. */
export function qb4w_gemm_6x8c4(a: usize, codes: usize, w: usize, sums: usize, k: i32, group: i32): void {
  while (k > 0) {
    const units = unitsOf(min(k, group))
    let steps = units << 1
    let acc0x0123 = v128.load32_splat(a)
    let acc1x0123 = v128.load32_splat(a, 4)
    let acc2x0123 = v128.load32_splat(a, 8)
    let acc3x0123 = v128.load32_splat(a, 12)
    let acc4x0123 = v128.load32_splat(a, 16)
    let acc5x0123 = v128.load32_splat(a, 20)
    let acc0x4567 = acc0x0123
    let acc1x4567 = acc1x0123
    let acc2x4567 = acc2x0123
    let acc3x4567 = acc3x0123
    let acc4x4567 = acc4x0123
    let acc5x4567 = acc5x0123
    a += 24
    do {
      const w0123_u8x16 = v128.load(codes)
      const w4567_u8x16 = v128.load(codes, 16)
      const a0_i8x16 = v128.load32_splat(a)
      acc0x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a0_i8x16, w0123_u8x16, acc0x0123)
      acc0x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a0_i8x16, w4567_u8x16, acc0x4567)
      const a1_i8x16 = v128.load32_splat(a, 4)
      acc1x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a1_i8x16, w0123_u8x16, acc1x0123)
      acc1x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a1_i8x16, w4567_u8x16, acc1x4567)
      const a2_i8x16 = v128.load32_splat(a, 8)
      acc2x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a2_i8x16, w0123_u8x16, acc2x0123)
      acc2x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a2_i8x16, w4567_u8x16, acc2x4567)
      const a3_i8x16 = v128.load32_splat(a, 12)
      acc3x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a3_i8x16, w0123_u8x16, acc3x0123)
      acc3x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a3_i8x16, w4567_u8x16, acc3x4567)
      const a4_i8x16 = v128.load32_splat(a, 16)
      acc4x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a4_i8x16, w0123_u8x16, acc4x0123)
      acc4x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a4_i8x16, w4567_u8x16, acc4x4567)
      const a5_i8x16 = v128.load32_splat(a, 20)
      acc5x0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a5_i8x16, w0123_u8x16, acc5x0123)
      acc5x4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a5_i8x16, w4567_u8x16, acc5x4567)
      a += 24
      codes += 32
      steps--
    } while (steps > 0)
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
    addScaled(sums + 4 * SUMS_ROW_BYTES, acc4x0123, scale0123)
    addScaled(sums + 4 * SUMS_ROW_BYTES + 16, acc4x4567, scale4567)
    addScaled(sums + 5 * SUMS_ROW_BYTES, acc5x0123, scale0123)
    addScaled(sums + 5 * SUMS_ROW_BYTES + 16, acc5x4567, scale4567)
    w += PANEL_ROW_BYTES + <usize>units * UNIT_BYTES
    k -= group
  }
}

/** sums [8] f32 += a, groups of an i32 and [units][8] i8, times a panel as it is packed. */
export function qb4w_gemm_1x8c4(a: usize, w: usize, sums: usize, k: i32, group: i32): void {
  const low = v128.load(MASKS)
  let sum0123 = v128.load(sums)
  let sum4567 = v128.load(sums, 16)
  while (k > 0) {
    const scales = w
    w += PANEL_ROW_BYTES
    let units = unitsOf(min(k, group))
    let acc0123 = v128.load32_splat(a)
    let acc4567 = acc0123
    a += 4
    do {
      const w0123 = v128.load(w)
      const w4567 = v128.load(w, 16)
      const a0415_i8x16 = v128.load32_splat(a)
      acc0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a0415_i8x16, v128.and(w0123, low), acc0123)
      acc4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a0415_i8x16, v128.and(w4567, low), acc4567)
      const a2637_i8x16 = v128.load32_splat(a, 4)
      const high0123 = v128.and(i16x8.shr_u(w0123, 4), low)
      const high4567 = v128.and(i16x8.shr_u(w4567, 4), low)
      acc0123 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a2637_i8x16, high0123, acc0123)
      acc4567 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a2637_i8x16, high4567, acc4567)
      a += 8
      w += UNIT_BYTES
      units--
    } while (units > 0)
    sum0123 = f32x4.add(sum0123, f32x4.mul(v128.load(scales), f32x4.convert_i32x4_s(acc0123)))
    sum4567 = f32x4.add(sum4567, f32x4.mul(v128.load(scales, 16), f32x4.convert_i32x4_s(acc4567)))
    k -= group
  }
  v128.store(sums, sum0123)
  v128.store(sums, sum4567, 16)
}

/** What the vector kernel keeps in a register; as a constant V8 would make it anew at every use. */
export function qb4w_gemm_masks_c4(): void {
  v128.store(MASKS, i8x16.splat(15))
}

/** The codes of a panel as [steps][8][4] u8. */
export function qb4w_gemm_expand_c4(w: usize, k: i32, group: i32, to: usize): void {
  const low = v128.load(MASKS)
  while (k > 0) {
    w += PANEL_ROW_BYTES
    let units = unitsOf(min(k, group))
    do {
      const w0123 = v128.load(w)
      const w4567 = v128.load(w, 16)
      v128.store(to, v128.and(w0123, low))
      v128.store(to, v128.and(w4567, low), 16)
      v128.store(to, v128.and(i16x8.shr_u(w0123, 4), low), 32)
      v128.store(to, v128.and(i16x8.shr_u(w4567, 4), low), 48)
      w += UNIT_BYTES
      to += 64
      units--
    } while (units > 0)
    k -= group
  }
}
