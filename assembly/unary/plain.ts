import { clamp } from '../common/rounding'
import { SIGN_BITS } from '../math/constants'
import * as op from './ops'

/** Arithmetic of a few instructions. The branch by `kind` inside the loop is foreseen and costs less than the memory. */
export function plain(kind: i32, x: usize, y: usize, n: i32, alpha: f32, beta: f32): void {
  const alpha_f32x4 = f32x4.splat(alpha)
  const beta_f32x4 = f32x4.splat(beta)
  do {
    v128.store(y, plain_f32x4(kind, v128.load(x), alpha_f32x4, beta_f32x4))
    x += 16
    y += 16
    n -= 4
  } while (n > 0)
}

function plain_f32x4(kind: i32, v: v128, alpha_f32x4: v128, beta_f32x4: v128): v128 {
  const zero = f32x4.splat(0)
  switch (kind) {
    case op.ABS:
      return f32x4.abs(v)
    case op.NEG:
      return f32x4.neg(v)
    case op.SQRT:
      return f32x4.sqrt(v)
    case op.FLOOR:
      return f32x4.floor(v)
    case op.CEIL:
      return f32x4.ceil(v)
    case op.ROUND:
      return f32x4.nearest(v)
    case op.SIGN: {
      // 1 with the sign of v, where that is above or below 0: zeros and NaN stay.
      const one = v128.bitselect(v, f32x4.splat(1), i32x4.splat(SIGN_BITS))
      return v128.bitselect(one, v, f32x4.gt(f32x4.abs(v), zero))
    }
    case op.RECIPROCAL:
      return f32x4.div(f32x4.splat(1), v)
    case op.HARD_SIGMOID:
      return hardSigmoid_f32x4(v, alpha_f32x4, beta_f32x4)
    case op.HARD_SWISH:
      return f32x4.mul(v, hardSigmoid_f32x4(v, alpha_f32x4, beta_f32x4))
    case op.LEAKY_RELU:
      return v128.bitselect(f32x4.mul(v, alpha_f32x4), v, f32x4.lt(v, zero))
    case op.THRESHOLDED_RELU:
      return v128.and(v, f32x4.gt(v, alpha_f32x4))
    default: {
      const below = v128.and(f32x4.add(v, beta_f32x4), f32x4.lt(v, f32x4.neg(alpha_f32x4)))
      return v128.bitselect(f32x4.sub(v, beta_f32x4), below, f32x4.gt(v, alpha_f32x4))
    }
  }
}

function hardSigmoid_f32x4(v: v128, alpha_f32x4: v128, beta_f32x4: v128): v128 {
  return clamp(f32x4.add(f32x4.mul(v, alpha_f32x4), beta_f32x4), f32x4.splat(0), f32x4.splat(1))
}
