import { storeLanes } from '../common/lanes'
import { clamp } from '../common/rounding'
import { sigmoid_f32x4 } from '../math/sigmoid'
import { tanh_f32x4 } from '../math/tanh'

/**
 * First half of a step of a GRU: the update gate z over the first third of x [rows][3][n], and the reset gate times
 * `candidate`, in place. r [rows][2][n], rows of `r` and `candidate` are `stride` elements apart.
 * Contract: assembly/README.md#recurrent
 */
export function f32_gru_gates(
  x: usize,
  r: usize,
  rStride: i32,
  h: usize,
  hStride: i32,
  y: usize,
  yStride: i32,
  rows: i32,
  n: i32,
  clip: f32,
): void {
  const gate = (<usize>n) << 2
  const high = f32x4.splat(clip)
  const low = f32x4.neg(high)
  while (rows > 0) {
    let i: usize = 0
    let left = n
    while (left > 0) {
      const z = f32x4.add(v128.load(x + i), v128.load(r + i))
      const reset = f32x4.add(v128.load(x + gate + i), v128.load(r + gate + i))
      const update = sigmoid_f32x4(clamp(z, low, high))
      const kept = f32x4.mul(sigmoid_f32x4(clamp(reset, low, high)), v128.load(h + i))
      if (left < 4) {
        storeLanes(x + i, update, left)
        storeLanes(y + i, kept, left)
        break
      }
      v128.store(x + i, update)
      v128.store(y + i, kept)
      i += 16
      left -= 4
    }
    x += 3 * gate
    r += (<usize>rStride) << 2
    h += (<usize>hStride) << 2
    y += (<usize>yStride) << 2
    rows--
  }
}

/**
 * Second half: h [rows][n] from x [rows][3][n], z in its first third, and the recurrent part s of the candidate, rows
 * `sStride` elements apart. Contract: assembly/README.md#recurrent
 */
export function f32_gru_cell(x: usize, s: usize, sStride: i32, h: usize, rows: i32, n: i32, clip: f32): void {
  const gate = (<usize>n) << 2
  const high = f32x4.splat(clip)
  const low = f32x4.neg(high)
  const one = f32x4.splat(1)
  while (rows > 0) {
    let i: usize = 0
    let left = n
    while (left > 0) {
      const z = v128.load(x + i)
      const candidate = f32x4.add(v128.load(x + 2 * gate + i), v128.load(s + i))
      const state = f32x4.add(
        f32x4.mul(f32x4.sub(one, z), tanh_f32x4(clamp(candidate, low, high))),
        f32x4.mul(z, v128.load(h + i)),
      )
      if (left < 4) {
        storeLanes(h + i, state, left)
        break
      }
      v128.store(h + i, state)
      i += 16
      left -= 4
    }
    x += 3 * gate
    s += (<usize>sStride) << 2
    h += gate
    rows--
  }
}
