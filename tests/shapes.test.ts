import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FormatError, UnsupportedOpError } from '../bindings/errors.js'
import type { Tensor } from '../bindings/formats/tensor.js'
import type { Attribute } from '../bindings/graph/model.js'
import { inferShapes, type ValueType } from '../bindings/graph/shapes.js'
import { readOnnx } from '../bindings/io/onnx/index.js'
import { runOnnx } from './oracles/onnx.js'
import { floats, ints, makeModel, node } from './support/models.js'
import { Random } from './support/random.js'

type Operand = readonly number[] | { readonly constant: Tensor } | null

/** Types of the outputs of one node; operands are input shapes, constants, or null where one is left out. */
function infer(
  op: string,
  operands: readonly Operand[],
  attributes: Record<string, Attribute> = {},
  outputs = 1,
): ValueType[] {
  const inputs: Record<string, readonly number[]> = {}
  const weights: Record<string, Tensor> = {}
  const names = operands.map((operand, i) => {
    if (operand === null) return '_'
    if ('constant' in operand) weights[`v${i}`] = operand.constant
    else inputs[`v${i}`] = operand
    return `v${i}`
  })
  const made = Array.from({ length: outputs }, (_, i) => `y${i}`)
  const nodes = [node(op, `${names.join(' ')} -> ${made.join(' ')}`, attributes, 'the node')]
  const types = inferShapes(makeModel({ inputs, nodes, outputs: ['y0'], weights }), {})
  return made.map((name) => types.get(name)!)
}

const list = (...values: number[]): Operand => ({ constant: ints(values) })

/** Operands and attributes in a test's name; constants are shown by their elements. */
function title(op: string, operands: readonly Operand[], attributes: Record<string, Attribute>): string {
  const shown = operands.map((operand) =>
    operand === null ? '-' : 'constant' in operand ? `{${operand.constant.data}}` : `[${operand}]`,
  )
  return `${op} ${shown.join(' ')} ${JSON.stringify(attributes)}`
}

