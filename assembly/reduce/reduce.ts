import { storeLanes } from '../common/lanes'
import { four, sixteen } from './chains'
import { identityOf } from './combine'
import { row } from './row'

/**
 * y [outer][inner] = the elements of x [outer][n][inner] along the middle axis, combined, then divided by `divisor`.
 * Contract: assembly/README.md#reduce
 */
export function f32_reduce(op: i32, x: usize, y: usize, outer: i32, n: i32, inner: i32, divisor: f32): void {
  const innerBytes = (<usize>inner) << 2
  let to = y
  for (let i = 0; i < outer; i++) {
    if (inner == 1) store<f32>(to, row(op, x, n))
    else columns(op, x, to, n, inner)
    x += <usize>n * innerBytes
    to += innerBytes
  }
  if (divisor != 1) divide(y, outer * inner, divisor)
}

/** Sixteen columns at a time, which is a line of the cache, then four. */
function columns(op: i32, x: usize, y: usize, n: i32, inner: i32): void {
  const identity_f32x4 = f32x4.splat(identityOf(op))
  const stride = (<usize>inner) << 2
  while (inner >= 16) {
    sixteen(op, x, stride, n, identity_f32x4, y)
    x += 64
    y += 64
    inner -= 16
  }
  while (inner > 0) {
    const acc = four(op, x, stride, n, identity_f32x4)
    if (inner >= 4) v128.store(y, acc)
    else storeLanes(y, acc, inner)
    x += 16
    y += 16
    inner -= 4
  }
}

function divide(y: usize, n: i32, divisor: f32): void {
  while (n > 0) {
    store<f32>(y, load<f32>(y) / divisor)
    y += 4
    n--
  }
}
