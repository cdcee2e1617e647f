const ROUNDER = 1.5 * 2 ** 52

/** Round half to even, for |x| < 2^51: adding the constant leaves no fraction bits, so the addition itself rounds. */
export function roundHalfEven(x: number): number {
  return x + ROUNDER - ROUNDER
}

/** `x < low ? low : x`, then `x > high ? high : x`, with f32 bounds: a NaN stays one, a zero keeps its sign. */
export function clamp(x: number, low: number, high: number): number {
  const raised = x < Math.fround(low) ? Math.fround(low) : x
  return raised > Math.fround(high) ? Math.fround(high) : raised
}