/** What the ONNX operator pages say, worked out by hand (most are the pages' own examples). */
const CASES: [op: string, operands: Operand[], attributes: Record<string, Attribute>, shape: number[]][] = [
  ['Relu', [[2, 3]], {}, [2, 3]],
  ['Clip', [[2, 3], null, { constant: floats([1], []) }], {}, [2, 3]],
  ['Softmax', [[2, 3]], { axis: -2 }, [2, 3]],
  // Broadcasting.md
  ['Add', [[2, 3, 4, 5], []], {}, [2, 3, 4, 5]],
  ['Add', [[2, 3, 4, 5], [5]], {}, [2, 3, 4, 5]],
  [
    'Sub',
    [
      [4, 5],
      [2, 3, 4, 5],
    ],
    {},
    [2, 3, 4, 5],
  ],
  [
    'Mul',
    [
      [1, 4, 5],
      [2, 3, 1, 1],
    ],
    {},
    [2, 3, 4, 5],
  ],
  [
    'Div',
    [
      [3, 4, 5],
      [2, 1, 1, 1],
    ],
    {},
    [2, 3, 4, 5],
  ],
  ['Max', [[3, 1], [1, 2], [1]], {}, [3, 2]],
  ['Where', [[2, 1], [3], [1, 3]], {}, [2, 3]],
  // Gemm-13
  [
    'Gemm',
    [
      [4, 3],
      [5, 4],
      [1, 5],
    ],
    { transA: 1, transB: 1 },
    [3, 5],
  ],
  [
    'Gemm',
    [
      [2, 3],
      [3, 4],
    ],
    {},
    [2, 4],
  ],
  ['Gemm', [[2, 3], [3, 4], []], {}, [2, 4]],
  // MatMul-13 is numpy.matmul
  [
    'MatMul',
    [
      [3, 4],
      [4, 3],
    ],
    {},
    [3, 3],
  ],
  [
    'MatMul',
    [
      [2, 3, 4],
      [2, 4, 3],
    ],
    {},
    [2, 3, 3],
  ],
  [
    'MatMul',
    [
      [1, 2, 3, 4],
      [4, 3],
    ],
    {},
    [1, 2, 3, 3],
  ],
  [
    'MatMul',
    [
      [5, 1, 3, 4],
      [2, 4, 3],
    ],
    {},
    [5, 2, 3, 3],
  ],
  ['MatMul', [[4], [4, 3]], {}, [3]],
  ['MatMul', [[2, 3, 4], [4]], {}, [2, 3]],
  ['MatMul', [[4], [4]], {}, []],
  // Conv-11: test_basic_conv_with_padding, ..._with_strides_padding, _with_autopad_same
  [
    'Conv',
    [
      [1, 1, 5, 5],
      [1, 1, 3, 3],
    ],
    { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
    [1, 1, 5, 5],
  ],
  [
    'Conv',
    [
      [1, 1, 5, 5],
      [1, 1, 3, 3],
    ],
    {},
    [1, 1, 3, 3],
  ],
  [
    'Conv',
    [
      [1, 1, 7, 5],
      [1, 1, 3, 3],
    ],
    { pads: [1, 1, 1, 1], strides: [2, 2] },
    [1, 1, 4, 3],
  ],
  [
    'Conv',
    [
      [1, 1, 7, 5],
      [1, 1, 3, 3],
    ],
    { pads: [1, 0, 1, 0], strides: [2, 2] },
    [1, 1, 4, 2],
  ],
  [
    'Conv',
    [
      [1, 1, 5, 5],
      [1, 1, 3, 3],
    ],
    { auto_pad: 'SAME_LOWER', strides: [2, 2] },
    [1, 1, 3, 3],
  ],
  ['Conv', [[1, 4, 9, 9], [8, 2, 3, 3], [8]], { group: 2, dilations: [2, 3] }, [1, 8, 5, 3]],
  [
    'Conv',
    [
      [1, 4, 9],
      [4, 1, 3],
    ],
    { group: 4, auto_pad: 'VALID' },
    [1, 4, 7],
  ],
  // MaxPool-12, AveragePool-19: test_maxpool_2d_ceil, _same_upper, _dilations, ceil_last_window_starts_on_pad
  ['MaxPool', [[1, 1, 4, 4]], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }, [1, 1, 2, 2]],
  ['MaxPool', [[1, 3, 32, 32]], { kernel_shape: [2, 2], auto_pad: 'SAME_UPPER' }, [1, 3, 32, 32]],
  ['MaxPool', [[1, 1, 4, 4]], { kernel_shape: [2, 2], dilations: [2, 2] }, [1, 1, 2, 2]],
  ['MaxPool', [[1, 3, 32, 32]], { kernel_shape: [5, 5], strides: [3, 3] }, [1, 3, 10, 10]],
  [
    'AveragePool',
    [[1, 3, 2, 2]],
    { kernel_shape: [3, 3], strides: [3, 3], pads: [1, 1, 1, 1], ceil_mode: 1 },
    [1, 3, 1, 1],
  ],
  ['AveragePool', [[1, 3, 28, 28]], { kernel_shape: [3, 3], pads: [2, 2, 2, 2] }, [1, 3, 30, 30]],
  ['GlobalAveragePool', [[2, 3, 5, 6]], {}, [2, 3, 1, 1]],
  ['GlobalMaxPool', [[2, 3, 5]], {}, [2, 3, 1]],
  ['BatchNormalization', [[2, 3, 4, 5], [3], [3], [3], [3]], {}, [2, 3, 4, 5]],
  // Flatten-13: axis 0 gives a first dimension of 1; negative axes count from the end
  ['Flatten', [[5, 4, 3, 2]], {}, [5, 24]],
  ['Flatten', [[5, 4, 3, 2]], { axis: 0 }, [1, 120]],
  ['Flatten', [[5, 4, 3, 2]], { axis: 4 }, [120, 1]],
  ['Flatten', [[5, 4, 3, 2]], { axis: -1 }, [60, 2]],
  // Reshape-14: reorder, reduce, extend, one, negative, zero, zero and negative, allowzero
  ['Reshape', [[2, 3, 4], list(4, 2, 3)], {}, [4, 2, 3]],
  ['Reshape', [[2, 3, 4], list(2, 12)], {}, [2, 12]],
  ['Reshape', [[2, 3, 4], list(2, 3, 2, 2)], {}, [2, 3, 2, 2]],
  ['Reshape', [[2, 3, 4], list(24)], {}, [24]],
  ['Reshape', [[2, 3, 4], list(2, -1, 2)], {}, [2, 6, 2]],
  ['Reshape', [[2, 3, 4], list(-1, 2, 3, 4)], {}, [1, 2, 3, 4]],
  ['Reshape', [[2, 3, 4], list(2, 0, 4, 1)], {}, [2, 3, 4, 1]],
  ['Reshape', [[2, 3, 4], list(2, 0, 1, -1)], {}, [2, 3, 1, 4]],
  ['Reshape', [[0, 3, 4], list(3, 4, 0)], { allowzero: 1 }, [3, 4, 0]],
  ['Reshape', [[1], list()], {}, []],
  ['Transpose', [[2, 3, 4]], {}, [4, 3, 2]],
  ['Transpose', [[2, 3, 4]], { perm: [1, 0, 2] }, [3, 2, 4]],
  [
    'Concat',
    [
      [2, 3],
      [2, 5],
      [2, 1],
    ],
    { axis: -1 },
    [2, 9],
  ],
  ['Split', [[7, 2]], { axis: 0 }, [7, 2]],
  ['Squeeze', [[1, 3, 1, 5], list(0)], {}, [3, 1, 5]],
  ['Squeeze', [[1, 3, 1, 5], list(-2)], {}, [1, 3, 5]],
  ['Squeeze', [[1, 3, 1, 5]], {}, [3, 5]],
  ['Unsqueeze', [[3, 4, 5], list(1, 4)], {}, [3, 1, 4, 5, 1]],
  ['Unsqueeze', [[1, 3, 1, 5], list(-2)], {}, [1, 3, 1, 1, 5]],
  ['Unsqueeze', [[3, 4, 5], list(5, 4, 2)], {}, [3, 4, 1, 5, 1, 1]],
  ['Gather', [[5, 4, 3, 2], list(0, 1, 3)], { axis: 0 }, [3, 4, 3, 2]],
  ['Gather', [[5, 4, 3, 2], { constant: ints([0, 1, 3, 0], [2, 2]) }], { axis: 1 }, [5, 2, 2, 3, 2]],
  ['Gather', [[5, 4], { constant: ints([-1], []) }], { axis: -1 }, [5]],
  // Slice-13: test_slice, _neg, _start_out_of_bounds, _end_out_of_bounds, _neg_steps, _negative_axes
  ['Slice', [[20, 10, 5], list(0, 0), list(3, 10), list(0, 1), list(1, 1)], {}, [3, 10, 5]],
  ['Slice', [[20, 10, 5], list(0), list(-1), list(1)], {}, [20, 9, 5]],
  ['Slice', [[20, 10, 5], list(1000), list(1000), list(1)], {}, [20, 0, 5]],
  ['Slice', [[20, 10, 5], list(1), list(1000), list(1)], {}, [20, 9, 5]],
  ['Slice', [[20, 10, 5], list(20, 10, 4), list(0, 0, 1), list(0, 1, 2), list(-1, -3, -2)], {}, [19, 3, 2]],
  ['Slice', [[20, 10, 5], list(0, 0, 3), list(20, 10, 4), list(0, -2, -1)], {}, [20, 10, 1]],
  ['Slice', [[20, 10, 5], list(0, 0, 3), list(20, 10, 4)], {}, [20, 10, 1]],
  ['Slice', [[4], list(-1), list(-(2 ** 63)), list(0), list(-1)], {}, [4]],
  ['Shape', [[3, 4, 5]], {}, [3]],
  ['Shape', [[3, 4, 5]], { start: -1 }, [1]],
  ['Shape', [[3, 4, 5]], { start: 1, end: -1 }, [1]],
  ['Expand', [[3, 1], list(2, 1, 6)], {}, [2, 3, 6]],
  ['ConstantOfShape', [list(4, 3, 2)], {}, [4, 3, 2]],
  ['Pad', [[1, 3, 4, 5], list(0, 0, 1, 3, 0, 0, 2, 4)], {}, [1, 3, 7, 12]],
  ['Pad', [[3, 4], list(1, 2), null, list(-1)], {}, [3, 7]],
  ['ReduceMean', [[3, 2, 2], list(1)], { keepdims: 0 }, [3, 2]],
  ['ReduceMean', [[3, 2, 2], list(-2)], {}, [3, 1, 2]],
  ['ReduceSum', [[3, 2, 2]], {}, [1, 1, 1]],
  ['ReduceSum', [[3, 2, 2]], { noop_with_empty_axes: 1 }, [3, 2, 2]],
  ['ArgMax', [[3, 2, 4]], { axis: 1, keepdims: 0 }, [3, 4]],
  [
    'LayerNormalization',
    [
      [2, 3, 4],
      [3, 4],
      [3, 4],
    ],
    { axis: 1 },
    [2, 3, 4],
  ],
  [
    'LSTM',
    [
      [7, 2, 3],
      [1, 20, 3],
      [1, 20, 5],
      [1, 40],
    ],
    { hidden_size: 5 },
    [7, 1, 2, 5],
  ],
]

