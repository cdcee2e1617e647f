import { clamp } from '../common/rounding'
import { PANEL_ROW_BYTES } from './layout'

/** c [4][8] = clamp(bias + a [4][k] * panel). One multiplication and one addition a step, k ascending. */
export function f32_gemm_4x8(
  a: usize,
  ldaBytes: usize,
  w: usize,
  c: usize,
  ldcBytes: usize,
  k: i32,
  low_f32x4: v128,
  high_f32x4: v128,
): void {
  let acc0x0123 = v128.load(w)
  let acc0x4567 = v128.load(w, 16)
  let acc1x0123 = acc0x0123
  let acc1x4567 = acc0x4567
  let acc2x0123 = acc0x0123
  let acc2x4567 = acc0x4567
  let acc3x0123 = acc0x0123
  let acc3x4567 = acc0x4567
  let a1 = a + ldaBytes
  let a2 = a1 + ldaBytes
  let a3 = a2 + ldaBytes
  while (k > 0) {
    w += PANEL_ROW_BYTES
    const w0123 = v128.load(w)
    const w4567 = v128.load(w, 16)
    const a0_f32x4 = v128.load32_splat(a)
    acc0x0123 = f32x4.add(acc0x0123, f32x4.mul(a0_f32x4, w0123))
    acc0x4567 = f32x4.add(acc0x4567, f32x4.mul(a0_f32x4, w4567))
    const a1_f32x4 = v128.load32_splat(a1)
    acc1x0123 = f32x4.add(acc1x0123, f32x4.mul(a1_f32x4, w0123))
    acc1x4567 = f32x4.add(acc1x4567, f32x4.mul(a1_f32x4, w4567))
    const a2_f32x4 = v128.load32_splat(a2)
    acc2x0123 = f32x4.add(acc2x0123, f32x4.mul(a2_f32x4, w0123))
    acc2x4567 = f32x4.add(acc2x4567, f32x4.mul(a2_f32x4, w4567))
    const a3_f32x4 = v128.load32_splat(a3)
    acc3x0123 = f32x4.add(acc3x0123, f32x4.mul(a3_f32x4, w0123))
    acc3x4567 = f32x4.add(acc3x4567, f32x4.mul(a3_f32x4, w4567))
    a += 4
    a1 += 4
    a2 += 4
    a3 += 4
    k--
  }
  v128.store(c, clamp(acc0x0123, low_f32x4, high_f32x4))
  v128.store(c, clamp(acc0x4567, low_f32x4, high_f32x4), 16)
  c += ldcBytes
  v128.store(c, clamp(acc1x0123, low_f32x4, high_f32x4))
  v128.store(c, clamp(acc1x4567, low_f32x4, high_f32x4), 16)
  c += ldcBytes
  v128.store(c, clamp(acc2x0123, low_f32x4, high_f32x4))
  v128.store(c, clamp(acc2x4567, low_f32x4, high_f32x4), 16)
  c += ldcBytes
  v128.store(c, clamp(acc3x0123, low_f32x4, high_f32x4))
  v128.store(c, clamp(acc3x4567, low_f32x4, high_f32x4), 16)
}

/**
 * One row times three neighbouring panels: six chains of additions hide the latency of one. Node 20 loads all of a step
 * before it multiplies; with a fourth panel an accumulator would live in memory (28 instead of 35 GFLOP/s).
 */
export function f32_gemm_1x24(
  a: usize,
  w: usize,
  panelBytes: usize,
  c: usize,
  k: i32,
  low_f32x4: v128,
  high_f32x4: v128,
): void {
  let w1 = w + panelBytes
  let w2 = w1 + panelBytes
  let acc0x0123 = v128.load(w)
  let acc0x4567 = v128.load(w, 16)
  let acc1x0123 = v128.load(w1)
  let acc1x4567 = v128.load(w1, 16)
  let acc2x0123 = v128.load(w2)
  let acc2x4567 = v128.load(w2, 16)
  while (k > 0) {
    const a_f32x4 = v128.load32_splat(a)
    acc0x0123 = f32x4.add(acc0x0123, f32x4.mul(a_f32x4, v128.load(w, 32)))
    acc0x4567 = f32x4.add(acc0x4567, f32x4.mul(a_f32x4, v128.load(w, 48)))
    acc1x0123 = f32x4.add(acc1x0123, f32x4.mul(a_f32x4, v128.load(w1, 32)))
    acc1x4567 = f32x4.add(acc1x4567, f32x4.mul(a_f32x4, v128.load(w1, 48)))
    acc2x0123 = f32x4.add(acc2x0123, f32x4.mul(a_f32x4, v128.load(w2, 32)))
    acc2x4567 = f32x4.add(acc2x4567, f32x4.mul(a_f32x4, v128.load(w2, 48)))
    a += 4
    w += PANEL_ROW_BYTES
    w1 += PANEL_ROW_BYTES
    w2 += PANEL_ROW_BYTES
    k--
  }
  v128.store(c, clamp(acc0x0123, low_f32x4, high_f32x4))
  v128.store(c, clamp(acc0x4567, low_f32x4, high_f32x4), 16)
  v128.store(c, clamp(acc1x0123, low_f32x4, high_f32x4), 32)
  v128.store(c, clamp(acc1x4567, low_f32x4, high_f32x4), 48)
  v128.store(c, clamp(acc2x0123, low_f32x4, high_f32x4), 64)
  v128.store(c, clamp(acc2x4567, low_f32x4, high_f32x4), 80)
}

/** One row times one panel. */
export function f32_gemm_1x8(a: usize, w: usize, c: usize, k: i32, low_f32x4: v128, high_f32x4: v128): void {
  let acc0123 = v128.load(w)
  let acc4567 = v128.load(w, 16)
  while (k > 0) {
    w += PANEL_ROW_BYTES
    const a_f32x4 = v128.load32_splat(a)
    acc0123 = f32x4.add(acc0123, f32x4.mul(a_f32x4, v128.load(w)))
    acc4567 = f32x4.add(acc4567, f32x4.mul(a_f32x4, v128.load(w, 16)))
    a += 4
    k--
  }
  v128.store(c, clamp(acc0123, low_f32x4, high_f32x4))
  v128.store(c, clamp(acc4567, low_f32x4, high_f32x4), 16)
}
