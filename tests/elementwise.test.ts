import { describe, expect, it } from 'vitest'
import { planBroadcast } from '../bindings/ops/broadcast.js'
import {
  f32Add,
  f32Clamp,
  f32Div,
  f32Mul,
  f32Relu,
  f32Softmax,
  f32Sub,
  f32Max,
  f32Min,
  f32Pow,
  f32PRelu,
} from '../bindings/ops/elementwise.js'
import { expF32, powF32 } from '../bindings/kernels/math.js'
import { bounded } from './oracles/gemm.js'
import { broadcast } from './oracles/arrays.js'
import { expectSame } from './support/compare.js'
import { Random } from './support/random.js'
import { withSlots } from './support/slots.js'
import { describeTargets } from './support/targets.js'

const OPERATIONS = [
  ['add', f32Add, (a: number, b: number) => a + b],
  ['sub', f32Sub, (a: number, b: number) => a - b],
  ['mul', f32Mul, (a: number, b: number) => a * b],
  ['div', f32Div, (a: number, b: number) => a / b],
  ['min', f32Min, Math.min],
  ['max', f32Max, Math.max],
  ['prelu', f32PRelu, (a: number, b: number) => (a < 0 ? a * b : a)],
  ['pow', f32Pow, powF32],
] as const

const SHAPES: [a: number[], b: number[], result: number[]][] = [
  [[], [], []],
  [[7], [], [7]],
  [[], [5], [5]],
  [[1], [1, 1], [1, 1]],
  [
    [2, 3, 9],
    [2, 3, 9],
    [2, 3, 9],
  ],
  [[2, 5, 7], [7], [2, 5, 7]],
  [
    [2, 5, 3],
    [5, 1],
    [2, 5, 3],
  ],
  [
    [2, 3, 4, 5],
    [3, 1, 1],
    [2, 3, 4, 5],
  ],
  [
    [2, 1, 4, 1],
    [1, 3, 1, 5],
    [2, 3, 4, 5],
  ],
  [
    [3, 1],
    [1, 17],
    [3, 17],
  ],
  [
    [2, 1, 3, 1, 2],
    [2, 1, 3, 2],
    [2, 2, 3, 3, 2],
  ],
  [
    [1, 4, 6],
    [5, 1, 6],
    [5, 4, 6],
  ],
  [
    [0, 3],
    [1, 3],
    [0, 3],
  ],
]

const count = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

