/** The bits of 1.5 * 2^23: adding that number leaves no fraction bits, so the addition itself rounds half to even. */
const ROUNDER_BITS: i32 = 0x4b400000

/**
 * roundHalfEven(x) + offset as i32, for |x| < 2^22, where `offset_i32x4` is roundedOffset(offset). Two instructions;
 * f32x4.nearest and trunc_sat, which have to mind NaN and overflow, are a dozen on x64.
 */
export function roundedOf(x: v128, offset_i32x4: v128): v128 {
  return i32x4.add(f32x4.add(x, f32x4.splat(reinterpret<f32>(ROUNDER_BITS))), offset_i32x4)
}

export function roundedOffset(offset: i32): v128 {
  return i32x4.splat(offset - ROUNDER_BITS)
}

/**
 * `x < low ? low : x`, then `x > high ? high : x`: a NaN stays one, a zero keeps its sign. One instruction each;
 * f32x4.min and max, which order zeros and quiet NaN, are eight on x64.
 */
export function clamp(x: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, low), high)
}
