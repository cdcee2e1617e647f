import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FormatError, UnsupportedOpError } from '../bindings/errors.js'
import { elementCount, type Tensor } from '../bindings/formats/tensor.js'
import { checkModel } from '../bindings/graph/check.js'
import { countMacs } from '../bindings/graph/cost.js'
import type { GraphNode, Model } from '../bindings/graph/model.js'
import { upgrade } from '../bindings/graph/passes/upgrade.js'
import { prepare } from '../bindings/graph/prepare.js'
import { inferShapes } from '../bindings/graph/shapes.js'
import { consumers, producers } from '../bindings/graph/uses.js'
import { readOnnx } from '../bindings/io/onnx/index.js'
import { type OracleTensor, runOnnx } from './oracles/onnx.js'
import { floats, type GraphParts, ints, makeModel, node } from './support/models.js'
import { Random } from './support/random.js'

const random = new Random(5)
const weight = (...shape: number[]) => floats(random.floats(shape.reduce((a, b) => a * b, 1)), shape)
const positive = (length: number) => floats(random.floats(length).map((x) => 0.5 + Math.abs(x)))
const input = (...shape: number[]): OracleTensor => ({ shape, data: weight(...shape).data })

const ops = (model: Model) => model.nodes.map(({ op }) => op).join(' ')

/** Checks that two models give the same outputs, to float32 rounding of their weights. */
function expectSame(actual: Model, expected: Model, inputs: Record<string, OracleTensor>): void {
  checkModel(actual)
  const [got, wanted] = [runOnnx(actual, inputs), runOnnx(expected, inputs)]
  for (const { name } of expected.outputs) {
    const [a, b] = [got.get(name)!, wanted.get(name)!]
    expect(a.shape).toEqual(b.shape)
    const scale = Math.max(...b.data.map(Math.abs), 1)
    expect(Math.max(...a.data.map((x, i) => Math.abs(x - b.data[i]!)))).toBeLessThan(scale * 1e-5)
  }
}

/** Prepares a model, checks that it computes the same, and that preparing it again changes nothing. */
function prepared(parts: GraphParts, inputs: Record<string, OracleTensor>, keep: string[] = []): Model {
  const model = makeModel(parts)
  const before = JSON.stringify(model, plain)
  const result = prepare(model, keep)
  expectSame(result, model, inputs)
  expect(prepare(result, keep)).toEqual(result)
  expect(JSON.stringify(model, plain), 'passes do not change their argument').toBe(before)
  return result
}

const plain = (_: string, value: unknown) =>
  value instanceof Map ? [...value] : typeof value === 'bigint' ? String(value) : value

const normalization = (channels: number) => ({
  s: positive(channels),
  b: weight(channels),
  m: weight(channels),
  v: positive(channels),
})