describe('inferShapes', () => {
  for (const [op, operands, attributes, shape] of CASES) {
    it(title(op, operands, attributes), () => {
      expect(infer(op, operands, attributes)[0]!.shape).toEqual(shape)
    })
  }

  it('gives types', () => {
    expect(infer('Cast', [[2]], { to: 7 })[0]).toEqual({ dtype: 'int64', shape: [2] })
    expect(infer('Equal', [[2], [1]])[0]!.dtype).toBe('bool')
    expect(infer('ArgMin', [[2]])[0]!.dtype).toBe('int64')
    expect(infer('Dropout', [[2, 3]], {}, 2)[1]).toEqual({ dtype: 'bool', shape: [2, 3] })
    expect(infer('MaxPool', [[1, 1, 4]], { kernel_shape: [2] }, 2)[1]).toEqual({
      dtype: 'int64',
      shape: [1, 1, 3],
    })
    expect(infer('Split', [[7, 2]], {}, 3).map(({ shape }) => shape)).toEqual([[3, 2], [3, 2], [1, 2]]) // prettier-ignore
    expect(infer('Split', [[7], list(2, 5)], {}, 2).map(({ shape }) => shape)).toEqual([[2], [5]])
  })

  const MISFITS: [string, Operand[], Record<string, Attribute>, string][] = [
    ['Add', [[2, 3], [4]], {}, 'Add "the node": [2, 3] and [4] do not broadcast'],
    ['Add', [[2], list(1, 2)], {}, 'float32 and int64 do not mix'],
    [
      'Gemm',
      [
        [2, 3],
        [4, 5],
      ],
      {},
      'A [2, 3] does not fit B [4, 5]: 3 columns, 4 rows',
    ],
    ['Gemm', [[2, 3], [3, 5], [2]], {}, 'C [2] does not broadcast to [2, 5]'],
    [
      'Gemm',
      [
        [2, 3, 4],
        [4, 5],
      ],
      {},
      'A expected [?, ?], got [2, 3, 4]',
    ],
    [
      'MatMul',
      [
        [2, 3],
        [4, 5],
      ],
      {},
      '[2, 3] and [4, 5] do not multiply',
    ],
    ['MatMul', [[], [4]], {}, '[] and [4] do not multiply'],
    [
      'Conv',
      [
        [1, 3, 5, 5],
        [4, 2, 3, 3],
      ],
      {},
      'input [1, 3, 5, 5] does not fit weight [4, 2, 3, 3]',
    ],
    ['Conv', [[1, 1, 5, 5], [1, 1, 3, 3], [2]], {}, 'bias expected [1], got [2]'],
    [
      'Conv',
      [
        [1, 1, 2, 2],
        [1, 1, 3, 3],
      ],
      {},
      'a window of 3 does not fit 2 elements of axis 2',
    ],
    [
      'Conv',
      [
        [1, 1, 5, 5],
        [1, 1, 3, 3],
      ],
      { strides: [0, 1] },
      '"strides" expected 2 integers of at least 1',
    ],
    [
      'Conv',
      [
        [1, 1, 5, 5],
        [1, 1, 3, 3],
      ],
      { pads: [1, 1] },
      '"pads" expected 4 integers',
    ],
    [
      'Conv',
      [
        [1, 1, 5, 5],
        [1, 1, 3, 3],
      ],
      { auto_pad: 'SOME' },
      'auto_pad "SOME" is not defined',
    ],
    [
      'Conv',
      [
        [1, 1, 5, 5],
        [1, 1, 3, 3],
      ],
      { kernel_shape: [3, 4] },
      'kernel_shape [3, 4] does not fit',
    ],
    ['MaxPool', [[1, 1, 4, 4]], { kernel_shape: [2] }, 'kernel [2] does not fit 2 spatial axes'],
    ['Reshape', [[2, 3], list(4, -1)], {}, '[2, 3] cannot become [4, -1]'],
    ['Reshape', [[2, 3], list(-1, -1)], {}, 'cannot become'],
    ['Reshape', [[2, 3], list(6, 1, 0)], {}, 'cannot become'],
    ['Reshape', [[0, 3], list(0, -1)], { allowzero: 1 }, 'cannot become'],
    ['Transpose', [[2, 3]], { perm: [0, 0] }, 'axes [0, 0] repeat one'],
    ['Transpose', [[2, 3]], { perm: [-1, 0] }, 'perm [-1, 0] does not fit'],
    ['Squeeze', [[2, 1], list(0)], {}, 'are not all 1'],
    ['Unsqueeze', [[2], list(3)], {}, 'axis 3 does not exist in 2 dimensions'],
    [
      'Concat',
      [
        [2, 3],
        [3, 3],
      ],
      { axis: 1 },
      '[2, 3] and [3, 3] do not join along axis 1',
    ],
    ['Gather', [[2], list(0)], { axis: 1 }, 'axis 1 does not exist in 1 dimensions'],
    ['Slice', [[4], list(0), list(2), list(0), list(0)], {}, 'do not match'],
    ['Flatten', [[2, 3]], { axis: 3 }, 'axis 3 does not exist'],
    ['Pad', [[2, 3], list(1, 1)], {}, 'pads [1, 1] do not fit 2 axes'],
    ['Pad', [[2], list(-2, -1)], {}, 'pads [-2] and [-1] do not fit [2]'],
    ['Expand', [[2], list(2 ** 20, 2 ** 20, 2)], {}, 'expected at most'],
    ['ConstantOfShape', [list(-1)], {}, 'expected an integer in 0..'],
    ['BatchNormalization', [[2, 3], [3], [3], [3], [4]], {}, 'variance expected [3], got [4]'],
  ]
  for (const [op, operands, attributes, message] of MISFITS) {
    it(`${title(op, operands, attributes)} does not fit`, () => {
      const run = () => infer(op, operands, attributes)
      expect(run).toThrow(RangeError)
      expect(run).toThrow(message)
    })
  }

  it('refuses wrong attributes and counts', () => {
    expect(() => infer('Concat', [[2]])).toThrow('Concat "the node": "axis" expected an integer, got nothing')
    expect(() => infer('Softmax', [[2]], { axis: 0.5 })).toThrow(FormatError)
    expect(() => infer('Add', [[2]])).toThrow('Add "the node" has 1 inputs and 1 outputs')
    expect(() => infer('Add', [[2], null])).toThrow('Add "the node": input 1 is missing')
    expect(() => infer('Relu', [[2]], {}, 2)).toThrow(FormatError)
  })

  it('reports all unsupported operators at once', () => {
    const nodes = [
      node('Foo', 'x -> a', {}, 'first'),
      node('Relu', 'a -> b'),
      { ...node('Bar', 'b -> c', {}, 'second'), domain: 'com.example' },
      node('Foo', 'c -> y', {}, 'third'),
    ]
    const model = makeModel({ inputs: { x: [1] }, nodes, outputs: ['y'] })
    try {
      inferShapes(model, {})
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(UnsupportedOpError)
      expect((error as UnsupportedOpError).operators).toEqual([
        { op: 'Foo', nodes: ['first', 'third'] },
        { op: 'com.example::Bar', nodes: ['second'] },
      ])
    }
  })

  it('names variants that are not supported', () => {
    expect(() => infer('Reshape', [[2, 3], [2]])).toThrow('Reshape with a shape that depends on the data')
    expect(() => infer('Cast', [[2]], { to: 8 })).toThrow('Cast to string')
    const training = {
      constant: { kind: 'dense', dtype: 'bool', shape: [], data: Uint8Array.of(1) } as Tensor,
    }
    expect(() => infer('Dropout', [[2], null, training])).toThrow('training mode')
  })

  it('binds symbolic dimensions', () => {
    const model = makeModel({
      inputs: { a: ['N', 3], b: [null, 'N'], c: [2, 2] },
      nodes: [node('Identity', 'a -> y')],
      outputs: ['y'],
    })
    const shapes = { a: [5, 3], b: [7, 5] }
    expect(inferShapes(model, shapes).get('y')!.shape).toEqual([5, 3])
    expect(() => inferShapes(model, { ...shapes, b: [7, 4] })).toThrow(
      '"inputShapes.b" expected [?, N], got [7, 4]',
    )
    expect(() => inferShapes(model, { ...shapes, a: [5, 4] })).toThrow(
      '"inputShapes.a" expected [N, 3], got [5, 4]',
    )
    expect(() => inferShapes(model, { ...shapes, a: [5] })).toThrow('got [5]')
    expect(() => inferShapes(model, { ...shapes, c: [] })).toThrow('got []')
    expect(() => inferShapes(model, { a: [5, 3] })).toThrow('"inputShapes.b" expected [?, N], got none')
    expect(() => inferShapes(model, { ...shapes, z: [1] })).toThrow(
      'the model has no input "z"; it has "a", "b", "c"',
    )
    expect(() => inferShapes(model, { ...shapes, a: [-1, 3] })).toThrow(RangeError)
  })

  it.each(['lenet-300-100', 'lenet-5', 'resnet8-fashion'])('%s ends in [7, 10]', (name) => {
    const model = readOnnx(readFileSync(`examples/models/${name}.onnx`))
    expect(inferShapes(model, { input: [7, 1, 28, 28] }).get('logits')).toEqual({
      dtype: 'float32',
      shape: [7, 10],
    })
    expect(() => inferShapes(model, {})).toThrow('"inputShapes.input" expected [N, 1, 28, 28], got none')
  })

  it('agrees with the oracle on windows of all kinds', () => {
    const random = new Random(11)
    for (let round = 0; round < 400; round++) {
      const rank = random.integer(1, 2)
      const axes = (low: number, high: number) =>
        Array.from({ length: rank }, () => random.integer(low, high))
      const kernel = axes(1, 4)
      const x = [1, 2, ...axes(4, 9)]
      const mode = ['NOTSET', 'NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'][random.integer(0, 4)]!
      const attributes: Record<string, Attribute> = {
        strides: axes(1, 3),
        dilations: axes(1, 2),
        auto_pad: mode,
      }
      if (mode === 'NOTSET') attributes['pads'] = [...axes(0, 2), ...axes(0, 2)]
      const isConv = random.next() < 0.5
      if (!isConv) Object.assign(attributes, { kernel_shape: kernel, ceil_mode: random.integer(0, 1) })
      const nodes = [node(isConv ? 'Conv' : 'MaxPool', isConv ? 'x w -> y' : 'x -> y', attributes)]
      const weights = { w: floats(new Float32Array(2 * kernel.reduce((a, b) => a * b)), [1, 2, ...kernel]) }
      const model = makeModel({ inputs: { x }, nodes, outputs: ['y'], weights })
      const size = x.reduce((a, b) => a * b)
      let inferred: readonly number[]
      try {
        inferred = inferShapes(model, {}).get('y')!.shape
      } catch (error) {
        expect((error as Error).message).toContain('does not fit')
        continue
      }
      const computed = runOnnx(model, { x: { shape: x, data: new Float32Array(size) } }).get('y')!.shape
      expect(inferred, JSON.stringify([x, kernel, attributes])).toEqual(computed)
    }
  })
})

