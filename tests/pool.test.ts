import { describe, expect, it } from 'vitest'
import {
  f32AveragePool,
  f32GlobalAveragePool,
  f32GlobalMaxPool,
  f32MaxPool,
  qs8MaxPool,
} from '../bindings/ops/pool.js'
import { SlidingWindow } from '../bindings/ops/window.js'
import { averagePool, maxPool, outputSize, type Sliding } from './oracles/window.js'
import { expectSame } from './support/compare.js'
import { Random } from './support/random.js'
import { withSlots } from './support/slots.js'
import { describeTargets } from './support/targets.js'

const BASE: Sliding = {
  input: [1, 6, 7, 5],
  kernel: [2, 2],
  strides: [2, 2],
  pads: [0, 0, 0, 0],
  dilations: [1, 1],
}

const CASES: [string, Sliding][] = [
  ...[1, 3, 4, 8, 15, 16, 17, 33].map((channels): [string, Sliding] => [
    `${channels} channels`,
    { ...BASE, input: [2, 6, 7, channels] },
  ]),
  ['3x3 padded', { ...BASE, kernel: [3, 3], pads: [1, 1, 1, 1] }],
  ['padded unevenly', { ...BASE, kernel: [3, 4], strides: [1, 2], pads: [2, 0, 1, 3] }],
  ['dilated', { ...BASE, kernel: [2, 3], strides: [1, 1], dilations: [3, 2], pads: [1, 1, 1, 1] }],
  ['sizes rounded up', { ...BASE, kernel: [3, 3], ceilMode: true }],
  ['other sizes rounded up', { ...BASE, input: [1, 7, 6, 5], kernel: [3, 3], ceilMode: true }],
  [
    'sizes rounded up, padded',
    { ...BASE, kernel: [3, 2], strides: [2, 3], pads: [1, 1, 1, 1], ceilMode: true },
  ],
  [
    'sizes rounded up, last window dropped',
    { ...BASE, input: [1, 4, 4, 5], kernel: [1, 1], strides: [3, 3], pads: [0, 0, 2, 2], ceilMode: true },
  ],
  ['whole image', { ...BASE, kernel: [6, 7], strides: [1, 1] }],
  ['no tap inside', { ...BASE, input: [1, 1, 1, 5], kernel: [2, 1], dilations: [2, 1], pads: [1, 0, 1, 0] }],
]

describeTargets('pooling', (runtime) => {
  for (const [name, s] of CASES) {
    const elements = s.input.reduce((product, size) => product * size, 1)
    const outputs = (s.input[0] * outputSize(s)[0] * outputSize(s)[1] * s.input[3]) as number
    const { kernel, strides, pads, dilations, ceilMode = false } = s
    const window = new SlidingWindow({ kernel, strides, pads, dilations, ceilMode })
    const x = new Random(elements).floats(elements)

    it(`f32 max ${name}`, () => {
      const out = withSlots(
        runtime,
        [x],
        new Float32Array(outputs),
        (to, from) => f32MaxPool(window, from, s.input, to),
        4,
      )
      expectSame(out, maxPool(s, x, -Infinity))
    })

    it(`int8 max ${name}`, () => {
      const codes = new Random(elements).int8s(elements)
      const out = withSlots(
        runtime,
        [codes],
        new Int8Array(outputs),
        (to, from) => qs8MaxPool(window, from, s.input, to),
        1,
      )
      expectSame(out, maxPool(s, codes, -128))
    })

    it.each([false, true])(`f32 average ${name}, padding counted: %s`, (countPadding) => {
      const out = withSlots(runtime, [x], new Float32Array(outputs), (to, from) =>
        f32AveragePool(window, from, s.input, to, countPadding),
      )
      expectSame(out, averagePool(s, x, countPadding))
    })
  }

  it('global pools take the whole image', () => {
    const s: Sliding = { ...BASE, input: [3, 9, 5, 6], kernel: [9, 5] }
    const x = new Random(5).floats(3 * 9 * 5 * 6)
    const average = withSlots(runtime, [x], new Float32Array(18), (to, from) =>
      f32GlobalAveragePool(from, s.input, to),
    )
    expectSame(average, averagePool(s, x, false))
    const greatest = withSlots(runtime, [x], new Float32Array(18), (to, from) =>
      f32GlobalMaxPool(from, s.input, to),
    )
    expectSame(greatest, maxPool(s, x, -Infinity))
  })

  it('lets NaN win and keeps the first of two zeros', () => {
    const s: Sliding = { ...BASE, input: [1, 1, 4, 1], kernel: [1, 2], strides: [1, 2] }
    const window = new SlidingWindow({ kernel: s.kernel, strides: s.strides })
    for (const values of [
      [NaN, 1, 1, NaN],
      [-0, 0, 0, -0],
      [-Infinity, -Infinity, Infinity, -1],
    ]) {
      const out = withSlots(runtime, [Float32Array.from(values)], new Float32Array(2), (to, from) =>
        f32MaxPool(window, from, s.input, to),
      )
      expectSame(out, maxPool(s, values, -Infinity))
    }
  })
})

describe('SlidingWindow', () => {
  it('rounds sizes as the ONNX examples do', () => {
    const sizeOf = (
      size: number,
      kernel: number,
      stride: number,
      pads: [number, number],
      ceilMode: boolean,
    ): number => {
      const window = new SlidingWindow({
        kernel: [1, kernel],
        strides: [1, stride],
        pads: [0, pads[0], 0, pads[1]],
        ceilMode,
      })
      window.fit([1, 1, size, 1])
      return window.outWidth
    }
    // onnx/backend/test: maxpool_2d_ceil, maxpool_2d_pads, averagepool_2d_ceil_last_window_starts_on_pad.
    expect(sizeOf(4, 3, 2, [0, 0], true)).toBe(2)
    expect(sizeOf(28, 3, 1, [2, 2], false)).toBe(30)
    expect(sizeOf(2, 3, 3, [1, 1], true)).toBe(1)
  })

  it('refuses what no image can mean', () => {
    expect(() => new SlidingWindow({ kernel: [0, 1] })).toThrow('"kernel" expected an integer in 1..')
    expect(() => new SlidingWindow({ kernel: [2 ** 13, 2 ** 13] })).toThrow('"kernel" expected at most')
    expect(() => new SlidingWindow({ kernel: [1, 1], ceilMode: 1 } as never)).toThrow(
      '"ceilMode" expected a boolean',
    )
    const window = new SlidingWindow({ kernel: [1, 1], pads: [2 ** 24, 2 ** 24, 0, 0] })
    expect(() => window.fit([1, 1, 1, 1])).toThrow(RangeError)
    expect(() => window.fit([1, 2 ** 20, 2 ** 20, 1])).toThrow(RangeError)
  })
})
