import { storeLanes } from '../common/lanes'
import { clamp } from '../common/rounding'
import { sigmoid_f32x4 } from '../math/sigmoid'
import { tanh_f32x4 } from '../math/tanh'

/**
 * One step of an LSTM: c [rows][n] and h [rows][n] from the gates x + r [rows][4][n]; peepholes p [3][n], or 0.
 * Contract: assembly/README.md#recurrent
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
  const high = f32x4.splat(clip)
  const low = f32x4.neg(high)
  while (rows > 0) {
    let i: usize = 0
    let left = n
    while (left > 0) {
      const before = v128.load(c + i)
      let input = gateOf(x + i, r + i)
      let output = gateOf(x + gate + i, r + gate + i)
      let forget = gateOf(x + 2 * gate + i, r + 2 * gate + i)
      const candidate = gateOf(x + 3 * gate + i, r + 3 * gate + i)
      if (p != 0) {
        input = f32x4.add(input, f32x4.mul(v128.load(p + i), before))
        forget = f32x4.add(forget, f32x4.mul(v128.load(p + 2 * gate + i), before))
      }
      input = sigmoid_f32x4(clamp(input, low, high))
      forget = coupled != 0 ? f32x4.sub(f32x4.splat(1), input) : sigmoid_f32x4(clamp(forget, low, high))
      const after = f32x4.add(
        f32x4.mul(forget, before),
        f32x4.mul(input, tanh_f32x4(clamp(candidate, low, high))),
      )
      if (p != 0) output = f32x4.add(output, f32x4.mul(v128.load(p + gate + i), after))
      output = sigmoid_f32x4(clamp(output, low, high))
      const state = f32x4.mul(output, tanh_f32x4(clamp(after, low, high)))
      if (left < 4) {
        storeLanes(c + i, after, left)
        storeLanes(h + i, state, left)
        break
      }
      v128.store(c + i, after)
      v128.store(h + i, state)
      i += 16
      left -= 4
    }
    x += 4 * gate
    r += 4 * gate
    c += gate
    h += gate
    rows--
  }
}

/** What a gate is a function of: the parts from the input and from the state. */
function gateOf(x: usize, r: usize): v128 {
  return f32x4.add(v128.load(x), v128.load(r))
}
