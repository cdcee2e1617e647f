import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundaryBetween, checkCodebook } from '../bindings/formats/codebook.js'
import { tensor } from '../bindings/formats/tensor.js'
import { assignCodebook, expandCodebook } from '../bindings/ops/codebook.js'
import { kmeansCodebook } from '../bindings/ops/kmeans.js'
import { sortFloats } from '../bindings/ops/sort.js'
import { leastSquaredError, leastSquaredErrorOfMany, nearest, squaredError } from './oracles/kmeans.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

const finite = fc.float({ noNaN: true, noDefaultInfinity: true })
const distinct = (values: number[]): Float32Array =>
  Float32Array.from([...new Set(values.map((v) => v + 0))].sort((a, b) => a - b))

/** The float and its two neighbours. */
function around(x: number): number[] {
  const word = new Int32Array(Float32Array.of(x).buffer)
  const step = (by: number): number => new Float32Array(Int32Array.of(word[0]! + by).buffer)[0]!
  return [x, step(1), word[0] === 0 ? -1e-45 : step(-1)].filter(Number.isFinite)
}

/** Values where an index may go wrong: centroids, midpoints as rounded, their neighbours, and beyond both ends. */
function delicate(centroids: Float32Array): Float32Array {
  const edges = Array.from(centroids).flatMap((c, i) => {
    const next = centroids[i + 1] ?? c
    return [...around(c), ...around(Math.fround((c + next) / 2)), ...around(Math.fround(c / 2 + next / 2))]
  })
  return Float32Array.from([...edges, 0, -0, 1e-45, -1e-45, 3.4e38, -3.4e38]).filter(Number.isFinite)
}

describe('boundaryBetween', () => {
  it('is the greatest float of the lower centroid, in exact arithmetic', () => {
    fc.assert(
      fc.property(finite, finite, (a, b) => {
        fc.pre(a !== b)
        const pair = Float32Array.of(Math.min(a, b), Math.max(a, b))
        const boundary = boundaryBetween(pair[0]!, pair[1]!)
        expect(nearest(boundary, pair)).toBe(0)
        const above = around(boundary).filter((v) => v > boundary)
        expect(above.every((v) => nearest(v, pair) === 1)).toBe(true)
      }),
      { seed: 1, numRuns: 500 },
    )
  })
})

describe('sortFloats', () => {
  it('sorts as numbers and carries the weights along', () => {
    fc.assert(
      fc.property(fc.array(finite, { maxLength: 50 }), (list) => {
        const data = Float32Array.from(list)
        const weights = Float32Array.from(list, (_, i) => i)
        const sorted = sortFloats(data, weights)
        const expected = Array.from(list.keys()).sort((a, b) => data[a]! - data[b]! || a - b)
        expect([...sorted.weights!]).toEqual(expected)
        expect([...sorted.values]).toEqual(expected.map((i) => data[i]! + 0))
      }),
      { seed: 1, numRuns: 100 },
    )
  })
})

