const ROUNDER = 1.5 * 2 ** 52

/** Round half to even, for |x| < 2^51: adding the constant leaves no fraction bits, so the addition itself rounds. */
export function roundHalfEven(x: number): number {
  return x + ROUNDER - ROUNDER
}
