import { describe, expect, it } from 'vitest'
import { FormatError, UnsupportedOpError } from '../bindings/errors.js'
import { tensor } from '../bindings/formats/tensor.js'
import type { Model } from '../bindings/graph/model.js'
import { loadModel } from '../bindings/infer/index.js'
import { readTfjs } from '../bindings/io/tfjs/index.js'
import { type OracleTensor, runOnnx } from './oracles/onnx.js'
import * as tf from './oracles/tensorflow.js'
import { Random } from './support/random.js'
import { buildGraphModel, buildWeights, type TfModelSpec, type TfWeight } from './support/tfjs-builder.js'

// What tests damage has any form.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Damaged = any

const random = new Random(11)
const floats = (...shape: number[]) => ({ shape, data: random.floats(shape.reduce((a, b) => a * b, 1)) })
const ints = (data: number[], shape = [data.length]): TfWeight => ({ shape, data: Int32Array.from(data) })
const read = (spec: TfModelSpec, optimize = true): Model => {
  const { json, bytes } = buildGraphModel(spec)
  return readTfjs(json, bytes, { optimize })
}
const ops = (model: Model) => model.nodes.map(({ op }) => op).join(' ')

/** The only output of a model, by the ONNX oracle; the same with and without optimizing. */
function run(spec: TfModelSpec, inputs: Record<string, OracleTensor>): OracleTensor {
  const [plain, optimized] = [false, true].map((optimize) => {
    const model = read(spec, optimize)
    return runOnnx(model, inputs).get(model.outputs[0]!.name)!
  })
  expectClose(optimized!, plain!)
  return plain!
}

function expectClose(actual: OracleTensor, expected: OracleTensor): void {
  expect([...actual.shape]).toEqual([...expected.shape])
  const scale = Math.max(1, ...Array.from(expected.data, Math.abs))
  Array.from(expected.data, (value, i) => expect(actual.data[i]! / scale).toBeCloseTo(value / scale, 5))
}

