import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import * as math from './math.js'
import { clamp, roundHalfEven } from './rounding.js'
import { UNARY_OPS } from './unary-ops.js'

type Unary = (x: number, alpha: number, beta: number) => number

function hardSigmoid(x: number, alpha: number, beta: number): number {
  return clamp(Math.fround(Math.fround(x * alpha) + beta), 0, 1)
}

/** Every function rounds but for its last operation, which the store does. */
const FUNCTIONS: Readonly<Record<(typeof UNARY_OPS)[number], Unary>> = {
  Abs: Math.abs,
  Neg: (x) => -x,
  Sqrt: Math.sqrt,
  Floor: Math.floor,
  Ceil: Math.ceil,
  // From 2^23 on there is no fraction; a result of 0 keeps the sign.
  Round: (x) => (Math.abs(x) < 2 ** 23 ? math.withSign(roundHalfEven(Math.abs(x)), x) : x),
  Sign: Math.sign,
  Reciprocal: (x) => 1 / x,
  HardSigmoid: hardSigmoid,
  HardSwish: (x, alpha, beta) => x * hardSigmoid(x, alpha, beta),
  LeakyRelu: (x, alpha) => (x < 0 ? x * alpha : x),
  ThresholdedRelu: (x, alpha) => (x > alpha ? x : 0),
  Shrink: (x, alpha, beta) => (x > alpha ? x - beta : x < -alpha ? x + beta : 0),
  Exp: math.expF32,
  Sigmoid: math.sigmoidF32,
  Swish: math.swishF32,
  GeluTanh: math.geluTanhF32,
  Softplus: math.softplusF32,
  Tanh: math.tanhF32,
  Elu: math.eluF32,
  Erf: math.erfF32,
  Gelu: math.geluF32,
  Log: math.logF32,
  Sin: math.sinF32,
  Cos: math.cosF32,
  Atan: math.atanF32,
}

export function unaryKernels(memory: LinearMemory): Pick<Kernels, 'f32_unary'> {
  return {
    f32_unary(op, x, y, n, alpha, beta) {
      const { f32 } = memory
      const apply = FUNCTIONS[UNARY_OPS[op]!]
      // As a wasm export has them.
      const [a, b] = [Math.fround(alpha), Math.fround(beta)]
      for (let i = 0; i < n; i++) f32[(y >>> 2) + i] = apply(f32[(x >>> 2) + i]!, a, b)
    },
  }
}
