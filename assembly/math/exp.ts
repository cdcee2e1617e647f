import { LN2_HIGH, LN2_LOW, LOG2_E, ROUNDER, ROUNDER_BITS } from './constants'

/** e^x of four lanes. */
export function exp_f32x4(x: v128): v128 {
  // Past these the result is infinite, or less than half of the smallest number; pmin and pmax keep a NaN in place.
  const bounded = f32x4.pmax(f32x4.pmin(x, f32x4.splat(89)), f32x4.splat(-104))
  const shifted = f32x4.add(f32x4.mul(bounded, f32x4.splat(LOG2_E)), f32x4.splat(ROUNDER))
  const s = expm1Reduced(bounded, f32x4.sub(shifted, f32x4.splat(ROUNDER)))
  // 2^k in two factors, both normal: only the last product rounds, when the result is subnormal or overflows.
  const k_i32x4 = i32x4.sub(shifted, i32x4.splat(ROUNDER_BITS))
  const half_i32x4 = i32x4.shr_s(k_i32x4, 1)
  const scaled = f32x4.mul(f32x4.add(f32x4.splat(1), s), powerOfTwo(half_i32x4))
  return f32x4.mul(scaled, powerOfTwo(i32x4.sub(k_i32x4, half_i32x4)))
}

/** e^x - 1 of four lanes, none above 0; keeps its relative precision as x goes to 0. */
export function expm1Negative_f32x4(x: v128): v128 {
  const bounded = f32x4.pmax(x, f32x4.splat(-18))
  const shifted = f32x4.add(f32x4.mul(bounded, f32x4.splat(LOG2_E)), f32x4.splat(ROUNDER))
  const s = expm1Reduced(bounded, f32x4.sub(shifted, f32x4.splat(ROUNDER)))
  // 2^k s + (2^k - 1): the product is exact, and so is the difference for k >= -24.
  const power = powerOfTwo(i32x4.sub(shifted, i32x4.splat(ROUNDER_BITS)))
  return f32x4.add(f32x4.mul(power, s), f32x4.sub(power, f32x4.splat(1)))
}

/** e^r - 1 for r = x - n ln 2 in -0.347..0.347. */
function expm1Reduced(x: v128, n: v128): v128 {
  // Cody and Waite 1980: n * LN2_HIGH is exact, hence the first difference is too.
  const high = f32x4.sub(x, f32x4.mul(n, f32x4.splat(LN2_HIGH)))
  const r = f32x4.sub(high, f32x4.mul(n, f32x4.splat(LN2_LOW)))
  // r + r^2 (1/2 + r p(r)), p of degree 3 minimax for the relative error of e^r - 1: 2^-26.1.
  let p = f32x4.add(f32x4.mul(r, f32x4.splat(0.00139405136)), f32x4.splat(0.008366419))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.0416664034))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.16666545))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.5))
  return f32x4.add(r, f32x4.mul(f32x4.mul(r, r), p))
}

/** 2^k for k in -126..127. */
function powerOfTwo(k_i32x4: v128): v128 {
  return i32x4.shl(i32x4.add(k_i32x4, i32x4.splat(127)), 23)
}
