import { describe, expect, it } from 'vitest'
import * as math from '../bindings/kernels/math.js'
import { UNARY_OPS, type UnaryOp } from '../bindings/kernels/unary-ops.js'
import { references, ulp } from './oracles/math.js'
import { Random } from './support/random.js'
import { describeTargets, targets } from './support/targets.js'

/** The greatest error in ULP, as assembly/README.md states it; of those in `absolute` the error itself beside it. */
const bounds = {
  Exp: 1.02,
  Sigmoid: 2.41,
  Tanh: 2.5,
  Log: 0.84,
  Erf: 1.22,
  Sin: 1.57,
  Cos: 1.57,
  Atan: 1.75,
  Softplus: 2.7,
  Elu: 1.02,
} as const

/** Products with a factor that cancels left of zero: their error, over the greater of 1 and |x|. */
const absolute = { Swish: 2.5e-7, Gelu: 1.6e-7, GeluTanh: 2.5e-7 } as const

const SPECIALS = [
  [0, -0, Infinity, -Infinity, NaN, 1e-45, -1e-45, 1.1754942e-38, 1.1754944e-38, -1.1754944e-38],
  [3.4028235e38, -3.4028235e38, 88.72283, 88.72284, 89, -87.33655, -103.972, -103.9721, -104, -105],
  [1, -1, 0.5, 0.9, 0.8999999, -0.9, 3.9, 3.95, 4, 4.1, 9, 9.02, -9.02, 17.4, -17.4, 0.34657359, 0.70710677],
  [2.5, 3.5, -2.5, -0.3, 8388607.5, 1.5707964, 3.1415927, 268435456, 268435424, 1.5653283954463987e36],
].flat()

/** Every exponent and sign with seeded mantissas, the range where results are ordinary more densely, and specials. */
function sample(): Float32Array {
  const random = new Random(3)
  const bits: number[] = []
  for (let exponent = 0; exponent < 510; exponent++) {
    for (let i = 0; i < 8; i++) bits.push(((exponent << 23) | random.integer(0, 0x7fffff)) >>> 0)
  }
  const everywhere = new Float32Array(Uint32Array.from(bits).buffer)
  const ordinary = Array.from({ length: 12000 }, () => (random.next() - 0.5) * 2 ** random.integer(-3, 7))
  return Float32Array.from([...everywhere, ...ordinary, ...SPECIALS])
}

const inputs = sample()

/** Results of the first target, to which the bits of the others must be equal. */
const reference = new Map<string, Float32Array>()

