import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compare, evaluate } from '../bindings/evaluate/index.js'
import type { CodebookTensor } from '../bindings/formats/codebook.js'
import { elementCount, type Tensor } from '../bindings/formats/tensor.js'
import type { ActivationRange, Model, Weight } from '../bindings/graph/model.js'
import { loadModel } from '../bindings/infer/load.js'
import { writeArtifact } from '../bindings/io/artifact/index.js'
import { readOnnx } from '../bindings/io/onnx/index.js'
import {
  quantizeInt4,
  quantizeInt8,
  type QuantizeInt4Options,
  type QuantizeOptions,
} from '../bindings/index.js'
import { runOnnx } from './oracles/onnx.js'
import { quantizeOne } from './oracles/quantize.js'
import { expectSame } from './support/compare.js'
import { digits } from './support/mnist.js'
import { floats, makeModel, node } from './support/models.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

const random = new Random(21)
const values = (...shape: number[]) => floats(random.floats(elementCount(shape), 0.5), shape)
const int8 = (weight: Tensor<'float32'>, options: QuantizeOptions = {}) =>
  quantizeInt8(weight, { granularity: { per: 'channel', axis: 0 }, ...options })

const int4 = (weight: Tensor<'float32'>, options?: QuantizeInt4Options) => quantizeInt4(weight, options)

/** Keeps about one element in six. */
function pruned(weight: Tensor<'float32'>): Tensor<'float32'> {
  return { ...weight, data: weight.data.map((v) => (random.next() < 1 / 6 ? v : 0)) }
}

/** Keeps one element in forty: few enough for int8 to be held sparse on every target. */
function rare(weight: Tensor<'float32'>): Tensor<'float32'> {
  return { ...weight, data: weight.data.map((v, i) => (i % 41 === 7 ? v : 0)) }
}

/** Keeps about one block in six of four outputs, along the first or the second axis, and one input. */
function blocky(weight: Tensor<'float32'>, axis = 0): Tensor<'float32'> {
  const [, columns = 1] = weight.shape
  const kept = weight.data.map(() => (random.next() < 1 / 6 ? 1 : 0))
  const block = (i: number) =>
    axis === 0 ? (Math.floor(i / columns) >> 2) * columns + (i % columns) : i & ~3
  return { ...weight, data: weight.data.map((v, i) => v * kept[block(i)]!) }
}

function conv1x1(weight: Tensor<'float32'>): Tensor<'float32'> {
  return { ...weight, shape: [...weight.shape, 1, 1] }
}

/** Keeps one element in four, at places that differ. */
function oneInFour(weight: Tensor<'float32'>): Tensor<'float32'> {
  const [, columns = 1] = weight.shape
  const place = (i: number) => ((i >> 2) + Math.floor(i / columns)) % 4
  return { ...weight, data: weight.data.map((v, i) => (place(i) === i % 4 ? v : 0)) }
}

/** Moves all elements away from zero. */
function away(weight: Tensor<'float32'>): Tensor<'float32'> {
  return { ...weight, data: weight.data.map((v) => v + (v < 0 ? -0.5 : 0.5)) }
}

/** Shares sixteen values, zero among them. */
function shared(weight: Tensor<'float32'>): CodebookTensor {
  const greatest = weight.data.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
  const centroids = Float32Array.from({ length: 16 }, (_, i) => ((i - 8) / 8) * greatest)
  const indices = Uint8Array.from(weight.data, (v) => Math.min(Math.round((v / greatest) * 8) + 8, 15))
  return { kind: 'codebook', shape: weight.shape, indices, codebook: { centroids } }
}

/** The real values of the int8 codes of `data`. */
function fakeQuantized(data: Float32Array, { scale, zeroPoint }: ActivationRange): Float32Array {
  return data.map((v) => scale * (quantizeOne(v, scale, zeroPoint, -128) - zeroPoint))
}

