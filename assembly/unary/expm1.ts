import { SIGN_BITS } from '../math/constants'
import { expm1Negative_f32x4 } from '../math/exp'
import { tanhBy, tanhExponent } from '../math/tanh'
import { ELU, TANH } from './ops'

/** Functions of e^t - 1 with t below 0; one loop, so that it stands there once. */
export function expm1(op: i32, x: usize, y: usize, n: i32, alpha: f32): void {
  const sign = i32x4.splat(SIGN_BITS)
  do {
    const v = v128.load(x)
    let t = v
    if (op == TANH) {
      t = tanhExponent(v)
    } else if (op == ELU) {
      t = f32x4.pmin(v, f32x4.splat(0))
    } else {
      t = erfExponent_f32x4(v)
    }
    let e = expm1Negative_f32x4(t)
    if (op == TANH) {
      e = tanhBy(v, e)
    } else if (op == ELU) {
      e = v128.bitselect(v, f32x4.mul(f32x4.splat(alpha), e), f32x4.ge(v, f32x4.splat(0)))
    } else {
      const large = v128.bitselect(v, e, sign)
      e = v128.bitselect(smallErf_f32x4(v), large, f32x4.lt(f32x4.abs(v), f32x4.splat(0.9)))
    }
    v128.store(y, e)
    x += 16
    y += 16
    n -= 4
  } while (n > 0)
}

/** erf for |x| < 0.9. */
function smallErf_f32x4(x: v128): v128 {
  // x + x p(x^2), p of degree 5 minimax for the relative error: 2^-25.6.
  const z = f32x4.mul(x, x)
  let p = f32x4.add(f32x4.mul(z, f32x4.splat(-0.000608832052)), f32x4.splat(0.00501158694))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-0.0267786682))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.112821348))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-0.376125216))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.128379151))
  return f32x4.add(x, f32x4.mul(x, p))
}

/** t for which erf |x| = 1 - e^t, elsewhere. */
function erfExponent_f32x4(x: v128): v128 {
  // Of degree 6, minimax for the relative error of erf up to 3.95, where it rounds to 1: 2^-28.6.
  const a = f32x4.pmin(f32x4.abs(x), f32x4.splat(4))
  let t = f32x4.add(f32x4.mul(a, f32x4.splat(0.000198321111)), f32x4.splat(-0.00306647527))
  t = f32x4.add(f32x4.mul(t, a), f32x4.splat(0.0223190971))
  t = f32x4.add(f32x4.mul(t, a), f32x4.splat(-0.10412164))
  t = f32x4.add(f32x4.mul(t, a), f32x4.splat(-0.636967123))
  t = f32x4.add(f32x4.mul(t, a), f32x4.splat(-1.12780249))
  return f32x4.add(f32x4.mul(t, a), f32x4.splat(-0.000165195277))
}
