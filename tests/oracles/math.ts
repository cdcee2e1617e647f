/** References in f64: their own error, a few 2^-53, is far below what an f32 bound can resolve. */
export const references = {
  exp: Math.exp,
  sigmoid: (x: number) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))),
  tanh: Math.tanh,
}

/** The distance of two neighbouring f32 numbers at `x`; that of subnormals below 2^-126. */
export function ulp(x: number): number {
  let exponent = -126
  while (exponent < 127 && Math.abs(x) >= 2 ** (exponent + 1)) exponent++
  return 2 ** (exponent - 23)
}