describe('graph models: images', () => {
  const x = floats(2, 7, 6, 3)
  const windows = [
    { strides: [1, 1], same: true },
    { strides: [2, 2], same: true },
    { strides: [2, 3], same: false },
    { strides: [1, 1], dilations: [2, 1], same: true },
  ] as const
  const attributes = ({ strides, dilations = [1, 1], same }: Omit<tf.Window, 'kernel'>) => ({
    strides: [1, ...strides, 1],
    dilations: [1, ...dilations, 1],
    padding: same ? 'SAME' : 'VALID',
    data_format: 'NHWC',
  })

  it.each(windows)('Conv2D and DepthwiseConv2dNative with %o', (window) => {
    const filters = { w: floats(3, 2, 3, 4), d: floats(2, 3, 4, 2) }
    const spec: TfModelSpec = {
      inputs: { x: [-1, 7, 6, 3] },
      weights: filters,
      nodes: [
        ['Conv2D', 'c', 'x w', attributes(window)],
        ['DepthwiseConv2dNative', 'y', 'c d', attributes(window)],
      ],
    }
    const between = tf.conv2d(x, filters.w, window)
    expectClose(run(spec, { x }), tf.depthwiseConv2d(between, filters.d, window))
  })

  it.each(windows.slice(0, 3))('MaxPool and AvgPool with %o', (window) => {
    const pool = { ...attributes(window), ksize: [1, 3, 2, 1] }
    const spec = (op: string): TfModelSpec => ({ inputs: { x: [2, 7, 6, 3] }, nodes: [[op, 'y', 'x', pool]] })
    const at = { ...window, kernel: [3, 2] as const }
    expectClose(run(spec('MaxPool'), { x }), tf.pool2d(x, at, 'max'))
    expectClose(run(spec('AvgPool'), { x }), tf.pool2d(x, at, 'average'))
  })

  it('pads as explicit_paddings say', () => {
    const w = floats(3, 3, 3, 2)
    const same = { strides: [1, 1], same: true } as const
    const explicit = {
      strides: [1, 1, 1, 1],
      padding: 'EXPLICIT',
      explicit_paddings: [0, 0, 1, 1, 1, 1, 0, 0],
    }
    const spec: TfModelSpec = {
      inputs: { x: [2, 7, 6, 3] },
      weights: { w },
      nodes: [['Conv2D', 'y', 'x w', explicit]],
    }
    expectClose(run(spec, { x }), tf.conv2d(x, w, same))
  })

  it('takes bias and activation of fused operators in their order', () => {
    const weights = { w: floats(1, 1, 3, 3), b: floats(3), alpha: floats(1, 1, 3) }
    const base = { strides: [1, 1, 1, 1], padding: 'VALID', num_args: 2 }
    const y = tf.conv2d(x, weights.w, { strides: [1, 1], same: false })
    const biased = Array.from(y.data, (value, i) => value + weights.b.data[i % 3]!)
    const fused = (names: string[], more = {}): TfModelSpec => ({
      inputs: { x: [2, 7, 6, 3] },
      weights,
      nodes: [
        [
          '_FusedConv2D',
          'y',
          `x w b${names.includes('Prelu') ? ' alpha' : ''}`,
          { ...base, ...more, fused_ops: names },
        ],
      ],
    })
    const check = (spec: TfModelSpec, f: (value: number, channel: number) => number) =>
      expectClose(run(spec, { x }), { ...y, data: biased.map((value, i) => f(value, i % 3)) })
    check(fused(['BiasAdd']), (v) => v)
    check(fused(['BiasAdd', 'Relu']), (v) => Math.max(v, 0))
    check(fused(['BiasAdd', 'Relu6']), (v) => Math.min(Math.max(v, 0), 6))
    check(fused(['BiasAdd', 'LeakyRelu'], { leakyrelu_alpha: 0.25 }), (v) => (v < 0 ? v / 4 : v))
    check(fused(['BiasAdd', 'Prelu']), (v, c) => (v < 0 ? v * weights.alpha.data[c]! : v))
  })

  it('folds FusedBatchNormV3 into the convolution before it', () => {
    const variance = { shape: [4], data: Float32Array.of(1, 2, 0.5, 4) }
    const weights = { w: floats(1, 1, 3, 4), scale: floats(4), shift: floats(4), mean: floats(4), variance }
    const spec: TfModelSpec = {
      inputs: { x: [2, 7, 6, 3] },
      weights,
      nodes: [
        ['Conv2D', 'c', 'x w', { strides: [1, 1, 1, 1], padding: 'VALID' }],
        ['FusedBatchNormV3', 'n', 'c scale shift mean variance', { epsilon: 0.001, is_training: false }],
        ['Relu', 'y', 'n'],
      ],
    }
    const c = tf.conv2d(x, weights.w, { strides: [1, 1], same: false })
    const data = Array.from(c.data, (value, i) => {
      const at = (values: TfWeight) => values.data[i % 4]!
      const normal = (value - at(weights.mean)) / Math.sqrt(at(variance) + 0.001)
      return Math.max(normal * at(weights.scale) + at(weights.shift), 0)
    })
    expectClose(run(spec, { x }), { ...c, data })
    expect(ops(read(spec))).toBe('Transpose Conv Transpose')
  })

  it('says how a transposed convolution pads', () => {
    const cases = [
      { output: [2, 14, 12, 2], window: { strides: [2, 2], same: true } },
      { output: [2, 13, 12, 2], window: { strides: [2, 2], same: true } },
      { output: [2, 15, 13, 2], window: { strides: [2, 2], same: false } },
    ] as const
    for (const { output, window } of cases) {
      const w = floats(3, 3, 2, 3)
      const model = read({
        inputs: { x: [2, 7, 6, 3] },
        weights: { w, shape: ints([...output]) },
        nodes: [['Conv2DBackpropInput', 'y', 'shape w x', attributes(window)]],
      })
      const node = model.nodes.find(({ op }) => op === 'ConvTranspose')!
      const [top, left, bottom, right] = node.attributes['pads'] as number[]
      const [extraRows, extraColumns] = node.attributes['output_padding'] as number[]
      // ONNX: stride * (input - 1) + output_padding + kernel - pads.
      expect(2 * 6 + extraRows! + 3 - top! - bottom!).toBe(output[1])
      expect(2 * 5 + extraColumns! + 3 - left! - right!).toBe(output[2])
      // The pixel where the kernel's first tap lands for the first input, in the oracle and as pads say it.
      const impulse = { shape: x.shape, data: x.data.map((_, i) => Number(i === 0)) }
      const delta = { shape: [3, 3, 2, 3], data: floats(3, 3, 2, 3).data.map(() => 1) }
      const y = tf.conv2dTranspose(impulse, delta, output, window)
      const rows = Array.from({ length: 3 - top! }, (_, row) => y.data[row * output[2] * 2]!)
      expect(rows).toEqual(rows.map(() => 1))
      expect(y.data[(3 - top!) * output[2] * 2]).toBe(0)
    }
  })

  it('computes with channels first between the first image and the last', () => {
    const weights = {
      w: floats(3, 3, 3, 3),
      k: floats(3),
      pads: ints([0, 0, 1, 0, 0, 2, 0, 1], [4, 2]),
      axes: ints([1, 2]),
    }
    const same = { strides: [1, 1, 1, 1], padding: 'SAME' }
    const spec: TfModelSpec = {
      inputs: { x: [2, 7, 6, 3] },
      weights: { ...weights, axis: ints([-1], []), v: floats(4, 2) },
      nodes: [
        ['Conv2D', 'a', 'x w', same],
        ['BiasAdd', 'b', 'a k'],
        ['Relu6', 'c', 'b'],
        ['Conv2D', 'd', 'c w', same],
        ['AddV2', 'e', 'd c'],
        ['Mul', 'f', 'k e'],
        ['Sigmoid', 'g', 'f'],
        ['Mean', 'h', 'g axes', { keep_dims: true }],
        ['Mul', 'i', 'g h'],
        ['Pad', 'j', 'i pads'],
        ['Max', 'y', 'j axes', { keep_dims: false }],
        ['MatMul', 'z', 'y v'],
      ],
    }
    const model = read(spec)
    expect(ops(model)).toBe('Transpose Conv Conv Add Mul Sigmoid ReduceMean Mul Pad ReduceMax Gemm')
    run(spec, { x })
  })

  it('runs as tf does in a session', () => {
    const weights = { w: floats(3, 3, 3, 4), b: floats(4), d: floats(3, 3, 4, 1), shape: ints([-1, 16]) }
    const spec: TfModelSpec = {
      inputs: { x: [-1, 7, 6, 3] },
      weights,
      nodes: [
        [
          '_FusedConv2D',
          'c',
          'x w b',
          { strides: [1, 2, 2, 1], padding: 'SAME', fused_ops: ['BiasAdd', 'Relu'], num_args: 1 },
        ],
        ['DepthwiseConv2dNative', 'd1', 'c d', { strides: [1, 1, 1, 1], padding: 'SAME' }],
        ['AddV2', 's', 'd1 c'],
        ['MaxPool', 'p', 's', { ksize: [1, 2, 2, 1], strides: [1, 2, 2, 1], padding: 'SAME' }],
        ['Reshape', 'y', 'p shape'],
      ],
    }
    const c = tf.conv2d(x, weights.w, { strides: [2, 2], same: true })
    const relu = Array.from(c.data, (value, i) => Math.max(value + weights.b.data[i % 4]!, 0))
    const d = tf.depthwiseConv2d({ ...c, data: relu }, weights.d, { strides: [1, 1], same: true })
    const sum = { ...c, data: Array.from(d.data, (value, i) => value + relu[i]!) }
    const y = tf.pool2d(sum, { kernel: [2, 2], strides: [2, 2], same: true }, 'max')
    const session = loadModel(read(spec))
    expectClose(session.run({ x: tensor(x.data, x.shape) })['y'] as OracleTensor, {
      shape: [2, 16],
      data: y.data,
    })
    expect(
      session.describe({ x: x.shape }).conversions,
      'only the reshape needs pixels in order',
    ).toBeLessThanOrEqual(1)
    session.dispose()
  })
})

