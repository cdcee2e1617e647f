import { Status } from '../runtime/status.js'
import { addressOf, checkSlot, type Slot } from './slot.js'

/** `real = scale * (q - zeroPoint)` */
export interface AffineParameters {
  readonly scale: number
  readonly zeroPoint: number
}

/** Quantizes `length` f32 values of `x` to int8 in `out`: `clamp(roundHalfEven(x / scale) + zeroPoint)`. */
export function quantizeSlot(
  x: Slot,
  out: Slot,
  length: number,
  { scale, zeroPoint }: AffineParameters,
): void {
  checkSlot('x', x, length * 4)
  checkSlot('out', out, length)
  const { kernels, memory, scratch } = x.handle.runtime
  const mark = scratch.mark()
  try {
    const scalePointer = scratch.take(4)
    const zeroPointer = scratch.take(1)
    memory.f32[scalePointer >>> 2] = scale
    memory.i8[zeroPointer] = zeroPoint
    kernels.f32_qs8_quantize(addressOf(x), scalePointer, zeroPointer, addressOf(out), 1, 1, length, -128)
  } finally {
    scratch.release(mark)
  }
}

/** The real values of `length` int8 codes of `q`, as f32 in `out`. */
export function dequantizeSlot(
  q: Slot,
  out: Slot,
  length: number,
  { scale, zeroPoint }: AffineParameters,
): void {
  checkSlot('q', q, length)
  checkSlot('out', out, length * 4)
  const { kernels, memory, scratch } = q.handle.runtime
  const mark = scratch.mark()
  try {
    const scalePointer = scratch.take(4)
    const zeroPointer = scratch.take(1)
    memory.f32[scalePointer >>> 2] = scale
    memory.i8[zeroPointer] = zeroPoint
    kernels.qs8_f32_dequantize(addressOf(q), scalePointer, zeroPointer, addressOf(out), 1, 1, length)
  } finally {
    scratch.release(mark)
  }
}

/**
 * Quantizes `length` f32 values of `x` by their own range, zero included, to the whole of -128..127.
 *
 * @returns the scale and zero point that were taken
 * @throws RangeError if `x` holds NaN or an infinity
 */
export function quantizeSlotDynamic(x: Slot, out: Slot, length: number): AffineParameters {
  checkSlot('x', x, length * 4)
  checkSlot('out', out, length)
  const { kernels, memory, scratch } = x.handle.runtime
  const mark = scratch.mark()
  try {
    const scale = scratch.take(4)
    const zero = scratch.take(4)
    const status = kernels.f32_qd8_quantize(addressOf(x), length, addressOf(out), scale, zero, 1, length)
    if (status === Status.nonFinite) {
      throw new RangeError('"x" expected finite values, got NaN or an infinity')
    }
    return { scale: memory.f32[scale >>> 2]!, zeroPoint: memory.i32[zero >>> 2]! }
  } finally {
    scratch.release(mark)
  }
}

/**
 * Least and greatest of `length` f32 values; (max f32, -max f32) for none.
 *
 * @throws RangeError if `x` holds NaN or an infinity
 */
export function rangeOfSlot(x: Slot, length: number): { min: number; max: number } {
  checkSlot('x', x, length * 4)
  const { kernels, memory, scratch } = x.handle.runtime
  const mark = scratch.mark()
  try {
    const min = scratch.take(4)
    const max = scratch.take(4)
    if (kernels.f32_range(addressOf(x), min, max, 1, 1, length) === Status.nonFinite) {
      throw new RangeError('"x" expected finite values, got NaN or an infinity')
    }
    return { min: memory.f32[min >>> 2]!, max: memory.f32[max >>> 2]! }
  } finally {
    scratch.release(mark)
  }
}
