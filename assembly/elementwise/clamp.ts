import { storeLanes } from '../common/lanes'
import { clamp } from '../common/rounding'

/** y = clamp(x, low, high). Contract: assembly/README.md#elementwise */
export function f32_clamp(x: usize, y: usize, n: i32, low: f32, high: f32): void {
  const low_f32x4 = f32x4.splat(low)
  const high_f32x4 = f32x4.splat(high)
  while (n >= 4) {
    v128.store(y, clamp(v128.load(x), low_f32x4, high_f32x4))
    x += 16
    y += 16
    n -= 4
  }
  if (n > 0) storeLanes(y, clamp(v128.load(x), low_f32x4, high_f32x4), n)
}
