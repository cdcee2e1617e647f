import { expect, it } from 'vitest'
import { elementCount, type Tensor } from '../bindings/formats/tensor.js'
import type { GraphNode, Model, Weight } from '../bindings/graph/model.js'
import { prepare } from '../bindings/graph/prepare.js'
import { quantizeInt8 } from '../bindings/index.js'
import { loadModel } from '../bindings/infer/load.js'
import { readOnnx, writeOnnx } from '../bindings/io/onnx/index.js'
import { runOnnx } from './oracles/onnx.js'
import { expectSame } from './support/compare.js'
import { floats, makeModel, node } from './support/models.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

let random = new Random(5)

function bytes<T extends 'int8' | 'uint8'>(dtype: T, shape: readonly number[]): Tensor<T> {
  const length = elementCount(shape)
  const data = dtype === 'int8' ? random.int8s(length) : random.bytes(length)
  return { kind: 'dense', dtype, shape, data } as unknown as Tensor<T>
}

const zero = (dtype: 'int8' | 'uint8', value: number): Weight =>
  ({ kind: 'dense', dtype, shape: [], data: (dtype === 'int8' ? Int8Array : Uint8Array).of(value) }) as Tensor

/** `from` through 8 bits and back, as QDQ models have it. */
const coded = (from: string, to: string, parameters: string): GraphNode[] => [
  node('QuantizeLinear', `${from} ${parameters} -> ${to}_codes`),
  node('DequantizeLinear', `${to}_codes ${parameters} -> ${to}`),
]

/** Conv, MaxPool, Conv, Gemm, as exporters of uint8 activations write them: a Relu is left to what codes can hold. */
function network(dtype: 'int8' | 'uint8'): Model {
  const at = dtype === 'int8' ? -128 : 0
  return makeModel({
    inputs: { x: ['N', 3, 8, 8] },
    nodes: [
      ...coded('x', 'xr', 's0 z0'),
      node('DequantizeLinear', 'w1 t1 _ -> w1r', { axis: 0 }),
      node('Conv', 'xr w1r b1 -> c1', { pads: [1, 1, 1, 1] }),
      ...coded('c1', 'c1r', 's1 z1'),
      node('MaxPool', 'c1r -> p1', { kernel_shape: [2, 2], strides: [2, 2] }),
      ...coded('p1', 'p1r', 's1 z1'),
      node('DequantizeLinear', 'w2 t2 u2 -> w2r'),
      node('Conv', 'p1r w2r -> c2'),
      ...coded('c2', 'c2r', 's2 z1'),
      node('Flatten', 'c2r -> f'),
      ...coded('f', 'fr', 's2 z1'),
      node('DequantizeLinear', 'w3 t3 _ -> w3r', { axis: 1 }),
      node('MatMul', 'fr w3r -> y'),
    ],
    outputs: ['y'],
    weights: {
      ...{ s0: floats([0.02], []), s1: floats([0.05], []), s2: floats([0.3], []) },
      ...{ z0: zero(dtype, at + 128), z1: zero(dtype, at) },
      ...{
        w1: bytes('int8', [5, 3, 3, 3]),
        t1: floats([0.001, 0.002, 0.003, 0.001, 0.002]),
        b1: floats(random.floats(5)),
      },
      ...{ w2: bytes('uint8', [6, 5, 3, 3]), t2: floats([0.004], []), u2: zero('uint8', 128) },
      ...{ w3: bytes('int8', [24, 4]), t3: floats([0.01, 0.02, 0.01, 0.03]) },
    },
  })
}

const reference = new Map<string, Float32Array>()