describe('prepare folds BatchNormalization', () => {
  const x = { x: ['N', 4, 6, 6] } as const

  it.each([true, false])('into Conv, bias %s', (withBias) => {
    const nodes = [
      node('Conv', withBias ? 'x w c -> h' : 'x w -> h', { group: 2, pads: [1, 1, 1, 1] }, 'conv'),
      node('BatchNormalization', 'h s b m v -> y', { epsilon: 0.01 }),
    ]
    const weights = { w: weight(6, 2, 3, 3), ...(withBias ? { c: weight(6) } : {}), ...normalization(6) }
    const model = prepared({ inputs: x, nodes, outputs: ['y'], weights }, { x: input(2, 4, 6, 6) })
    expect(ops(model)).toBe('Conv')
    expect([...model.weights.keys()].sort()).toEqual([withBias ? 'c' : 'conv.bias', 'w'])
  })

  it.each([0, 1])('into Gemm, transB %i', (transB) => {
    const nodes = [
      node('Gemm', 'x w c -> h', { transB, alpha: 0.5, beta: 2 }),
      node('BatchNormalization', 'h s b m v -> y'),
    ]
    const weights = { w: transB ? weight(5, 4) : weight(4, 5), c: weight(1, 5), ...normalization(5) }
    const model = prepared({ inputs: { x: ['N', 4] }, nodes, outputs: ['y'], weights }, { x: input(3, 4) })
    expect(ops(model)).toBe('Gemm')
  })

  it('rounds once, from float64', () => {
    const weights = {
      w: floats([0.1], [1, 1, 1]),
      s: floats([0.3]),
      b: floats([0.7]),
      m: floats([0.2]),
      v: floats([0.9]),
    }
    const nodes = [node('Conv', 'x w -> h', {}, 'conv'), node('BatchNormalization', 'h s b m v -> y')]
    const model = prepare(makeModel({ inputs: { x: [1, 1, 3] }, nodes, outputs: ['y'], weights }))
    const [w, s, b, m, v] = [0.1, 0.3, 0.7, 0.2, 0.9].map(Math.fround) as [
      number,
      number,
      number,
      number,
      number,
    ]
    const factor = s / Math.sqrt(v + Math.fround(1e-5))
    expect((model.weights.get('w') as Tensor).data[0]).toBe(Math.fround(w * factor))
    expect((model.weights.get('conv.bias') as Tensor).data[0]).toBe(Math.fround(b - m * factor))
  })

  it('leaves a shared weight to its other reader', () => {
    const nodes = [
      node('Conv', 'x w -> h'),
      node('BatchNormalization', 'h s b m v -> p'),
      node('Conv', 'x w -> q'),
      node('Add', 'p q -> y'),
    ]
    const weights = { w: weight(4, 4, 1, 1), ...normalization(4) }
    const model = prepared({ inputs: x, nodes, outputs: ['y'], weights }, { x: input(1, 4, 6, 6) })
    expect(ops(model)).toBe('Conv Conv Add')
    expect(model.weights.get('w')).toEqual(weights.w)
  })

  const alone: [string, GraphParts['nodes'], string[]][] = [
    ['first', [node('BatchNormalization', 'x s b m v -> y')], []],
    ['after another operator', [node('Sigmoid', 'x -> h'), node('BatchNormalization', 'h s b m v -> y')], []],
    [
      'of a value that is kept',
      [node('Conv', 'x w -> h'), node('BatchNormalization', 'h s b m v -> y')],
      ['h'],
    ],
    [
      'of a value that is read twice',
      [node('Conv', 'x w -> h'), node('BatchNormalization', 'h s b m v -> z'), node('Add', 'z h -> y')],
      [],
    ],
  ]
  it.each(alone)('to a product and a sum when it comes %s', (_, nodes, keep) => {
    const weights = { w: weight(4, 4, 1, 1), ...normalization(4) }
    const model = prepared({ inputs: x, nodes, outputs: ['y'], weights }, { x: input(2, 4, 6, 6) }, keep)
    expect(ops(model)).toContain('Mul Add')
    expect(ops(model)).not.toContain('BatchNormalization')
    for (const name of keep) expect(producers(model).has(name)).toBe(true)
  })

  it('not in training mode, nor with computed parameters', () => {
    const nodes = [
      node('Conv', 'x w -> h'),
      node('Relu', 'b -> r'),
      node('BatchNormalization', 'h s r2 m v -> y'),
    ]
    const inputs = { ...x, r2: [4] }
    const weights = { w: weight(4, 4, 1, 1), ...normalization(4) }
    const model = prepared({ inputs, nodes, outputs: ['y'], weights }, { x: input(1, 4, 6, 6), r2: input(4) })
    expect(ops(model)).toBe('Conv BatchNormalization')
  })
})

