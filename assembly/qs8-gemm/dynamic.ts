import { NON_FINITE, OK } from '../common/status'
import { f32_qs8_quantize } from '../quantize/quantize'
import { f32_range } from '../quantize/range'

/**
 * Quantizes each row of x [m][k] by its own range: y int8 [m][k] without gaps, one scale (f32) and zero point (i32) a
 * row. Returns NON_FINITE if an element is NaN or infinite. Contract: assembly/README.md#qs8-gemm
 */
export function f32_qd8_quantize(
  x: usize,
  ldx: i32,
  y: usize,
  scale: usize,
  zero: usize,
  m: i32,
  k: i32,
): i32 {
  for (let i = 0; i < m; i++) {
    if (f32_range(x, scale, zero, 1, 1, k) == NON_FINITE) return NON_FINITE
    const low = min<f32>(load<f32>(scale), 0)
    const high = max<f32>(load<f32>(zero), 0)
    // Divided before they are subtracted: the difference of two finite numbers may be infinite.
    let step: f32 = high / 255 - low / 255
    if (!(step > 0)) step = 1
    const exactZero: f32 = -128 - low / step
    store<f32>(scale, step)
    store<i32>(zero, <i32>min<f32>(max<f32>(nearest<f32>(exactZero), -128), 127))
    // The zero point is read as an i8: the first byte of the i32.
    f32_qs8_quantize(x, scale, zero, y, 1, 1, k, -128)
    x += (<usize>ldx) << 2
    y += <usize>k
    scale += 4
    zero += 4
  }
  return OK
}
