import { SIGN_BITS } from './constants'
import { exp_f32x4 } from './exp'

/** 1 / (1 + e^-x) of four lanes. */
export function sigmoid_f32x4(x: v128): v128 {
  return sigmoidBy(x, exp_f32x4(v128.or(x, i32x4.splat(SIGN_BITS))))
}

/** The same from e = e^-|x|, which never overflows: e / (1 + e) left of zero, 1 / (1 + e) right of it. */
export function sigmoidBy(x: v128, e: v128): v128 {
  const one = f32x4.splat(1)
  return f32x4.div(v128.bitselect(e, one, i32x4.shr_s(x, 31)), f32x4.add(one, e))
}