describe('prepare takes in a bias', () => {
  it.each([
    ['m b -> y', [5]],
    ['b m -> y', [1, 5]],
  ])('MatMul and Add %s of %j become Gemm', (wires, shape) => {
    const nodes = [node('Flatten', 'x -> f'), node('MatMul', 'f w -> m', {}, 'dense'), node('Add', wires)]
    const weights = { w: weight(12, 5), b: weight(...shape) }
    const model = prepared(
      { inputs: { x: ['N', 3, 4] }, nodes, outputs: ['y'], weights },
      { x: input(2, 3, 4) },
    )
    expect(ops(model)).toBe('Flatten Gemm')
    expect(model.nodes[1]!.name).toBe('dense')
  })

  it('Conv and Add become Conv', () => {
    const nodes = [node('Conv', 'x w -> h', {}, 'conv'), node('Add', 'h b -> y')]
    const weights = { w: weight(3, 2, 2, 2), b: weight(3, 1, 1) }
    const model = prepared(
      { inputs: { x: [1, 2, 4, 4] }, nodes, outputs: ['y'], weights },
      { x: input(1, 2, 4, 4) },
    )
    expect(ops(model)).toBe('Conv')
    expect(model.weights.get('conv.bias')!.shape).toEqual([3])
  })

  const never: [string, GraphParts][] = [
    ['a stack of weights', { inputs: { x: [2, 3, 4] }, nodes: [node('MatMul', 'x w -> m'), node('Add', 'm b -> y')], weights: { w: weight(2, 4, 5), b: weight(5) }, outputs: ['y'] }],
    ['a column', { inputs: { x: [5, 4] }, nodes: [node('MatMul', 'x w -> m'), node('Add', 'm b -> y')], weights: { w: weight(4, 5), b: weight(5, 1) }, outputs: ['y'] }],
    ['a row of a Conv', { inputs: { x: [1, 2, 4, 3] }, nodes: [node('Conv', 'x w -> m'), node('Add', 'm b -> y')], weights: { w: weight(3, 2, 1, 1), b: weight(3) }, outputs: ['y'] }],
    ['a second bias', { inputs: { x: [3, 4] }, nodes: [node('Gemm', 'x w c -> m'), node('Add', 'm b -> y')], weights: { w: weight(4, 5), c: weight(5), b: weight(5) }, outputs: ['y'] }],
  ] // prettier-ignore
  it.each(never)('but not %s', (_, parts) => {
    const { shape } = makeModel(parts).inputs[0]!
    expect(ops(prepared(parts, { x: input(...(shape as number[])) }))).toContain(' Add')
  })
})