/** Parameters of a row or an image that is quantized by its own range, as assembly/README.md#qs8-gemm has them. */
function ownRange(data: Float32Array): ActivationRange {
  const f = Math.fround
  const low = Math.min(0, ...data)
  const scale = f(f(Math.max(0, ...data) / 255) - f(low / 255))
  return { scale, zeroPoint: quantizeOne(f(-128 - f(low / scale)), 1, 0, -128) }
}

interface Case {
  readonly model: Model
  readonly shape: readonly number[]
  readonly stored: string
  readonly kernel: string
}

function single(
  op: string,
  weight: Weight,
  shape: readonly number[],
  rest: Partial<Case> = {},
  attributes: Record<string, number | readonly number[]> = {},
): Case {
  const outputs = weight.shape[op === 'Conv' || attributes.transB === 1 ? 0 : 1]!
  return {
    model: makeModel({
      inputs: { x: shape.map((size, axis) => (axis === 0 ? 'N' : size)) },
      nodes: [node(op, op === 'MatMul' ? 'x w -> y' : 'x w b -> y', attributes)],
      outputs: ['y'],
      weights: { w: weight, ...(op === 'MatMul' ? {} : { b: values(outputs) }) },
    }),
    shape,
    stored: 'int8',
    kernel: '',
    ...rest,
  }
}