describeTargets('assignCodebook', (runtime) => {
  it.each([1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 128, 200, 255, 256])(
    'finds the nearest of %i centroids, ties to the lower',
    (k) => {
      const random = new Random(k)
      const sets = [
        distinct([...random.floats(k)]),
        Float32Array.from({ length: k }, (_, i) => i - (k >> 1)), // midpoints are representable
        Float32Array.from({ length: k }, (_, i) => 1 + i * 2 ** -23), // neighbours
        Float32Array.from({ length: k }, (_, i) => Math.fround((i - k / 2) * 1.3e36)),
        distinct(Array.from({ length: k }, (_, i) => 2 ** (i - 140))), // one decade a centroid
        Float32Array.from({ length: k }, (_, i) => (i - (k >> 1)) * 2 ** -149), // subnormal
      ]
      for (const centroids of sets) {
        const spread = random.floats(100, Math.abs(centroids.at(-1)!))
        const some = [...delicate(centroids), ...spread].filter(Number.isFinite)
        const expected = some.map((v) => nearest(Math.fround(v), centroids))
        // Few values are searched for, many go by a table.
        for (const times of [1, Math.ceil(1100 / some.length)]) {
          const x = Float32Array.from(Array<number[]>(times).fill(some).flat())
          const indices = assignCodebook(x, { centroids }, { runtime })
          expect([...indices]).toEqual(Array<number[]>(times).fill(expected).flat())
        }
      }
    },
  )

  it('does so for any centroids and values', () => {
    fc.assert(
      fc.property(
        fc.array(finite, { minLength: 1, maxLength: 256 }),
        fc.array(finite, { maxLength: 40 }),
        (list, more) => {
          const centroids = distinct(list)
          const some = [...more, ...delicate(centroids).subarray(0, 60)]
          const x = Float32Array.from({ length: 1024 + more.length }, (_, i) => some[i % some.length]!)
          const expected = some.map((v) => nearest(Math.fround(v), centroids))
          const indices = assignCodebook(x, { centroids }, { runtime })
          expect([...indices]).toEqual(Array.from(x, (_, i) => expected[i % some.length]))
        },
      ),
      { seed: 2, numRuns: 40 },
    )
  })

  it('handles every length', () => {
    const centroids = Float32Array.of(-1, 0, 2)
    const lengths = Array.from({ length: 70 }, (_, n) => n)
    for (const n of [...lengths, ...lengths.slice(0, 20).map((n) => 1020 + n), 2047, 2048, 2049]) {
      const x = new Random(n).floats(n, 2)
      const indices = assignCodebook(x, { centroids }, { runtime })
      expect([...indices]).toEqual(Array.from(x, (v) => nearest(v, centroids)))
      const back = expandCodebook(indices, { centroids }, { runtime })
      expect([...back]).toEqual(Array.from(indices, (i) => centroids[i]))
    }
  })

  it('writes into out and names what is wrong', () => {
    const codebook = { centroids: Float32Array.of(0, 1) }
    const out = new Uint8Array(2)
    expect(assignCodebook(tensor(Float32Array.of(0.4, 0.6)), codebook, { out, runtime })).toBe(out)
    expect([...out]).toEqual([0, 1])
    const values = new Float32Array(2)
    expect(expandCodebook(out, codebook, { out: values, runtime })).toBe(values)
    expect(() => assignCodebook(Float32Array.of(1, -Infinity), codebook, { runtime })).toThrow(
      'got -Infinity at index 1',
    )
    const assign = (...centroids: number[]) =>
      assignCodebook(values, { centroids: Float32Array.from(centroids) }, { runtime })
    expect(() => assign()).toThrow('expected 1 to 256 centroids, got 0')
    expect(() => assign(...Array(257).keys())).toThrow('expected 1 to 256 centroids, got 257')
    expect(() => assign(0, 0)).toThrow('expected finite ascending values, got 0 at index 1')
    expect(() => assign(0, NaN)).toThrow('expected finite ascending values, got NaN at index 1')
    expect(() => expandCodebook(Uint8Array.of(1, 2), codebook, { runtime })).toThrow('got 2 at 1')
  })
})