describe('prepare fuses clamping', () => {
  const conv = node('Conv', 'x w -> h', {}, 'conv')
  const parts = (nodes: GraphParts['nodes'], weights = {}): GraphParts => ({
    inputs: { x: ['N', 2, 4, 4] },
    nodes: [conv, ...nodes],
    outputs: ['y'],
    weights: { w: weight(3, 2, 3, 3), ...weights },
  })
  const x = { x: input(2, 2, 4, 4) }
  const low = floats([-0.5], [])
  const high = floats([0.75], [])

  it.each([
    ['Relu', [node('Relu', 'h -> y')], { 'mcompress.min': 0 }],
    ['Clip', [node('Clip', 'h low high -> y')], { 'mcompress.min': -0.5, 'mcompress.max': 0.75 }],
    ['Clip from above', [node('Clip', 'h _ high -> y')], { 'mcompress.max': 0.75 }],
    ['Clip without bounds', [node('Clip', 'h -> y')], {}],
    [
      'Relu, then Clip',
      [node('Relu', 'h -> r'), node('Clip', 'r low high -> y')],
      { 'mcompress.min': 0, 'mcompress.max': 0.75 },
    ],
    [
      'Clip from above, then from below of that',
      [node('Clip', 'h _ low -> r'), node('Clip', 'r high -> y')],
      { 'mcompress.min': 0.75, 'mcompress.max': 0.75 },
    ],
  ])('%s', (_, nodes, attributes) => {
    const model = prepared(parts(nodes, { low, high }), x)
    expect(ops(model)).toBe('Conv')
    expect(model.nodes[0]!.attributes).toEqual(attributes)
    expect(model.nodes[0]!.name).toBe('conv')
  })

  it.each([
    ['of a value that is kept', [node('Relu', 'h -> y')], ['h']],
    ['of a value that is read twice', [node('Relu', 'h -> r'), node('Add', 'r h -> y')], []],
    ['between bounds that cross', [node('Clip', 'h high low -> y')], []],
    ['to a bound that is computed', [node('GlobalMaxPool', 'x -> p'), node('ReduceMax', 'p -> q', { keepdims: 0 }), node('Clip', 'h q -> y')], []],
    ['of an operator that does not clamp', [node('Sigmoid', 'h -> s'), node('Relu', 's -> y')], []],
  ])('but not %s', (_, nodes, keep) => {
    const model = prepared(parts(nodes, { low, high }), x, keep)
    expect(model.nodes.every(({ attributes }) => !('mcompress.min' in attributes))).toBe(true)
  }) // prettier-ignore

  it('after which no bias and no BatchNormalization is taken in', () => {
    const nodes = [
      node('Relu', 'h -> r'),
      node('Add', 'r c -> a'),
      node('BatchNormalization', 'a s b m v -> y'),
    ]
    expect(ops(prepared(parts(nodes, { c: weight(3, 1, 1), ...normalization(3) }), x))).toBe(
      'Conv Add Mul Add',
    )
    const direct = [node('Relu', 'h -> r'), node('BatchNormalization', 'r s b m v -> y')]
    expect(ops(prepared(parts(direct, normalization(3)), x))).toBe('Conv Mul Add')
  })

  it('but nothing that a branch reads', () => {
    const branch = makeModel({ inputs: {}, nodes: [], outputs: ['h'] })
    const model = prepare(
      makeModel({
        ...parts([
          node('Relu', 'h -> r'),
          node('If', 'c -> y', { then_branch: branch, else_branch: branch }),
        ]),
        inputs: { x: [1, 2, 4, 4], c: { dtype: 'bool', shape: [] } },
        outputs: ['y', 'r'],
      }),
    )
    expect(ops(model)).toBe('Conv Relu If')
  })
})

