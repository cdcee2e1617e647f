import { describe, expect, it } from 'vitest'
import { planTranspose, x32Transpose, x8CopyRows, x8Transpose } from '../bindings/ops/transpose.js'
import { transpose } from './oracles/arrays.js'
import { expectSame } from './support/compare.js'
import { Random } from './support/random.js'
import { withSlots } from './support/slots.js'
import { describeTargets } from './support/targets.js'

const MATRICES = [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 19, 20, 33].flatMap((rows) =>
  [1, 3, 4, 6, 8, 16, 17, 37, 70].map((columns): [number[], number[]] => [
    [rows, columns],
    [1, 0],
  ]),
)

const CASES: [shape: number[], permutation: number[]][] = [
  ...MATRICES,
  [[], []],
  [[6], [0]],
  [
    [2, 0, 3],
    [2, 0, 1],
  ],
  [
    [2, 3, 5, 7],
    [0, 2, 3, 1],
  ],
  [
    [2, 5, 7, 3],
    [0, 3, 1, 2],
  ],
  [
    [2, 3, 4, 5],
    [0, 1, 2, 3],
  ],
  [
    [2, 3, 4, 5],
    [0, 2, 1, 3],
  ],
  [
    [2, 3, 4, 5],
    [3, 2, 1, 0],
  ],
  [
    [2, 3, 4, 5],
    [2, 3, 0, 1],
  ],
  [
    [3, 1, 4, 1, 5],
    [4, 3, 0, 1, 2],
  ],
  [
    [2, 3, 2, 3, 2, 2],
    [5, 1, 3, 0, 4, 2],
  ],
  [
    [4, 3, 5],
    [1, 0, 2],
  ],
  [
    [4, 3, 5],
    [2, 1, 0],
  ],
]

describeTargets('transpose', (runtime) => {
  it.each(CASES)('[%j] by [%j]', (shape, permutation) => {
    const elements = shape.reduce((product, size) => product * size, 1)
    const x = new Random(elements).floats(elements)
    const plan = planTranspose(shape, permutation)
    expect(plan.shape).toEqual(permutation.map((axis) => shape[axis]))
    const out = withSlots(
      runtime,
      [x],
      new Float32Array(elements),
      (to, from) => x32Transpose(plan, from, to),
      4,
    )
    expectSame(out, transpose(x, shape, permutation))
    const bytes = new Random(elements).int8s(elements)
    const turned = withSlots(
      runtime,
      [bytes],
      new Int8Array(elements),
      (to, from) => x8Transpose(plan, from, to),
      1,
    )
    expectSame(turned, transpose(bytes, shape, permutation))
  })

  it('keeps the bits of any element', () => {
    const bits = Int32Array.from({ length: 36 }, (_, i) => 0x7f800001 + i * 0x1234567)
    const plan = planTranspose([6, 6], [1, 0])
    const out = withSlots(runtime, [bits], new Int32Array(36), (to, from) => x32Transpose(plan, from, to))
    expectSame(out, transpose(bits, [6, 6], [1, 0]))
  })

  it('copies rows of every length, and nothing beside them', () => {
    const source = new Random(1).int8s(400)
    for (let rowBytes = 0; rowBytes <= 67; rowBytes++) {
      const out = withSlots(
        runtime,
        [source, new Int8Array(300).fill(99)],
        new Int8Array(300),
        (to, from, blank) => {
          x8CopyRows(blank, 0, to, 0, 1, 300)
          x8CopyRows(from, 90, to, 101, 3, rowBytes)
        },
        3,
      )
      const expected = new Int8Array(300).fill(99)
      for (let row = 0; row < 3; row++) {
        expected.set(source.subarray(row * 90, row * 90 + rowBytes), row * 101)
      }
      expectSame(out, expected)
    }
  })
})

describe('planTranspose', () => {
  it('is one call for the usual layouts', () => {
    expect(planTranspose([8, 3, 32, 32], [0, 2, 3, 1])).toMatchObject({
      kind: 'matrix',
      rows: 3,
      columns: 1024,
      outer: [{ size: 8 }],
    })
    expect(planTranspose([1, 3, 32, 32], [0, 2, 3, 1]).outer).toEqual([])
    expect(planTranspose([5, 4, 3], [0, 1, 2])).toMatchObject({ kind: 'copy', rows: 1, columns: 60 })
    expect(planTranspose([8, 1, 1, 64], [0, 3, 1, 2])).toMatchObject({ kind: 'copy', columns: 512 })
  })

  it('refuses what is no permutation', () => {
    for (const permutation of [[0], [0, 0], [0, 2], [1, 0, 2], [-1, 0]]) {
      expect(() => planTranspose([2, 3], permutation)).toThrow(RangeError)
    }
  })
})