describe('graph models: other operators', () => {
  const a = { shape: [2, 3], data: [-7, -2, 0, 1.5, 2, 9] }
  const one = (nodes: TfModelSpec['nodes'], weights: TfModelSpec['weights'] = {}): TfModelSpec => ({
    inputs: { a: [2, 3] },
    weights,
    nodes,
  })
  const constant = {
    two: { shape: [], data: Float32Array.of(2) },
    i: ints([-7, 7, -7, 7, 0]),
    j: ints([2, -2, -2, 2, 3]),
  }
  const values = (spec: TfModelSpec) => Array.from(run(spec, { a }).data)

  it.each([
    [
      'Rsqrt of squares',
      [
        ['Square', 's', 'a'],
        ['AddV2', 't', 's two'],
        ['Rsqrt', 'y', 't'],
      ],
      a.data.map((v) => 1 / Math.sqrt(v * v + 2)),
    ],
    ['FloorDiv of floats', [['FloorDiv', 'y', 'a two', { T: { type: 'DT_FLOAT' } }]], [-4, -1, 0, 0, 1, 4]],
    ['FloorMod of floats', [['FloorMod', 'y', 'a two', { T: { type: 1 } }]], [1, 0, 0, 1.5, 0, 1]],
    ['SquaredDifference', [['SquaredDifference', 'y', 'a two']], [81, 16, 4, 0.25, 0, 49]],
    ['DivNoNan', [['DivNoNan', 'y', 'two a']], a.data.map((v) => (v === 0 ? 0 : 2 / v))],
    [
      'ClipByValue',
      [
        ['Neg', 'n', 'two'],
        ['ClipByValue', 'y', 'a n two'],
      ],
      [-2, -2, 0, 1.5, 2, 2],
    ],
    ['LeakyRelu', [['LeakyRelu', 'y', 'a']], a.data.map((v) => (v < 0 ? Math.fround(0.2) * v : v))],
    [
      'NonEqual',
      [
        ['Select', 'y', 'p a two'],
        ['Greater', 'p', 'a two'],
      ],
      [2, 2, 2, 2, 2, 9],
    ],
    [
      'Pack and Unpack',
      [
        ['Unpack', 'u', 'a', { num: 3, axis: 1 }],
        ['Pack', 'y', 'u:2 u:1 u', { axis: -1, N: 3 }],
      ],
      [0, -2, -7, 9, 2, 1.5],
    ],
    ['ConcatV2', [['ConcatV2', 'y', 'a a axis', { N: 2 }]], [-7, -2, 0, -7, -2, 0, 1.5, 2, 9, 1.5, 2, 9]],
    [
      'Split',
      [
        ['Split', 's', 'axis a', { num_split: 3 }],
        ['Identity', 'y', 's:1'],
      ],
      [-2, 2],
    ],
    [
      'SplitV',
      [
        ['SplitV', 's', 'a sizes axis', { num_split: 2 }],
        ['Identity', 'y', 's:1'],
      ],
      [-2, 0, 2, 9],
    ],
    ['Transpose', [['Transpose', 'y', 'a perm']], [-7, 1.5, -2, 2, 0, 9]],
    ['Slice to the end', [['Slice', 'y', 'a perm open']], [1.5, 2, 9]],
    ['ReverseV2', [['ReverseV2', 'y', 'a axis1']], [0, -2, -7, 9, 2, 1.5]],
    [
      'MatMul',
      [['MatMul', 'y', 'a a', { transpose_a: false, transpose_b: true }]],
      [53, -14.5, -14.5, 87.25],
    ],
    ['GatherV2', [['GatherV2', 'y', 'a sizes axis', { batch_dims: 0 }]], [-2, 0, 2, 9]],
    [
      'Softmax',
      [
        ['Sub', 'd', 'a a'],
        ['Softmax', 'y', 'd'],
      ],
      [1, 1, 1, 1, 1, 1].map((v) => v / 3),
    ],
  ] as [string, TfModelSpec['nodes'], number[]][])('%s', (_, nodes, expected) => {
    const more = {
      axis: ints([1], []),
      axis1: ints([1]),
      sizes: ints([1, 2]),
      perm: ints([1, 0]),
      open: ints([-1, 3]),
    }
    const actual = values(one(nodes, { ...constant, ...more }))
    expected.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 5))
    expect(actual.length).toBe(expected.length)
  })

  it.each([
    [{ begin: [0, 1], end: [0, 3], strides: [1, 1], begin_mask: 1, end_mask: 1 }, [2, 2], [-2, 0, 2, 9]],
    [
      { begin: [0, -1], end: [0, 0], strides: [1, 1], shrink_axis_mask: 2, begin_mask: 1, end_mask: 1 },
      [2],
      [0, 9],
    ],
    [{ begin: [1], end: [2], strides: [1], shrink_axis_mask: 1 }, [3], [1.5, 2, 9]],
    [{ begin: [0, 0], end: [0, 0], strides: [1, -2], begin_mask: 3, end_mask: 3 }, [2, 2], [0, -7, 9, 1.5]],
    [{ begin: [0, 0], end: [0, 2], strides: [1, 1], ellipsis_mask: 1 }, [2, 2], [-7, -2, 1.5, 2]],
    [
      { begin: [0, 0, 1], end: [0, 0, 3], strides: [1, 1, 1], ellipsis_mask: 1, new_axis_mask: 2 },
      [2, 1, 2],
      [-2, 0, 2, 9],
    ],
    [
      {
        begin: [0, 1, 0],
        end: [0, 2, 0],
        strides: [1, 1, 1],
        new_axis_mask: 1,
        shrink_axis_mask: 2,
        begin_mask: 4,
        end_mask: 4,
      },
      [1, 3],
      [1.5, 2, 9],
    ],
  ])('StridedSlice %o', ({ begin, end, strides, ...masks }, shape, data) => {
    const weights = { begin: ints(begin), end: ints(end), strides: ints(strides) }
    const spec = one([['StridedSlice', 'y', 'a begin end strides', masks]], weights)
    expectClose(run(spec, { a }), { shape, data })
  })

  it('computes shapes as exporters write it, with nothing left of it', () => {
    const spec: TfModelSpec = {
      inputs: { a: [2, 3, 4] },
      weights: { zero: ints([0]), one: ints([1]), rest: ints([-1], []) },
      nodes: [
        ['Shape', 's', 'a'],
        ['StridedSlice', 'n', 's zero one one', { shrink_axis_mask: 1 }],
        ['Pack', 'p', 'n rest', { axis: 0, N: 2 }],
        ['Reshape', 'y', 'a p'],
      ],
    }
    const model = read(spec)
    expect(ops(model)).toBe('Reshape')
    const x = floats(2, 3, 4)
    expectClose(runOnnx(model, { a: x }).get('y')!, { shape: [2, 12], data: x.data })
  })

  it('multiplies batches of computed matrices, one of them transposed', () => {
    const spec: TfModelSpec = {
      inputs: { a: [2, 3, 4] },
      weights: { perm: ints([0, 1, 2]), m: floats(2, 5, 3) },
      nodes: [
        ['Neg', 'n', 'a'],
        ['BatchMatMulV2', 'b', 'n a', { adj_x: false, adj_y: true }],
        ['BatchMatMul', 'y', 'b m', { adj_x: true, adj_y: true }],
      ],
    }
    const x = floats(2, 3, 4)
    const m = spec.weights!['m']!
    const product = (n: number, i: number, j: number) =>
      [0, 1, 2, 3].reduce((sum, k) => sum - x.data[n * 12 + i * 4 + k]! * x.data[n * 12 + j * 4 + k]!, 0)
    const data = Array.from({ length: 30 }, (_, at) => {
      const [n, i, j] = [Math.floor(at / 15), Math.floor((at % 15) / 5), at % 5]
      return [0, 1, 2].reduce((sum, k) => sum + product(n, k, i) * m.data[n * 15 + j * 3 + k]!, 0)
    })
    expectClose(run(spec, { a: x }), { shape: [2, 3, 5], data })
  })
})

