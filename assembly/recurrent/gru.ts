import { f32_clamp } from '../elementwise/clamp'
import { f32_unary } from '../unary/driver'
import { TANH } from '../unary/ops'
import { addTo, complement, multiply, multiplyAdd, sigmoidOf } from './rows'

/**
 * First half of a step of a GRU: the update and reset gates, over the first two thirds of x [rows][3][n], and
 * y = reset gate * h. Strides in elements. Contract: assembly/README.md#recurrent
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
  while (rows > 0) {
    addTo(r, x, 2 * n)
    f32_clamp(x, x, 2 * n, -clip, clip)
    sigmoidOf(x, 2 * n)
    multiply(x + gate, h, y, n)
    x += 3 * gate
    r += (<usize>rStride) << 2
    h += (<usize>hStride) << 2
    y += (<usize>yStride) << 2
    rows--
  }
}

/**
 * Second half: h [rows][n] from x [rows][3][n] as the first half left it, and the recurrent part s of the candidate, rows
 * `sStride` elements apart. Contract: assembly/README.md#recurrent
 */
export function f32_gru_cell(x: usize, s: usize, sStride: i32, h: usize, rows: i32, n: i32, clip: f32): void {
  const gate = (<usize>n) << 2
  while (rows > 0) {
    const change = x + gate
    const candidate = x + 2 * gate
    addTo(s, candidate, n)
    f32_clamp(candidate, candidate, n, -clip, clip)
    f32_unary(TANH, candidate, candidate, n, 0, 0)
    complement(x, change, n)
    multiply(x, h, h, n)
    multiplyAdd(change, candidate, h, n)
    x += 3 * gate
    s += (<usize>sStride) << 2
    h += gate
    rows--
  }
}
