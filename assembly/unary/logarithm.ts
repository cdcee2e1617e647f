import { log_f32x4 } from '../math/log'

export function logarithm(x: usize, y: usize, n: i32): void {
  do {
    v128.store(y, log_f32x4(v128.load(x)))
    x += 16
    y += 16
    n -= 4
  } while (n > 0)
}