describe('prepare folds and removes', () => {
  it('what is computed from weights', () => {
    const nodes = [
      node('Transpose', 'w -> wt'),
      node('Mul', 'wt two -> w2'),
      node('MatMul', 'x w2 -> y'),
      node('Shape', 'x -> unused'),
    ]
    const weights = { w: weight(5, 4), two: floats([2], []), dead: weight(100) }
    const model = prepared({ inputs: { x: ['N', 4] }, nodes, outputs: ['y'], weights }, { x: input(3, 4) })
    expect(ops(model)).toBe('MatMul')
    expect([...model.weights.keys()]).toEqual(['w2'])
  })

  it('shapes that the model fixes, but not those that it leaves open', () => {
    const nodes = [node('Shape', 'x -> s'), node('Reshape', 'z s -> y')]
    const build = (first: number | string): GraphParts => ({
      inputs: { x: [first, 4], z: [4, first] },
      nodes,
      outputs: ['y'],
    })
    const inputs = { x: input(3, 4), z: input(4, 3) }
    expect(ops(prepared(build(3), inputs))).toBe('Reshape')
    expect(ops(prepared(build('N'), inputs))).toBe('Shape Reshape')
  })

  it('no constant that would be larger than its source', () => {
    const nodes = [node('Expand', 'c s -> e'), node('Add', 'x e -> y')]
    const build = (size: number): GraphParts => ({
      inputs: { x: [size] },
      nodes,
      outputs: ['y'],
      weights: { c: floats([3]), s: ints([size]) },
    })
    expect(ops(prepared(build(1024), { x: input(1024) }))).toBe('Add')
    expect(ops(prepared(build(1025), { x: input(1025) }))).toBe('Expand Add')
  })

  it('what hands on its input', () => {
    const nodes = [
      node('Identity', 'x -> a'),
      node('Dropout', 'a -> b'),
      node('Cast', 'b -> c', { to: 1 }),
      node('Cast', 'c -> d', { to: 7 }),
      node('Cast', 'd -> e', { to: 1 }),
      node('Relu', 'e -> f'),
      node('Identity', 'f -> y'),
    ]
    const model = prepared({ inputs: { x: ['N', 4] }, nodes, outputs: ['y'] }, { x: input(3, 4) })
    expect(ops(model)).toBe('Cast Cast Relu')
    expect(model.nodes[0]!.inputs).toEqual(['x'])
  })

  it('but not a Dropout whose mask is read', () => {
    const nodes = [node('Dropout', 'x -> y m'), node('Cast', 'm -> z', { to: 1 })]
    expect(ops(prepared({ inputs: { x: [3] }, nodes, outputs: ['y', 'z'] }, { x: input(3) }))).toBe(
      'Dropout Cast',
    )
  })

  it('keeps what is asked for, and only that', () => {
    const nodes = [node('Relu', 'x -> a'), node('Sigmoid', 'a -> b'), node('Tanh', 'x -> y')]
    const parts: GraphParts = { inputs: { x: [3] }, nodes, outputs: ['y'] }
    expect(ops(prepare(makeModel(parts)))).toBe('Tanh')
    expect(ops(prepare(makeModel(parts), ['a']))).toBe('Relu Tanh')
  })

  it('keeps operators that it does not know', () => {
    const nodes = [node('Mystery', 'w -> m'), node('Add', 'x m -> y')]
    const model = prepare(makeModel({ inputs: { x: [3] }, nodes, outputs: ['y'], weights: { w: weight(3) } }))
    expect(ops(model)).toBe('Mystery Add')
  })

  it.each([
    ['lenet-300-100', 'Flatten Gemm Gemm Gemm'],
    ['lenet-5', 'Conv MaxPool Conv MaxPool Flatten Gemm Gemm'],
    [
      'resnet8-fashion',
      'Conv Conv Conv Add Relu Conv Conv Conv Add Relu Conv Conv Conv Add Relu GlobalAveragePool Flatten Gemm',
    ],
  ])('%s, which goes on to compute the same', (name, expected) => {
    const model = readOnnx(readFileSync(`examples/models/${name}.onnx`), { optimize: false })
    const result = prepare(model)
    const image = { shape: [1, 1, 28, 28], data: Float32Array.from({ length: 784 }, () => random.next()) }
    expectSame(result, model, { input: image })
    expect(ops(result)).toBe(expected)
    expect(new Set(result.weights.keys())).toEqual(new Set(model.weights.keys()))
  })
})

