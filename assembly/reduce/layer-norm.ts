import { laneMask, storeLanes } from '../common/lanes'
import { SUM } from './combine'
import { row } from './row'

/**
 * y [rows][n] = (x - mean) / sqrt(variance + epsilon) * scale + shift, mean and variance those of the row.
 * Contract: assembly/README.md#reduce
 */
export function f32_layer_norm(
  x: usize,
  scale: usize,
  shift: usize,
  y: usize,
  mean: usize,
  inverse: usize,
  rows: i32,
  n: i32,
  epsilon: f32,
): void {
  const rowBytes = (<usize>n) << 2
  while (rows > 0) {
    let m: f32 = 0
    if (mean != 0) {
      m = row(SUM, x, n) / <f32>n
      store<f32>(mean, m)
      mean += 4
    }
    const m_f32x4 = f32x4.splat(m)
    const r: f32 = <f32>1 / sqrt(squares(x, m_f32x4, n) / <f32>n + epsilon)
    store<f32>(inverse, r)
    inverse += 4
    apply(x, scale, shift, y, n, m_f32x4, f32x4.splat(r))
    x += rowBytes
    y += rowBytes
    rows--
  }
}

/** The sum of (x - m)^2, in the order of `row`. */
function squares(x: usize, m_f32x4: v128, n: i32): f32 {
  let acc0 = f32x4.splat(0)
  let acc1 = acc0
  let acc2 = acc0
  let acc3 = acc0
  while (n >= 16) {
    acc0 = f32x4.add(acc0, square(v128.load(x), m_f32x4))
    acc1 = f32x4.add(acc1, square(v128.load(x, 16), m_f32x4))
    acc2 = f32x4.add(acc2, square(v128.load(x, 32), m_f32x4))
    acc3 = f32x4.add(acc3, square(v128.load(x, 48), m_f32x4))
    x += 64
    n -= 16
  }
  while (n > 0) {
    acc0 = f32x4.add(acc0, v128.and(square(v128.load(x), m_f32x4), laneMask(n)))
    x += 16
    n -= 4
  }
  acc0 = f32x4.add(f32x4.add(acc0, acc2), f32x4.add(acc1, acc3))
  acc0 = f32x4.add(acc0, v128.shuffle<i32>(acc0, acc0, 2, 3, 0, 1))
  return f32x4.extract_lane(acc0, 0) + f32x4.extract_lane(acc0, 1)
}

function square(x: v128, m: v128): v128 {
  const d = f32x4.sub(x, m)
  return f32x4.mul(d, d)
}

/** y = (x - m) r scale + shift; without the last two where `scale` is 0. */
function apply(x: usize, scale: usize, shift: usize, y: usize, n: i32, m: v128, r: v128): void {
  while (n > 0) {
    let v = f32x4.mul(f32x4.sub(v128.load(x), m), r)
    if (scale != 0) {
      v = f32x4.mul(v, v128.load(scale))
      scale += 16
    }
    if (shift != 0) {
      v = f32x4.add(v, v128.load(shift))
      shift += 16
    }
    if (n >= 4) v128.store(y, v)
    else storeLanes(y, v, n)
    x += 16
    y += 16
    n -= 4
  }
}
