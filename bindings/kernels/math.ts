import { roundHalfEven } from './rounding.js'

// Contract: assembly/README.md#math. Every operation is rounded to f32, in the order of assembly/math/.
const round = Math.fround

const LOG2_E = round(1.44269504)
const LN2_HIGH = 0.693145751953125
const LN2_LOW = round(1.4286068e-6)
const ROUNDER = 12582912

const MIN_NORMAL = 2 ** -126
const SQRT_HALF_BITS = 0x3f3504f3

const EXPM1 = Float32Array.of(0.00139405136, 0.008366419, 0.0416664034, 0.16666545, 0.5)

const LOG = Float32Array.of(0.298743963, 0.399774492, 0.666667759)
const LOG1P = Float32Array.of(0.140059948, 0.140009016, 0.200107634, 0.333332092)
const ERF_SMALL = Float32Array.of(
  -0.000608832052,
  0.00501158694,
  -0.0267786682,
  0.112821348,
  -0.376125216,
  0.128379151,
)
const ERF_EXPONENT = Float32Array.of(
  0.000198321111,
  -0.00306647527,
  0.0223190971,
  -0.10412164,
  -0.636967123,
  -1.12780249,
  -0.000165195277,
)
const TAIL = Float32Array.of(
  0.797916293,
  0.318084031,
  0.0369282886,
  -0.00555659086,
  0.000526826188,
  -2.42590158e-5,
  3.39944251e-7,
)
const SINE = Float32Array.of(-0.000195151995, 0.0083321603, -0.166666552)
const COSINE = Float32Array.of(2.44330622e-5, -0.00138873153, 0.0416666456)
const ATAN = Float32Array.of(
  0.0029206865,
  -0.0163679048,
  0.0432118215,
  -0.0755221099,
  0.106660031,
  -0.142110556,
  0.199937731,
  -0.333331525,
)
const HALF_PI = round(1.57079637)
const HALF_PI_LOW = round(-4.37113883e-8)
const POINT_NINE = round(0.9)
const GELU_1 = round(1.59576912)
const GELU_3 = round(0.0713548163)
const LN2 = round(0.693147182)

const float = new Float32Array(1)
const bits = new Int32Array(float.buffer)

/** 2^k for k in -126..127. */
function powerOfTwo(k: number): number {
  bits[0] = (k + 127) << 23
  return float[0]!
}

/** Horner's rule, highest coefficient first. */
function polynomial(coefficients: Float32Array, x: number): number {
  let sum = coefficients[0]!
  for (let i = 1; i < coefficients.length; i++) sum = round(round(sum * x) + coefficients[i]!)
  return sum
}

function nearestExponent(x: number): number {
  return round(round(round(x * LOG2_E) + ROUNDER) - ROUNDER)
}

function expm1Reduced(x: number, n: number): number {
  const r = round(round(x - round(n * LN2_HIGH)) - round(n * LN2_LOW))
  return round(r + round(round(r * r) * polynomial(EXPM1, r)))
}

export function expF32(x: number): number {
  if (x !== x) return x
  const bounded = Math.max(Math.min(x, 89), -104)
  const n = nearestExponent(bounded)
  const half = n >> 1
  const scaled = round(round(1 + expm1Reduced(bounded, n)) * powerOfTwo(half))
  return round(scaled * powerOfTwo(n - half))
}

function expm1NegativeF32(x: number): number {
  if (x !== x) return x
  const bounded = Math.max(x, -18)
  const n = nearestExponent(bounded)
  const power = powerOfTwo(n)
  return round(round(power * expm1Reduced(bounded, n)) + round(power - 1))
}

/** `magnitude`, not below 0, with the sign of another number. */
export function withSign(magnitude: number, sign: number): number {
  return sign < 0 || Object.is(sign, -0) ? -magnitude : magnitude
}

export function logF32(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN
  if (x === Infinity) return x
  const subnormal = x < MIN_NORMAL
  float[0] = subnormal ? x * 8388608 : x
  const k = (bits[0]! - SQRT_HALF_BITS) >> 23
  bits[0] = bits[0]! - (k << 23)
  const f = float[0] - 1
  const s = round(f / round(2 + f))
  const z = round(s * s)
  const halfSquare = round(round(f * f) * 0.5)
  const exponent = subnormal ? k - 23 : k
  const correction = round(
    round(s * round(halfSquare + round(polynomial(LOG, z) * z))) + round(exponent * LN2_LOW),
  )
  return round(round(exponent * LN2_HIGH) - round(round(halfSquare - correction) - f))
}

export function sigmoidF32(x: number): number {
  const e = expF32(-Math.abs(x))
  return round((x < 0 || Object.is(x, -0) ? e : 1) / round(1 + e))
}

export function tanhF32(x: number): number {
  const e = expm1NegativeF32(-2 * Math.abs(x))
  return withSign(Math.abs(round(e / round(2 + e))), x)
}

export function swishF32(x: number, alpha: number): number {
  return round(x * sigmoidF32(round(x * alpha)))
}

export function softplusF32(x: number): number {
  if (x !== x) return x
  const e = expF32(-Math.abs(x))
  const s = round(e / round(2 + e))
  const z = round(s * s)
  const half = round(s + round(round(s * z) * polynomial(LOG1P, z)))
  return round(Math.max(x, 0) + round(half + half))
}

