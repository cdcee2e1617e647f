import { f32_clamp } from '../elementwise/clamp'
import { f32_unary } from '../unary/driver'
import { TANH } from '../unary/ops'
import { addTo, complement, multiply, multiplyAdd, sigmoidOf } from './rows'

/**
 * One step of an LSTM: c [rows][n] and h [rows][n] from the gates x + r [rows][4][n], of which r is lost; peepholes
 * p [3][n], or 0. Contract: assembly/README.md#recurrent
 */
export function f32_lstm_cell(
  x: usize,
  r: usize,
  p: usize,
  c: usize,
  h: usize,
  rows: i32,
  n: i32,
  clip: f32,
  coupled: i32,
): void {
  const gate = (<usize>n) << 2
  while (rows > 0) {
    const output = r + gate
    const forget = r + 2 * gate
    const candidate = r + 3 * gate
    addTo(x, r, 4 * n)
    if (p != 0) {
      multiplyAdd(p, c, r, n)
      multiplyAdd(p + 2 * gate, c, forget, n)
    }
    f32_clamp(r, r, 4 * n, -clip, clip)
    sigmoidOf(r, p != 0 ? n : 2 * n)
    if (coupled != 0) complement(r, forget, n)
    else sigmoidOf(forget, n)
    f32_unary(TANH, candidate, candidate, n, 0, 0)
    multiply(r, candidate, r, n)
    multiply(forget, c, c, n)
    addTo(r, c, n)
    if (p != 0) {
      multiplyAdd(p + gate, c, output, n)
      f32_clamp(output, output, n, -clip, clip)
      sigmoidOf(output, n)
    }
    f32_clamp(c, h, n, -clip, clip)
    f32_unary(TANH, h, h, n, 0, 0)
    multiply(output, h, h, n)
    x += 4 * gate
    r += 4 * gate
    c += gate
    h += gate
    rows--
  }
}
