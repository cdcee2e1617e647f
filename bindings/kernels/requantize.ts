import { roundHalfEven } from './rounding.js'

/** clamp(scale * acc + bias, low, high) of an int32 accumulator, every operation rounded to f32. */
export function realOf(acc: number, scale: number, bias: number, low: number, high: number): number {
  const real = Math.fround(Math.fround(scale * Math.fround(acc)) + bias)
  return Math.min(Math.max(real, low), high)
}

/** clamp(roundHalfEven(real / scale) + zero, -128, 127) */
export function quantizedOf(real: number, scale: number, zero: number): number {
  const quotient = Math.fround(real / scale)
  return roundHalfEven(Math.min(Math.max(quotient, -128 - zero), 127 - zero)) + zero
}