describe('upgrade', () => {
  const x = { x: input(2, 3, 4) }
  const cases: [string, number, GraphParts['nodes'], string?][] = [
    ['Clip', 10, [node('Clip', 'x -> y', { min: -0.5, max: 0.25 })]],
    ['Clip from below', 7, [node('Clip', 'x -> y', { min: -0.5 })]],
    ['Dropout', 11, [node('Dropout', 'x -> y', { ratio: 0.9 })]],
    ['Softmax of the default axis', 12, [node('Softmax', 'x -> y')], 'Flatten Softmax Shape Reshape'],
    ['Softmax of all', 9, [node('Softmax', 'x -> y', { axis: 0 })], 'Flatten Softmax Shape Reshape'],
    ['Softmax of the last axis', 11, [node('Softmax', 'x -> y', { axis: -1 })], 'Softmax'],
    ['Softmax of the last axis by its number', 9, [node('Softmax', 'x -> y', { axis: 2 })], 'Softmax'],
    ['Softmax of a matrix', 9, [node('Flatten', 'x -> f'), node('Softmax', 'f -> y')], 'Flatten Softmax'],
    ['LogSoftmax', 12, [node('LogSoftmax', 'x -> y', { axis: 1 })], 'Flatten LogSoftmax Shape Reshape'],
    ['Slice', 9, [node('Slice', 'x -> y', { starts: [1, -3], ends: [9, -1], axes: [1, 2] })]],
    ['Slice of the first axes', 7, [node('Slice', 'x -> y', { starts: [0, 1], ends: [1, 3] })]],
    ['Unsqueeze', 12, [node('Unsqueeze', 'x -> y', { axes: [0, 3] })]],
    ['Squeeze', 11, [node('Unsqueeze', 'x -> u', { axes: [0] }), node('Squeeze', 'u -> y', { axes: [0] })]],
    ['Squeeze of all', 11, [node('Unsqueeze', 'x -> u', { axes: [0] }), node('Squeeze', 'u -> y')]],
    ['Split', 12, [node('Split', 'x -> y z', { axis: 2, split: [1, 3] })]],
    ['Pad', 10, [node('Pad', 'x -> y', { pads: [0, 1, 0, 0, 0, 2], value: 3 })]],
    ['ReduceMean', 17, [node('ReduceMean', 'x -> y', { axes: [1], keepdims: 0 })]],
    ['ReduceSum', 12, [node('ReduceSum', 'x -> y', { axes: [-1] })]],
    ['ReduceMean of all', 17, [node('ReduceMean', 'x -> y', { keepdims: 0 })]],
  ]
  it.each(cases)('%s from opset %i', (_, opset, nodes, expected) => {
    const model = makeModel({ inputs: { x: ['N', 3, 4] }, nodes, outputs: ['y'], opset })
    const result = upgrade(model)
    expect(result.opset).toBe(21)
    if (expected !== undefined) expect(ops(result)).toBe(expected)
    expectSame(result, model, x)
    // The new form is what shape inference knows.
    const [name] = nodes.at(-1)!.outputs as [string]
    const shapes = inferShapes(result, { x: [2, 3, 4] })
    expect(shapes.get(name)!.shape).toEqual(runOnnx(model, x).get(name)!.shape)
    expect(upgrade(result)).toEqual(result)
  })

  it('places the second operands of opset 6 at their axis', () => {
    const old = (op: string, attributes: GraphNode['attributes'], own: number[]) =>
      makeModel({
        inputs: { x: [2, 3, 4, 5] },
        nodes: [node('Relu', 'x -> r'), node(op, 'r b -> y', attributes)],
        outputs: ['y'],
        weights: { b: floats(new Float32Array(elementCount(own)), own) },
        opset: 6,
      })
    const operand = (...args: Parameters<typeof old>) => {
      const model = upgrade(old(...args))
      const types = inferShapes(model, {})
      expect(types.get('y')!.shape).toEqual([2, 3, 4, 5])
      return types.get(model.nodes.at(-1)!.inputs[1]!)!.shape
    }
    expect(operand('Add', { broadcast: 1, axis: 1 }, [3])).toEqual([3, 1, 1])
    expect(operand('Mul', { broadcast: 1, axis: 1 }, [3, 4])).toEqual([3, 4, 1])
    expect(operand('Sub', { broadcast: 1, axis: -1 }, [5])).toEqual([5])
    expect(operand('Div', { broadcast: 1 }, [4, 5])).toEqual([4, 5])
    expect(operand('PRelu', {}, [3])).toEqual([3, 1, 1])
    const unknown = {
      ...old('Add', { broadcast: 1, axis: 1 }, [3]),
      inputs: [{ name: 'x', dtype: 'float32', shape: undefined }],
    } as const
    expect(() => upgrade(unknown)).toThrow('Add of unknown rank')
  })

  it('refuses the normalization per element that opset 9 removed, and training', () => {
    const norm = (attributes: Record<string, number>, outputs = 'y') =>
      makeModel({
        inputs: { x: [1, 4, 2] },
        nodes: [node('BatchNormalization', `x s b m v -> ${outputs}`, attributes)],
        outputs: ['y'],
        weights: normalization(4),
        opset: 8,
      })
    expect(() => upgrade(norm({ spatial: 0 }))).toThrow(UnsupportedOpError)
    expect(upgrade(norm({ spatial: 1 })).nodes[0]!.attributes).toEqual({})
    expect(() => inferShapes(upgrade(norm({}, 'y p q')), {})).toThrow('BatchNormalization in training mode')
  })
})

