import { clamp, roundedOf, roundedOffset } from './rounding'

/** clamp(scale * acc + bias, low, high) of int32 accumulators, every operation rounded to f32. */
export function realOf(
  acc_i32x4: v128,
  scale_f32x4: v128,
  bias_f32x4: v128,
  low_f32x4: v128,
  high_f32x4: v128,
): v128 {
  const real = f32x4.add(f32x4.mul(scale_f32x4, f32x4.convert_i32x4_s(acc_i32x4)), bias_f32x4)
  return clamp(real, low_f32x4, high_f32x4)
}

/** clamp(roundHalfEven(real / scale) + zero, -128, 127); a NaN, from scales that overflow, becomes the lowest code. */
export function quantizedOf(real_f32x4: v128, scale: f32, zero: i32): v128 {
  const lowest = -128 - zero
  const highest = 127 - zero
  const raised = f32x4.pmax(f32x4.splat(<f32>lowest), f32x4.div(real_f32x4, f32x4.splat(scale)))
  return roundedOf(f32x4.pmin(raised, f32x4.splat(<f32>highest)), roundedOffset(zero))
}