const padded = { pads: [1, 1, 1, 1] }
const cases: Record<string, Case> = {
  'Gemm, int8': single('Gemm', int8(values(5, 40)), [3, 40], { kernel: 'qd8_f32_qc8w_gemm' }, { transB: 1 }),
  'Gemm, int8 with one scale': single(
    'Gemm',
    int8(values(5, 40), { granularity: { per: 'tensor' } }),
    [3, 40],
    { kernel: 'qd8_f32_qc8w_gemm' },
    { transB: 1 },
  ),
  'Gemm, int8, an output a column': single(
    'Gemm',
    int8(values(40, 5), { granularity: { per: 'channel', axis: 1 } }),
    [3, 40],
    { kernel: 'qd8_f32_qc8w_gemm' },
  ),
  'MatMul, int8': single('MatMul', int8(values(9, 5), { granularity: { per: 'tensor' } }), [3, 2, 9], {
    kernel: 'qd8_f32_qc8w_gemm',
  }),
  'Conv, int8': single(
    'Conv',
    int8(values(5, 3, 3, 3)),
    [2, 3, 6, 5],
    { kernel: 'qd8_f32_qc8w_gemm' },
    padded,
  ),
  'Conv of one axis, int8': single('Conv', int8(values(5, 3, 3)), [2, 3, 9], { kernel: 'qd8_f32_qc8w_gemm' }),
  'Conv, depthwise int8': single(
    'Conv',
    int8(values(5, 1, 3, 3)),
    [2, 5, 6, 5],
    { kernel: 'qd8_f32_qc8w_dwconv' },
    { ...padded, group: 5 },
  ),
  'Gemm, affine int8 computes in float32': single(
    'Gemm',
    int8(values(5, 40), { scheme: 'affine' }),
    [3, 40],
    { kernel: 'f32_gemm', stored: 'float32' },
    { transB: 1 },
  ),
  'Gemm, int8 in groups computes in float32': single(
    'Gemm',
    int8(values(5, 40), { granularity: { per: 'group', size: 8 } }),
    [3, 40],
    { kernel: 'f32_gemm', stored: 'float32' },
    { transB: 1 },
  ),
  'Gemm, int8 with scales of the inputs computes in float32': single('Gemm', int8(values(40, 5)), [3, 40], {
    kernel: 'f32_gemm',
    stored: 'float32',
  }),
  'Gemm, int4': single(
    'Gemm',
    int4(values(5, 40)),
    [3, 40],
    { kernel: 'qd8_f32_qb4w_gemm', stored: 'int4' },
    { transB: 1 },
  ),
  'Gemm, int4, an output a column': single('Gemm', int4(values(70, 9), { axis: 0 }), [7, 70], {
    kernel: 'qd8_f32_qb4w_gemm',
    stored: 'int4',
  }),
  'MatMul, int4': single('MatMul', int4(values(33, 5), { axis: 0, groupSize: 16 }), [3, 2, 33], {
    kernel: 'qd8_f32_qb4w_gemm',
    stored: 'int4',
  }),
  'Gemm, int4 with groups along the outputs': single('Gemm', int4(values(40, 5)), [3, 40], {
    kernel: 'f32_gemm',
    stored: 'float32',
  }),
  'Conv 1x1, int4': single('Conv', int4(values(5, 19, 1, 1), { axis: 1 }), [2, 19, 4, 3], {
    kernel: 'qd8_f32_qb4w_gemm',
    stored: 'int4',
  }),
  'Conv, int4 in groups of channels': single(
    'Conv',
    int4(values(6, 16, 3, 3), { axis: 1, groupSize: 16 }),
    [2, 32, 5, 4],
    { kernel: 'qd8_f32_qb4w_gemm', stored: 'int4' },
    { ...padded, group: 2 },
  ),
  'Conv, int4 with groups that do not fill the channels': single(
    'Conv',
    int4(away(values(5, 3, 3, 3)), { axis: 1 }),
    [2, 3, 6, 5],
    { kernel: 'f32_gemm', stored: 'float32' },
    padded,
  ),
  'Gemm, codebook': single(
    'Gemm',
    shared(away(values(5, 40))),
    [3, 40],
    { kernel: 'f32_cbw_gemm', stored: 'codebook' },
    { transB: 1 },
  ),
  'Conv, codebook': single('Conv', shared(away(values(5, 3, 3, 3))), [2, 3, 6, 5], {
    kernel: 'f32_cbw_gemm',
    stored: 'codebook',
  }),
  'Add of a codebook': {
    ...single('Add', shared(values(5)), [3, 5], { kernel: 'f32_binary', stored: 'none' }),
    model: makeModel({
      inputs: { x: ['N', 5] },
      nodes: [node('Add', 'x w -> y')],
      outputs: ['y'],
      weights: { w: shared(values(5)) },
    }),
  },
  'Gemm, sparse': single(
    'Gemm',
    pruned(values(60, 300)),
    [3, 300],
    { kernel: 'f32_spmm_csr', stored: 'sparse' },
    { transB: 1 },
  ),
  'Gemm, sparse, an output a column': single('Gemm', pruned(values(300, 60)), [1, 300], {
    kernel: 'f32_spmm_csr',
    stored: 'sparse',
  }),
  'Gemm, sparse codebook': single(
    'Gemm',
    shared(pruned(values(60, 300))),
    [20, 300],
    { kernel: 'f32_cb8w_spmm_csr', stored: 'sparse' },
    { transB: 1 },
  ),
  'Gemm, sparse codebook, an output a column': single('Gemm', shared(pruned(values(300, 60))), [1, 300], {
    kernel: 'f32_cb8w_spmm_csr',
    stored: 'sparse',
  }),
  'Gemm, sparse int8': single(
    'Gemm',
    int8(rare(values(80, 400))),
    [3, 400],
    { kernel: 'qd8_f32_qc8w_spmm_csr', stored: 'sparse' },
    { transB: 1 },
  ),
  'Gemm, sparse int8, an output a column': single(
    'Gemm',
    int8(rare(values(400, 80)), { granularity: { per: 'channel', axis: 1 } }),
    [20, 400],
    { kernel: 'qd8_f32_qc8w_spmm_csr', stored: 'sparse' },
  ),
  'MatMul, sparse int8 with one scale': single(
    'MatMul',
    int8(rare(values(400, 80)), { granularity: { per: 'tensor' } }),
    [1, 400],
    { kernel: 'qd8_f32_qc8w_spmm_csr', stored: 'sparse' },
  ),
  'MatMul, sparse': single('MatMul', pruned(values(300, 60)), [3, 2, 300], {
    kernel: 'f32_spmm_csr',
    stored: 'sparse',
  }),
  'Gemm, sparse in blocks': single(
    'Gemm',
    blocky(values(60, 300)),
    [3, 300],
    { kernel: 'f32_spmm_bsr', stored: 'sparse' },
    { transB: 1 },
  ),
  'MatMul, sparse in blocks': single('MatMul', blocky(values(300, 60), 1), [3, 300], {
    kernel: 'f32_spmm_bsr',
    stored: 'sparse',
  }),
  'Conv 1x1, sparse in blocks': single('Conv', conv1x1(blocky(values(60, 300))), [2, 300, 3, 2], {
    kernel: 'f32_spmm_bsr',
    stored: 'sparse',
  }),
  'Conv, sparse': single(
    'Conv',
    pruned(values(32, 16, 3, 3)),
    [2, 16, 6, 5],
    { kernel: 'f32_spmm_csr', stored: 'sparse' },
    { ...padded, strides: [2, 1] },
  ),
  'Conv, sparse codebook': single(
    'Conv',
    shared(pruned(values(32, 16, 3, 3))),
    [2, 16, 6, 5],
    { kernel: 'f32_cb8w_spmm_csr', stored: 'sparse' },
    padded,
  ),
  'Conv 1x1, sparse': single('Conv', pruned(values(32, 80, 1, 1)), [2, 80, 3, 3], {
    kernel: 'f32_spmm_csr',
    stored: 'sparse',
  }),
  'Conv in groups, mostly zero': single(
    'Conv',
    pruned(values(6, 2, 3, 3)),
    [2, 4, 5, 5],
    { kernel: 'f32_gemm', stored: 'float32' },
    { group: 2 },
  ),
}
const bits = new Map<string, Float32Array>()

