import '../bindings/js.js'
import { describe, expect, it } from 'vitest'
import { f32Conv, packF32Conv } from '../bindings/ops/conv.js'
import { convOutputShape } from '../bindings/ops/conv-weights.js'
import { packInt8Conv, qd8Conv, qs8Conv } from '../bindings/ops/qs8-conv.js'
import { createRuntime } from '../bindings/runtime/default.js'
import { quantizeOne } from './oracles/quantize.js'
import { dynamicParameters, scaleProduct } from './oracles/gemm.js'
import { convolveF32, convolveInteger, outputSize, type ConvCase } from './oracles/window.js'
import { expectSame } from './support/compare.js'
import { Random } from './support/random.js'
import { withSlots } from './support/slots.js'
import { describeTargets } from './support/targets.js'

const BASE: ConvCase = {
  input: [1, 6, 7, 3],
  kernel: [3, 3],
  strides: [1, 1],
  pads: [0, 0, 0, 0],
  dilations: [1, 1],
  outChannels: 5,
  group: 1,
}

/** One property away from the plain case, then several at once. */
const CASES: [string, ConvCase][] = [
  ['plain', BASE],
  ['batch', { ...BASE, input: [3, 6, 7, 3] }],
  ['padded', { ...BASE, pads: [1, 1, 1, 1] }],
  ['padded unevenly', { ...BASE, pads: [2, 0, 1, 3] }],
  ['padding wider than the image', { ...BASE, input: [1, 1, 2, 3], pads: [4, 3, 2, 5] }],
  ['strided', { ...BASE, strides: [2, 3] }],
  ['strided and padded', { ...BASE, strides: [2, 2], pads: [1, 1, 1, 1] }],
  ['dilated', { ...BASE, dilations: [2, 3], input: [1, 8, 9, 3] }],
  [
    'dilated, all taps but one in the padding',
    { ...BASE, input: [2, 1, 1, 3], dilations: [3, 2], pads: [3, 2, 3, 2] },
  ],
  ['1x1', { ...BASE, kernel: [1, 1] }],
  ['1x1 batch', { ...BASE, kernel: [1, 1], input: [2, 5, 4, 9] }],
  ['1x1 strided', { ...BASE, kernel: [1, 1], strides: [2, 2] }],
  ['1x1 padded', { ...BASE, kernel: [1, 1], pads: [1, 0, 0, 2] }],
  ['1x1 grouped', { ...BASE, kernel: [1, 1], input: [2, 3, 3, 6], outChannels: 4, group: 2 }],
  ['kernel as large as the image', { ...BASE, input: [5, 3, 4, 3], kernel: [3, 4] }],
  ['one dimension', { ...BASE, input: [2, 1, 20, 3], kernel: [1, 5], strides: [1, 2], pads: [0, 2, 0, 2] }],
  ['one channel', { ...BASE, input: [1, 9, 9, 1], kernel: [5, 5] }],
  ['17 channels', { ...BASE, input: [1, 5, 5, 17], outChannels: 33, pads: [1, 1, 1, 1] }],
  ['grouped', { ...BASE, input: [1, 6, 6, 8], outChannels: 6, group: 2, pads: [1, 1, 1, 1] }],
  ['grouped, multiplier 2', { ...BASE, input: [1, 5, 5, 3], outChannels: 6, group: 3, pads: [1, 0, 1, 0] }],
  ['several chunks', { ...BASE, input: [1, 40, 41, 8], kernel: [5, 5], outChannels: 2, pads: [2, 2, 2, 2] }],
  ...[1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17].map((channels): [string, ConvCase] => [
    `depthwise ${channels} channels`,
    { ...BASE, input: [2, 7, 11, channels], outChannels: channels, group: channels, pads: [1, 1, 1, 1] },
  ]),
  ...(
    [
      ['unpadded', {}],
      ['strided', { strides: [2, 2], pads: [0, 0, 1, 1] }],
      ['strided and padded', { strides: [2, 2], pads: [1, 1, 1, 1] }],
      ['dilated', { dilations: [2, 2], pads: [2, 2, 2, 2] }],
      ['even taps', { kernel: [2, 4], pads: [1, 2, 0, 1] }],
      ['one tap', { kernel: [1, 1] }],
      ['mostly padding', { input: [1, 2, 1, 6], kernel: [5, 5], pads: [4, 3, 3, 4] }],
      ['a line longer than a run', { input: [1, 3, 210, 6] }],
    ] as [string, Partial<ConvCase>][]
  ).map(([name, change]): [string, ConvCase] => [
    `depthwise ${name}`,
    { ...BASE, input: [1, 8, 13, 6], outChannels: 6, group: 6, ...change },
  ]),
]

