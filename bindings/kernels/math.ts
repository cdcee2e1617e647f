import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'

// Contract: assembly/README.md#math. Every operation is rounded to f32, in the order of assembly/math/.
const round = Math.fround

const LOG2_E = round(1.44269504)
const LN2_HIGH = 0.693145751953125
const LN2_LOW = round(1.4286068e-6)
const ROUNDER = 12582912

const EXPM1 = Float32Array.of(0.00139405136, 0.008366419, 0.0416664034, 0.16666545, 0.5)

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

function withSign(magnitude: number, sign: number): number {
  return sign < 0 || Object.is(sign, -0) ? -magnitude : magnitude
}

export function sigmoidF32(x: number): number {
  const e = expF32(-Math.abs(x))
  return round((x < 0 || Object.is(x, -0) ? e : 1) / round(1 + e))
}

export function tanhF32(x: number): number {
  const e = expm1NegativeF32(-2 * Math.abs(x))
  return withSign(Math.abs(round(e / round(2 + e))), x)
}

export function mathKernels(memory: LinearMemory): Pick<Kernels, 'f32_exp' | 'f32_sigmoid' | 'f32_tanh'> {
  const map = (f: (x: number) => number) => (x: number, y: number, n: number) => {
    const { f32 } = memory
    for (let i = 0; i < n; i++) f32[(y >>> 2) + i] = f(f32[(x >>> 2) + i]!)
  }
  return {
    f32_exp: map(expF32),
    f32_sigmoid: map(sigmoidF32),
    f32_tanh: map(tanhF32),
  }
}
