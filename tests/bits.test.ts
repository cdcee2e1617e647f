import { describe, expect, it } from 'vitest'
import { packBits, type BitTensor } from '../bindings/formats/bits.js'
import { tensor } from '../bindings/formats/tensor.js'
import { bitMatmul } from '../bindings/ops/bit-matmul.js'
import { bitsToInt4 } from '../bindings/ops/bits-int4.js'
import { dequantizeInt4 } from '../bindings/ops/int4.js'
import { int4Matmul } from '../bindings/ops/int4-matmul.js'
import { packWeights } from '../bindings/ops/matmul-operands.js'
import { f32Product, integerProduct } from './oracles/gemm.js'
import { expectSame } from './support/compare.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

const bad = (value: unknown) => value as never

/** Seeded signs; `zeros` is the share of 0. */
function signs(random: Random, length: number, zeros: number): Float32Array {
  return Float32Array.from({ length }, () => (random.next() < zeros ? 0 : random.next() < 0.5 ? -1 : 1))
}

/** Four columns at a time, 128 bits at a time, 31 or 15 vectors before bytes are widened. */
const DEPTHS = [0, 1, 127, 128, 129, 1920, 1921, 3968, 4100]
const WIDTHS = [1, 3, 4, 7, 8]
const HEIGHTS = [1, 2, 5]
const KINDS = [
  ['binary', 'binary'],
  ['ternary', 'ternary'],
  ['binary', 'ternary'],
  ['ternary', 'binary'],
] as const

describeTargets('bits_gemm', (runtime) => {
  for (const [aKind, bKind] of KINDS) {
    for (const k of DEPTHS) {
      it.each(WIDTHS)(`${aKind} x ${bKind} k=${k} n=%i`, (n) => {
        for (const m of HEIGHTS) {
          const random = new Random(k * 100 + n * 10 + m)
          const a = signs(random, m * k, aKind === 'ternary' ? 0.4 : 0)
          const b = signs(random, n * k, bKind === 'ternary' ? 0.4 : 0)
          const left = packBits(tensor(a, [m, k]), { kind: aKind })
          const right = packBits(tensor(b, [n, k]), { kind: bKind })
          const result = bitMatmul(left, right, { runtime })
          expect(result.shape).toEqual([m, n])
          const rows = { data: a, rows: m, columns: k, stride: k }
          expectSame(
            result.data,
            integerProduct(rows, Array(m).fill(0), b, n).map((sum) => sum + 0),
          )
        }
      })
    }
  }

  it.each([1, -1])('counts all products of %i without overflow', (product) => {
    const [m, n, k] = [1, 5, 100_003]
    for (const kind of ['binary', 'ternary'] as const) {
      const a = packBits(new Float32Array(k).fill(1), { kind, shape: [m, k] })
      const b = packBits(new Float32Array(n * k).fill(product), { kind, shape: [n, k] })
      expectSame(bitMatmul(a, b, { runtime }).data, Array(n).fill(product * k))
    }
  })

  it('takes resident weights, and rows of any rank', () => {
    const random = new Random(3)
    const a = signs(random, 6 * 40, 0)
    for (const kind of ['binary', 'ternary'] as const) {
      const b = packBits(signs(random, 5 * 40, 0.3), { kind, shape: [5, 40] })
      using weights = packWeights(b, { runtime })
      const out = new Int32Array(30)
      const left = packBits(a, { shape: [2, 3, 40] })
      expect(bitMatmul(left, weights, { out })).toMatchObject({ shape: [2, 3, 5], data: out })
      expectSame(out, bitMatmul(left, b, { runtime }).data)
      expect(() => bitMatmul(packBits(a), weights)).toThrow('"a" expected rows of 40 elements, got 240')
    }
  })

  it('refuses what does not fit', () => {
    const b = packBits(new Float32Array(12), { kind: 'ternary', shape: [3, 4] })
    expect(() => bitMatmul(b, { ...b, shape: [4, 3] }, { runtime })).toThrow(RangeError)
    expect(() => bitMatmul(b, bad(null), { runtime })).toThrow('"b" expected a BitTensor, got null')
    expect(() => bitMatmul(b, b, { out: new Int32Array(8), runtime })).toThrow(RangeError)
    expect(() => packWeights(b, bad({ bias: new Float32Array(3), runtime }))).toThrow(TypeError)
    const dirty: BitTensor = { ...b, signs: b.signs.map((_, i) => (i === 16 ? 16 : 0)) }
    expect(() => bitMatmul(dirty, b, { runtime })).toThrow('"a.signs" expected zeros after the end of row 1')
  })
})

describeTargets('bitsToInt4', (runtime) => {
  it.each(['binary', 'ternary'] as const)('%s weights times int8 and float rows', (kind) => {
    const random = new Random(5)
    const [m, n, k] = [5, 7, 300]
    const w = signs(random, n * k, kind === 'ternary' ? 0.5 : 0)
    const scale = random.floats(n)
    const weights = bitsToInt4(packBits(tensor(w, [n, k]), { kind }), { scale })
    const reals = w.map((sign, i) => sign * scale[Math.floor(i / k)]!)
    expectSame(dequantizeInt4(weights), reals)
    // Whole numbers with 127 and -128 among them are their own codes in every row.
    const a = Float32Array.from({ length: m * k }, (_, i) => [127, -128][i % k] ?? random.integer(-128, 127))
    const rows = { data: a, rows: m, columns: k, stride: k }
    const x = tensor(a, [m, k])
    expectSame(
      int4Matmul(x, weights, { inputs: 'float32', runtime }).data,
      f32Product(rows, reals, n, undefined),
    )
    // Powers of two for scales: f32 holds every sum exactly.
    const exact = bitsToInt4(packBits(tensor(w, [n, k]), { kind }), { scale: scale.fill(0.5) })
    expectSame(
      int4Matmul(x, exact, { runtime }).data,
      integerProduct(rows, Array(m).fill(0), w, n).map((sum) => sum / 2 + 0),
    )
  })

  it('refuses what does not fit', () => {
    const bits = packBits(new Float32Array(6), { shape: [2, 3] })
    expect(() => bitsToInt4(bits, { scale: new Float32Array(3).fill(1) })).toThrow(RangeError)
    expect(() => bitsToInt4(bits, { scale: Float32Array.of(1, 0) })).toThrow('"scale" expected finite scales')
    expect(() => bitsToInt4(bad(null))).toThrow('"bits" expected a BitTensor')
    expect(bitsToInt4(bits)).toMatchObject({ kind: 'int4', shape: [2, 3], axis: 1, groupSize: 256 })
  })
})

describe('packBits', () => {
  it('puts element p at bit p mod 8 of byte p / 8, in rows of 128', () => {
    const x = Float32Array.of(-1, 0, 2, -3, NaN, -0, 1, 1, -1, 5)
    const bits = packBits(x, { kind: 'ternary', shape: [2, 5] })
    expect(bits.signs).toHaveLength(32)
    expect([bits.signs[0], bits.signs[16], bits.ones![0], bits.ones![16]]).toEqual([9, 8, 13, 30])
    expect(packBits(x, { shape: [2, 5] })).toEqual({ kind: 'bits', shape: [2, 5], signs: bits.signs })
  })

  it('refuses what does not fit', () => {
    expect(() => packBits(new Float32Array(4), { shape: [3] })).toThrow(RangeError)
    expect(() => packBits(new Float32Array(1), { shape: [] })).toThrow('at least one dimension')
    expect(() => packBits(bad([1]))).toThrow(TypeError)
    expect(() => packBits(new Float32Array(1), { kind: bad('unary') })).toThrow('"kind" expected one of')
  })
})
