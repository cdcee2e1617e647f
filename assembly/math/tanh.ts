import { SIGN_BITS } from './constants'
import { expm1Negative_f32x4 } from './exp'

/** tanh of four lanes. */
export function tanh_f32x4(x: v128): v128 {
  return tanhBy(x, expm1Negative_f32x4(tanhExponent(x)))
}

/** -2 |x| */
export function tanhExponent(x: v128): v128 {
  const negative = v128.or(x, i32x4.splat(SIGN_BITS))
  return f32x4.add(negative, negative)
}

/** With e = e^(-2|x|) - 1: tanh |x| = -e / (2 + e), free of cancellation down to the smallest x. */
export function tanhBy(x: v128, e: v128): v128 {
  return v128.bitselect(x, f32x4.div(e, f32x4.add(f32x4.splat(2), e)), i32x4.splat(SIGN_BITS))
}