describe('values known from shapes and constants', () => {
  /** Runs nodes over constants only, by inference and by the oracle. */
  function evaluateBoth(nodes: ReturnType<typeof node>[], weights: Record<string, Tensor>) {
    const model = makeModel({ inputs: {}, nodes, outputs: ['y'], weights })
    const value = inferShapes(model, {}).get('y')!.value
    return { value, expected: runOnnx(model, {}).get('y')! }
  }

  const a = ints([7, -7, 2, 9, 4, -6], [2, 3])
  const b = ints([2, 3, -4])
  const f = floats([1.1, -2.7, 3e9, 0.1, 5, 6], [3, 2])
  const cases: [string, Record<string, Attribute>, string, Record<string, Tensor>][] = [
    ['Add', {}, 'a b', { a, b }],
    ['Sub', {}, 'b a', { a, b }],
    ['Mul', {}, 'a b', { a, b }],
    ['Div', {}, 'a b', { a, b }],
    ['Max', {}, 'a b', { a, b }],
    ['Min', {}, 'a b', { a, b }],
    ['Equal', {}, 'a b', { a, b: ints([7, 4], [2, 1]) }],
    [
      'Where',
      {},
      'c a b',
      { c: { kind: 'dense', dtype: 'bool', shape: [2, 1], data: Uint8Array.of(1, 0) }, a, b },
    ],
    ['Transpose', {}, 'f', { f }],
    ['Transpose', { perm: [2, 0, 1] }, 't', { t: ints([...Array(24).keys()], [2, 3, 4]) }],
    [
      'Slice',
      {},
      't s e x p',
      {
        t: ints([...Array(24).keys()], [4, 6]),
        s: ints([3, 1]),
        e: ints([-9, 6]),
        x: ints([0, 1]),
        p: ints([-2, 2]),
      },
    ],
    ['Gather', { axis: 1 }, 'a i', { a, i: ints([2, -3, 1], [3, 1]) }],
    ['Concat', { axis: 1 }, 'a a2', { a, a2: ints([5, 6], [2, 1]) }],
    ['Expand', {}, 'b s', { b, s: ints([2, 2, 1]) }],
    ['Unsqueeze', {}, 'b s', { b, s: ints([0]) }],
    ['Reshape', {}, 'a s', { a, s: ints([3, -1]) }],
    ['ConstantOfShape', { value: ints([-3]) }, 's', { s: ints([2, 2]) }],
    ['ReduceProd', { keepdims: 0 }, 'b', { b }],
    ['Cast', { to: 1 }, 'a', { a }],
    ['Cast', { to: 7 }, 'f', { f }],
    ['Cast', { to: 9 }, 'a', { a }],
    ['Sqrt', {}, 'q', { q: floats([0, 4, 9]) }],
    ['Neg', {}, 'f', { f }],
    ['Shape', {}, 'f', { f }],
  ]
  it.each(cases)('%s #%$', (op, attributes, wires, weights) => {
    const { value, expected } = evaluateBoth([node(op, `${wires} -> y`, attributes)], weights)
    expect(Array.from(value!.data, Number)).toEqual(Array.from(expected.data, Math.fround))
    expect([value!.dtype, value!.shape]).toEqual([expected.dtype, expected.shape])
  })

  it('rounds float32 after every operation', () => {
    const x = floats([0.1, 1 / 3, 16777216])
    const y = floats([0.2, 3, 1])
    for (const [op, apply] of [
      ['Add', (p: number, q: number) => p + q],
      ['Div', (p: number, q: number) => p / q],
    ] as const) {
      const { value } = evaluateBoth([node(op, 'x z -> y')], { x, z: y })
      expect([...(value!.data as Float32Array)]).toEqual(
        [...x.data].map((p, i) => Math.fround(apply(p, y.data[i]!))),
      )
    }
  })

  it('leaves undefined results alone, and wraps int64', () => {
    expect(evaluateBoth([node('Div', 'a z -> y')], { a: ints([1]), z: ints([0]) }).value).toBeUndefined()
    expect(evaluateBoth([node('Cast', 'f -> y', { to: 3 })], { f: floats([200]) }).value).toBeUndefined()
    expect(evaluateBoth([node('Cast', 'f -> y', { to: 7 })], { f: floats([NaN]) }).value).toBeUndefined()
    const big: Tensor = { kind: 'dense', dtype: 'int64', shape: [1], data: BigInt64Array.of(2n ** 62n) }
    const { value } = evaluateBoth([node('Add', 'a a -> y')], { a: big })
    expect(value!.data).toEqual(BigInt64Array.of(-(2n ** 63n)))
  })

  it('an index out of range fails', () => {
    expect(() => evaluateBoth([node('Gather', 'a i -> y')], { a, i: ints([2]) })).toThrow(
      'axis 2 does not exist',
    )
  })

  it('follows the target of a Reshape through Shape, Gather, Unsqueeze and Concat', () => {
    const model = makeModel({
      inputs: { x: ['N', 4, 7] },
      weights: { zero: ints([0], []), axes: ints([0]), rest: ints([-1, 14]) },
      nodes: [
        node('Shape', 'x -> s'),
        node('Gather', 's zero -> n'),
        node('Unsqueeze', 'n axes -> n1'),
        node('Concat', 'n1 rest -> target', { axis: 0 }),
        node('Reshape', 'x target -> y'),
      ],
      outputs: ['y'],
    })
    const types = inferShapes(model, { x: [3, 4, 7] })
    expect(types.get('target')!.value!.data).toEqual(BigInt64Array.of(3n, -1n, 14n))
    expect(types.get('y')).toEqual({ dtype: 'float32', shape: [3, 2, 14] })
  })
})
