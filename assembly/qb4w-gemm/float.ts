import { f32_gemm } from '../f32-gemm/driver'
import { NR } from '../qs8-gemm/layout'
import { HEAD_BYTES, panelBytesOf, PANEL_ROW_BYTES, UNIT, UNIT_BYTES, unitsOf } from './layout'

/** Bytes of work space for the product below, in f64. */
export function f32_qb4w_gemm_scratch_bytes(k: i32): f64 {
  return <f64>PANEL_ROW_BYTES * (1 + Math.ceil(<f64>k / <f64>UNIT) * <f64>UNIT)
}

/**
 * c [m][n] f32 = clamp(bias + a * w), a f32: the weights become the f32 panels of f32_gemm, one at a time.
 * Contract: assembly/README.md#qb4w-gemm
 */
export function f32_qb4w_gemm(
  a: usize,
  lda: i32,
  w: usize,
  c: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
  group: i32,
  low: f32,
  high: f32,
  scratch: usize,
): void {
  while (n > 0) {
    dequantize(w, scratch, k, group)
    f32_gemm(a, lda, scratch, c, ldc, m, min(n, NR), k, low, high)
    w += panelBytesOf(k, group)
    c += (<usize>NR) << 2
    n -= NR
  }
}

/** A panel as f32_gemm has it: the bias, then row after row of weights, up to a whole unit. */
function dequantize(w: usize, to: usize, k: i32, group: i32): void {
  v128.store(to, v128.load(w, PANEL_ROW_BYTES))
  v128.store(to, v128.load(w, PANEL_ROW_BYTES + 16), 16)
  w += HEAD_BYTES
  to += PANEL_ROW_BYTES
  while (k > 0) {
    const scale0123 = v128.load(w)
    const scale4567 = v128.load(w, 16)
    w += PANEL_ROW_BYTES
    let units = unitsOf(min(k, group))
    do {
      dequantizeFour(v128.load(w), scale0123, to)
      dequantizeFour(v128.load(w, 16), scale4567, to + 16)
      w += UNIT_BYTES
      to += <usize>UNIT * PANEL_ROW_BYTES
      units--
    } while (units > 0)
    k -= group
  }
}

/** Eight codes of each of four columns. */
function dequantizeFour(w_u4x32: v128, scale_f32x4: v128, to: usize): void {
  const w_i4x32 = v128.xor(w_u4x32, i8x16.splat(-0x78))
  v128.store(to, real(i32x4.shl(w_i4x32, 28), scale_f32x4))
  v128.store(to, real(i32x4.shl(w_i4x32, 12), scale_f32x4), PANEL_ROW_BYTES)
  v128.store(to, real(i32x4.shl(w_i4x32, 24), scale_f32x4), 2 * PANEL_ROW_BYTES)
  v128.store(to, real(i32x4.shl(w_i4x32, 8), scale_f32x4), 3 * PANEL_ROW_BYTES)
  v128.store(to, real(i32x4.shl(w_i4x32, 20), scale_f32x4), 4 * PANEL_ROW_BYTES)
  v128.store(to, real(i32x4.shl(w_i4x32, 4), scale_f32x4), 5 * PANEL_ROW_BYTES)
  v128.store(to, real(i32x4.shl(w_i4x32, 16), scale_f32x4), 6 * PANEL_ROW_BYTES)
  v128.store(to, real(w_i4x32, scale_f32x4), 7 * PANEL_ROW_BYTES)
}

/** A code in the highest nibble, times the scale. */
function real(top_i32x4: v128, scale_f32x4: v128): v128 {
  return f32x4.mul(scale_f32x4, f32x4.convert_i32x4_s(i32x4.shr_s(top_i32x4, 28)))
}
