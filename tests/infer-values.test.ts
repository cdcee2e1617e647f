import { expect, it } from 'vitest'
import { UnsupportedOpError } from '../bindings/errors.js'
import { elementCount, ELEMENT_ARRAYS, type ElementType, type Tensor } from '../bindings/formats/tensor.js'
import type { GraphNode } from '../bindings/graph/model.js'
import { prepare } from '../bindings/graph/prepare.js'
import { inferShapes } from '../bindings/graph/shapes.js'
import type { InputValue } from '../bindings/infer/inputs.js'
import { loadModel } from '../bindings/infer/load.js'
import { floats, ints, makeModel, node } from './support/models.js'
import { describeTargets } from './support/targets.js'

const TYPES = Object.keys(ELEMENT_ARRAYS).filter((dtype) => dtype !== 'float16') as ElementType[]

/** A tensor of any type from numbers. */
function values(dtype: ElementType, numbers: readonly number[], shape = [numbers.length]): Tensor {
  const data = new ELEMENT_ARRAYS[dtype](numbers.length) as unknown as (number | bigint)[]
  numbers.forEach((x, i) => (data[i] = dtype.endsWith('int64') ? BigInt(x) : x))
  return { kind: 'dense', dtype, shape, data: data as unknown as Float32Array }
}

const list = ({ data }: Tensor) => Array.from(data as ArrayLike<number | bigint>, Number)

