import { storeBytes } from '../common/lanes'
import { clamp, roundedOf, roundedOffset } from '../common/rounding'

/**
 * y = clamp(roundHalfEven(x / scale) + zeroPoint, qmin, 127) over x [outer, channels, inner], one scale and zero
 * point a channel. x is finite, scale positive. Contract: assembly/README.md#quantize
 */
export function f32_qs8_quantize(
  x: usize,
  scale: usize,
  zeroPoint: usize,
  y: usize,
  outer: i32,
  channels: i32,
  inner: i32,
  qmin: i32,
): void {
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const zero = <i32>load<i8>(zeroPoint + <usize>c)
      const scale_f32x4 = v128.load32_splat(scale + ((<usize>c) << 2))
      // Clamped before it is rounded, by integers shifted by the zero point: the same result, and it cannot overflow.
      const lowest = qmin - zero
      const highest = 127 - zero
      const low_f32x4 = f32x4.splat(<f32>lowest)
      const high_f32x4 = f32x4.splat(<f32>highest)
      const offset_i32x4 = roundedOffset(zero)
      let n = inner
      while (n >= 16) {
        const a_i32x4 = quantize4(v128.load(x), scale_f32x4, low_f32x4, high_f32x4, offset_i32x4)
        const b_i32x4 = quantize4(v128.load(x, 16), scale_f32x4, low_f32x4, high_f32x4, offset_i32x4)
        const c_i32x4 = quantize4(v128.load(x, 32), scale_f32x4, low_f32x4, high_f32x4, offset_i32x4)
        const d_i32x4 = quantize4(v128.load(x, 48), scale_f32x4, low_f32x4, high_f32x4, offset_i32x4)
        v128.store(
          y,
          i8x16.narrow_i16x8_s(
            i16x8.narrow_i32x4_s(a_i32x4, b_i32x4),
            i16x8.narrow_i32x4_s(c_i32x4, d_i32x4),
          ),
        )
        x += 64
        y += 16
        n -= 16
      }
      while (n > 0) {
        const q_i32x4 = quantize4(v128.load(x), scale_f32x4, low_f32x4, high_f32x4, offset_i32x4)
        const q_i16x8 = i16x8.narrow_i32x4_s(q_i32x4, q_i32x4)
        const step = min(n, 4)
        storeBytes(y, i8x16.narrow_i16x8_s(q_i16x8, q_i16x8), step)
        x += (<usize>step) << 2
        y += <usize>step
        n -= 4
      }
    }
  }
}

function quantize4(x: v128, scale: v128, low: v128, high: v128, offset: v128): v128 {
  return roundedOf(clamp(f32x4.div(x, scale), low, high), offset)
}
