import { storeLanes } from '../common/lanes'
import { arcTangent } from './arc-tangent'
import { exponential } from './exponential'
import { expm1 } from './expm1'
import { logarithm } from './logarithm'
import { ATAN, EXP, LOG, SIN, TANH } from './ops'
import { plain } from './plain'
import { trigonometric } from './trigonometric'

/** Low memory, ours for one call: the last vector, of which only some lanes belong to y. */
const TAIL: usize = 1024

/** y = op(x), element by element, with up to two parameters. Contract: assembly/README.md#unary */
export function f32_unary(op: i32, x: usize, y: usize, n: i32, alpha: f32, beta: f32): void {
  const rest = n & 3
  n -= rest
  if (n > 0) vectors(op, x, y, n, alpha, beta)
  if (rest > 0) {
    const offset = (<usize>n) << 2
    vectors(op, x + offset, TAIL, 4, alpha, beta)
    storeLanes(y + offset, v128.load(TAIL), rest)
  }
}

/** n, at least 4, in whole vectors. */
function vectors(op: i32, x: usize, y: usize, n: i32, alpha: f32, beta: f32): void {
  if (op < EXP) plain(op, x, y, n, alpha, beta)
  else if (op < TANH) exponential(op, x, y, n, alpha)
  else if (op < LOG) expm1(op, x, y, n, alpha)
  else if (op < SIN) logarithm(x, y, n)
  else if (op < ATAN) trigonometric(op, x, y, n)
  else arcTangent(x, y, n)
}