describeTargets('element-wise kernels', (runtime) => {
  for (const [a, b, shape] of SHAPES) {
    for (const [name, run, apply] of OPERATIONS) {
      it(`${name} [${a.join()}] and [${b.join()}]`, () => {
        const random = new Random(count(shape))
        const x = random.floats(count(a))
        const y = random.floats(count(b))
        const plan = planBroadcast(a, b)
        expect(plan.shape).toEqual(shape)
        const out = withSlots(
          runtime,
          [x, y],
          new Float32Array(count(shape)),
          (to, first, second) => run(plan, first, second, to),
          4,
        )
        expectSame(out, broadcast({ shape: a, data: x }, { shape: b, data: y }, shape, apply))
      })
    }
  }

  it('add works in place for every tail', () => {
    for (let n = 0; n <= 9; n++) {
      const x = new Random(n).floats(n)
      const plan = planBroadcast([n], [n])
      const out = withSlots(runtime, [x], new Float32Array(n), (to, from) => {
        f32Add(plan, from, from, to)
        f32Add(plan, to, from, to)
      })
      expectSame(
        out,
        x.map((v) => Math.fround(v + v) + v),
      )
    }
  })

  it('clamp and relu, every tail, in place, NaN and the sign of zero kept', () => {
    const values = Float32Array.of(-1, -0, 0, 0.5, 7, NaN, Infinity, -Infinity, 6, 3)
    for (let n = 0; n <= values.length; n++) {
      const x = values.subarray(0, n)
      const clamped = withSlots(runtime, [x], new Float32Array(n), (to, from) =>
        f32Clamp(from, to, n, -0.5, 6),
      )
      expectSame(
        clamped,
        x.map((v) => bounded(v, -0.5, 6)),
      )
      const relu = withSlots(runtime, [x], new Float32Array(n), (to, from) => {
        f32Relu(from, from, n)
        f32Relu(from, to, n)
      })
      expectSame(
        relu,
        x.map((v) => bounded(v, 0, Infinity)),
      )
    }
  })

  it('min and max give NaN for any NaN, and order zeros', () => {
    const x = Float32Array.of(NaN, 1, -0, 0, NaN, -Infinity)
    const y = Float32Array.of(1, NaN, 0, -0, NaN, 3)
    const plan = planBroadcast([6], [6])
    const results = [f32Min, f32Max].map((run) =>
      withSlots(runtime, [x, y], new Float32Array(6), (to, a, b) => run(plan, a, b, to)),
    )
    expectSame(results[0]!, [NaN, NaN, -0, -0, NaN, -Infinity])
    expectSame(results[1]!, [NaN, NaN, 0, 0, NaN, 3])
  })

  it('softmax is near the exact one, adds up to 1, and has the bits of the js target', () => {
    for (const columns of [1, 2, 3, 4, 5, 8, 10, 17, 100]) {
      const rows = 3
      const x = new Random(columns).floats(rows * columns, 5)
      const out = withSlots(
        runtime,
        [x],
        new Float32Array(rows * columns),
        (to, from) => f32Softmax(from, to, rows, columns),
        4,
      )
      for (let row = 0; row < rows; row++) {
        const values = [...x.subarray(row * columns, (row + 1) * columns)]
        const greatest = Math.max(...values)
        const exponentials = values.map((v) => expF32(Math.fround(v - greatest)))
        const sums = [0, 0, 0, 0]
        exponentials.forEach((e, i) => (sums[i % 4] = Math.fround(sums[i % 4]! + e)))
        const sum = Math.fround(Math.fround(sums[0]! + sums[2]!) + Math.fround(sums[1]! + sums[3]!))
        const got = out.subarray(row * columns, (row + 1) * columns)
        expectSame(
          got,
          exponentials.map((e) => Math.fround(e / sum)),
        )
        const exact = values.map((v) => Math.exp(v - greatest))
        const total = exact.reduce((a, b) => a + b)
        got.forEach((v, i) => expect(Math.abs(v - exact[i]! / total)).toBeLessThan(4e-7))
        expect(Math.abs(got.reduce((a, b) => a + b) - 1)).toBeLessThan(1e-6)
      }
    }
  })

  it('softmax survives large and infinite arguments', () => {
    const softmax = (values: number[]): Float32Array =>
      withSlots(runtime, [Float32Array.from(values)], new Float32Array(values.length), (to, from) => {
        f32Softmax(from, from, 1, values.length)
        f32Clamp(from, to, values.length, -Infinity, Infinity)
      })
    expect([...softmax([3e38, 3e38, -3e38, 0, 1])]).toEqual([0.5, 0.5, 0, 0, 0])
    expect([...softmax([-Infinity, 2, -Infinity])]).toEqual([0, 1, 0])
    expect([...softmax([1, NaN, 2])]).toEqual([NaN, NaN, NaN])
    expect([...softmax([Infinity, 0])].every(Number.isNaN)).toBe(true)
  })
})

describe('planBroadcast', () => {
  it('merges axes that can be walked as one', () => {
    expect(planBroadcast([8, 4, 6], [8, 4, 6])).toMatchObject({ rows: 1, columns: 192, outer: [] })
    expect(planBroadcast([8, 4, 6], [6])).toMatchObject({
      rows: 32,
      columns: 6,
      bRow: 0,
      bStep: 1,
      outer: [],
    })
    expect(planBroadcast([8, 4, 6], [4, 1])).toMatchObject({ rows: 4, columns: 6, bRow: 1, bStep: 0 })
    expect(planBroadcast([8, 4, 6], [1])).toMatchObject({ rows: 1, columns: 192, bStep: 0, outer: [] })
  })

  it('refuses shapes that do not meet', () => {
    expect(() => planBroadcast([2, 3], [2])).toThrow('shapes [2, 3] and [2] do not broadcast')
    expect(() => planBroadcast([2 ** 20, 1], [1, 2 ** 20])).toThrow(RangeError)
    expect(() => planBroadcast([-1], [1])).toThrow(RangeError)
  })
})