function expectNear(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length)
  const worst = Math.max(...Array.from(expected, (v, i) => Math.abs(v - actual[i]!) / (1 + Math.abs(v))))
  expect(worst).toBeLessThanOrEqual(tolerance)
}

describeTargets('compressed weights', (runtime) => {
  it.each(Object.keys(cases))('%s', (name) => {
    const { model, shape, stored, kernel } = cases[name]!
    const x = new Random(8).floats(elementCount(shape))
    using session = loadModel(model, { runtime })
    expect(session.describe().nodes[0]).toMatchObject({ stored, kernels: expect.arrayContaining([kernel]) })
    const y = session.run({ x: floats(x, shape) }).y!
    // An int8 layer sees its input as codes: those of a row, or of an image, by its own range.
    const unit = model.nodes[0]!.op === 'Conv' ? elementCount(shape.slice(1)) : shape.at(-1)!
    const seen = x.slice()
    for (let start = 0; kernel.startsWith('qd8') && start < x.length; start += unit) {
      const part = x.subarray(start, start + unit)
      seen.set(fakeQuantized(part, ownRange(part)), start)
    }
    expectNear(y.data, runOnnx(model, { x: { shape, data: seen } }).get('y')!.data, 1e-5)
    expectSame(y.data, bits.get(name) ?? y.data)
    bits.set(name, y.data)

    using reference = loadModel(model, { runtime, precision: 'float32' })
    expect(reference.describe().nodes[0]!.stored).not.toBe('int8')
    expect(reference.describe().nodes[0]!.kernels.join()).not.toMatch(/q[ds]8/)
    const exact = reference.run({ x: floats(x, shape) }).y!
    expectNear(exact.data, runOnnx(model, { x: { shape, data: x } }).get('y')!.data, 1e-5)
  })

  it('takes N:M weights as such where the model declares one sample', () => {
    const weight = oneInFour(values(512, 2048))
    const { model } = single('Gemm', weight, [1, 2048], {}, { transB: 1 })
    const one: Model = { ...model, inputs: [{ ...model.inputs[0]!, shape: [1, 2048] }] }
    using session = loadModel(one, { runtime })
    expect(session.describe().nodes[0]).toMatchObject({ stored: 'sparse', kernels: ['f32_spmm_nm'] })
    const x = new Random(8).floats(2048)
    const y = session.run({ x: floats(x, [1, 2048]) }).y!
    expectNear(y.data, runOnnx(model, { x: { shape: [1, 2048], data: x } }).get('y')!.data, 1e-5)
  })

  const range = { scale: 0.03, zeroPoint: -20 }

  it.each([
    ['Gemm', int8(values(5, 40)), [3, 40], { transB: 1 }, 'qs8_f32_qc8w_gemm'],
    ['Gemm', int8(rare(values(80, 400))), [3, 400], { transB: 1 }, 'qs8_f32_qc8w_spmm_csr'],
    ['Conv', int8(values(5, 3, 3, 3)), [2, 3, 6, 5], padded, 'qs8_f32_qc8w_gemm'],
    ['Conv', int8(values(5, 1, 3, 3)), [2, 5, 6, 5], { ...padded, group: 5 }, 'qs8_f32_qc8w_dwconv'],
  ] as const)('%s of a calibrated input: %#', (op, weight, shape, attributes, kernel) => {
    const base = single(op, weight, shape, {}, attributes).model
    const model: Model = { ...base, activations: new Map([['x', range]]) }
    using session = loadModel(model, { runtime })
    const x = new Random(9).floats(elementCount(shape))
    const { y } = session.run({ x: floats(x, shape) })
    const seen = fakeQuantized(x, range)
    expectNear(y!.data, runOnnx(model, { x: { shape, data: seen } }).get('y')!.data, 1e-5)
    expect(session.describe().nodes[0]).toMatchObject({
      stored: kernel.endsWith('spmm_csr') ? 'sparse' : 'int8',
      kernels: expect.arrayContaining(['f32_qs8_quantize', kernel]),
    })
  })

  it('leaves real values where somebody reads them, or readers want different codes', () => {
    const model: Model = {
      ...makeModel({
        inputs: { x: ['N', 6] },
        nodes: [
          node('Gemm', 'x w -> a', { transB: 1 }),
          node('Flatten', 'a -> b'),
          node('Gemm', 'a w -> c', { transB: 1 }),
          node('Gemm', 'b w -> d', { transB: 1 }),
          node('Gemm', 'd w -> e', { transB: 1 }),
        ],
        outputs: ['c', 'd', 'e'],
        weights: { w: int8(values(6, 6)) },
      }),
      activations: new Map([
        ['x', { scale: 0.02, zeroPoint: 3 }],
        ['a', { scale: 0.03, zeroPoint: -7 }],
        ['b', { scale: 0.2, zeroPoint: 100 }],
        ['d', { scale: 0.05, zeroPoint: 0 }],
      ]),
    }
    const x = new Random(10).floats(18)
    /** One layer by the oracle, its input first seen as codes. */
    const layer = (input: Float32Array, name: string): Float32Array => {
      const data = fakeQuantized(input, model.activations!.get(name)!)
      const single = { ...model, nodes: [node('Gemm', 'x w -> y', { transB: 1 })] }
      return Float32Array.from(runOnnx(single, { x: { shape: [3, 6], data } }).get('y')!.data)
    }
    const a = layer(x, 'x')
    const d = layer(a, 'b')
    using session = loadModel(model, { runtime })
    const outputs = session.run({ x })
    expectNear(outputs.c!.data, layer(a, 'a'), 1e-5)
    expectNear(outputs.d!.data, d, 1e-5)
    expectNear(outputs.e!.data, layer(d, 'd'), 1e-5)
  })

  it('refuses NaN and infinities where they become codes, names the node, and goes on', () => {
    const { model } = cases['Gemm, int8']!
    for (const activations of [undefined, new Map([['x', range]])]) {
      using session = loadModel(activations === undefined ? model : { ...model, activations }, { runtime })
      const x = new Random(9).floats(120)
      const before = session.run({ x }).y!.data
      for (const bad of [NaN, Infinity, -Infinity]) {
        const broken = x.with(17, bad)
        expect(() => session.run({ x: broken })).toThrow(/^node "Gemm.y": .*finite/)
      }
      expectSame(session.run({ x }).y!.data, before)
    }
  })
})

