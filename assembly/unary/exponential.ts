import { SIGN_BITS } from '../math/constants'
import { exp_f32x4 } from '../math/exp'
import { sigmoidBy } from '../math/sigmoid'
import { EXP, GELU, GELU_TANH, SOFTPLUS, SWISH } from './ops'

/** sqrt(8 / pi), and that times 0.044715: 2 u for the u of Gelu's tanh. */
const GELU_1: f32 = 1.59576912
const GELU_3: f32 = 0.0713548163

/** Functions of e^x or e^-|x|; one loop, so that the exponential stands in it once. */
export function exponential(op: i32, x: usize, y: usize, n: i32, alpha: f32): void {
  const sign = i32x4.splat(SIGN_BITS)
  do {
    const v = v128.load(x)
    let t = v
    if (op == SWISH) {
      t = f32x4.mul(v, f32x4.splat(alpha))
    } else if (op == GELU_TANH) {
      // (1 + tanh u) / 2 = 1 / (1 + e^(-2 u))
      const z = f32x4.mul(v, v)
      t = f32x4.mul(v, f32x4.add(f32x4.mul(z, f32x4.splat(GELU_3)), f32x4.splat(GELU_1)))
    }
    const a = f32x4.pmin(f32x4.abs(v), f32x4.splat(14))
    if (op == GELU) t = tailExponent_f32x4(a)
    let e = exp_f32x4(op == EXP ? t : v128.or(t, sign))
    if (op >= SOFTPLUS) {
      // max(x, 0) + ln(1 + e), or max(x, 0) - a e
      const rest = op == GELU ? f32x4.neg(f32x4.mul(a, e)) : log1p_f32x4(e)
      e = f32x4.add(f32x4.pmax(v, f32x4.splat(0)), rest)
    } else if (op != EXP) {
      e = sigmoidBy(t, e)
      if (op >= SWISH) e = f32x4.mul(v, e)
    }
    v128.store(y, e)
    x += 16
    y += 16
    n -= 4
  } while (n > 0)
}

/** ln(1 + e) for e in 0..1. */
function log1p_f32x4(e: v128): v128 {
  // 2 atanh(s) with s = e / (2 + e): 2 (s + s^3 p(s^2)), p of degree 3 minimax for the relative error: 2^-27.7.
  const s = f32x4.div(e, f32x4.add(f32x4.splat(2), e))
  const z = f32x4.mul(s, s)
  let p = f32x4.add(f32x4.mul(z, f32x4.splat(0.140059948)), f32x4.splat(0.140009016))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.200107634))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.333332092))
  const half = f32x4.add(s, f32x4.mul(f32x4.mul(s, z), p))
  return f32x4.add(half, half)
}

/** t for which e^t is the part of a normal distribution beyond a, in 0..14: there nothing is left. */
function tailExponent_f32x4(a: v128): v128 {
  // -ln 2 - a p(a), p of degree 6 minimax for the error of a e^t: 8.9e-8.
  // By pairs, which halves the chain of operations that wait for each other.
  const z = f32x4.mul(a, a)
  const p01 = f32x4.add(f32x4.mul(a, f32x4.splat(0.318084031)), f32x4.splat(0.797916293))
  const p23 = f32x4.add(f32x4.mul(a, f32x4.splat(-0.00555659086)), f32x4.splat(0.0369282886))
  const p45 = f32x4.add(f32x4.mul(a, f32x4.splat(-2.42590158e-5)), f32x4.splat(0.000526826188))
  let p = f32x4.add(f32x4.mul(z, f32x4.splat(3.39944251e-7)), p45)
  p = f32x4.add(f32x4.mul(p, z), p23)
  p = f32x4.add(f32x4.mul(p, z), p01)
  return f32x4.neg(f32x4.add(f32x4.mul(p, a), f32x4.splat(0.693147182)))
}
