import { expect, it } from 'vitest'
import { elementCount } from '../bindings/formats/tensor.js'
import type { GraphNode, Model } from '../bindings/graph/model.js'
import { RUNNABLE } from '../bindings/graph/runnable.js'
import { prepare } from '../bindings/graph/prepare.js'
import { LAYERS } from '../bindings/infer/layers/index.js'
import { loadModel } from '../bindings/infer/load.js'
import { runOnnx } from './oracles/onnx.js'
import { expectSame } from './support/compare.js'
import { floats, ints, makeModel, node, type GraphParts } from './support/models.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

const random = new Random(11)
const values = (...shape: number[]) => floats(random.floats(elementCount(shape), 0.5), shape)
const positive = (...shape: number[]) =>
  floats(
    random.floats(elementCount(shape)).map((v) => 0.5 + Math.abs(v)),
    shape,
  )
const scalar = (value: number) => floats([value], [])

interface Case extends GraphParts {
  /** Concrete shapes of the inputs. */
  readonly shapes: Readonly<Record<string, readonly number[]>>
  /** Steps that only change layout: a plan must not need more. */
  readonly conversions: number
}

/** A case over one input `x`, whose first dimension is open, with the outputs of the last node. */
function chain(
  nodes: readonly GraphNode[],
  shape: readonly number[],
  weights: GraphParts['weights'] = {},
  conversions = 0,
): Case {
  const declared = shape.map((size, axis) => (axis === 0 ? 'N' : size))
  const { outputs } = nodes.at(-1)!
  return { inputs: { x: declared }, nodes, outputs, weights, shapes: { x: shape }, conversions }
}

/** The same of one node. */
function single(
  node: GraphNode,
  ...rest: Parameters<typeof chain> extends [unknown, ...infer R] ? R : never
): Case {
  return chain([node], ...rest)
}

/** A case over several inputs. */
function several(
  shapes: Readonly<Record<string, readonly number[]>>,
  nodes: readonly GraphNode[],
  outputs: readonly string[] = nodes.at(-1)!.outputs,
  weights: GraphParts['weights'] = {},
): Case {
  const inputs = Object.entries(shapes).map(([name, shape]) => [name, shape.map(() => null)])
  return { inputs: Object.fromEntries(inputs), nodes, outputs, weights, shapes, conversions: 0 }
}

const conv = (attributes: GraphNode['attributes'] = {}) => node('Conv', 'x w b -> y', attributes)
const transposed = (attributes: GraphNode['attributes'] = {}, to = 'y') =>
  node('ConvTranspose', `x w b -> ${to}`, attributes)
const toImage = node('MaxPool', 'x -> i', { kernel_shape: [2, 2] })

