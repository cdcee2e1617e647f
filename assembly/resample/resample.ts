import { storeLanes } from '../common/lanes'

/**
 * y [outer][rows][n] from x [outer][size][n]: each row the sum of `taps` weighted rows. `indices` and `weights`
 * [rows][taps]. Contract: assembly/README.md#resample
 */
export function f32_resample(
  x: usize,
  y: usize,
  indices: usize,
  weights: usize,
  outer: i32,
  size: i32,
  rows: i32,
  taps: i32,
  n: i32,
): void {
  const rowBytes = (<usize>n) << 2
  const imageBytes = <usize>size * rowBytes
  while (outer > 0) {
    let index = indices
    let weight = weights
    for (let j = 0; j < rows; j++) {
      sumRows(x, y, index, weight, taps, n, rowBytes)
      index += (<usize>taps) << 2
      weight += (<usize>taps) << 2
      y += rowBytes
    }
    x += imageBytes
    outer--
  }
}

function sumRows(
  x: usize,
  y: usize,
  indices: usize,
  weights: usize,
  taps: i32,
  n: i32,
  rowBytes: usize,
): void {
  const end = indices + ((<usize>taps) << 2)
  while (n > 4) {
    let index = indices
    let weight = weights
    let from = x + <usize>load<u32>(index) * rowBytes
    let w = v128.load32_splat(weight)
    let acc0 = f32x4.mul(w, v128.load(from))
    let acc1 = f32x4.mul(w, v128.load(from, 16))
    while ((index += 4) < end) {
      weight += 4
      from = x + <usize>load<u32>(index) * rowBytes
      w = v128.load32_splat(weight)
      acc0 = f32x4.add(acc0, f32x4.mul(w, v128.load(from)))
      acc1 = f32x4.add(acc1, f32x4.mul(w, v128.load(from, 16)))
    }
    v128.store(y, acc0)
    if (n < 8) {
      storeLanes(y + 16, acc1, n - 4)
      return
    }
    v128.store(y, acc1, 16)
    x += 32
    y += 32
    n -= 8
  }
  if (n == 0) return
  // One vector, for a second would be read too far past the end.
  let acc = f32x4.mul(v128.load32_splat(weights), v128.load(x + <usize>load<u32>(indices) * rowBytes))
  while ((indices += 4) < end) {
    weights += 4
    const from = x + <usize>load<u32>(indices) * rowBytes
    acc = f32x4.add(acc, f32x4.mul(v128.load32_splat(weights), v128.load(from)))
  }
  if (n < 4) storeLanes(y, acc, n)
  else v128.store(y, acc)
}
