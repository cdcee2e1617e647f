/** References in f64: their own error, a few 2^-53, is far below what an f32 bound can resolve. */
export const references = {
  exp: Math.exp,
  sigmoid: (x: number) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))),
  tanh: Math.tanh,
  log: Math.log,
  erf,
}

/** Abramowitz and Stegun 7.1.5 (series) below 2.5, 7.1.14 (continued fraction) above. */
export function erf(x: number): number {
  const a = Math.abs(x)
  if (!(a > 0)) return x
  if (a < 2.5) {
    let term = a
    let sum = a
    for (let n = 1; Math.abs(term) > 1e-19 * sum; n++) {
      term *= (-a * a) / n
      sum += term / (2 * n + 1)
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI)
  }
  let fraction = 0
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction)
  return Math.sign(x) * (1 - Math.exp(-a * a) / ((a + fraction) * Math.sqrt(Math.PI)))
}

/** The distance of two neighbouring f32 numbers at `x`; that of subnormals below 2^-126. */
export function ulp(x: number): number {
  let exponent = -126
  while (exponent < 127 && Math.abs(x) >= 2 ** (exponent + 1)) exponent++
  return 2 ** (exponent - 23)
}