describe('graph models: the file', () => {
  const relu: TfModelSpec = {
    inputs: { x: [2] },
    nodes: [
      ['Relu', 'y', 'x'],
      ['Neg', 'z', 'x'],
    ],
  }

  it('takes inputs and outputs from the signature, in its order, else those that nobody reads', () => {
    expect(read(relu).outputs.map(({ name }) => name)).toEqual(['y', 'z'])
    const info = (name: string) => ({ name, dtype: 'DT_FLOAT' })
    const signature = { inputs: { first: info('x:0') }, outputs: { b: info('z:0'), a: info('x') } }
    const model = read({ ...relu, signature })
    expect(model.outputs.map(({ name }) => name)).toEqual(['z', 'x'])
    expect(model.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: [2] }])
    expect(ops(model)).toBe('Neg')
  })

  it('gives text, bytes and an object the same meaning, and weights by path', () => {
    const { json, bytes } = buildGraphModel({
      inputs: { x: [2] },
      nodes: [['AddV2', 'y', 'x w']],
      weights: { w: floats(2) },
    })
    const text = JSON.stringify(json)
    const model = readTfjs(json, bytes)
    expect(readTfjs(text, bytes.buffer as ArrayBuffer)).toEqual(model)
    expect(readTfjs(new TextEncoder().encode(text), { 'weights.bin': bytes })).toEqual(model)
    expect(readTfjs(json, new Map([['weights.bin', bytes]]))).toEqual(model)
    expect(() => readTfjs(json, { other: bytes })).toThrow('"weights" has no "weights.bin"')
    expect(() => readTfjs(json, 7 as never)).toThrow(TypeError)
    expect(() => readTfjs(7 as never, bytes)).toThrow(TypeError)
    expect(() => readTfjs(json, bytes, { optimise: true } as never)).toThrow('"optimise"')
  })

  it('joins shards, also within a weight', () => {
    const weights = {
      a: floats(3),
      b: { shape: [3], data: Uint8Array.of(1, 2, 3), dtype: 'bool' },
      c: floats(2),
    }
    const { weightsManifest, bytes } = buildWeights(weights)
    const json = {
      ...buildGraphModel({ inputs: {}, nodes: [['AddV2', 'y', 'a c']], weights }).json,
      weightsManifest: [{ paths: ['1', '2', '3'], weights: weightsManifest[0]!.weights }],
    }
    const shards = { 1: bytes.slice(0, 5), 2: bytes.slice(5, 18), 3: bytes.slice(18) }
    const { weights: found } = readTfjs(json, shards, { optimize: false })
    expect([found.get('a'), found.get('c')]).toMatchObject([
      { data: weights.a.data },
      { data: weights.c.data },
    ])
  })

  it('expands quantized weights', () => {
    const weights = {
      bytes: {
        shape: [3],
        data: Uint8Array.of(0, 1, 255),
        dtype: 'float32',
        quantization: { dtype: 'uint8', scale: 0.5, min: -2 },
      },
      words: {
        shape: [2],
        data: Uint16Array.of(1, 65535),
        dtype: 'int32',
        quantization: { dtype: 'uint16', scale: 0.25, min: -1 },
      },
      halves: {
        shape: [3],
        data: Uint16Array.of(0x3c00, 0xc000, 0x3555),
        dtype: 'float32',
        quantization: { dtype: 'float16' },
      },
    }
    const names = Object.keys(weights)
    const { weights: found } = read(
      { inputs: {}, nodes: names.map((name) => ['Identity', `${name}_`, name] as const), weights },
      false,
    )
    const data = names.map((name) => Array.from((found.get(name) as { data: Float32Array }).data))
    expect(data).toEqual([
      [-2, -1.5, 125.5],
      [-1, 16383],
      [1, -2, Math.fround(0.333251953125)],
    ])
  })

  it('names all operators that have no counterpart, and variants', () => {
    const weights = { axes: ints([0]) }
    const spec: TfModelSpec = {
      inputs: { x: [2, 2] },
      weights,
      nodes: [
        ['FancyOp', 'a', 'x'],
        ['Enter', 'b', 'a c'],
        ['NextIteration', 'c', 'b'],
        ['FancyOp', 'd', 'c'],
      ],
    }
    const operators = (run: () => unknown) => {
      try {
        run()
      } catch (error) {
        expect(error).toBeInstanceOf(UnsupportedOpError)
        return (error as UnsupportedOpError).operators.map(({ op, nodes }) => [op, [...nodes].sort()])
      }
      return 'nothing thrown'
    }
    expect(operators(() => read(spec))).toEqual(
      expect.arrayContaining([
        ['FancyOp', ['a', 'd']],
        ['Enter', ['b']],
        ['NextIteration', ['c']],
      ]),
    )
    const variants: TfModelSpec = {
      ...spec,
      nodes: [
        ['Sum', 'a', 'x x'],
        ['MirrorPad', 'b', 'a axes', { mode: 'SYMMETRIC' }],
      ],
    }
    expect(operators(() => read(variants))).toEqual([
      ['Sum with computed axes', ['a']],
      ['MirrorPad with mode SYMMETRIC', ['b']],
    ])
  })

  it.each<[string, (json: Damaged, bytes: Uint8Array) => unknown]>([
    ['no topology', (json) => delete json.modelTopology],
    ['nodes that are no list', (json) => (json.modelTopology.node = { length: 3 })],
    ['a node without a name', (json) => delete json.modelTopology.node[0].name],
    ['two nodes of one name', (json) => json.modelTopology.node.push(json.modelTopology.node[0])],
    ['an input that is not there', (json) => (json.modelTopology.node[2].input = ['nowhere'])],
    ['an output that is not there', (json) => (json.modelTopology.node[2].input = ['x:3', 'w'])],
    ['a node that reads itself', (json) => (json.modelTopology.node[2].input = ['y', 'w'])],
    ['a missing operand', (json) => (json.modelTopology.node[2].input = ['x'])],
    ['attributes of the wrong kind', (json) => (json.modelTopology.node[0].attr.shape = [1])],
    ['a dimension below zero', (json) => (json.modelTopology.node[0].attr.shape.shape.dim[0].size = '-5')],
    ['a constant without a weight', (json) => (json.weightsManifest[0].weights[0].name = '__proto__')],
    ['a huge weight', (json) => (json.weightsManifest[0].weights[0].shape = [2 ** 29])],
    ['a weight of a negative size', (json) => (json.weightsManifest[0].weights[0].shape = [-2])],
    ['weights of text', (json) => (json.weightsManifest[0].weights[0].dtype = 'string')],
    [
      'a strange quantization',
      (json) => (json.weightsManifest[0].weights[0].quantization = { dtype: 'float32' }),
    ],
    [
      'the same weight twice',
      (json) => json.weightsManifest[0].weights.push(json.weightsManifest[0].weights[0]),
    ],
    [
      'a signature of something else',
      (json) => (json.signature = { outputs: { y: { name: 'constructor' } } }),
    ],
  ])('refuses %s', (_, damage) => {
    const { json, bytes } = buildGraphModel({
      inputs: { x: [2] },
      nodes: [['AddV2', 'y', 'x w']],
      weights: { w: floats(2) },
    })
    damage(json, bytes)
    expect(() => readTfjs(json, bytes)).toThrow(FormatError)
  })

  it('refuses weights of any other length', () => {
    const { json, bytes } = buildGraphModel({
      inputs: { x: [2] },
      nodes: [['AddV2', 'y', 'x w']],
      weights: { w: floats(2) },
    })
    for (let length = 0; length < 12; length++) {
      if (length === 8) continue
      expect(() => readTfjs(json, new Uint8Array(length)), String(length)).toThrow(FormatError)
    }
    expect(() => readTfjs(json, bytes)).not.toThrow()
  })

  it('takes names of any kind', () => {
    const spec: TfModelSpec = {
      inputs: { __proto__x: [2] },
      nodes: [
        ['Neg', 'constructor', '__proto__x'],
        ['Neg', 'toString', 'constructor'],
        ['Neg', 'a b\n', 'toString'],
      ],
    }
    expect(read(spec).outputs.map(({ name }) => name)).toEqual(['a b\n'])
  })

  it('orders nodes however deep the graph', () => {
    const nodes = Array.from(
      { length: 20_000 },
      (_, i) => ['Neg', `n${i}`, i === 0 ? 'x' : `n${i - 1}`] as const,
    )
    const model = read({ inputs: { x: [2] }, nodes: [...nodes].reverse() }, false)
    expect(model.nodes.length).toBe(20_000)
    const { json, bytes } = buildGraphModel({ inputs: { x: [2] }, nodes: [...nodes, ['Neg', 'n', 'n19999']] })
    ;(json as Damaged).modelTopology.node[1].input = ['n19999']
    expect(() => readTfjs(json, bytes)).toThrow(/depends on itself/)
  })

  it('ends in a model or a typed error whatever bytes change', () => {
    const spec: TfModelSpec = {
      inputs: { x: [1, 4, 4, 2] },
      weights: { w: floats(1, 1, 2, 2), axes: ints([1, 2]) },
      nodes: [
        ['Conv2D', 'c', 'x w', { strides: [1, 1, 1, 1], padding: 'SAME' }],
        ['Mean', 'y', 'c axes', { keep_dims: true }],
      ],
    }
    const { json, bytes } = buildGraphModel(spec)
    const text = JSON.stringify(json)
    const known = [FormatError, UnsupportedOpError, RangeError]
    for (let i = 0; i < 400; i++) {
      const at = random.integer(0, text.length - 1)
      const damaged = text.slice(0, at) + String.fromCharCode(random.integer(32, 126)) + text.slice(at + 1)
      try {
        readTfjs(damaged, bytes)
      } catch (error) {
        expect(
          known.some((kind) => error instanceof kind),
          `${damaged}\n${String(error)}`,
        ).toBe(true)
      }
    }
  })
})