describeTargets('values of any type', (runtime) => {
  /** Runs nodes over inputs whose shapes are left open. */
  function run(
    nodes: readonly GraphNode[],
    inputs: Readonly<Record<string, Tensor>>,
    weights: Readonly<Record<string, Tensor>> = {},
  ): Record<string, Tensor> {
    const model = makeModel({
      inputs: Object.fromEntries(
        Object.entries(inputs).map(([name, { dtype, shape }]) => [
          name,
          { dtype, shape: shape.map(() => null) },
        ]),
      ),
      nodes,
      outputs: nodes.at(-1)!.outputs,
      weights,
    })
    using session = loadModel(model, { runtime })
    const first = session.run<ElementType>(inputs)
    // A plan is used again, over the leavings of the first run.
    expect(session.run<ElementType>(inputs)).toEqual(first)
    return first
  }

  for (const dtype of TYPES) {
    it(`${dtype} goes in, moves and comes out`, () => {
      const x = values(dtype, [0, 1, 1, 0, 1, 0], [2, 3])
      const { y } = run(
        [node('Transpose', 'x -> t'), node('Concat', 't t -> c', { axis: 1 }), node('Identity', 'c -> y')],
        { x },
      )
      expect(y).toEqual(values(dtype, [0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 0], [3, 4]))
    })

    it(`${dtype} casts to every type and back`, () => {
      const x = values(dtype, [0, 1, 1])
      for (const [code, type] of [
        [1, 'float32'],
        [11, 'float64'],
        [2, 'uint8'],
        [3, 'int8'],
        [4, 'uint16'],
        [5, 'int16'],
        [6, 'int32'],
        [7, 'int64'],
        [9, 'bool'],
        [12, 'uint32'],
        [13, 'uint64'],
      ] as const) {
        expect(run([node('Cast', 'x -> y', { to: code })], { x }).y).toEqual(values(type, [0, 1, 1]))
      }
    })
  }

  const ARITHMETIC: readonly [string, ElementType, number[], number[], number[]][] = [
    ['Add', 'int8', [100, -100], [100, -100], [-56, 56]],
    ['Add', 'uint64', [1, 2], [3, 4], [4, 6]],
    ['Mul', 'int32', [65537, 3], [65537, -4], [131073, -12]],
    ['Div', 'int64', [7, -7], [2, 2], [3, -3]],
    ['Div', 'int16', [7, -7], [2, 2], [3, -3]],
    ['Div', 'float64', [1, -1], [4, 0], [0.25, -Infinity]],
    ['Mod', 'int32', [7, -7, 7, -7], [3, 3, -3, -3], [1, 2, -2, -1]],
    ['Mod', 'float32', [5.5, -5.5], [2, 2], [1.5, 0.5]],
    ['Pow', 'int64', [2, -3], [10, 3], [1024, -27]],
    ['Max', 'float32', [1, NaN, 3], [2, 1, NaN], [2, NaN, NaN]],
    ['Min', 'int64', [1, 5], [2, 4], [1, 4]],
    ['BitwiseXor', 'uint32', [0xffffffff], [1], [0xfffffffe]],
  ]
  for (const [op, dtype, a, b, expected] of ARITHMETIC) {
    it(`${op} of ${dtype}`, () => {
      const { y } = run([node(op, 'a b -> y')], { a: values(dtype, a), b: values(dtype, b) })
      expect(y).toEqual(values(dtype, expected))
    })
  }

  // Expected values are worked out by hand from the operators' pages on onnx.ai.
  const X = floats([1, 2, 3, 4, 5, 6], [2, 3])
  const bits = (...values: number[]) => values
  const OPERATORS: readonly [string, GraphNode, Tensor[], Tensor[]][] = [
    [
      'Pad constant, cutting off',
      node('Pad', 'a b c -> y'),
      [X, ints([1, -1, 0, 2]), floats([9], [])],
      [floats([9, 9, 9, 9, 2, 3, 9, 9, 5, 6, 9, 9], [3, 4])],
    ],
    [
      'Pad reflect',
      node('Pad', 'a b -> y', { mode: 'reflect' }),
      [X, ints([0, 2, 1, 1])],
      [floats([3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5, 3, 2, 1, 2, 3, 2], [3, 6])],
    ],
    [
      'Pad edge',
      node('Pad', 'a b _ c -> y', { mode: 'edge' }),
      [X, ints([1, 1]), ints([-1])],
      [floats([1, 1, 2, 3, 3, 4, 4, 5, 6, 6], [2, 5])],
    ],
    [
      'Pad wrap',
      node('Pad', 'a b _ c -> y', { mode: 'wrap' }),
      [X, ints([1, 2]), ints([1])],
      [floats([3, 1, 2, 3, 1, 2, 6, 4, 5, 6, 4, 5], [2, 6])],
    ],
    [
      'Slice backwards',
      node('Slice', 'a b c d e -> y'),
      [X, ints([-1, 2]), ints([-9, 0]), ints([0, 1]), ints([-1, -1])],
      [floats([6, 5, 3, 2], [2, 2])],
    ],
    [
      'Slice in steps',
      node('Slice', 'a b c d e -> y'),
      [X, ints([0]), ints([99]), ints([1]), ints([2])],
      [floats([1, 3, 4, 6], [2, 2])],
    ],
    [
      'Gather columns',
      node('Gather', 'a b -> y', { axis: 1 }),
      [X, ints([2, -3])],
      [floats([3, 1, 6, 4], [2, 2])],
    ],
    [
      'GatherElements',
      node('GatherElements', 'a b -> y', { axis: 1 }),
      [X, ints([2, 0, -2, 1], [2, 2])],
      [floats([3, 1, 5, 5], [2, 2])],
    ],
    ['GatherND', node('GatherND', 'a b -> y'), [X, ints([1, 0, 0, -1], [2, 2])], [floats([4, 3])]],
    [
      'GatherND in batches',
      node('GatherND', 'a b -> y', { batch_dims: 1 }),
      [X, ints([2, 0], [2, 1])],
      [floats([3, 4])],
    ],
    [
      'ScatterElements',
      node('ScatterElements', 'a b c -> y', { axis: 1 }),
      [X, ints([-1, 0], [2, 1]), floats([8, 9], [2, 1])],
      [floats([1, 2, 8, 9, 5, 6], [2, 3])],
    ],
    [
      'ScatterElements adding',
      node('ScatterElements', 'a b c -> y', { reduction: 'add' }),
      [X, ints([0, 0], [2, 1]), floats([8, 9], [2, 1])],
      [floats([18, 2, 3, 4, 5, 6], [2, 3])],
    ],
    [
      'ScatterND',
      node('ScatterND', 'a b c -> y'),
      [X, ints([1], [1, 1]), floats([7, 8, 9], [1, 3])],
      [floats([1, 2, 3, 7, 8, 9], [2, 3])],
    ],
    [
      'ScatterND maximum',
      node('ScatterND', 'a b c -> y', { reduction: 'max' }),
      [X, ints([0, 1, 0, 1], [2, 2]), floats([1, 7])],
      [floats([1, 7, 3, 4, 5, 6], [2, 3])],
    ],
    [
      'ScatterND minimum',
      node('ScatterND', 'a b c -> y', { reduction: 'min' }),
      [X, ints([0, 1, 0, 1], [2, 2]), floats([1, 7])],
      [floats([1, 1, 3, 4, 5, 6], [2, 3])],
    ],
    [
      'ScatterND product',
      node('ScatterND', 'a b c -> y', { reduction: 'mul' }),
      [X, ints([1, 1], [1, 2]), floats([3])],
      [floats([1, 2, 3, 4, 15, 6], [2, 3])],
    ],
    [
      'Split',
      node('Split', 'a b -> y z', { axis: 1 }),
      [X, ints([1, 2])],
      [floats([1, 4], [2, 1]), floats([2, 3, 5, 6], [2, 2])],
    ],
    [
      'Split, the last one smaller',
      node('Split', 'a -> y z', { axis: -1 }),
      [X],
      [floats([1, 2, 4, 5], [2, 2]), floats([3, 6], [2, 1])],
    ],
    [
      'Expand',
      node('Expand', 'a b -> y'),
      [floats([1, 2], [2, 1]), ints([2, 1, 3])],
      [floats([1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2], [2, 2, 3])],
    ],
    [
      'Tile',
      node('Tile', 'a b -> y'),
      [floats([1, 2, 3, 4], [2, 2]), ints([2, 2])],
      [floats([1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4], [4, 4])],
    ],
    [
      'Range down',
      node('Range', 'a b c -> y'),
      [ints([5], []), ints([0], []), ints([-2], [])],
      [ints([5, 3, 1])],
    ],
    [
      'TopK',
      node('TopK', 'a b -> y z'),
      [floats([1, 7, NaN, 7], [1, 4]), ints([3])],
      [floats([NaN, 7, 7], [1, 3]), ints([2, 1, 3], [1, 3])],
    ],
    [
      'TopK of the smallest',
      node('TopK', 'a b -> y z', { axis: 0, largest: 0 }),
      [floats([3, 1, 2, 0], [2, 2]), ints([1])],
      [floats([2, 0], [1, 2]), ints([1, 1], [1, 2])],
    ],
    ['CumSum', node('CumSum', 'a b -> y'), [X, ints([1], [])], [floats([1, 3, 6, 4, 9, 15], [2, 3])]],
    [
      'CumSum before each, backwards',
      node('CumSum', 'a b -> y', { exclusive: 1, reverse: 1 }),
      [X, ints([-1], [])],
      [floats([5, 3, 0, 11, 6, 0], [2, 3])],
    ],
    [
      'ReverseSequence',
      node('ReverseSequence', 'a b -> y', { batch_axis: 0, time_axis: 1 }),
      [X, ints([2, 3])],
      [floats([2, 1, 3, 6, 5, 4], [2, 3])],
    ],
    [
      'OneHot',
      node('OneHot', 'a b c -> y', { axis: 0 }),
      [ints([1, -1, 9]), ints([3]), floats([0, 5])],
      [floats([0, 0, 0, 5, 0, 0, 0, 5, 0], [3, 3])],
    ],
    [
      'Compress',
      node('Compress', 'a b -> y', { axis: 1 }),
      [X, values('bool', bits(1, 0, 1))],
      [floats([1, 3, 4, 6], [2, 2])],
    ],
    ['Compress flat', node('Compress', 'a b -> y'), [X, values('bool', bits(0, 1, 0, 1))], [floats([2, 4])]],
    ['NonZero', node('NonZero', 'a -> y'), [floats([0, 2, 3, 0], [2, 2])], [ints([0, 1, 1, 0], [2, 2])]],
    [
      'Unique',
      node('Unique', 'a -> y i v c'),
      [floats([3, 1, 3, 2])],
      [floats([1, 2, 3]), ints([1, 3, 0]), ints([2, 0, 2, 1]), ints([1, 1, 2])],
    ],
    [
      'Unique rows, in their order',
      node('Unique', 'a -> y i v c', { axis: 0, sorted: 0 }),
      [floats([2, 1, 0, 0, 2, 1], [3, 2])],
      [floats([2, 1, 0, 0], [2, 2]), ints([0, 1]), ints([0, 1, 0]), ints([2, 1])],
    ],
    [
      'Unique columns',
      node('Unique', 'a -> y', { axis: 1 }),
      [floats([2, 1, 2, 4, 3, 4], [2, 3])],
      [floats([1, 2, 3, 4], [2, 2])],
    ],
    [
      'Trilu',
      node('Trilu', 'a b -> y', { upper: 0 }),
      [X, ints([1], [])],
      [floats([1, 2, 0, 4, 5, 6], [2, 3])],
    ],
    ['EyeLike', node('EyeLike', 'a -> y', { k: 1, dtype: 7 }), [X], [ints([0, 1, 0, 0, 0, 1], [2, 3])]],
    [
      'DepthToSpace',
      node('DepthToSpace', 'a -> y', { blocksize: 2 }),
      [floats([0, 1, 2, 3, 4, 5, 6, 7], [1, 8, 1, 1])],
      [floats([0, 2, 4, 6, 1, 3, 5, 7], [1, 2, 2, 2])],
    ],
    [
      'DepthToSpace CRD',
      node('DepthToSpace', 'a -> y', { blocksize: 2, mode: 'CRD' }),
      [floats([0, 1, 2, 3, 4, 5, 6, 7], [1, 8, 1, 1])],
      [floats([0, 1, 2, 3, 4, 5, 6, 7], [1, 2, 2, 2])],
    ],
    [
      'SpaceToDepth',
      node('SpaceToDepth', 'a -> y', { blocksize: 2 }),
      [floats([0, 2, 4, 6, 1, 3, 5, 7], [1, 2, 2, 2])],
      [floats([0, 1, 2, 3, 4, 5, 6, 7], [1, 8, 1, 1])],
    ],
    ['Det', node('Det', 'a -> y'), [floats([0, 2, 3, 4, 1, 2, 3, 4], [2, 2, 2])], [floats([-6, -2])]],
    [
      'Einsum trace',
      node('Einsum', 'a -> y', { equation: 'ii' }),
      [floats([1, 2, 3, 4], [2, 2])],
      [floats([5], [])],
    ],
    [
      'Einsum with an ellipsis',
      node('Einsum', 'a b -> y', { equation: '...ij, jk -> ...ik' }),
      [floats([1, 2, 3, 4], [2, 1, 2]), floats([1, 10], [2, 1])],
      [floats([21, 43], [2, 1, 1])],
    ],
    [
      'Einsum of three',
      node('Einsum', 'a b c -> y', { equation: 'i,j,ij->' }),
      [floats([1, 2]), floats([3, 4]), floats([1, 0, 0, 1], [2, 2])],
      [floats([11], [])],
    ],
    [
      'IsInf',
      node('IsInf', 'a -> y', { detect_negative: 0 }),
      [floats([Infinity, -Infinity, NaN])],
      [values('bool', bits(1, 0, 0))],
    ],
    ['IsNaN', node('IsNaN', 'a -> y'), [floats([Infinity, NaN, 0])], [values('bool', bits(0, 1, 0))]],
    [
      'BitShift',
      node('BitShift', 'a b -> y', { direction: 'LEFT' }),
      [values('uint8', bits(3, 1, 1)), values('uint8', bits(7, 0, 40))],
      [values('uint8', bits(128, 1, 0))],
    ],
    ['CastLike', node('CastLike', 'a b -> y'), [floats([1.9, -1.9]), ints([0])], [ints([1, -1])]],
    ['Sign', node('Sign', 'a -> y'), [floats([-3, 0, 2])], [floats([-1, 0, 1])]],
    ['Mean', node('Mean', 'a b -> y'), [floats([1, 2]), floats([5], [1])], [floats([3, 3.5])]],
    [
      'Dropout with its mask',
      node('Dropout', 'a -> y m'),
      [floats([1, 2])],
      [floats([1, 2]), values('bool', bits(1, 1))],
    ],
  ]
  for (const [title, operation, operands, expected] of OPERATORS) {
    it(`${title}, of values and of constants`, () => {
      const names = operation.inputs.filter((name) => name !== '')
      const inputs = Object.fromEntries(names.map((name, i) => [name, operands[i]!]))
      const outputs = Object.fromEntries(operation.outputs.map((name, i) => [name, expected[i]!]))
      expect(run([operation], inputs)).toEqual(outputs)
      // The first one alone is an input; all of them are constants, which folding computes.
      const { a, ...constants } = inputs
      expect(run([operation], { a: a! }, constants)).toEqual(outputs)
      const model = makeModel({ inputs: {}, nodes: [operation], outputs: operation.outputs, weights: inputs })
      const types = inferShapes(model, {})
      expect(Object.fromEntries(operation.outputs.map((name) => [name, types.get(name)?.value]))).toEqual(
        outputs,
      )
    })
  }

  const MOVES: readonly [GraphNode, Record<string, Tensor>][] = [
    [
      node('Slice', 'x a b c d -> y'),
      { a: ints([9, 1, 0]), b: ints([0, 2, 9]), c: ints([1, 2, 3]), d: ints([-3, 1, 2]) },
    ],
    [node('Split', 'x a -> y z', { axis: 1 }), { a: ints([3, 5]) }],
    [node('Split', 'x -> y z', { axis: 3 }), {}],
    [node('Pad', 'x a b -> y'), { a: ints([0, 1, -1, 2, 0, 0, 1, -1]), b: floats([5], []) }],
    [node('Expand', 'x a -> y'), { a: ints([2, 2, 1, 1, 1]) }],
    [node('Tile', 'x a -> y'), { a: ints([1, 2, 1, 3]) }],
    [node('DepthToSpace', 'x -> y', { blocksize: 2 }), {}],
    [node('DepthToSpace', 'x -> y', { blocksize: 2, mode: 'CRD' }), {}],
    [node('SpaceToDepth', 'x -> y', { blocksize: 2 }), {}],
    [node('Concat', 'x x -> y', { axis: 1 }), {}],
  ]
  for (const [operation, weights] of MOVES) {
    it(`${operation.op} ${JSON.stringify(operation.attributes)} of an image with its channels last`, () => {
      const x = floats(
        Array.from({ length: 64 }, (_, i) => i),
        [1, 8, 2, 4],
      )
      const image = node('MaxPool', 'p -> x', { kernel_shape: [1, 1] })
      const expected = run([operation], { x }, weights)
      expect(run([image, operation], { p: x }, weights)).toEqual(expected)
      // Other sizes of elements move in other units.
      for (const dtype of ['float64', 'int8', 'uint16'] as const) {
        const given = values(dtype, list(x), [1, 8, 2, 4])
        const others = Object.entries(weights).map(([name, w]) => [
          name,
          w.dtype === 'float32' ? values(dtype, list(w), []) : w,
        ])
        const moved = run([operation], { x: given }, Object.fromEntries(others) as Record<string, Tensor>)
        for (const [name, wanted] of Object.entries(expected)) {
          expect(moved[name]).toEqual(values(dtype, list(wanted), [...wanted.shape]))
        }
      }
    })
  }

  it('compares, chooses and counts', () => {
    const inputs = { a: ints([1, 5, 3]), b: ints([4, 4, 3]) }
    expect(list(run([node('LessOrEqual', 'a b -> y')], inputs).y!)).toEqual([1, 0, 1])
    const nodes = [node('Greater', 'a b -> g'), node('Where', 'g a b -> w'), node('ArgMax', 'w -> y')]
    expect(run(nodes, inputs).y).toEqual(ints([1]))
    expect(run([node('Size', 'a -> y')], inputs).y).toEqual(ints([3], []))
  })

  it('looks up rows of a table by tokens', () => {
    const table = floats([0, 1, 10, 11, 20, 21], [3, 2])
    const { y } = run([node('Gather', 'table ids -> y')], { ids: ints([2, 0, -1], [1, 3]) }, { table })
    expect(y).toEqual(floats([20, 21, 0, 1, 20, 21], [1, 3, 2]))
  })

  it('casts what no type holds to what comes nearest', () => {
    const x = floats([NaN, Infinity, -Infinity, 300, -1.9])
    expect(list(run([node('Cast', 'x -> y', { to: 2 })], { x }).y!)).toEqual([0, 255, 0, 255, 0])
    expect(run([node('Cast', 'x -> y', { to: 7 })], { x }).y!.data).toEqual(
      BigInt64Array.of(0n, 2n ** 63n - 1n, -(2n ** 63n), 300n, -1n),
    )
  })

  it('takes bare values of the input type, and safe integers for 64-bit ones', () => {
    const model = makeModel({
      inputs: { x: { dtype: 'int64', shape: ['N'] } },
      nodes: [node('Neg', 'x -> y')],
      outputs: ['y'],
    })
    using session = loadModel(model, { runtime })
    for (const x of [BigInt64Array.of(1n, -2n), [1, -2], Int32Array.of(1, -2)]) {
      expect(session.run<'int64'>({ x }).y!.data).toEqual(BigInt64Array.of(-1n, 2n))
    }
    const out = { y: new BigInt64Array(2) }
    expect(session.run<'int64'>({ x: [3, 4] }, { out }).y!.data).toBe(out.y)
    const wrong =
      (x: unknown, options = {}) =>
      () =>
        session.run({ x: x as InputValue }, options)
    expect(wrong([1.5])).toThrow('"inputs.x" expected BigInt64Array, got array of 1')
    expect(wrong(Float32Array.of(1))).toThrow('"inputs.x" expected BigInt64Array')
    expect(wrong(floats([1]))).toThrow('expected a int64 tensor, got float32')
    expect(wrong([1], { out: { y: new Float32Array(1) } })).toThrow('"out.y" expected BigInt64Array(1)')
    expect(session.describe({ x: [4] }).nodes[0]).toMatchObject({ kernels: ['evaluate'], shape: [4] })
  })

  it('names what a run cannot compute, and goes on', () => {
    const model = makeModel({
      inputs: { a: { dtype: 'int32', shape: [2] }, b: { dtype: 'int32', shape: [2] } },
      nodes: [node('Div', 'a b -> y')],
      outputs: ['y'],
    })
    using session = loadModel(model, { runtime })
    const a = Int32Array.of(7, 8)
    expect(() => session.run({ a, b: Int32Array.of(0, 1) })).toThrow(
      'Div "Div.y" has no result for these values',
    )
    expect(session.run<'int32'>({ a, b: Int32Array.of(2, -3) }).y!.data).toEqual(Int32Array.of(3, -2))
    const doubled = makeModel({
      inputs: { x: { dtype: 'float64', shape: [2] } },
      nodes: [node('Relu', 'x -> y')],
      outputs: ['y'],
    })
    using other = loadModel(doubled, { runtime })
    expect(() => other.run({ x: new Float64Array(2) })).toThrow(UnsupportedOpError)
    expect(() => other.run({ x: new Float64Array(2) })).toThrow('Relu of float64 (Relu.y)')
  })

  it('refuses indices that are out of range, and goes on', () => {
    const model = makeModel({
      inputs: { i: { dtype: 'int64', shape: [1] } },
      nodes: [node('Gather', 'table i -> y')],
      outputs: ['y'],
      weights: { table: floats([1, 2, 3]) },
    })
    using session = loadModel(model, { runtime })
    for (const i of [3, -4, 2 ** 40]) {
      expect(() => session.run({ i: [i] })).toThrow(`axis ${i} does not exist in 3 dimensions`)
    }
    expect(list(session.run({ i: [-3] }).y!)).toEqual([1])
  })

  const PRODUCTS: readonly [equation: string, a: number[], b: number[], nodes: string][] = [
    ['ij,jk->ik', [2, 3], [3, 4], 'MatMul'],
    ['bhid,bhjd->bhij', [2, 2, 3, 4], [2, 2, 5, 4], 'Transpose MatMul'],
    ['bqhd,bkhd->bhqk', [2, 3, 2, 4], [2, 5, 2, 4], 'Transpose Transpose MatMul'],
    ['blD,Df->blf', [2, 3, 4], [4, 5], 'MatMul'],
    ['df,bld->blf', [4, 5], [2, 3, 4], 'MatMul'],
    ['ij,kj->ki', [2, 3], [4, 3], 'Transpose MatMul'],
    ['ij,ij->i', [2, 3], [2, 3], 'Einsum'],
    ['ij,kl->ijkl', [2, 3], [2, 2], 'Einsum'],
    ['ii,ij->j', [3, 3], [3, 2], 'Einsum'],
  ]
  for (const [equation, a, b, ops] of PRODUCTS) {
    it(`Einsum ${equation} as a product of matrices`, () => {
      const small = (shape: number[], step: number) =>
        floats(
          Array.from({ length: elementCount(shape) }, (_, i) => ((i * step) % 7) - 3),
          shape,
        )
      const inputs = { a: small(a, 3), b: small(b, 5) }
      const model = makeModel({
        inputs: { a, b },
        nodes: [node('Einsum', 'a b -> y', { equation })],
        outputs: ['y'],
      })
      const prepared = prepare(model)
      const found = prepared.nodes.map(({ op }) => op).join(' ')
      expect(found.startsWith(ops)).toBe(true)
      using session = loadModel(prepared, { runtime })
      // Integers this small add up exactly in any order.
      expect(session.run(inputs)).toEqual(run(model.nodes, inputs))
    })
  }

  it('refuses places out of range and shapes that do not fit, and goes on', () => {
    const bad: [GraphNode, Record<string, Tensor>, string][] = [
      [
        node('ScatterND', 'a b c -> y'),
        { a: X, b: ints([2], [1, 1]), c: floats([1, 2, 3], [1, 3]) },
        'axis 2 does not exist',
      ],
      [
        node('ScatterND', 'a b c -> y'),
        { a: X, b: ints([0], [1, 1]), c: floats([1, 2], [1, 2]) },
        'updates expected [1, 3]',
      ],
      [node('GatherND', 'a b -> y'), { a: X, b: ints([0, 0, 0], [1, 3]) }, 'do not fit'],
      [node('GatherND', 'a b -> y'), { a: X, b: ints([0, 2 ** 40], [1, 2]) }, 'does not exist'],
      [node('GatherElements', 'a b -> y'), { a: X, b: ints([0, 0, 0, 0], [1, 4]) }, 'do not fit'],
      [
        node('ScatterElements', 'a b c -> y'),
        { a: X, b: ints([-3], [1, 1]), c: floats([1], [1, 1]) },
        'axis -3',
      ],
      [node('TopK', 'a b -> y z'), { a: X, b: ints([4]) }, 'K 4 does not fit'],
      [node('Einsum', 'a b -> y', { equation: 'ij,jk' }), { a: X, b: X }, 'j of "ij,jk" is 3 and 2'],
      [node('Einsum', 'a -> y', { equation: 'ij->k' }), { a: X }, 'does not fit'],
      [node('Range', 'a b c -> y'), { a: ints([0], []), b: ints([5], []), c: ints([0], []) }, 'no length'],
      [node('CumSum', 'a b -> y'), { a: X, b: ints([2], []) }, 'axis 2 does not exist'],
      [node('Tile', 'a b -> y'), { a: X, b: ints([2 ** 30, 2 ** 30]) }, 'expected'],
      [node('OneHot', 'a b c -> y'), { a: ints([1]), b: ints([-1]), c: floats([0, 1]) }, 'got -1'],
      [node('Pad', 'a b -> y'), { a: X, b: ints([2 ** 40, 0, 0, 0]) }, 'expected'],
      [node('Pad', 'a b -> y', { mode: 'edge' }), { a: floats([], [0]), b: ints([1, 1]) }, 'do not fit'],
    ]
    for (const [operation, inputs, message] of bad) {
      const go = () => run([operation], inputs)
      expect(go).toThrow(message)
      expect(go).toThrow(RangeError)
    }
  })

  it('makes no more than memory allows', () => {
    const model = makeModel({
      inputs: { x: { dtype: 'int64', shape: ['N'] } },
      nodes: [node('Expand', 'x shape -> y')],
      outputs: ['y'],
      weights: { shape: ints([2 ** 20, 2 ** 10]) },
    })
    using session = loadModel(model, { runtime })
    expect(() => session.run({ x: new Array<number>(2 ** 10).fill(1) })).toThrow('needs 8589')
  })
})
