import { clamp, roundHalfEven } from './rounding.js'

/** clamp(scale * acc + bias, low, high) of an int32 accumulator, every operation rounded to f32. */
export function realOf(acc: number, scale: number, bias: number, low: number, high: number): number {
  const real = Math.fround(Math.fround(scale * Math.fround(acc)) + bias)
  return clamp(real, low, high)
}

/** clamp(roundHalfEven(real / scale) + zero, -128, 127); a NaN becomes the lowest code. */
export function quantizedOf(real: number, scale: number, zero: number): number {
  const quotient = Math.fround(real / Math.fround(scale))
  const raised = quotient > -128 - zero ? quotient : -128 - zero
  return roundHalfEven(Math.min(raised, 127 - zero)) + zero
}