function sizes(c: ConvCase): { inputs: number; weights: number; outputs: number; shape: number[] } {
  const [outHeight, outWidth] = outputSize(c)
  const groupChannels = c.input[3] / c.group
  return {
    inputs: c.input.reduce((product, size) => product * size, 1),
    weights: c.outChannels * groupChannels * c.kernel[0] * c.kernel[1],
    outputs: c.input[0] * outHeight * outWidth * c.outChannels,
    shape: [c.outChannels, groupChannels, ...c.kernel],
  }
}

describeTargets('convolution', (runtime) => {
  for (const [name, c] of CASES) {
    const { strides, pads, dilations, group } = c
    const { inputs, weights: weightCount, outputs, shape } = sizes(c)
    const geometry = { shape, strides, pads, dilations, group }

    it(`f32 ${name}`, () => {
      const random = new Random(inputs)
      const x = random.floats(inputs)
      const data = random.floats(weightCount)
      const bias = random.floats(c.outChannels)
      const plain = packF32Conv(runtime, { data, ...geometry })
      const biased = packF32Conv(runtime, { data, bias, ...geometry })
      expect(convOutputShape(plain, c.input)).toEqual([c.input[0], ...outputSize(c), c.outChannels])
      for (const [weights, b, bounds, offset] of [
        [plain, undefined, {}, 0],
        [biased, bias, { min: -0.5, max: 1.25 }, 4],
      ] as const) {
        const out = withSlots(
          runtime,
          [x],
          new Float32Array(outputs),
          (to, from) => f32Conv(weights, from, c.input, to, bounds),
          offset,
        )
        expectSame(out, convolveF32(c, x, data, b, bounds.min, bounds.max))
      }
      plain.dispose()
      biased.dispose()
    })

    it(`int8 ${name}`, () => {
      const random = new Random(inputs + 1)
      const x = random.int8s(inputs)
      const data = random.int8s(weightCount)
      const scale = random.floats(c.outChannels).map((v) => Math.abs(v) / 64 + 0.001)
      const bias = random.floats(c.outChannels)
      const weights = packInt8Conv(runtime, { data, scale, bias, ...geometry })
      const inputScale = Math.fround(0.037)
      const inputZeroPoint = random.integer(-128, 127)
      const run = <T extends Float32Array | Int8Array | Int32Array>(
        out: T,
        output: Parameters<typeof qs8Conv>[4]['output'],
        bounds = {},
      ): T =>
        withSlots(
          runtime,
          [x],
          out,
          (to, from) => {
            qs8Conv(weights, from, c.input, to, { inputScale, inputZeroPoint, output, ...bounds })
          },
          out instanceof Int8Array ? 1 : 0,
        )
      const acc = convolveInteger(c, x, inputZeroPoint, data)
      expectSame(run(new Int32Array(outputs), { kind: 'int32' }), acc)
      const scales = acc.map(() => inputScale)
      const real = scaleProduct(acc, c.outChannels, scales, scale, bias)
      expectSame(run(new Float32Array(outputs), { kind: 'f32' }), real)
      const codes = run(new Int8Array(outputs), { kind: 'int8', scale: 0.25, zeroPoint: -7 }, { min: 0 })
      expectSame(
        codes,
        real.map((v) => quantizeOne(Math.max(v, 0), 0.25, -7, -128)),
      )
      weights.dispose()
    })

    it(`int8 of f32 images ${name}`, () => {
      const random = new Random(inputs + 2)
      const x = random.floats(inputs)
      const data = random.int8s(weightCount)
      const scale = Float32Array.of(0.01)
      const weights = packInt8Conv(runtime, { data, scale, ...geometry })
      const out = withSlots(runtime, [x], new Float32Array(outputs), (to, from) => {
        qd8Conv(weights, from, c.input, to, { min: -1, max: 20 })
      })
      const perImage = inputs / c.input[0]
      const expected = Array.from({ length: c.input[0] }, (_, n) => {
        const image = [...x.subarray(n * perImage, (n + 1) * perImage)]
        const { scale: imageScale, zeroPoint } = dynamicParameters(image)
        const codes = image.map((v) => quantizeOne(v, imageScale, zeroPoint, -128))
        const one = { ...c, input: [1, ...c.input.slice(1)] as unknown as ConvCase['input'] }
        const acc = convolveInteger(one, codes, zeroPoint, data)
        const scales = new Array<number>(c.outChannels).fill(scale[0]!)
        return scaleProduct(
          acc,
          c.outChannels,
          acc.map(() => imageScale),
          scales,
          undefined,
          -1,
          20,
        )
      }).flat()
      expectSame(out, expected)
      weights.dispose()
    })
  }

  it('keeps the sign of zero, NaN and infinities as the sum with padded zeros has them', () => {
    for (const group of [1, 4]) {
      const c: ConvCase = { ...BASE, input: [1, 3, 3, 4], outChannels: 4, group, pads: [1, 1, 1, 1] }
      const { inputs, weights: count, outputs, shape } = sizes(c)
      const x = new Float32Array(inputs).fill(-0)
      const data = Float32Array.from({ length: count }, (_, i) => [1, -1, Infinity, NaN][i % 4]!)
      const bias = Float32Array.of(-0, 0, -0, 0)
      const weights = packF32Conv(runtime, { data, bias, shape, pads: c.pads, group })
      const out = withSlots(runtime, [x], new Float32Array(outputs), (to, from) =>
        f32Conv(weights, from, c.input, to),
      )
      expectSame(out, convolveF32(c, x, data, bias))
      weights.dispose()
    }
  })

  it('takes no memory after the first call', () => {
    const c: ConvCase = { ...BASE, pads: [1, 1, 1, 1] }
    const { inputs, weights: count, outputs, shape } = sizes(c)
    const weights = packF32Conv(runtime, { data: new Float32Array(count), shape, pads: c.pads })
    withSlots(runtime, [new Float32Array(inputs)], new Float32Array(outputs), (to, from) => {
      f32Conv(weights, from, c.input, to)
      const { bytesInUse } = runtime.stats()
      f32Conv(weights, from, c.input, to)
      expect(runtime.stats().bytesInUse).toBe(bytesInUse)
    })
    weights.dispose()
  })
})