describe('checkModel', () => {
  const good: GraphParts = {
    inputs: { x: [1, 4] },
    nodes: [node('Gemm', 'x w -> h'), node('Relu', 'h -> y')],
    outputs: ['y'],
    weights: { w: weight(4, 4) },
  }
  const bad: [string, Partial<GraphParts>, string][] = [
    ['an undefined input', { nodes: [node('Relu', 'q -> y')] }, 'Relu "Relu.y" reads "q"'],
    ['a late definition', { nodes: [...good.nodes].reverse() }, 'which is not defined before it'],
    ['a value made twice', { nodes: [...good.nodes, node('Tanh', 'x -> y')] }, 'value "y" is defined twice'],
    [
      'an input that is a weight',
      { weights: { w: weight(4, 4), x: weight(4) } },
      'value "x" is defined twice',
    ],
    ['nodes of one name', { nodes: good.nodes.map((n) => ({ ...n, name: 'n' })) }, 'two nodes are named "n"'],
    [
      'a node without name',
      { nodes: [{ ...node('Relu', 'x -> y'), name: '' }] },
      'a node of Relu has no name',
    ],
    ['a missing output', { outputs: ['z'] }, 'output "z" is not defined'],
    [
      'a short weight',
      { weights: { w: { ...weight(4), shape: [4, 4] } } },
      'weight "w" of [4, 4] holds 4 elements',
    ],
    ['an old operator set', { opset: 5 }, 'operator set expected in 6..24, got 5'],
  ]
  it.each(bad)('refuses %s', (_, change, message) => {
    const run = () => checkModel(makeModel({ ...good, ...change }))
    expect(run).toThrow(FormatError)
    expect(run).toThrow(message)
  })

  it('accepts a sound model, whose uses can be listed', () => {
    const model = makeModel(good)
    checkModel(model)
    expect([...producers(model)].map(([name, { op }]) => `${name} ${op}`)).toEqual(['h Gemm', 'y Relu'])
    expect(
      [...consumers(model)].map(([name, nodes]) => `${name} ${nodes.map(({ op }) => op).join()}`),
    ).toEqual(['x Gemm', 'w Gemm', 'h Relu'])
  })
})

describe('countMacs', () => {
  it('counts LeNet-5 as published', () => {
    const model = readOnnx(readFileSync('examples/models/lenet-5.onnx'))
    const cost = countMacs(model, inferShapes(model, { input: [1, 1, 28, 28] }))
    // 20 24x24 (1 5x5), 50 8x8 (20 5x5), 800 500, 500 10: the 2.293 M of Caffe's LeNet-5, with 431,080 parameters.
    expect(cost.nodes.filter(({ macs }) => macs > 0).map(({ macs }) => macs)).toEqual([288_000, 1_600_000, 400_000, 5_000]) // prettier-ignore
    expect(cost.macs).toBe(2_293_000)
    expect(cost.parameters).toBe(431_080)
    expect(countMacs(model, inferShapes(model, { input: [3, 1, 28, 28] })).macs).toBe(3 * 2_293_000)
  })

  it('counts groups, stacks and steps, and a shared weight once', () => {
    const model = makeModel({
      inputs: { x: [1, 4, 5, 5], s: [2, 3, 4], q: [7, 2, 3] },
      nodes: [
        node('Conv', 'x k -> a', { group: 4 }),
        node('Conv', 'x k -> b', { group: 4 }),
        node('MatMul', 's w -> c'),
        node('LSTM', 'q lw lr -> d', { hidden_size: 5 }),
        node('Reshape', 's t -> e'),
      ],
      outputs: ['a', 'b', 'c', 'd', 'e'],
      weights: {
        k: weight(4, 1, 3, 3),
        w: weight(4, 6),
        lw: weight(1, 20, 3),
        lr: weight(1, 20, 5),
        t: ints([-1]),
      },
    })
    const { nodes } = countMacs(model, inferShapes(model, {}))
    expect(nodes.map(({ macs }) => macs)).toEqual([4 * 9 * 9, 4 * 9 * 9, 2 * 3 * 6 * 4, 7 * 2 * 20 * 8, 0])
    expect(nodes.map(({ parameters }) => parameters)).toEqual([36, 0, 24, 160, 0])
  })
})

