/** References in f64: their own error, a few 2^-53, is far below what an f32 bound can resolve. */
export const references = {
  Exp: Math.exp,
  Log: Math.log,
  Sin: Math.sin,
  Cos: Math.cos,
  Atan: Math.atan,
  Tanh: Math.tanh,
  Erf: erf,
  Sigmoid: (x: number) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))),
  Softplus: (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  Elu: (x: number) => (x > 0 ? x : Math.expm1(x)),
  Swish: (x: number) => x / (1 + Math.exp(-x)),
  Gelu: (x: number) => 0.5 * x * erfc(-x * Math.SQRT1_2),
  GeluTanh: (x: number) => x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
} as const

/** Abramowitz and Stegun 7.1.5 where the alternating series converges fast, a continued fraction (7.1.14) beyond. */
export function erf(x: number): number {
  if (!(Math.abs(x) < 2)) return Math.sign(x) * (1 - erfc(Math.abs(x)))
  let [term, sum] = [x, x]
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= -(x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

/** 1 - erf x without cancellation. */
export function erfc(x: number): number {
  if (x < 2) return 1 - erf(x)
  if (x > 30) return 0
  if (x !== x) return x
  let fraction = x
  for (let n = 80; n > 0; n--) fraction = x + n / 2 / fraction
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction
}

const double = new Float64Array(1)
const words = new Int32Array(double.buffer)

/** The distance of two neighbouring f32 numbers at `x`; that of subnormals below 2^-126. */
export function ulp(x: number): number {
  double[0] = x
  const exponent = ((words[1]! >>> 20) & 0x7ff) - 1023
  return 2 ** (Math.min(Math.max(exponent, -126), 127) - 23)
}