const lenet = readOnnx(readFileSync('examples/models/lenet-5.onnx'))
const images = digits('t10k', 200)

/** The model with int8 weights, and the range of every activation over some training images. */
function quantizedLenet(): Model {
  const weights = new Map(
    [...lenet.weights].map(([name, weight]): [string, Weight] => {
      const isMatrix = weight.kind === 'dense' && weight.shape.length > 1
      return [name, isMatrix ? int8(weight as Tensor<'float32'>) : weight]
    }),
  )
  const names = lenet.nodes.map(({ outputs }) => outputs[0]!)
  using session = loadModel(lenet, { outputs: names })
  const { inputs } = digits('train', 50)
  const seen = { input: floats(inputs, [50, 1, 28, 28]), ...session.run({ input: inputs }) }
  const activations = new Map(
    Object.entries(seen).map(([name, { data }]): [string, ActivationRange] => {
      const values = Array.from(data as Float32Array)
      const low = values.reduce((least, v) => Math.min(least, v), 0)
      const high = values.reduce((greatest, v) => Math.max(greatest, v), 0)
      const scale = Math.fround((high - low) / 255)
      return [name, { scale, zeroPoint: Math.round(-128 - low / scale) }]
    }),
  )
  return { ...lenet, weights, activations }
}

const int8Lenet = quantizedLenet()

