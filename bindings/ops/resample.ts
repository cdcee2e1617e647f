import { addressOf, checkSlot, type Slot } from './slot.js'

/** One axis of a value, sampled anew: every row is a sum of weighted rows. */
export interface Resampling {
  /** Product of the axes before it, its size before and after, and the product of the axes behind it. */
  readonly outer: number
  readonly size: number
  readonly rows: number
  readonly columns: number
  /** Rows of a sum. */
  readonly taps: number
}

/**
 * `out [outer, rows, columns]` from `x [outer, size, columns]`.
 *
 * @param indices of rows of `x`, all in range: i32 [rows, taps]
 * @param weights f32 [rows, taps]
 */
export function f32Resample(
  { outer, size, rows, columns, taps }: Resampling,
  x: Slot,
  indices: Slot,
  weights: Slot,
  out: Slot,
): void {
  checkSlot('x', x, outer * size * columns * 4)
  checkSlot('indices', indices, rows * taps * 4)
  checkSlot('weights', weights, rows * taps * 4)
  checkSlot('out', out, outer * rows * columns * 4)
  const [from, to] = [addressOf(x), addressOf(out)]
  const { kernels } = out.handle.runtime
  kernels.f32_resample(from, to, addressOf(indices), addressOf(weights), outer, size, rows, taps, columns)
}
