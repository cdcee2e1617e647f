import { BOUNDARIES } from './layout'

/** How many of the 256 boundaries lie below x: binary search without branches. */
export function search(x: f32): u8 {
  let at: usize = 0
  let step: usize = 512
  do {
    at += select<usize>(step, 0, load<f32>(BOUNDARIES + at + step - 4) < x)
    step >>= 1
  } while (step > 2)
  return <u8>(at >> 2)
}

export function assignSearch(x: usize, y: usize, n: i32): void {
  while (n > 0) {
    store<u8>(y, search(load<f32>(x)))
    x += 4
    y++
    n--
  }
}
