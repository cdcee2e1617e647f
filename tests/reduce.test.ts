import { expect, it } from 'vitest'
import { f32LayerNorm, f32Reduce } from '../bindings/ops/reduce.js'
import { expectSame } from './support/compare.js'
import { Random } from './support/random.js'
import { withSlots } from './support/slots.js'
import { describeTargets } from './support/targets.js'

const OPS = {
  Sum: (a: number, b: number) => a + b,
  Max: Math.max,
  Min: Math.min,
  Prod: (a: number, b: number) => a * b,
} as const
const IDENTITY = { Sum: 0, Max: -Infinity, Min: Infinity, Prod: 1 } as const

/** The elements of one row in the order that assembly/README.md states. */
function inOrder(values: readonly number[], op: keyof typeof OPS): number {
  const combine = (a: number, b: number) => Math.fround(OPS[op](a, b))
  const chains = Array.from({ length: 16 }, () => IDENTITY[op] as number)
  const whole = values.length & ~15
  values.forEach(
    (v, i) => (chains[i < whole ? i & 15 : i & 3] = combine(chains[i < whole ? i & 15 : i & 3]!, v)),
  )
  for (const width of [8, 4, 2, 1]) {
    for (let i = 0; i < width; i++) chains[i] = combine(chains[i]!, chains[i + width]!)
  }
  return chains[0]!
}

describeTargets('reductions', (runtime) => {
  for (const op of Object.keys(OPS) as (keyof typeof OPS)[]) {
    it.each([0, 1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 100])(`${op} of rows of %i`, (n) => {
      const x = new Random(n + 1).floats(3 * n)
      const out = withSlots(runtime, [x], new Float32Array(3), (to, from) =>
        f32Reduce(op, { outer: 3, n, inner: 1 }, from, to, 4),
      )
      const rows = [0, 1, 2].map((r) => [...x.subarray(r * n, (r + 1) * n)])
      expectSame(
        out,
        rows.map((row) => Math.fround(inOrder(row, op) / 4)),
      )
    })

    it.each([
      [0, 5],
      [1, 1],
      [7, 2],
      [5, 3],
      [3, 4],
      [6, 15],
      [4, 16],
      [9, 37],
    ])(`${op} of %i rows of %i columns`, (n, inner) => {
      const x = new Random(n + inner).floats(2 * n * inner)
      const out = withSlots(runtime, [x], new Float32Array(2 * inner), (to, from) =>
        f32Reduce(op, { outer: 2, n, inner }, from, to),
      )
      const expected = Array.from({ length: 2 * inner }, (_, i) => {
        let value: number = IDENTITY[op]
        for (let j = 0; j < n; j++) {
          value = Math.fround(OPS[op](value, x[(Math.floor(i / inner) * n + j) * inner + (i % inner)]!))
        }
        return value
      })
      expectSame(out, expected)
    })
  }

  it('a NaN wins, also over infinities', () => {
    for (const op of ['Max', 'Min', 'Sum'] as const) {
      const x = Float32Array.of(1, NaN, -Infinity, Infinity, 2, 3)
      const row = withSlots(runtime, [x], new Float32Array(1), (to, from) =>
        f32Reduce(op, { outer: 1, n: 6, inner: 1 }, from, to),
      )
      const columns = withSlots(runtime, [x], new Float32Array(2), (to, from) =>
        f32Reduce(op, { outer: 1, n: 3, inner: 2 }, from, to),
      )
      expectSame(row, [NaN])
      expectSame(columns, op === 'Sum' ? [-Infinity, NaN] : op === 'Max' ? [2, NaN] : [-Infinity, NaN])
    }
  })

  it('refuses slots that are too short', () => {
    withSlots(runtime, [new Float32Array(5)], new Float32Array(2), (to, from) => {
      expect(() => f32Reduce('Sum', { outer: 2, n: 3, inner: 1 }, from, to)).toThrow('"x" expected')
      expect(() => f32Reduce('Sum', { outer: 5, n: 1, inner: 1 }, from, to)).toThrow('"out" expected')
      expect(() => f32LayerNorm(from, to, { inverse: to }, 1, 5, 0)).toThrow('"out" expected')
    })
  })
})

describeTargets('layer normalization', (runtime) => {
  for (const n of [1, 2, 3, 4, 5, 8, 15, 16, 17, 33, 64, 100]) {
    it.each([
      ['centred, with scale and shift', true, true],
      ['centred', true, false],
      ['not centred, with scale', false, true],
    ])(`rows of ${n}, %s`, (_, centred, scaled) => {
      const rows = 3
      const epsilon = 1e-3
      const random = new Random(n)
      const [x, scale, shift] = [random.floats(rows * n, 2), random.floats(n), random.floats(n)]
      const round = Math.fround
      const statistics = new Float32Array(2 * rows)
      const out = withSlots(
        runtime,
        [x, scale, shift, statistics],
        new Float32Array(rows * n),
        (to, a, b, c, d) => {
          f32LayerNorm(
            a,
            to,
            {
              scale: scaled ? b : undefined,
              shift: scaled && centred ? c : undefined,
              mean: centred ? d : undefined,
              inverse: { handle: d.handle, offset: d.offset + rows * 4 },
            },
            rows,
            n,
            epsilon,
          )
        },
      )
      const expected: number[] = []
      for (let r = 0; r < rows; r++) {
        const row = [...x.subarray(r * n, (r + 1) * n)]
        const mean = centred ? round(inOrder(row, 'Sum') / n) : 0
        const squares = row.map((v) => round(round(v - mean) ** 2))
        const inverse = round(
          1 / round(Math.sqrt(round(round(inOrder(squares, 'Sum') / n) + round(epsilon)))),
        )
        row.forEach((v, i) => {
          let y = round(round(v - mean) * inverse)
          if (scaled) y = round(y * scale[i]!)
          if (scaled && centred) y = round(y + shift[i]!)
          expected.push(y)
        })
      }
      expectSame(out, expected)
      // By the formula, in f64.
      const exact = Array.from(x.subarray(0, n))
      const mean = centred ? exact.reduce((a, b) => a + b) / n : 0
      const variance = exact.reduce((a, b) => a + (b - mean) ** 2, 0) / n
      exact.forEach((v, i) => {
        let y = (v - mean) / Math.sqrt(variance + epsilon)
        if (scaled) y = y * scale[i]! + (centred ? shift[i]! : 0)
        expect(Math.abs(out[i]! - y)).toBeLessThan(4e-6 * (1 + Math.abs(y)))
      })
    })
  }
})
