const TWO_BY_LN2: f64 = 2.8853900817779268
/** High word of sqrt(1/2) in f64. */
const SQRT_HALF: u64 = 0x3fe6a09e00000000

/** x^y of two f32 numbers, computed in f64. Contract: assembly/README.md#elementwise */
export function pow(x: f64, y: f64): f32 {
  if (y == 0 || x == 1) return 1
  let exponent = y * log2(abs(x))
  // 0 * Infinity: (-1)^Infinity.
  if (abs(x) == 1 && y == y) exponent = 0
  const magnitude = <f32>exp2(exponent)
  const isInteger = floor(y) == y
  if (x < 0 && !isInteger && x != -Infinity) return NaN
  const isOdd = isInteger && floor(y * 0.5) != y * 0.5
  return isOdd && reinterpret<i64>(x) < 0 ? -magnitude : magnitude
}

/** Base 2, of 0 or more: infinite at both ends. */
function log2(x: f64): f64 {
  if (!(x > 0 && x < Infinity)) return x > 0 ? x : x == 0 ? -Infinity : NaN
  // x = 2^k m with m in sqrt(1/2)..sqrt(2); log2 m = s (2 / ln 2 + z p(z)), s = (m - 1) / (m + 1), z = s^2, p of degree 4
  // minimax for the relative error: 2^-45.
  const bits = reinterpret<u64>(x)
  const k = (<i64>(bits - SQRT_HALF)) >> 52
  const m = reinterpret<f64>(bits - (k << 52))
  const s = (m - 1) / (m + 1)
  const z = s * s
  let p: f64 = z * 0.282531799641083 + 0.31993533012681163
  p = p * z + 0.4122083882495566
  p = p * z + 0.5770779533241448
  p = p * z + 0.9617966940573587
  return <f64>k + s * (TWO_BY_LN2 + z * p)
}

function exp2(x: f64): f64 {
  // Beyond, the f32 result is infinite or 0; a NaN stays.
  const t = x > 160 ? 160 : x < -160 ? -160 : x
  if (t != t) return t
  const n = nearest(t)
  const f = t - n
  // 2^f = 1 + f ln 2 + f^2 p(f), p of degree 6 minimax for the relative error: 2^-32.3.
  let p: f64 = f * 1.2925533965698516e-6 + 1.5261234354250848e-5
  p = p * f + 0.0001540345660320441
  p = p * f + 0.001333355844313116
  p = p * f + 0.009618129107039797
  p = p * f + 0.05550410866482691
  p = p * f + 0.2402265069591007
  return (1 + f * (0.6931471805599453 + f * p)) * reinterpret<f64>((<u64>(<i64>n + 1023)) << 52)
}
