import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toBlockSparse } from '../bindings/formats/block-sparse.js'
import { checkNmSparse, toNmSparse } from '../bindings/formats/nm-sparse.js'
import { tensor } from '../bindings/formats/tensor.js'
import { magnitudeThreshold, pruneMagnitude } from '../bindings/ops/prune.js'
import { selectKey } from '../bindings/ops/select.js'
import { leastImportant } from './oracles/sparse.js'
import { Random } from './support/random.js'

describe('selectKey', () => {
  it('finds what sorting finds', () => {
    const keys = fc.array(
      fc.oneof(
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.integer({ min: 0, max: 3 }),
        fc.constant(0xffffffff),
      ),
      { minLength: 1, maxLength: 60 },
    )
    fc.assert(
      fc.property(keys, fc.nat(), fc.nat(), (list, a, b) => {
        const sorted = [...list].sort((p, q) => p - q)
        const rank = a % list.length
        const split = b % list.length
        const parts = [Uint32Array.from(list.slice(0, split)), Uint32Array.from(list.slice(split))]
        expect(selectKey(parts, rank)).toEqual({ key: sorted[rank], below: sorted.indexOf(sorted[rank]!) })
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

describe('pruneMagnitude', () => {
  const random = new Random(1)
  // Few distinct magnitudes: ties everywhere, zeros among them.
  const tied = Float32Array.from({ length: 60 }, () => random.integer(-3, 3))
  const inputs: [string, Float32Array][] = [
    ['Gaussian', random.floats(60)],
    ['tied', tied],
    ['constant', new Float32Array(60).fill(-2)],
    ['zero', new Float32Array(60)],
    ['subnormal', random.floats(60, 1e-43)],
    ['huge', random.floats(60).map((v) => Math.sign(v) * 3.4e38)],
  ]
  const factors = Float32Array.from({ length: 10 }, (_, i) => (i === 3 ? 0 : 0.5 + random.next()))
  for (const [what, w] of inputs) {
    it.each([0, 0.1, 0.5, 0.505, 0.9, 1])(`prunes the least of ${what} weights, sparsity %f`, (sparsity) => {
      for (const importance of [undefined, factors, Float32Array.from({ length: 60 }, (_, i) => i % 7)]) {
        const weights = tensor(w, [6, 10])
        const gone = leastImportant(
          w,
          Math.round(sparsity * 60),
          (i) => importance?.[i % importance.length] ?? 1,
        )
        const pruned = pruneMagnitude(weights, { sparsity, ...(importance && { importance }) })
        expect([...pruned.data]).toEqual(Array.from(w, (v, i) => (gone.has(i) ? 0 : v)))
        expect([...pruned.mask]).toEqual(Array.from(w, (_, i) => (gone.has(i) ? 0 : 1)))
        expect(pruned.zeros).toBe(gone.size)
        const kept = Array.from(w.keys()).filter((i) => !gone.has(i))
        const scores = kept.map((i) =>
          Math.fround(Math.abs(w[i]!) * (importance?.[i % importance.length] ?? 1)),
        )
        expect(pruned.threshold).toBe(Math.min(Infinity, ...scores))
      }
    })
  }

  it('prunes each row alike', () => {
    const w = new Random(2).floats(4 * 20).map((v, i) => v * (1 + Math.floor(i / 20) * 10))
    const { data } = pruneMagnitude(tensor(w, [4, 5, 2, 2]), { sparsity: 0.75, granularity: 'row' })
    for (let row = 0; row < 4; row++) {
      const part = w.slice(row * 20, row * 20 + 20)
      const gone = leastImportant(part, 15, () => 1)
      expect([...data.slice(row * 20, row * 20 + 20)]).toEqual(
        Array.from(part, (v, i) => (gone.has(i) ? 0 : v)),
      )
    }
  })

  it('takes a threshold between, at and beyond f32 values', () => {
    const w = Float32Array.of(0.1, -0.2, 0.3, 0, -0)
    const kept = (threshold: number): number[] => [...pruneMagnitude(w, { threshold }).mask]
    expect(kept(0)).toEqual([1, 1, 1, 0, 0])
    expect(kept(-0)).toEqual([1, 1, 1, 0, 0])
    expect(kept(Math.fround(0.2))).toEqual([0, 1, 1, 0, 0])
    expect(kept(Math.fround(0.2) + 1e-12)).toEqual([0, 0, 1, 0, 0])
    expect(kept(Math.fround(0.2) - 1e-12)).toEqual([0, 1, 1, 0, 0])
    expect(kept(1e300)).toEqual([0, 0, 0, 0, 0])
    expect(kept(Infinity)).toEqual([0, 0, 0, 0, 0])
  })

  it('writes into out, which may be the input', () => {
    const w = Float32Array.of(3, -1, 2, -0)
    const pruned = pruneMagnitude(w, { sparsity: 0.5, out: w })
    expect(pruned.data).toBe(w)
    expect([...w]).toEqual([3, 0, 2, 0])
  })

  it('names what is wrong', () => {
    const w = new Float32Array(4)
    expect(() => pruneMagnitude(w, {})).toThrow('expected either sparsity or threshold, got neither')
    expect(() => pruneMagnitude(w, { sparsity: 0.5, threshold: 1 })).toThrow('got both')
    expect(() => pruneMagnitude(w, { sparsity: 1.5 })).toThrow('"sparsity"')
    expect(() => pruneMagnitude(w, { threshold: -1 })).toThrow('"threshold"')
    expect(() => pruneMagnitude(Float32Array.of(1, NaN), { sparsity: 0.5 })).toThrow('got NaN at index 1')
    expect(() => pruneMagnitude(w, { sparsity: 0.5, importance: new Float32Array(3) })).toThrow(
      '"importance"',
    )
    expect(() => pruneMagnitude(w, { sparsity: 0.5, importance: Float32Array.of(1, -1, 1, 1) })).toThrow(
      'expected 0 or more, got -1 at index 1',
    )
    expect(() => pruneMagnitude(w, { sparsity: 0.5, out: new Float32Array(3) })).toThrow('"out"')
  })
})

describe('magnitudeThreshold', () => {
  it('splits all layers by one score', () => {
    const random = new Random(3)
    const parts = [random.floats(100), random.floats(300, 0.1), random.floats(0)]
    for (const sparsity of [0, 0.3, 0.9]) {
      const threshold = magnitudeThreshold(
        parts.map((weights) => ({ weights })),
        sparsity,
      )
      const zeros = parts.reduce((sum, w) => sum + pruneMagnitude(w, { threshold }).zeros, 0)
      expect(zeros).toBe(Math.round(sparsity * 400)) // no ties in Gaussian data
    }
    expect(magnitudeThreshold([{ weights: parts[0]! }], 1)).toBe(Infinity)
    expect(magnitudeThreshold([], 0.5)).toBe(Infinity)
  })

  it('keeps what equals the score, and weighs by importance', () => {
    const weights = Float32Array.of(1, 1, 1, 2)
    expect(magnitudeThreshold([{ weights }], 0.5)).toBe(1)
    const importance = Float32Array.of(9, 1, 1, 1)
    expect(magnitudeThreshold([{ weights, importance }], 0.75)).toBe(9)
  })
})

describe('pruneMagnitude by patterns', () => {
  const random = new Random(5)

  it.each(['1:4', '2:4'] as const)('keeps the greatest of each four neighbours: %s', (pattern) => {
    const n = Number(pattern[0])
    const w = random.floats(6 * 12).map((v, i) => (i % 9 === 0 ? 0 : i % 5 === 0 ? 0.5 : v))
    const { data, mask, zeros } = pruneMagnitude(tensor(w, [6, 3, 4]), { pattern })
    for (let start = 0; start < w.length; start += 4) {
      const group = Array.from(w.subarray(start, start + 4), Math.abs)
      // The first of equal ones goes first, so that the last stay.
      const order = [3, 2, 1, 0].sort((a, b) => group[b]! - group[a]! || b - a).slice(0, n)
      const expected = group.map((_, i) => (order.includes(i) ? w[start + i]! : 0))
      expect([...data.subarray(start, start + 4)]).toEqual(expected)
    }
    expect(zeros).toBe(data.filter((v) => v === 0).length)
    expect([...mask]).toEqual(Array.from(data, (v) => (v === 0 ? 0 : 1)))
    checkNmSparse('matrix', toNmSparse(tensor(data, [6, 12]), n as 1 | 2))
  })

  it.each([0, 0.3, 0.5, 1])('takes whole blocks of four rows and a column, sparsity %f', (sparsity) => {
    const [rows, cols] = [10, 7]
    const w = random.floats(rows * cols)
    const importance = Float32Array.from({ length: cols }, (_, i) => i)
    const { data } = pruneMagnitude(tensor(w, [rows, cols]), { sparsity, importance, pattern: '4x1' })
    const sums = Array.from({ length: 3 * cols }, (_, block) => {
      const [group, column] = [Math.floor(block / cols), block % cols]
      let sum = 0
      for (let row = 4 * group; row < Math.min(4 * group + 4, rows); row++) {
        sum += Math.fround(Math.abs(w[row * cols + column]!) * column)
      }
      return sum
    })
    const order = [...sums.keys()].sort((a, b) => sums[a]! - sums[b]! || a - b)
    const gone = new Set(order.slice(0, Math.round(sparsity * sums.length)))
    const blockOf = (i: number) => (Math.floor(i / cols) >> 2) * cols + (i % cols)
    expect([...data]).toEqual(Array.from(w, (v, i) => (gone.has(blockOf(i)) ? 0 : v)))
    expect(toBlockSparse(tensor(data, [rows, cols])).colIndices.length).toBe(sums.length - gone.size)
  })

  it('names what does not go together', () => {
    const w = tensor(new Float32Array(24), [4, 6])
    expect(() => pruneMagnitude(w, { pattern: '2:4' })).toThrow('a multiple of 4 elements, got 6')
    expect(() => pruneMagnitude(w, { pattern: '2:4', sparsity: 0.5 })).toThrow('expected nothing else beside')
    expect(() => pruneMagnitude(w, { pattern: '4x1' })).toThrow('expected sparsity beside pattern 4x1')
    expect(() => pruneMagnitude(w, { pattern: '4x1', threshold: 1 })).toThrow('expected sparsity beside')
    expect(() => pruneMagnitude(w, { pattern: '4x1', sparsity: 0.5, granularity: 'row' })).toThrow('beside')
    expect(() => pruneMagnitude(w, { pattern: '4:1' as '4x1', sparsity: 0.5 })).toThrow('"pattern"')
  })
})