describeTargets('f32_unary', (runtime) => {
  const { allocator, kernels } = runtime

  function run(op: UnaryOp, values: Float32Array, alpha = 1, beta = 0.5): Float32Array {
    const n = values.length
    const x = allocator.allocate(n * 4)
    const y = allocator.allocate(n * 4)
    runtime.memory.f32.set(values, x / 4)
    kernels.f32_unary(UNARY_OPS.indexOf(op), x, y, n, alpha, beta)
    const got = runtime.memory.f32.slice(y / 4, y / 4 + n)
    kernels.f32_unary(UNARY_OPS.indexOf(op), x, x, n, alpha, beta)
    expect(runtime.memory.f32.slice(x / 4, x / 4 + n)).toEqual(got)
    allocator.release(x)
    allocator.release(y)
    return got
  }

  it.each(Object.entries(bounds))('%s is within %f ULP', (name, bound) => {
    const exactly = references[name as keyof typeof bounds]
    const got = run(name as UnaryOp, inputs)
    let worst = 0
    inputs.forEach((v, i) => {
      const exact = exactly(v)
      if (Number.isFinite(Math.fround(exact)) && exact !== 0) {
        worst = Math.max(worst, Math.abs(got[i]! - exact) / ulp(exact))
      } else if (!Object.is(got[i], Math.fround(exact))) {
        expect.fail(`${name}(${v}) is ${got[i]}, expected ${exact}`)
      }
    })
    expect(worst).toBeLessThanOrEqual(bound)
    expect(worst).toBeGreaterThan(0.5)
  })

  it.each(Object.entries(absolute))('%s is within %f of the greater of 1 and |x|', (name, bound) => {
    const values = inputs.filter((v) => Math.abs(v) < 1e30)
    const got = run(name as UnaryOp, values)
    let worst = 0
    values.forEach((v, i) => {
      const error = Math.abs(got[i]! - references[name as keyof typeof absolute](v))
      worst = Math.max(worst, error / Math.max(1, Math.abs(v)))
    })
    expect(worst).toBeLessThanOrEqual(bound)
    const [high, nan, zero, low] = run(name as UnaryOp, Float32Array.of(Infinity, NaN, 0, -1000))
    expect([high, nan, zero]).toEqual([Infinity, NaN, 0])
    expect(Math.abs(low!)).toBeLessThan(1e-40)
  })

  it.each(UNARY_OPS)('%s gives the same bits in every target, also for every tail', (op) => {
    for (const [alpha, beta] of [
      [1, 0.5],
      [0.3, -0.7],
    ] as const) {
      const got = run(op, inputs, alpha, beta)
      const key = `${op} ${alpha}`
      const first = reference.get(key) ?? got
      reference.set(key, first)
      const different = got.findIndex((v, i) => !Object.is(v, first[i]))
      if (different >= 0) {
        expect.fail(`${op}(${inputs[different]}) is ${got[different]}, first ${first[different]}`)
      }
    }
    const all = run(op, inputs.subarray(0, 16))
    for (let n = 0; n <= 9; n++) expect([...run(op, inputs.subarray(0, n))]).toEqual([...all.subarray(0, n)])
  })

  it('plain arithmetic is that of ONNX', () => {
    const x = [-3.5, -2.5, -0.5, -0.25, 0, 0.5, 1.5, 2.5, 4, Infinity, -Infinity, NaN]
    const expected: [UnaryOp, number, number, (v: number) => number][] = [
      ['Abs', 0, 0, Math.abs],
      ['Neg', 0, 0, (v) => -v],
      ['Sqrt', 0, 0, Math.sqrt],
      ['Floor', 0, 0, Math.floor],
      ['Ceil', 0, 0, Math.ceil],
      ['Round', 0, 0, (v) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v))],
      ['Sign', 0, 0, Math.sign],
      ['Reciprocal', 0, 0, (v) => 1 / v],
      ['HardSigmoid', 0.25, 0.5, (v) => Math.min(Math.max(0.25 * v + 0.5, 0), 1)],
      ['HardSwish', 0.25, 0.5, (v) => v * Math.min(Math.max(0.25 * v + 0.5, 0), 1)],
      ['LeakyRelu', 0.125, 0, (v) => (v < 0 ? 0.125 * v : v)],
      ['ThresholdedRelu', 1.5, 0, (v) => (v > 1.5 ? v : 0)],
      ['Shrink', 1.5, 0.25, (v) => (v < -1.5 ? v + 0.25 : v > 1.5 ? v - 0.25 : 0)],
    ]
    for (const [op, alpha, beta, apply] of expected) {
      const got = run(op, Float32Array.from(x), alpha, beta)
      // The sign of zero is left open.
      expect(
        [...got].map((v) => v + 0),
        op,
      ).toEqual(x.map((v) => Math.fround(apply(v)) + 0))
    }
  })
})

describe('Pow', () => {
  const random = new Random(5)
  const pairs: [number, number][] = []
  for (let i = 0; i < 4000; i++) {
    pairs.push([2 ** (40 * (random.next() - 0.5)), 8 * (random.next() - 0.5)])
    pairs.push([Math.exp(random.next() - 0.5), 300 * (random.next() - 0.5)])
    pairs.push([-random.next() * 20, random.integer(-20, 20)])
  }
  const special = [0, -0, 1, -1, 2, -2, 0.5, 3, Infinity, -Infinity, NaN, 1e-45, 3.4028235e38, 1e30, 5.5]
  for (const x of special) for (const y of special) pairs.push([x, y])
  const a = Float32Array.from(pairs, ([x]) => x)
  const b = Float32Array.from(pairs, ([, y]) => y)

  it.each(targets)('is within 0.51 ULP and follows IEEE 754 [$name]', ({ make }) => {
    const runtime = make()
    const n = a.length
    const [x, y, z] = [0, 1, 2].map(() => runtime.allocator.allocate(n * 4)) as [number, number, number]
    runtime.memory.f32.set(a, x / 4)
    runtime.memory.f32.set(b, y / 4)
    runtime.kernels.f32_binary(7, x, n, 1, y, n, 1, z, 1, n)
    const got = runtime.memory.f32.slice(z / 4, z / 4 + n)
    let worst = 0
    got.forEach((v, i) => {
      const [base, exponent] = [a[i]!, b[i]!]
      // 1 to any power is 1, and so is -1 to an infinite one; the language has NaN there.
      const isOne = base === 1 || (base === -1 && Math.abs(exponent) === Infinity)
      const exact = isOne ? 1 : base ** exponent
      if (!Object.is(v, math.powF32(base, exponent))) expect.fail(`${base} ** ${exponent} is ${v}, in js not`)
      if (Number.isFinite(Math.fround(exact)) && Math.fround(exact) !== 0) {
        worst = Math.max(worst, Math.abs(v - exact) / ulp(exact))
      } else if (!Object.is(v, Math.fround(exact))) {
        expect.fail(`${base} ** ${exponent} is ${v}, expected ${exact}`)
      }
    })
    expect(worst).toBeLessThanOrEqual(0.51)
    for (const p of [x, y, z]) runtime.allocator.release(p)
  })
})