describe('convolution arguments', () => {
  const runtime = createRuntime({ target: 'js' })
  const data = new Float32Array(54)
  const shape = [2, 3, 3, 3]

  it('names what is wrong', () => {
    const pack = packF32Conv as (runtime: unknown, conv: unknown) => unknown
    expect(() => pack(runtime, { data, shape: [2, 3, 9] })).toThrow(
      '"shape" expected [Cout, Cin / group, kH, kW]',
    )
    expect(() => pack(runtime, { data: data.subarray(1), shape })).toThrow('"data" expected Float32Array(54)')
    expect(() => pack(runtime, { data, shape, bias: new Float32Array(3) })).toThrow(
      '"bias" expected Float32Array(2)',
    )
    expect(() => pack(runtime, { data, shape, stride: [1, 1] })).toThrow('"conv" has no option "stride"')
    expect(() => pack(runtime, { data, shape, strides: [0, 1] })).toThrow(
      '"strides" expected an integer in 1..',
    )
    expect(() => pack(runtime, { data, shape, strides: 2 })).toThrow(
      '"strides" expected an array of 2 integers',
    )
    expect(() => pack(runtime, { data, shape, pads: [-1, 0, 0, 0] })).toThrow(RangeError)
    expect(() => pack(runtime, { data, shape, group: 3 })).toThrow('"group" expected an integer in 1..2')
    expect(() =>
      packInt8Conv(runtime, { data: new Int8Array(54), shape, scale: new Float32Array(3) }),
    ).toThrow('"scale" expected Float32Array(2)')
    expect(() =>
      packInt8Conv(runtime, {
        data: new Int8Array(65794),
        shape: [1, 65794, 1, 1],
        scale: Float32Array.of(1),
      }),
    ).toThrow('at most 65793 products')
    using weights = packF32Conv(runtime, { data, shape })
    expect(() => convOutputShape(weights, [1, 2, 5, 3])).toThrow('expected at least 3 rows and columns')
    expect(() => convOutputShape(weights, [1, 5, 5, 4])).toThrow('expected 3 channels')
    expect(() => convOutputShape(weights, [1, 5, 5])).toThrow('expected [N, H, W, C]')
    withSlots(runtime, [new Float32Array(75)], new Float32Array(17), (to, from) => {
      expect(() => f32Conv(weights, from, [1, 5, 5, 3], to)).toThrow(
        '"out" expected a slot of 72 bytes, got 68',
      )
      expect(() => f32Conv(weights, from, [2, 5, 5, 3], to)).toThrow('"input" expected a slot of 600 bytes')
    })
    expect(runtime.stats().liveHandles).toBe(1)
  })

  it('frees the groups that were packed when one does not fit', () => {
    const small = createRuntime({ target: 'js', maxBytes: 3 * 65536 })
    const large = new Float32Array(2 * 12000)
    expect(() => packF32Conv(small, { data: large, shape: [2, 12000, 1, 1], group: 2 })).toThrow(
      'linear memory',
    )
    expect(small.stats().liveHandles).toBe(0)
  })
})