describeTargets('quantized models', (runtime) => {
  it.each(['int8', 'uint8'] as const)('a QDQ model of %s computes in int8', (dtype) => {
    random = new Random(7)
    const model = network(dtype)
    const lowered = prepare(model)
    expect(lowered.nodes.map(({ op }) => op).filter((op) => op.endsWith('Linear'))).toEqual([])
    const x = floats(random.floats(2 * 3 * 64), [2, 3, 8, 8])
    using letter = loadModel(model, { runtime })
    using session = loadModel(lowered, { runtime })
    const report = session.describe({ x: [2, 3, 8, 8] })
    const kernels = report.nodes.flatMap((each) => each.kernels)
    expect(kernels).toContain('qs8_qs8_qc8w_gemm')
    expect(kernels).toContain('qs8_maxpool')
    expect(kernels.at(-1)).toBe('qs8_f32_qc8w_gemm')
    const expected = letter.run({ x })['y']!.data
    const { y } = session.run({ x })
    // Codes differ where a float product falls on the other side of a half.
    const largest = Math.max(...expected.map(Math.abs))
    y!.data.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(0.02 * largest))
    const first = reference.get(dtype) ?? y!.data
    reference.set(dtype, first)
    expectSame(y!.data, first)
  })

  it('keeps what saturation cuts off', () => {
    const model = makeModel({
      inputs: { x: [1, 4] },
      nodes: [...coded('x', 'r', 's z'), node('Add', 'r r -> y')],
      outputs: ['y'],
      weights: { s: floats([0.5], []), z: zero('uint8', 0) },
    })
    using session = loadModel(prepare(model), { runtime })
    expectSame(session.run({ x: Float32Array.of(-3, 1, 127.5, 1000) })['y']!.data, [0, 2, 255, 255])
  })

  it('takes dynamic quantization as a product with int8 weights', () => {
    const weights = {
      w: bytes('int8', [16, 9]),
      ws: floats(random.floats(9).map((v) => 0.01 + Math.abs(v) / 100)),
      wz: zero('int8', 0),
    }
    const model = makeModel({
      inputs: { x: ['N', 16] },
      nodes: [
        node('DynamicQuantizeLinear', 'x -> q s z'),
        node('MatMulInteger', 'q w z wz -> i'),
        node('Cast', 'i -> c', { to: 1 }),
        node('Mul', 's ws -> m'),
        node('Mul', 'c m -> p'),
        node('Add', 'p b -> y'),
      ],
      outputs: ['y'],
      weights: { ...weights, b: floats(random.floats(9)) },
    })
    const lowered = prepare(model)
    expect(lowered.nodes.map(({ op }) => op)).toEqual(['Gemm'])
    const x = floats(random.floats(48), [3, 16])
    using letter = loadModel(model, { runtime })
    using session = loadModel(lowered, { runtime })
    expect(session.describe().nodes[0]!.stored).toBe('int8')
    const expected = letter.run({ x })['y']!.data
    const largest = Math.max(...expected.map(Math.abs))
    const { y } = session.run({ x })
    y!.data.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(0.02 * largest))
  })

  it('multiplies integers exactly', () => {
    const weights = { w: bytes('uint8', [4, 2, 3, 2]), xz: zero('int8', -7), wz: zero('uint8', 130) }
    const attributes = { pads: [1, 0, 1, 1], strides: [2, 1], group: 2 }
    const nodes = [node('ConvInteger', 'x w xz wz -> y', attributes)]
    const model = makeModel({
      inputs: { x: { dtype: 'int8', shape: [1, 4, 5, 6] } },
      nodes,
      outputs: ['y'],
      weights,
    })
    const x = bytes('int8', [1, 4, 5, 6])
    using session = loadModel(model, { runtime })
    const less = (values: ArrayLike<number>, by: number) => Array.from(values, (v) => v - by)
    const real = makeModel({
      inputs: { x: [1, 4, 5, 6] },
      nodes: [node('Conv', 'x w -> y', attributes)],
      outputs: ['y'],
      weights: { w: floats(less(weights.w.data, 130), weights.w.shape) },
    })
    const wanted = runOnnx(real, { x: { shape: x.shape, data: less(x.data, -7) } }).get('y')!
    const { y } = session.run<'int32'>({ x })
    expect(y!.dtype).toBe('int32')
    expectSame(y!.data, wanted.data)

    const shape = [2, 3, 700]
    const product = makeModel({
      inputs: { a: { dtype: 'uint8', shape } },
      nodes: [node('MatMulInteger', 'a b az -> y')],
      outputs: ['y'],
      weights: {
        b: bytes('int8', [700, 4]),
        az: { kind: 'dense', dtype: 'uint8', shape: [3], data: Uint8Array.of(1, 128, 255) },
      },
    })
    const a = bytes('uint8', shape)
    using products = loadModel(product, { runtime })
    const got = products.run<'int32'>({ a })['y']!
    expect(got.shape).toEqual([2, 3, 4])
    const b = (product.weights.get('b') as Tensor<'int8'>).data
    got.data.forEach((value, i) => {
      const [row, column] = [Math.floor(i / 4), i % 4]
      let sum = 0
      for (let k = 0; k < 700; k++)
        sum += (a.data[row * 700 + k]! - [1, 128, 255][row % 3]!) * b[k * 4 + column]!
      expect(value).toBe(sum)
    })
  })

  it('quantizes by axis and by block, halves to even, saturated', () => {
    const run = (nodes: GraphNode[], weights: Record<string, Weight>, x: Tensor<'float32'>) => {
      using session = loadModel(makeModel({ inputs: { x: x.shape }, nodes, outputs: ['y'], weights }), {
        runtime,
      })
      return session.run<'int8' | 'float32'>({ x })['y']!
    }
    const x = floats([0.5, 1.5, 2.5, -0.5, -1.5, 1e9, -1e9, NaN, 4, 5, 6, 7], [2, 6])
    const zeros: Weight = { kind: 'dense', dtype: 'int8', shape: [2], data: Int8Array.of(0, 10) }
    const byAxis = run(
      [node('QuantizeLinear', 'x s z -> y', { axis: 0 })],
      { s: floats([1, 2]), z: zeros },
      x,
    )
    expect(byAxis.dtype).toBe('int8')
    expect(Array.from(byAxis.data)).toEqual([0, 2, 2, 0, -2, 127, -128, 0, 12, 12, 13, 14])
    const s = floats([1, 2, 4, 8, 16, 32], [2, 3])
    const nodes = [
      node('QuantizeLinear', 'x s -> q', { axis: 1, block_size: 2, output_dtype: 3 }),
      node('DequantizeLinear', 'q s -> y', { axis: 1, block_size: 2 }),
    ]
    const blocks = run(nodes, { s }, floats([1, 2, 3, 4, 8, 12, 8, 16, 32, 48, 64, 9], [2, 6]))
    expect(Array.from(blocks.data)).toEqual([1, 2, 4, 4, 8, 12, 8, 16, 32, 48, 64, 0])
    expect(() => run([node('QuantizeLinear', 'x s -> y')], { s: floats([1, 2]) }, x)).toThrow(RangeError)
    const blocked = node('QuantizeLinear', 'x s -> y', { axis: 1, block_size: 2 })
    expect(() => run([blocked], { s: floats([1, 2], [1, 2]) }, x)).toThrow(RangeError)
  })
})

it('reads back the int8 models that it writes', () => {
  const w = floats(random.floats(60), [6, 10])
  const model: Model = {
    ...makeModel({
      inputs: { x: ['N', 10] },
      nodes: [node('Gemm', 'x w b -> y', { transB: 1 })],
      outputs: ['y'],
      weights: {
        w: quantizeInt8(w, { granularity: { per: 'channel', axis: 0 } }),
        b: floats(random.floats(6)),
      },
    }),
    activations: new Map([['x', { scale: 0.25, zeroPoint: -3 }]]),
  }
  const read = readOnnx(writeOnnx(model))
  expect(read.nodes.map(({ op }) => op)).toEqual(['Gemm'])
  expect(read.activations).toEqual(model.activations)
  const weight = read.weights.get(read.nodes[0]!.inputs[1]!)
  expect(weight).toMatchObject({ kind: 'quantized', granularity: { per: 'channel', axis: 0 } })
})
