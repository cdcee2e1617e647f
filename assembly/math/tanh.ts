import { storeLanes } from '../common/lanes'
import { SIGN_BITS } from './constants'
import { expm1Negative_f32x4 } from './exp'

/** y = tanh x. Contract: assembly/README.md#math */
export function f32_tanh(x: usize, y: usize, n: i32): void {
  while (n >= 4) {
    v128.store(y, tanh_f32x4(v128.load(x)))
    x += 16
    y += 16
    n -= 4
  }
  if (n > 0) storeLanes(y, tanh_f32x4(v128.load(x)), n)
}

/** tanh of four lanes. */
export function tanh_f32x4(x: v128): v128 {
  // With e = e^(-2|x|) - 1: tanh |x| = -e / (2 + e), free of cancellation down to the smallest x.
  const sign = i32x4.splat(SIGN_BITS)
  const negative = v128.or(x, sign)
  const e = expm1Negative_f32x4(f32x4.add(negative, negative))
  const magnitude = f32x4.div(e, f32x4.add(f32x4.splat(2), e))
  return v128.bitselect(x, magnitude, sign)
}
