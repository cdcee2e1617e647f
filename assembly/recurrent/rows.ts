import { storeLanes } from '../common/lanes'
import { SIGN_BITS } from '../math/constants'
import { exp_f32x4 } from '../math/exp'

/** y = y + x */
export function addTo(x: usize, y: usize, n: i32): void {
  while (n >= 4) {
    v128.store(y, f32x4.add(v128.load(x), v128.load(y)))
    x += 16
    y += 16
    n -= 4
  }
  if (n > 0) storeLanes(y, f32x4.add(v128.load(x), v128.load(y)), n)
}

/** y = a * b */
export function multiply(a: usize, b: usize, y: usize, n: i32): void {
  while (n >= 4) {
    v128.store(y, f32x4.mul(v128.load(a), v128.load(b)))
    a += 16
    b += 16
    y += 16
    n -= 4
  }
  if (n > 0) storeLanes(y, f32x4.mul(v128.load(a), v128.load(b)), n)
}

/** y = a * b + y */
export function multiplyAdd(a: usize, b: usize, y: usize, n: i32): void {
  while (n >= 4) {
    v128.store(y, f32x4.add(f32x4.mul(v128.load(a), v128.load(b)), v128.load(y)))
    a += 16
    b += 16
    y += 16
    n -= 4
  }
  if (n > 0) storeLanes(y, f32x4.add(f32x4.mul(v128.load(a), v128.load(b)), v128.load(y)), n)
}

/** y = 1 - x */
export function complement(x: usize, y: usize, n: i32): void {
  const one = f32x4.splat(1)
  while (n >= 4) {
    v128.store(y, f32x4.sub(one, v128.load(x)))
    x += 16
    y += 16
    n -= 4
  }
  if (n > 0) storeLanes(y, f32x4.sub(one, v128.load(x)), n)
}

/** y = sigmoid(y) */
export function sigmoidOf(y: usize, n: i32): void {
  const sign = i32x4.splat(SIGN_BITS)
  const one = f32x4.splat(1)
  while (n > 0) {
    const x = v128.load(y)
    const e = exp_f32x4(v128.or(x, sign))
    const s = f32x4.div(v128.bitselect(e, one, i32x4.shr_s(x, 31)), f32x4.add(one, e))
    if (n < 4) {
      storeLanes(y, s, n)
      return
    }
    v128.store(y, s)
    y += 16
    n -= 4
  }
}