export function eluF32(x: number, alpha: number): number {
  return x >= 0 ? x : round(alpha * expm1NegativeF32(x))
}

export function erfF32(x: number): number {
  const magnitude = Math.abs(x)
  if (magnitude < POINT_NINE) return round(x + round(x * polynomial(ERF_SMALL, round(x * x))))
  return withSign(Math.abs(expm1NegativeF32(polynomial(ERF_EXPONENT, Math.min(magnitude, 4)))), x)
}

export function geluF32(x: number): number {
  if (x !== x) return x
  const a = Math.min(Math.abs(x), 14)
  const z = round(a * a)
  const [c0, c1, c2, c3, c4, c5, c6] = TAIL as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  let p = round(round(z * c6) + round(round(a * c5) + c4))
  p = round(round(p * z) + round(round(a * c3) + c2))
  p = round(round(p * z) + round(round(a * c1) + c0))
  const t = round(round(p * a) + LN2)
  return round((x < 0 ? 0 : x) - round(a * expF32(-Math.abs(t))))
}

export function geluTanhF32(x: number): number {
  return round(x * sigmoidF32(round(x * round(round(round(x * x) * GELU_3) + GELU_1))))
}

/** floor(2^208 / (2 pi)) */
const TURNS = 0x28be60db9391054a7f09d5f47d4d377036d8a5664f10e4107f94n

/** An angle of 2^28 or more without its whole turns; assembly/math/angle.ts. */
function withoutTurns(x: number): number {
  float[0] = x
  const shift = (bits[0]! >>> 23) - 150
  const mantissa = BigInt(((bits[0]! & 0x7fffff) | 0x800000) * 2 ** (shift & 7))
  const window = TURNS >> BigInt(8 * (14 - (shift >> 3)))
  const low = (mantissa * (window & 0xffffffffn)) >> 32n
  return Number(BigInt.asIntN(64, mantissa * (window >> 32n) + low)) * 3.4061215800865545e-19
}

function trigonometric(x: number, quarter: number, sign: number): number {
  const magnitude = Math.abs(x)
  if (!(magnitude < Infinity)) return NaN
  const angle = magnitude >= 268435456 ? withoutTurns(magnitude) : magnitude
  const n = roundHalfEven(angle * 0.6366197723675814)
  const high = angle - n * 1.570796251296997 - n * 7.549789415861596e-8
  const r = round(high - n * 5.390302858158119e-15)
  const z = round(r * r)
  const k = n + quarter
  const value =
    (k & 1) === 0
      ? round(r + round(round(r * z) * polynomial(SINE, z)))
      : round(round(1 - round(z * 0.5)) + round(round(z * z) * polynomial(COSINE, z)))
  return ((k & 2) !== 0) !== (sign < 0 || Object.is(sign, -0)) ? -value : value
}

export function sinF32(x: number): number {
  return trigonometric(x, 0, x)
}

export function cosF32(x: number): number {
  return trigonometric(x, 1, 1)
}

export function atanF32(x: number): number {
  const magnitude = Math.abs(x)
  const isLarge = magnitude > 1
  const t = isLarge ? round(-1 / magnitude) : magnitude
  const z = round(t * t)
  const y = round(t + round(round(t * z) * polynomial(ATAN, z)))
  return withSign(isLarge ? round(HALF_PI + round(y + HALF_PI_LOW)) : y, x)
}

const double = new Float64Array(1)
const words = new Int32Array(double.buffer)

/** 2^k for k in -1022..1023. */
function power64(k: number): number {
  double[0] = 0
  words[1] = (k + 1023) << 20
  return double[0]
}

function log2(x: number): number {
  if (!(x > 0 && x < Infinity)) return x > 0 ? x : x === 0 ? -Infinity : NaN
  double[0] = x
  const k = (words[1]! - 0x3fe6a09e) >> 20
  words[1] = words[1]! - (k << 20)
  const m = double[0]
  const s = (m - 1) / (m + 1)
  const z = s * s
  let p = z * 0.282531799641083 + 0.31993533012681163
  p = p * z + 0.4122083882495566
  p = p * z + 0.5770779533241448
  p = p * z + 0.9617966940573587
  return k + s * (2.8853900817779268 + z * p)
}

function exp2(x: number): number {
  const t = x > 160 ? 160 : x < -160 ? -160 : x
  if (t !== t) return t
  const n = roundHalfEven(t)
  const f = t - n
  let p = f * 1.2925533965698516e-6 + 1.5261234354250848e-5
  p = p * f + 0.0001540345660320441
  p = p * f + 0.001333355844313116
  p = p * f + 0.009618129107039797
  p = p * f + 0.05550410866482691
  p = p * f + 0.2402265069591007
  return (1 + f * (0.6931471805599453 + f * p)) * power64(n)
}

/** x^y, in f64 until the end. */
export function powF32(x: number, y: number): number {
  if (y === 0 || x === 1) return 1
  const exponent = Math.abs(x) === 1 && y === y ? 0 : y * log2(Math.abs(x))
  const magnitude = round(exp2(exponent))
  const isInteger = Math.floor(y) === y
  if (x < 0 && !isInteger && x !== -Infinity) return NaN
  const isOdd = isInteger && Math.floor(y * 0.5) !== y * 0.5
  return isOdd && (x < 0 || Object.is(x, -0)) ? -magnitude : magnitude
}