const cases: Record<string, Case> = {
  'Gemm transB': single(node('Gemm', 'x w b -> y', { transB: 1 }), [5, 17], {
    w: values(9, 17),
    b: values(9),
  }),
  'Gemm beta, scalar C': single(node('Gemm', 'x w b -> y', { beta: 0.5 }), [3, 8], {
    w: values(8, 5),
    b: values(),
  }),
  'Gemm without C': single(node('Gemm', 'x w -> y'), [1, 33], { w: values(33, 40) }),
  'Gemm of a single row of C': single(node('Gemm', 'x w b -> y'), [3, 4], {
    w: values(4, 6),
    b: values(1, 6),
  }),
  'Gemm with all attributes': single(
    node('Gemm', 'x w b -> y', { transA: 1, transB: 1, alpha: 0.5, beta: 2 }),
    [7, 5],
    {
      w: values(6, 7),
      b: values(5, 1),
    },
  ),
  'Gemm of three inputs, clamped': several({ a: [3, 5], b: [5, 4], c: [3, 4] }, [
    node('Gemm', 'a b c -> p', { beta: 0.25 }),
    node('Relu', 'p -> y'),
  ]),
  'Gemm of computed C and a constant': several(
    { a: [3, 5], c: [4] },
    [node('Exp', 'c -> e'), node('Gemm', 'a w e -> y')],
    undefined,
    {
      w: values(5, 4),
    },
  ),
  'Conv with computed weights': {
    ...several(
      { a: [2, 3, 5, 6], b: [4, 3, 3, 2] },
      [
        node('Tanh', 'a -> t'),
        node('Conv', 't b c -> u', { pads: [1, 0, 1, 1] }),
        node('Add', 't t -> v'),
        node('Relu', 'u -> y'),
      ],
      ['y', 'v'],
      { c: values(4) },
    ),
    conversions: 2,
  },

  'Conv over volumes, strided, dilated, padded': single(
    conv({ pads: [1, 0, 1, 2, 1, 0], strides: [2, 1, 2], dilations: [2, 1, 1] }),
    [2, 3, 6, 4, 5],
    { w: values(4, 3, 3, 2, 2), b: values(4) },
    2,
  ),
  'Conv over volumes in groups, clamped': chain(
    [node('Conv', 'x w -> c', { group: 2, auto_pad: 'SAME_LOWER' }), node('Relu', 'c -> y')],
    [1, 4, 3, 4, 5],
    { w: values(6, 2, 2, 3, 3) },
    2,
  ),
  'ConvTranspose, stride 1': single(
    transposed({ pads: [1, 1, 1, 1] }),
    [2, 3, 5, 4],
    { w: values(3, 6, 3, 3), b: values(6) },
    2,
  ),
  'ConvTranspose that doubles an image': single(
    transposed({ strides: [2, 2] }),
    [1, 4, 5, 6],
    { w: values(4, 3, 2, 2), b: values(3) },
    2,
  ),
  'ConvTranspose with everything': single(
    transposed({ strides: [3, 2], pads: [1, 2, 0, 1], output_padding: [2, 1], dilations: [2, 3] }),
    [2, 3, 4, 5],
    { w: values(3, 2, 3, 4), b: values(2) },
    2,
  ),
  'ConvTranspose with strides wider than the kernel, clamped': chain(
    [transposed({ strides: [3, 2], output_padding: [1, 1] }, 'c'), node('Clip', 'c low _ -> y')],
    [1, 2, 3, 4],
    { w: values(2, 3, 2, 1), b: values(3), low: scalar(-0.1) },
    2,
  ),
  'ConvTranspose that crops more than its kernel': single(
    transposed({ pads: [2, 1, 1, 0] }),
    [1, 2, 6, 5],
    { w: values(2, 3, 1, 1), b: values(3) },
    2,
  ),
  'ConvTranspose, depthwise': single(
    transposed({ group: 4, strides: [2, 2], pads: [1, 1, 1, 1] }),
    [2, 4, 5, 4],
    { w: values(4, 1, 4, 4), b: values(4) },
    2,
  ),
  'ConvTranspose in groups to a given size': single(
    transposed({ group: 2, strides: [2, 3], output_shape: [9, 16] }),
    [1, 4, 5, 6],
    { w: values(4, 3, 3, 2), b: values(6) },
    2,
  ),
  'ConvTranspose of one axis': single(
    transposed({ strides: [4], auto_pad: 'SAME_UPPER' }),
    [2, 3, 7],
    { w: values(3, 5, 6), b: values(5) },
    2,
  ),
  'ConvTranspose of volumes': single(
    transposed({ strides: [1, 2, 2] }),
    [1, 2, 3, 4, 3],
    { w: values(2, 3, 2, 2, 3), b: values(3) },
    2,
  ),
  'MaxPool of volumes': single(
    node('MaxPool', 'x -> y', { kernel_shape: [2, 3, 2], strides: [1, 2, 1], pads: [1, 1, 0, 0, 1, 1] }),
    [2, 3, 4, 5, 4],
    {},
    2,
  ),
  'AveragePool of volumes, padding counted': single(
    node('AveragePool', 'x -> y', {
      kernel_shape: [3, 2, 2],
      strides: [2, 2, 1],
      pads: [1, 0, 1, 1, 1, 0],
      count_include_pad: 1,
      ceil_mode: 1,
    }),
    [1, 5, 5, 4, 4],
    {},
    2,
  ),

  'MatMul with a constant, rank 3': single(node('MatMul', 'x w -> y'), [2, 5, 7], { w: values(7, 6) }),
  'MatMul with a constant vector': single(node('MatMul', 'x w -> y'), [2, 5, 7], { w: values(7) }),
  'MatMul of a constant and an input': single(node('MatMul', 'w x -> y'), [7, 6], { w: values(3, 7) }),
  'MatMul of two inputs, batched and broadcast': several({ a: [2, 3, 4, 5], b: [2, 1, 5, 6] }, [
    node('MatMul', 'a b -> y'),
  ]),
  'MatMul of two vectors': several({ a: [5], b: [5] }, [node('MatMul', 'a b -> y')]),

  'Conv 3x3 padded': single(
    conv({ pads: [1, 1, 1, 1] }),
    [2, 3, 6, 7],
    { w: values(5, 3, 3, 3), b: values(5) },
    2,
  ),
  'Conv strided, uneven pads, dilated': single(
    conv({ pads: [0, 2, 1, 1], strides: [2, 3], dilations: [2, 1] }),
    [2, 1, 9, 8],
    { w: values(4, 1, 3, 2), b: values(4) },
    1,
  ),
  'Conv 1x1 of one pixel': single(conv(), [3, 4, 1, 1], { w: values(6, 4, 1, 1), b: values(6) }),
  'Conv grouped': single(conv({ group: 2 }), [2, 4, 5, 5], { w: values(6, 2, 3, 3), b: values(6) }, 2),
  'Conv depthwise': single(
    conv({ group: 6, pads: [1, 1, 1, 1] }),
    [2, 6, 5, 5],
    { w: values(6, 1, 3, 3), b: values(6) },
    2,
  ),
  'Conv of one axis': single(conv({ pads: [1, 1] }), [2, 3, 9], { w: values(4, 3, 3), b: values(4) }, 2),
  'Conv SAME_UPPER': single(
    conv({ auto_pad: 'SAME_UPPER', strides: [2, 2] }),
    [1, 2, 6, 7],
    { w: values(3, 2, 3, 3), b: values(3) },
    2,
  ),
  'Conv SAME_LOWER': single(
    conv({ auto_pad: 'SAME_LOWER', strides: [2, 1] }),
    [1, 2, 5, 6],
    { w: values(3, 2, 4, 2), b: values(3) },
    2,
  ),

  'MaxPool, ceil and pads': single(
    node('MaxPool', 'x -> y', { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1], ceil_mode: 1 }),
    [2, 3, 7, 6],
    {},
    2,
  ),
  'AveragePool counting pads': single(
    node('AveragePool', 'x -> y', {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      count_include_pad: 1,
    }),
    [2, 3, 7, 6],
    {},
    2,
  ),
  'AveragePool without counting pads': single(
    node('AveragePool', 'x -> y', { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
    [1, 1, 4, 5],
  ),
  'MaxPool of one axis': single(node('MaxPool', 'x -> y', { kernel_shape: [3] }), [2, 3, 9], {}, 2),
  GlobalAveragePool: single(node('GlobalAveragePool', 'x -> y'), [2, 3, 4, 5], {}, 1),
  GlobalMaxPool: single(node('GlobalMaxPool', 'x -> y'), [2, 3, 4, 5], {}, 1),
  'GlobalAveragePool of one axis': single(node('GlobalAveragePool', 'x -> y'), [2, 3, 4], {}, 1),

  Relu: single(node('Relu', 'x -> y'), [3, 7]),
  'Clip with both bounds': single(node('Clip', 'x low high -> y'), [3, 7], {
    low: scalar(-0.25),
    high: scalar(0.5),
  }),
  'Clip with an upper bound': single(node('Clip', 'x _ high -> y'), [3, 7], { high: scalar(0.25) }),
  Sigmoid: single(node('Sigmoid', 'x -> y'), [3, 7]),
  Tanh: single(node('Tanh', 'x -> y'), [3, 7]),
  Exp: single(node('Exp', 'x -> y'), [3, 7]),

  'Add of two inputs': several({ a: [2, 3, 4], b: [2, 3, 4] }, [node('Add', 'a b -> y')]),
  'Add of a value to itself': single(node('Add', 'x x -> y'), [3, 5]),
  'Sub of a row, in the other order': single(node('Sub', 'w x -> y'), [3, 5], { w: values(5) }),
  'Mul by a column': single(node('Mul', 'x w -> y'), [3, 5], { w: values(3, 1) }),
  'Div by a scalar': single(node('Div', 'x w -> y'), [3, 5], { w: positive() }),
  'Div that grows both operands': several({ a: [2, 1, 4], b: [3, 1] }, [
    node('Exp', 'b -> e'),
    node('Div', 'a e -> y'),
  ]),
  'Add to an image: one value a channel': chain(
    [toImage, node('Add', 'i w -> y')],
    [2, 3, 4, 5],
    { w: values(3, 1, 1) },
    2,
  ),
  'Mul of an image: rank 4 constant': chain(
    [toImage, node('Mul', 'i w -> y')],
    [2, 3, 4, 5],
    { w: values(1, 3, 1, 1) },
    2,
  ),
  'Add to an image: one value a pixel': chain(
    [toImage, node('Add', 'w i -> y')],
    [2, 3, 4, 5],
    { w: values(3, 4) },
    2,
  ),
  'Add to an image: a whole image': chain(
    [toImage, node('Add', 'i w -> y')],
    [2, 3, 4, 5],
    { w: values(3, 3, 4) },
    2,
  ),
  'Add to an image: a whole batch': chain(
    [toImage, node('Add', 'i w -> y')],
    [2, 3, 4, 5],
    { w: values(2, 3, 3, 4) },
    3,
  ),

  'BatchNormalization of rank 2': single(node('BatchNormalization', 'x s b m v -> y'), [4, 5], {
    s: values(5),
    b: values(5),
    m: values(5),
    v: positive(5),
  }),
  'BatchNormalization of an image, clamped': chain(
    [toImage, node('BatchNormalization', 'i s b m v -> n'), node('Relu', 'n -> y')],
    [2, 3, 4, 5],
    { s: values(3), b: values(3), m: values(3), v: positive(3) },
    2,
  ),

  'Softmax, last axis': single(node('Softmax', 'x -> y', { axis: -1 }), [3, 4, 7]),
  'Softmax, first axis': single(node('Softmax', 'x -> y', { axis: 0 }), [3, 4, 7]),
  'Softmax, middle axis': single(node('Softmax', 'x -> y', { axis: 1 }), [3, 4, 7]),
  'Softmax of an image, channels': chain(
    [toImage, node('Softmax', 'i -> y', { axis: 1 })],
    [2, 3, 4, 5],
    {},
    2,
  ),
  'Softmax of an image, rows': chain([toImage, node('Softmax', 'i -> y', { axis: 2 })], [2, 3, 4, 5], {}, 2),

  'Flatten of an image': chain([toImage, node('Flatten', 'i -> y')], [2, 3, 4, 5], {}, 2),
  'Flatten of one channel': chain([toImage, node('Flatten', 'i -> y')], [2, 1, 4, 5]),
  'Flatten at axis 2': chain([toImage, node('Flatten', 'i -> y', { axis: 2 })], [2, 3, 4, 5], {}, 2),
  'Reshape, Squeeze, Unsqueeze': chain(
    [node('Reshape', 'x to -> a'), node('Squeeze', 'a axis -> b'), node('Unsqueeze', 'b axis -> y')],
    [2, 3, 4],
    { to: ints([0, 1, -1]), axis: ints([1]) },
  ),
  'Reshape to a shape that is computed': chain(
    [
      node('Shape', 'x -> s'),
      node('Gather', 's zero -> n', { axis: 0 }),
      node('Concat', 'n rest -> to', { axis: 0 }),
      node('Reshape', 'x to -> y'),
    ],
    [5, 2, 3],
    { zero: ints([0]), rest: ints([-1]) },
  ),
  'Mul by a number that follows from the shape': chain(
    [node('Shape', 'x -> s'), node('Cast', 's -> f', { to: 1 }), node('Mul', 'x f -> y')],
    [4, 2],
  ),

  'Transpose of a matrix': single(node('Transpose', 'x -> y'), [5, 7]),
  'Transpose of rank 4': single(node('Transpose', 'x -> y', { perm: [0, 2, 1, 3] }), [2, 3, 4, 5]),
  'Transpose of an image to channels last': chain(
    [toImage, node('Transpose', 'i -> y', { perm: [0, 2, 3, 1] })],
    [2, 3, 4, 5],
    {},
    1,
  ),
  'Transpose of an image, all axes': chain(
    [toImage, node('Transpose', 'i -> y', { perm: [3, 1, 0, 2] })],
    [2, 3, 4, 5],
    {},
    1,
  ),

  'Concat along the first axis': single(node('Concat', 'x w x -> y', { axis: 0 }), [2, 5], {
    w: values(3, 5),
  }),
  'Concat along the last axis': single(node('Concat', 'x w -> y', { axis: -1 }), [2, 3, 5], {
    w: values(2, 3, 2),
  }),
  'Concat of images, channels': chain(
    [toImage, node('Relu', 'i -> r'), node('Concat', 'i r -> y', { axis: 1 })],
    [2, 3, 4, 5],
    {},
    2,
  ),
  'Concat of images, rows': chain(
    [toImage, node('Relu', 'i -> r'), node('Concat', 'r i -> y', { axis: 2 })],
    [2, 3, 4, 5],
    {},
    2,
  ),

  'Identity of an input': single(node('Identity', 'x -> y'), [2, 3]),
  'Dropout at inference': single(node('Dropout', 'x -> y'), [2, 3]),
  'Cast to float': single(node('Cast', 'x -> y', { to: 1 }), [2, 3]),

  'residual block': chain(
    [
      node('Conv', 'x w1 b1 -> c1', { pads: [1, 1, 1, 1] }),
      node('BatchNormalization', 'c1 s b m v -> n1'),
      node('Relu', 'n1 -> r1'),
      node('Conv', 'r1 w2 b1 -> c2', { pads: [1, 1, 1, 1] }),
      node('Add', 'c2 r1 -> a'),
      node('Relu', 'a -> r2'),
      node('GlobalAveragePool', 'r2 -> g'),
      node('Flatten', 'g -> f'),
      node('Gemm', 'f w3 -> y'),
    ],
    [2, 1, 6, 6],
    {
      w1: values(4, 1, 3, 3),
      w2: values(4, 4, 3, 3),
      w3: values(4, 3),
      ...{ b1: values(4), s: values(4), b: values(4), m: values(4), v: positive(4) },
    },
  ),
  'an input that is read last': {
    ...several({ a: [2, 8], b: [2, 8] }, [
      node('MatMul', 'a w -> c'),
      node('MatMul', 'c w -> d'),
      node('MatMul', 'd w -> e'),
      node('Add', 'e b -> y'),
    ]),
    weights: { w: values(8, 8) },
  },
  'a view that outlives the value it looks at': several(
    { x: [2, 6] },
    [node('Exp', 'x -> e'), node('Flatten', 'e -> v', { axis: 0 }), node('Tanh', 'e -> t')],
    ['t', 'v'],
  ),
  'outputs that are turned after others are in place': {
    ...several(
      { x: [2, 3, 4, 5] },
      [toImage, node('Transpose', 'i -> t', { perm: [0, 2, 3, 1] }), node('Relu', 'i -> r')],
      ['t', 'i', 'r'],
    ),
    conversions: 3,
  },
  'several outputs, one of them an input': several(
    { x: [3, 5] },
    [node('Relu', 'x -> r'), node('Add', 'r x -> a'), node('Sigmoid', 'r -> s')],
    ['r', 'a', 's', 'x'],
  ),
}

/** Results of the first target, to which the bits of the others must be equal. */
const reference = new Map<string, Record<string, Float32Array>>()

describeTargets('operators', (runtime) => {
  it('MaxPool tells where the greatest elements are, LpPool the norms of windows', () => {
    const x = floats(new Random(3).floats(40), [1, 2, 4, 5])
    const attributes = { kernel_shape: [2, 3], pads: [1, 0, 0, 1], strides: [2, 1] }
    const parts = { inputs: { x: x.shape }, outputs: ['y', 'i', 'c'] }
    const rows = node('MaxPool', 'x -> y i', attributes)
    const columns = node('MaxPool', 'x -> z c', { ...attributes, storage_order: 1 })
    const model = makeModel({ ...parts, nodes: [rows, columns] })
    const plain = makeModel({ ...parts, nodes: [node('MaxPool', 'x -> y', attributes)], outputs: ['y'] })
    const wanted = runOnnx(plain, { x }).get('y')!
    using session = loadModel(model, { runtime })
    const { y, i, c } = session.run<'float32' | 'int64'>({ x })
    expectSame(y!.data as Float32Array, wanted.data)
    const [byRow, byColumn] = [i!, c!].map(({ data }) => Array.from(data, Number)) as [number[], number[]]
    expectSame(
      byRow.map((at) => x.data[at]!),
      wanted.data,
    )
    const turned = byRow.map((at) => Math.floor(at / 20) * 20 + (at % 5) * 4 + Math.floor((at % 20) / 5))
    expect(byColumn).toEqual(turned)

    const norms = (op: string, given: GraphNode['attributes']) => {
      const norm = makeModel({ inputs: { x: x.shape }, nodes: [node(op, 'x -> y', given)], outputs: ['y'] })
      using pool = loadModel(norm, { runtime })
      return pool.run({ x })['y']!
    }
    const l1 = norms('LpPool', { kernel_shape: [1, 5], p: 1 })
    const l2 = norms('GlobalLpPool', {})
    expect([l1.shape, l2.shape]).toEqual([[1, 2, 4, 1], [1, 2, 1, 1]]) // prettier-ignore
    const part = (from: number, count: number) => Array.from(x.data.subarray(from, from + count))
    l1.data.forEach((v, row) =>
      expect(v).toBeCloseTo(
        part(row * 5, 5).reduce((a, b) => a + Math.abs(b), 0),
        5,
      ),
    )
    l2.data.forEach((v, image) => expect(v).toBeCloseTo(Math.hypot(...part(image * 20, 20)), 5))
    expect(() => norms('LpPool', { kernel_shape: [1, 5], p: 3 })).toThrow(RangeError)
  })

  it.each([
    ['Conv', { strides: [0, 1] }],
    ['Conv', { group: -1 }],
    ['ConvTranspose', { strides: [-1, 1] }],
    ['ConvTranspose', { strides: [2 ** 31, 1] }],
    ['ConvTranspose', { dilations: [2 ** 30, 1] }],
    ['ConvTranspose', { pads: [1e9, 0, 0, 0] }],
    ['ConvTranspose', { output_shape: [2 ** 20, 2 ** 20] }],
    ['ConvTranspose', { output_shape: [-4, 3] }],
    ['ConvTranspose', { output_shape: [3] }],
    ['ConvTranspose', { output_padding: [2 ** 30, 0] }],
    ['ConvTranspose', { group: 0 }],
    ['ConvTranspose', { group: 3 }],
    ['ConvTranspose', { auto_pad: 'SOME' }],
    ['ConvTranspose', { kernel_shape: [2, 2] }],
  ] as const)('%s refuses %o', (op, attributes) => {
    const weights = { w: values(2, 2, 3, 3) }
    const model = makeModel({
      inputs: { x: [1, 2, 4, 4] },
      nodes: [node(op, 'x w -> y', attributes)],
      outputs: ['y'],
      weights,
    })
    const run = () => {
      using session = loadModel(model, { runtime })
      session.run({ x: new Float32Array(32) })
    }
    expect(run).toThrow(RangeError)
  })

  const forms = Object.keys(cases).flatMap((name) => [
    [name, 'as it is', (model: Model) => model] as const,
    [name, 'optimized', (model: Model) => prepare(model)] as const,
  ])
  it.each(forms)('%s, %s', (name, form, change) => {
    const { shapes, conversions, ...parts } = cases[name]!
    const model = makeModel(parts)
    const inputs = Object.fromEntries(
      Object.entries(shapes).map(([input, shape], i) => [
        input,
        floats(new Random(i + 1).floats(elementCount(shape)), shape),
      ]),
    )
    const expected = runOnnx(model, inputs)
    using session = loadModel(change(model), { runtime })
    const outputs = session.run(inputs)
    expect(Object.keys(outputs)).toEqual(session.outputs.map((output) => output.name))
    for (const [output, { shape, data }] of Object.entries(outputs)) {
      const wanted = expected.get(output)!
      expect(shape).toEqual(wanted.shape)
      expect(
        data.every((v, i) => Math.abs(v - wanted.data[i]!) <= 2e-6 * (1 + Math.abs(wanted.data[i]!))),
      ).toBe(true)
    }
    // The plan is used again, over an arena that holds the leavings of the first run.
    const again = session.run(inputs)
    const first =
      reference.get(name + form) ?? Object.fromEntries(Object.entries(outputs).map(([k, t]) => [k, t.data]))
    reference.set(name + form, first)
    for (const output of Object.keys(outputs)) {
      expectSame(outputs[output]!.data, first[output]!)
      expectSame(again[output]!.data, first[output]!)
    }
    expect(session.describe(shapes).conversions).toBeLessThanOrEqual(conversions)
  })
})

it('knows the shapes of exactly the operators that it can run', () => {
  const evaluated = [...RUNNABLE].filter(([, { evaluate }]) => evaluate !== undefined)
  expect([...LAYERS.keys()].filter((op) => !RUNNABLE.has(op))).toEqual([])
  expect(new Set([...LAYERS.keys(), ...evaluated.map(([op]) => op)])).toEqual(new Set(RUNNABLE.keys()))
})