describe('prepare moves transposes until they cancel', () => {
  const last = { perm: [0, 2, 3, 1] }
  const first = { perm: [0, 3, 1, 2] }

  it.each<[string, GraphParts['nodes'], Record<string, Tensor>, string]>([
    [
      'past constants that broadcast',
      [node('Mul', 'a k -> b'), node('Add', 's b -> c'), node('Max', 'c m -> z')],
      { k: weight(4), s: weight(), m: weight(5, 6, 1) },
      'Mul Add Max',
    ],
    [
      'past Concat with a constant',
      [node('Concat', 'a k a -> z', { axis: -1 })],
      { k: weight(2, 5, 6, 3) },
      'Concat',
    ],
    [
      'past Softmax and Split',
      [
        node('Softmax', 'a -> b'),
        node('Split', 'b -> c d', { axis: 3, num_outputs: 2 }),
        node('Sub', 'c d -> z'),
      ],
      {},
      'Softmax Split Sub',
    ],
    [
      'past Pad and a reduction that keeps axes',
      [node('Pad', 'a p -> b'), node('ReduceMax', 'b r -> c'), node('Add', 'b c -> z')],
      { p: ints([0, 1, 0, 2, 0, 0, 3, 0]), r: ints([1, -1]) },
      'Pad ReduceMax Add',
    ],
    [
      'past Clip and PRelu',
      [node('Clip', 'a _ h -> b'), node('PRelu', 'b k -> z')],
      { h: weight(), k: weight(1, 1, 4) },
      'Clip PRelu',
    ],
    ['in pairs', [node('Transpose', 'a -> b', first), node('Transpose', 'b -> z', last)], {}, ''],
  ])('%s', (_, nodes, weights, expected) => {
    const parts = {
      inputs: { x: [2, 4, 5, 6] },
      nodes: [node('Transpose', 'x -> a', last), ...nodes, node('Transpose', 'z -> y', first)],
      outputs: ['y'],
      weights,
    } as GraphParts
    const model = prepared(parts, { x: input(2, 4, 5, 6) })
    expect(ops(model).replace(/ ?(Identity|Transpose)$/, '')).toBe(expected)
    expect(ops(model).match(/Transpose/g)?.length ?? 0).toBeLessThanOrEqual(expected === '' ? 1 : 0)
  })

  it('past a reduction that drops axes', () => {
    const parts = {
      inputs: { x: [2, 4, 5, 6] },
      nodes: [
        node('Transpose', 'x -> a', last),
        node('Relu', 'a -> b'),
        node('ReduceSum', 'b r -> c', { keepdims: 0 }),
        node('Transpose', 'c -> y', { perm: [0, 2, 1] }),
      ],
      outputs: ['y'],
      weights: { r: ints([2]) },
    } as GraphParts
    expect(ops(prepared(parts, { x: input(2, 4, 5, 6) }))).toBe('Relu ReduceSum')
  })

  it('not where that leaves as many, and never through what is kept', () => {
    const parts = {
      inputs: { x: [2, 4, 5, 6] },
      nodes: [
        node('Transpose', 'x -> a', last),
        node('Relu', 'a -> b'),
        node('Transpose', 'b -> c', first),
        node('Neg', 'b -> d'),
      ],
      outputs: ['c', 'd'],
      weights: {},
    } as GraphParts
    expect(ops(prepared(parts, { x: input(2, 4, 5, 6) }, ['b']))).toContain('Transpose')
  })
})