describe('kmeansCodebook', () => {
  const gaussian = new Random(1).floats(5000)

  for (const init of ['linear', 'density', 'kmeans++', 'optimal'] as const) {
    it.each([1, 2, 5, 16, 100])(`is a fixed point of Lloyd's rounds, ${init}, k=%i`, (k) => {
      const { centroids, squaredError: error } = kmeansCodebook(gaussian, { k, init, iterations: 5000 })
      expect(centroids.length).toBe(k)
      const sums = new Float64Array(k)
      const counts = new Float64Array(k)
      for (const v of gaussian) {
        const c = nearest(v, centroids)
        sums[c]! += v
        counts[c]!++
      }
      centroids.forEach((c, i) => expect(Math.abs(c - sums[i]! / counts[i]!)).toBeLessThan(1e-6))
      const expected = squaredError(gaussian, centroids, () => 1)
      expect(Math.abs(error - expected)).toBeLessThanOrEqual(1e-9 * expected)
    })
  }

  it('does not get worse from round to round', () => {
    let last = Infinity
    for (let iterations = 0; iterations < 12; iterations++) {
      const { squaredError: error } = kmeansCodebook(gaussian, { k: 12, iterations })
      expect(error).toBeLessThanOrEqual(last * (1 + 1e-6)) // centroids are rounded to f32
      last = error
    }
  })

  it('separates what is separate', () => {
    const data = Float32Array.of(1, 1.25, 0.75, 10, 10.5, 9.5, -4)
    for (const init of ['linear', 'density', 'kmeans++', 'optimal'] as const) {
      const { centroids, squaredError: error } = kmeansCodebook(data, { k: 3, init })
      expect([...centroids]).toEqual([-4, 1, 10])
      expect(error).toBe(0.625)
    }
  })

  it('has no more centroids than distinct values', () => {
    const few = Float32Array.of(2, -1, 2, 2, -1, -0, 0)
    for (const init of ['linear', 'density', 'kmeans++', 'optimal'] as const) {
      const result = kmeansCodebook(few, { k: 16, init })
      expect([...result.centroids]).toEqual([-1, 0, 2])
      expect(result.squaredError).toBe(0)
    }
    expect([...kmeansCodebook(new Float32Array(9).fill(0.1), { k: 4 }).centroids]).toEqual([Math.fround(0.1)])
    expect([...kmeansCodebook(new Float32Array(0), { k: 4 }).centroids]).toEqual([0])
  })

  it('keeps 0 among the centroids when asked, and trains the others on the rest', () => {
    const pruned = gaussian.map((v) => (Math.abs(v) < 1 ? 0 : v))
    for (const init of ['linear', 'density', 'kmeans++', 'optimal'] as const) {
      const { centroids } = kmeansCodebook(pruned, { k: 8, init, reserveZero: true })
      expect(centroids.length).toBe(8)
      const zero = centroids.indexOf(0)
      expect(zero).toBeGreaterThan(0)
      expect(nearest(0, centroids)).toBe(zero)
      const others = kmeansCodebook(pruned, { k: 7, init, ignoreZeros: true }).centroids
      expect(others.every((c) => c !== 0)).toBe(true)
    }
    expect([...kmeansCodebook(new Float32Array(5), { k: 4, reserveZero: true }).centroids]).toEqual([0])
    expect([...kmeansCodebook(Float32Array.of(1, 1), { k: 1, reserveZero: true }).centroids]).toEqual([0])
  })

  it('weighs values by their importance', () => {
    const data = Float32Array.of(0, 1, 10)
    expect([...kmeansCodebook(data, { k: 2, weights: Float32Array.of(3, 1, 5) }).centroids]).toEqual([
      0.25, 10,
    ])
    expect([...kmeansCodebook(data, { k: 2, weights: Float32Array.of(0, 1, 5) }).centroids]).toEqual([1, 10])
    // A weight of w counts as w copies.
    const random = new Random(5)
    const values = random.floats(300)
    const weights = Float32Array.from(values, () => random.integer(1, 4))
    const copies = Float32Array.from([...values].flatMap((v, i) => Array<number>(weights[i]!).fill(v)))
    for (const init of ['linear', 'density'] as const) {
      const weighted = kmeansCodebook(values, { k: 6, init, weights })
      expect([...weighted.centroids]).toEqual([...kmeansCodebook(copies, { k: 6, init }).centroids])
    }
  })

  it.each([false, true])('starts from the optimum of few values, reserveZero %s', (reserveZero) => {
    const random = new Random(6)
    for (let n = 1; n < 40; n += 3) {
      const data = random.floats(n).map((v) => v + (n % 2))
      const weights = n % 3 === 0 ? random.floats(n).map(Math.abs) : undefined
      for (const k of [1, 2, 3, 5, 8]) {
        const options = { k, init: 'optimal', reserveZero, ...(weights && { weights }) } as const
        const { squaredError: error } = kmeansCodebook(data, options)
        const least = leastSquaredError(data, k, (i) => weights?.[i] ?? 1, reserveZero)
        expect(error, `n=${n} k=${k}`).toBeLessThanOrEqual(least * (1 + 1e-6) + 1e-12) // f32 centroids
      }
    }
  })

  it('starts near the optimum of many values', () => {
    const errors = (['linear', 'density', 'kmeans++', 'optimal'] as const).map(
      (init) => kmeansCodebook(gaussian, { k: 100, init, iterations: 3000 }).squaredError,
    )
    expect(Math.min(...errors)).toBe(errors[3])
  })

  const sources: Record<string, (random: Random) => number> = {
    gaussian: (random) => random.normal(),
    laplace: (random) => Math.log(1 - random.next()) * (random.next() < 0.5 ? -1 : 1),
    bimodal: (random) => random.normal() * 0.1 + (random.next() < 0.3 ? -100 : 100),
    'with duplicates': (random) => Math.round(random.normal() * 300) / 100,
    'heavy tails': (random) => random.normal() / Math.abs(random.normal()),
    'sparse with a spike at 0': (random) => (random.next() < 0.9 ? 0 : random.normal()),
    'far from 0': (random) => 1000 + random.normal(),
  }
  it.each(Object.keys(sources))(
    'comes within a ten-thousandth of the optimum of 10^4 values: %s',
    (source) => {
      const random = new Random(5)
      const data = Float32Array.from({ length: 10_000 }, () => sources[source]!(random))
      for (const k of [4, 16]) {
        const { squaredError: error } = kmeansCodebook(data, { k, init: 'optimal' })
        const least = leastSquaredErrorOfMany(data, k)
        expect(error / least).toBeLessThan(1.0001)
        expect(error / least).toBeGreaterThan(1 - 1e-6) // f64 sums
      }
    },
  )

  it('finds the one value far away among 200,000', () => {
    const random = new Random(6)
    const data = Float32Array.from({ length: 200_000 }, (_, i) => (i === 777 ? 1e4 : random.normal()))
    expect(kmeansCodebook(data, { k: 4, init: 'optimal' }).centroids).toContain(1e4)
  })

  it('repeats itself for a seed, and tells seeds apart', () => {
    const run = (seed: number) => [
      ...kmeansCodebook(gaussian, { k: 40, init: 'kmeans++', seed, iterations: 3 }).centroids,
    ]
    expect(run(1)).toEqual(run(1))
    expect(run(1)).not.toEqual(run(2))
  })

  it('gives a valid codebook for any data', () => {
    fc.assert(
      fc.property(
        fc.array(finite, { maxLength: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom('linear', 'density', 'kmeans++', 'optimal'),
        fc.boolean(),
        fc.boolean(),
        (list, k, init, reserveZero, weighted) => {
          const data = Float32Array.from(list)
          const weights = weighted ? Float32Array.from(list, (_, i) => i % 3) : undefined
          const { centroids } = kmeansCodebook(data, { k, init, reserveZero, ...(weights && { weights }) })
          checkCodebook('codebook', { centroids })
          expect(centroids.length).toBeLessThanOrEqual(k)
          if (reserveZero) expect(centroids).toContain(0)
        },
      ),
      { seed: 3, numRuns: 300 },
    )
  })

  it('names what is wrong', () => {
    const data = new Float32Array(3)
    expect(() => kmeansCodebook(data, { k: 0 })).toThrow('"k" expected an integer in 1..256')
    expect(() => kmeansCodebook(data, { k: 257 })).toThrow('"k"')
    expect(() => kmeansCodebook(Float32Array.of(0, NaN), { k: 2 })).toThrow('got NaN at index 1')
    expect(() => kmeansCodebook(data, { k: 2, weights: new Float32Array(2) })).toThrow(
      '"weights" expected Float32Array(3)',
    )
    expect(() => kmeansCodebook(data, { k: 2, weights: Float32Array.of(1, -1, 1) })).toThrow(
      'got -1 at index 1',
    )
    expect(() => kmeansCodebook(data, { k: 2, init: 'random' as 'linear' })).toThrow('"init"')
  })
})
