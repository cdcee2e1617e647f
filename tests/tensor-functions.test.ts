import { expect, it } from 'vitest'
import { tensor, type Tensor } from '../bindings/formats/tensor.js'
import { exp, relu, sigmoid, softmax, tanh } from '../bindings/ops/functions.js'
import { averagePool2d, conv2d, maxPool2d } from '../bindings/ops/images.js'
import { transpose } from './oracles/arrays.js'
import { references, ulp } from './oracles/math.js'
import { averagePool, convolveF32, maxPool, outputSize, type ConvCase } from './oracles/window.js'
import { expectSame } from './support/compare.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

const CASE: ConvCase = {
  input: [2, 7, 5, 4],
  kernel: [3, 2],
  strides: [2, 1],
  pads: [1, 0, 1, 1],
  dilations: [1, 2],
  outChannels: 6,
  group: 2,
}
const NHWC = [2, 7, 5, 4]
const NCHW = [2, 4, 7, 5]
const random = new Random(9)
const nhwc = random.floats(2 * 7 * 5 * 4)
const nchw = Float32Array.from(transpose(nhwc, NHWC, [0, 3, 1, 2]))
const w = random.floats(6 * 2 * 3 * 2)
const bias = random.floats(6)

/** A result [N, H, W, C] of the oracle as [N, C, H, W]. */
function asNchw(values: readonly number[], channels: number): { shape: number[]; data: number[] } {
  const [height, width] = outputSize(CASE)
  const data = transpose(values, [2, height, width, channels], [0, 3, 1, 2])
  return { shape: [2, channels, height, width], data }
}

function expectTensor(got: Tensor<'float32'>, want: { shape: number[]; data: number[] }): void {
  expect(got.shape).toEqual(want.shape)
  expectSame(got.data, want.data)
}

describeTargets('functions of tensors', (runtime) => {
  const { kernel, strides, pads, dilations, group } = CASE

  it('conv2d in either layout', () => {
    const options = { strides, pads, dilations, group, bias, activation: 'relu', runtime } as const
    const expected = convolveF32(CASE, nhwc, w, bias, 0)
    const weights = tensor(w, [6, 2, 3, 2])
    expectTensor(conv2d(tensor(nchw, NCHW), weights, options), asNchw(expected, 6))
    const out = new Float32Array(expected.length)
    expect(conv2d(tensor(nhwc, NHWC), weights, { ...options, layout: 'nhwc', out }).data).toBe(out)
    expectSame(out, expected)
  })

  it('maxPool2d and averagePool2d', () => {
    const options = { kernel, strides, pads, dilations, runtime }
    const x = tensor(nchw, NCHW)
    expectTensor(maxPool2d(x, options), asNchw(maxPool(CASE, nhwc, -Infinity), 4))
    expectTensor(averagePool2d(x, options), asNchw(averagePool(CASE, nhwc, false), 4))
    const padded = averagePool2d(x, { ...options, countPadding: true })
    expectTensor(padded, asNchw(averagePool(CASE, nhwc, true), 4))
  })

  it('relu, exp, sigmoid, tanh and softmax', () => {
    const x = tensor(Float32Array.of(-2, -0.5, 0, 0.25, 3, 10), [2, 3])
    expect([...relu(x, { runtime }).data]).toEqual([0, 0, 0, 0.25, 3, 10])
    for (const [run, reference] of [
      [exp, references.Exp],
      [sigmoid, references.Sigmoid],
      [tanh, references.Tanh],
    ] as const) {
      const y = run(x, { runtime })
      expect(y.shape).toEqual([2, 3])
      y.data.forEach((v, i) => {
        const exact = reference(x.data[i]!)
        expect(Math.abs(v - exact)).toBeLessThanOrEqual(3 * ulp(exact))
      })
    }
    const out = x.data.slice()
    expect(softmax(tensor(out, [2, 3]), { out, runtime }).data).toBe(out)
    for (const row of [out.subarray(0, 3), out.subarray(3)]) {
      expect(row[0]! + row[1]! + row[2]!).toBeCloseTo(1, 6)
    }
    expect(softmax(tensor(new Float32Array(0), [0, 3]), { runtime }).shape).toEqual([0, 3])
    expect([...softmax(tensor(Float32Array.of(5), []), { runtime }).data]).toEqual([1])
  })

  it('name what is wrong, and keep no memory', () => {
    const x = tensor(nchw, NCHW)
    const untyped = [relu, conv2d, maxPool2d, averagePool2d] as ((...args: unknown[]) => unknown)[]
    const [anyRelu, anyConv, anyMax, anyAverage] = untyped as [
      (...args: unknown[]) => unknown,
      (...args: unknown[]) => unknown,
      (...args: unknown[]) => unknown,
      (...args: unknown[]) => unknown,
    ]
    expect(() => anyRelu([1], { runtime })).toThrow('"x" expected a float32 tensor, got array of 1')
    expect(() => anyRelu(x, { axis: 1, runtime })).toThrow('"options" has no option "axis"')
    expect(() => relu(x, { out: new Float32Array(3), runtime })).toThrow('"out" expected Float32Array(280)')
    expect(() => anyConv(x, x, { layout: 'chwn', runtime })).toThrow('"layout" expected one of nchw, nhwc')
    expect(() => anyConv(x, tensor(w), { runtime })).toThrow('"w" expected 4 dimensions')
    expect(() => anyConv(x, tensor(w, [6, 2, 3, 2]), { runtime })).toThrow('expected 2 channels')
    expect(() => anyMax(x, { runtime })).toThrow('"kernel" expected an array of 2 integers')
    expect(() => anyMax(x, { kernel: [9, 1], runtime })).toThrow('expected at least 9 rows')
    expect(() => anyAverage(x, { kernel: [1, 1], countPadding: 1, runtime })).toThrow('"countPadding"')
    expect(runtime.stats().liveHandles).toBe(0)
  })
})
