import { laneMask, storeLanes } from '../common/lanes'
import { exp_f32x4 } from '../math/exp'

/**
 * y [rows][n] = e^(x - m) / sum(e^(x - m)), m the greatest element of the row; n at least 1.
 * Contract: assembly/README.md#softmax
 */
export function f32_softmax(x: usize, y: usize, rows: i32, n: i32): void {
  const rowBytes = (<usize>n) << 2
  while (rows > 0) {
    const sum = exponentials(x, y, n, f32x4.splat(greatest(x, n)))
    divide(y, n, f32x4.splat(sum))
    x += rowBytes
    y += rowBytes
    rows--
  }
}

/** Passes over NaN, which then comes back with the sum. */
function greatest(x: usize, n: i32): f32 {
  // The lanes past the end repeat the first element, which changes no maximum.
  const first_f32x4 = v128.load32_splat(x)
  let max_f32x4 = f32x4.splat(-Infinity)
  while (n >= 4) {
    max_f32x4 = f32x4.pmax(max_f32x4, v128.load(x))
    x += 16
    n -= 4
  }
  if (n > 0) max_f32x4 = f32x4.pmax(max_f32x4, v128.bitselect(v128.load(x), first_f32x4, laneMask(n)))
  const pair = f32x4.pmax(max_f32x4, v128.shuffle<i32>(max_f32x4, max_f32x4, 2, 3, 0, 1))
  const one = f32x4.pmax(pair, v128.shuffle<i32>(pair, pair, 1, 0, 3, 2))
  return f32x4.extract_lane(one, 0)
}

/** y = e^(x - m); returns the sum, lane by lane: (s0 + s2) + (s1 + s3) with s_j the elements j, j + 4, ... in order. */
function exponentials(x: usize, y: usize, n: i32, m_f32x4: v128): f32 {
  let sum_f32x4 = f32x4.splat(0)
  while (n >= 4) {
    const e = exp_f32x4(f32x4.sub(v128.load(x), m_f32x4))
    v128.store(y, e)
    sum_f32x4 = f32x4.add(sum_f32x4, e)
    x += 16
    y += 16
    n -= 4
  }
  if (n > 0) {
    const e = exp_f32x4(f32x4.sub(v128.load(x), m_f32x4))
    storeLanes(y, e, n)
    sum_f32x4 = f32x4.add(sum_f32x4, v128.and(e, laneMask(n)))
  }
  const pair = f32x4.add(sum_f32x4, v128.shuffle<i32>(sum_f32x4, sum_f32x4, 2, 3, 0, 1))
  return f32x4.extract_lane(pair, 0) + f32x4.extract_lane(pair, 1)
}

function divide(y: usize, n: i32, sum_f32x4: v128): void {
  while (n >= 4) {
    v128.store(y, f32x4.div(v128.load(y), sum_f32x4))
    y += 16
    n -= 4
  }
  if (n > 0) storeLanes(y, f32x4.div(v128.load(y), sum_f32x4), n)
}
