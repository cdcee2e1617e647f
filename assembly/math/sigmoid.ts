import { storeLanes } from '../common/lanes'
import { SIGN_BITS } from './constants'
import { exp_f32x4 } from './exp'

/** y = 1 / (1 + e^-x). Contract: assembly/README.md#math */
export function f32_sigmoid(x: usize, y: usize, n: i32): void {
  while (n >= 4) {
    v128.store(y, sigmoid_f32x4(v128.load(x)))
    x += 16
    y += 16
    n -= 4
  }
  if (n > 0) storeLanes(y, sigmoid_f32x4(v128.load(x)), n)
}

/** 1 / (1 + e^-x) of four lanes. */
export function sigmoid_f32x4(x: v128): v128 {
  // e^-|x| never overflows: e / (1 + e) left of zero, 1 / (1 + e) right of it.
  const e = exp_f32x4(v128.or(x, i32x4.splat(SIGN_BITS)))
  const one = f32x4.splat(1)
  const numerator = v128.bitselect(e, one, i32x4.shr_s(x, 31))
  return f32x4.div(numerator, f32x4.add(one, e))
}
