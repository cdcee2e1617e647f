import { ReduceOp } from '../kernels/reduce.js'
import { addressOf, checkSlot, type Slot } from './slot.js'

/** Elements along the middle axis of [outer][n][inner]. */
export interface ReducedAxis {
  readonly outer: number
  readonly n: number
  readonly inner: number
}

/** `out [outer][inner]` = the sum, product, least or greatest of the `n` elements of each, divided by `divisor`. */
export function f32Reduce(
  op: keyof typeof ReduceOp,
  { outer, n, inner }: ReducedAxis,
  x: Slot,
  out: Slot,
  divisor = 1,
): void {
  checkSlot('x', x, outer * n * inner * 4)
  checkSlot('out', out, outer * inner * 4)
  const { kernels } = out.handle.runtime
  kernels.f32_reduce(ReduceOp[op], addressOf(x), addressOf(out), outer, n, inner, divisor)
}

/** What a layer normalization takes and gives beside x and y. */
export interface NormalizeSlots {
  /** `n` values each. */
  readonly scale?: Slot | undefined
  readonly shift?: Slot | undefined
  /** `rows` values; without it the rows are not centred, as RMSNormalization has it. */
  readonly mean?: Slot | undefined
  /** `rows` values: the inverse of the standard deviation. */
  readonly inverse: Slot
}

/** `out = (x - mean) / sqrt(variance + epsilon) * scale + shift` by rows of `n` values, in place if the slots are one. */
export function f32LayerNorm(
  x: Slot,
  out: Slot,
  { scale, shift, mean, inverse }: NormalizeSlots,
  rows: number,
  n: number,
  epsilon: number,
): void {
  const address = (name: string, slot: Slot | undefined, length: number) => {
    if (slot === undefined) return 0
    checkSlot(name, slot, length * 4)
    return addressOf(slot)
  }
  const { kernels } = out.handle.runtime
  kernels.f32_layer_norm(
    address('x', x, rows * n),
    address('scale', scale, n),
    address('shift', shift, n),
    address('out', out, rows * n),
    address('mean', mean, rows),
    address('inverse', inverse, rows),
    rows,
    n,
    epsilon,
  )
}
