import { storeLanes } from '../common/lanes'
import { SIGN_BITS } from './constants'
import { expm1Negative_f32x4 } from './exp'

/** y = erf x. Contract: assembly/README.md#math */
export function f32_erf(x: usize, y: usize, n: i32): void {
  while (n >= 4) {
    v128.store(y, erf_f32x4(v128.load(x)))
    x += 16
    y += 16
    n -= 4
  }
  if (n > 0) storeLanes(y, erf_f32x4(v128.load(x)), n)
}

/** The error function of four lanes. */
export function erf_f32x4(x: v128): v128 {
  const magnitude = f32x4.abs(x)
  // |x| < 0.9: x + x p(x^2), p of degree 5 minimax for the relative error: 2^-25.6.
  const z = f32x4.mul(x, x)
  let p = f32x4.add(f32x4.mul(z, f32x4.splat(-0.000608832052)), f32x4.splat(0.00501158694))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-0.0267786682))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.112821348))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-0.376125216))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.128379151))
  const small = f32x4.add(x, f32x4.mul(x, p))
  // Otherwise 1 - e^-q(|x|), q of degree 6 minimax for the relative error of erf up to 3.95, where it rounds to 1: 2^-28.6.
  const t = f32x4.pmin(magnitude, f32x4.splat(4))
  let q = f32x4.add(f32x4.mul(t, f32x4.splat(-0.000198321111)), f32x4.splat(0.00306647527))
  q = f32x4.add(f32x4.mul(q, t), f32x4.splat(-0.0223190971))
  q = f32x4.add(f32x4.mul(q, t), f32x4.splat(0.10412164))
  q = f32x4.add(f32x4.mul(q, t), f32x4.splat(0.636967123))
  q = f32x4.add(f32x4.mul(q, t), f32x4.splat(1.12780249))
  q = f32x4.add(f32x4.mul(q, t), f32x4.splat(0.000165195277))
  const large = v128.bitselect(x, expm1Negative_f32x4(f32x4.neg(q)), i32x4.splat(SIGN_BITS))
  return v128.bitselect(small, large, f32x4.lt(magnitude, f32x4.splat(0.9)))
}