describeTargets('LeNet-5 in int8', (runtime) => {
  const model = int8Lenet
  const input = images.inputs.subarray(0, 4 * 784)

  it('holds codes between int8 layers, with the bits of the detour over float32', () => {
    using session = loadModel(model, { runtime })
    const { logits } = session.run({ input })
    // The image becomes codes, and those of the last pool are turned for the matrix product; nothing else is converted.
    const report = session.describe()
    expect(report.conversions).toBe(2)
    expect(report.nodes.map(({ kernels }) => kernels.join(' '))).toEqual([
      'f32_qs8_quantize qs8_qs8_qc8w_gemm',
      'qs8_maxpool',
      'qs8_qs8_qc8w_gemm',
      'qs8_maxpool',
      'x8_transpose',
      'qs8_qs8_qc8w_gemm',
      'qs8_f32_qc8w_gemm',
    ])
    using float = loadModel(lenet, { runtime })
    expect(report.weightBytes).toBeLessThan(float.describe().weightBytes * 0.28)
    expect(report.activationBytes).toBeLessThan(float.describe().activationBytes * 0.4)

    // Every value asked for is a float32 one, so that each layer has to quantize its input anew.
    const names = model.nodes.map(({ outputs }) => outputs[0]!)
    using detour = loadModel(model, { runtime, outputs: names })
    expectSame(detour.run({ input }).logits!.data, logits!.data)
  })
})

describe('LeNet-5 compressed, against the original', () => {
  const model = int8Lenet
  using original = loadModel(lenet)
  const { accuracy } = evaluate(original, images)

  it.each([
    ['static', model],
    ['dynamic', { ...model, activations: new Map() }],
  ] as const)('int8, %s', (_, compressed) => {
    using reference = loadModel(lenet)
    using session = loadModel(compressed)
    const { agreement, cosine } = compare(reference, session, images)
    expect(agreement).toBeGreaterThanOrEqual(0.99)
    expect(cosine).toBeGreaterThan(0.999)
    expect(evaluate(session, images).accuracy).toBeGreaterThanOrEqual(accuracy - 0.01)
  })

  it('gives the same bits from the artifact', () => {
    const f1 = model.weights.get('f1.weight')!
    const mixed: Model = {
      ...model,
      weights: new Map([
        ...model.weights,
        ['c2.weight', shared(lenet.weights.get('c2.weight') as Tensor<'float32'>)],
        ['f1.weight', pruned(lenet.weights.get('f1.weight') as Tensor<'float32'>)],
      ]),
    }
    expect(f1.kind).toBe('quantized')
    using direct = loadModel(mixed)
    using stored = loadModel(writeArtifact(mixed).bytes)
    expect(stored.describe()).toEqual(direct.describe())
    expect(stored.describe().nodes.map(({ stored }) => stored)).toEqual([
      ...['int8', 'none', 'sparse', 'none', 'none', 'sparse', 'int8'],
    ])
    const input = images.inputs.subarray(0, 784)
    expectSame(stored.run({ input }).logits!.data, direct.run({ input }).logits!.data)
  })
})
