// TensorFlow's element-wise operators, reductions and matrix products.
import { permuted } from '../../formats/permute.js'
import type { GraphBuilder } from './builder.js'
import type { Converter, TfCall } from './node.js'

const direct =
  (op: string, inputs: number): Converter =>
  (call) =>
    call.to.emit(op, call.all(0, inputs))

/** Operators that ONNX has under the same name, by their number of inputs. */
const SAME_NAMES = [
  [
    1,
    'Abs Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Elu Erf Exp Floor Log Neg Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Tan Tanh',
  ],
  [2, 'Add Div Equal Greater Less Mul Pow Sub'],
] as const

const OTHER_NAMES = [
  ['AddV2', 'Add', 2],
  ['GreaterEqual', 'GreaterOrEqual', 2],
  ['Inv', 'Reciprocal', 1],
  ['IsNan', 'IsNaN', 1],
  ['LessEqual', 'LessOrEqual', 2],
  ['LogicalAnd', 'And', 2],
  ['LogicalNot', 'Not', 1],
  ['LogicalOr', 'Or', 2],
  ['Maximum', 'Max', 2],
  ['Minimum', 'Min', 2],
  ['Prelu', 'PRelu', 2],
  ['RealDiv', 'Div', 2],
  ['Select', 'Where', 3],
  ['SelectV2', 'Where', 3],
] as const

/** Operators that two of ONNX's make up. */
const inTurn =
  (first: string, second: string): Converter =>
  (call) =>
    call.to.emit(second, [call.to.emit(first, call.all())])

export const clip = (to: GraphBuilder, x: string, min: number, max: number): string =>
  to.emit('Clip', [x, to.scalar(min), to.scalar(max)])

function reduced(call: TfCall, op: string, x: string): string {
  const keepdims = call.node.flag('keep_dims') ? 1 : 0
  // ONNX takes no axes for all of them, TensorFlow for none.
  return call.to.emit(op, [x, call.to.ints(call.ints(1, 'axes'))], { keepdims, noop_with_empty_axes: 1 })
}

const reduce =
  (op: string): Converter =>
  (call) =>
    reduced(call, op, call.x(0))

/** All and Any: the least and the greatest of 0 and 1. */
const reduceBool =
  (op: string): Converter =>
  (call) =>
    call.to.cast(reduced(call, op, call.to.cast(call.x(0), 'int32')), 'bool')

const argReduce =
  (op: string): Converter =>
  (call) =>
    call.to.cast(call.to.emit(op, [call.x(0)], { axis: call.int(1, 'axis'), keepdims: 0 }), 'int32')

const cumsum: Converter = (call) =>
  call.to.emit('CumSum', [call.x(0), call.to.scalar(call.int(1, 'axis'), 'int32')], {
    exclusive: call.node.flag('exclusive') ? 1 : 0,
    reverse: call.node.flag('reverse') ? 1 : 0,
  })

/** The largest integer that is not above a / b. */
const floorDiv: Converter = (call) => {
  const { node, to } = call
  const [a, b] = [call.x(0), call.x(1)]
  if (node.type('T') === 'float32') return to.emit('Floor', [to.emit('Div', [a, b])])
  // ONNX divides integers towards zero. Without the remainder, which has the divisor's sign, nothing is left to round.
  return to.emit('Div', [to.emit('Sub', [a, to.emit('Mod', [a, b])]), b])
}

const floorMod: Converter = (call) => {
  const { node, to } = call
  const [a, b] = [call.x(0), call.x(1)]
  if (node.type('T') !== 'float32') return to.emit('Mod', [a, b])
  return to.emit('Sub', [a, to.emit('Mul', [to.emit('Floor', [to.emit('Div', [a, b])]), b])])
}

/** a / b, and 0 where b is 0. */
const divNoNan: Converter = (call) => {
  const { to } = call
  const [a, b] = [call.x(0), call.x(1)]
  const isZero = to.emit('Equal', [b, to.scalar(0)])
  const divisor = to.emit('Where', [isZero, to.scalar(1), b])
  return to.emit('Where', [isZero, to.scalar(0), to.emit('Div', [a, divisor])])
}

const squaredDifference: Converter = (call) => {
  const difference = call.to.emit('Sub', call.all(0, 2))
  return call.to.emit('Mul', [difference, difference])
}

const matMul: Converter = (call) =>
  call.to.emit('Gemm', call.all(0, 2), {
    transA: call.node.flag('transpose_a') ? 1 : 0,
    transB: call.node.flag('transpose_b') ? 1 : 0,
  })

const batchMatMul: Converter = (call) => {
  const { node, to } = call
  const operand = (position: number, key: string): string => {
    const x = call.x(position)
    if (!node.flag(key)) return x
    const rank = to.rankOf(x) ?? call.refuse(`"${key}" and a value whose rank is not known`)
    const axes = Array.from({ length: rank }, (_, axis) => axis)
    const swapped = [...axes.slice(0, -2), rank - 1, rank - 2]
    const weight = call.weight(position)
    if (weight === undefined) return to.transpose(x, swapped)
    return to.derived(`${x}/transposed`, () => permuted(weight, swapped))
  }
  return to.emit('MatMul', [operand(0, 'adj_x'), operand(1, 'adj_y')])
}

/** Adds a vector along the channels. */
const biasAdd: Converter = (call) => {
  const isFirst = call.node.text('data_format', 'NHWC').startsWith('NC')
  const bias = isFirst ? call.to.emit('Unsqueeze', [call.x(1), call.to.ints([1, 2])]) : call.x(1)
  return call.to.emit('Add', [call.x(0), bias])
}

/** What a fused operator does to its product, in order; BiasAdd and Prelu take the inputs from `next` on. */
export function fused(call: TfCall, y: string, next: number, steps: readonly string[]): string {
  const { node, to } = call
  for (const step of steps) {
    if (step === 'BiasAdd' || step === 'Prelu') {
      y = to.emit(step === 'Prelu' ? 'PRelu' : 'Add', [y, call.x(next++)])
    } else if (step === 'Relu6') y = clip(to, y, 0, 6)
    else if (step === 'LeakyRelu') y = to.emit(step, [y], { alpha: node.float('leakyrelu_alpha', 0.2) })
    else if (['Elu', 'Relu', 'Sigmoid', 'Tanh'].includes(step)) y = to.emit(step, [y])
    else call.refuse(`${step} in it`)
  }
  return y
}

const fusedMatMul: Converter = (call) => fused(call, matMul(call) as string, 2, call.node.texts('fused_ops'))

export const ELEMENTWISE: readonly (readonly [string, Converter])[] = [
  ...SAME_NAMES.flatMap(([inputs, names]) =>
    names.split(' ').map((name) => [name, direct(name, inputs)] as const),
  ),
  ...OTHER_NAMES.map(([name, op, inputs]) => [name, direct(op, inputs)] as const),
  ...['Max', 'Mean', 'Min', 'Prod', 'Sum'].map((name) => [name, reduce(`Reduce${name}`)] as const),
  ['AddN', (call) => call.to.emit('Sum', call.all())],
  ['All', reduceBool('ReduceMin')],
  ['Any', reduceBool('ReduceMax')],
  ['ArgMax', argReduce('ArgMax')],
  ['ArgMin', argReduce('ArgMin')],
  ['BatchMatMul', batchMatMul],
  ['BatchMatMulV2', batchMatMul],
  ['BiasAdd', biasAdd],
  ['ClipByValue', (call) => call.to.emit('Min', [call.to.emit('Max', [call.x(0), call.x(1)]), call.x(2)])],
  ['Cumsum', cumsum],
  ['DivNoNan', divNoNan],
  ['Einsum', (call) => call.to.emit('Einsum', call.all(), { equation: call.node.text('equation', '') })],
  ['Expm1', (call) => call.to.emit('Sub', [call.to.emit('Exp', [call.x(0)]), call.to.scalar(1)])],
  ['FloorDiv', floorDiv],
  ['FloorMod', floorMod],
  ['LeakyRelu', (call) => call.to.emit('LeakyRelu', [call.x(0)], { alpha: call.node.float('alpha', 0.2) })],
  ['Log1p', (call) => call.to.emit('Log', [call.to.emit('Add', [call.x(0), call.to.scalar(1)])])],
  ['LogSoftmax', (call) => call.to.emit('LogSoftmax', [call.x(0)], { axis: -1 })],
  ['MatMul', matMul],
  ['NotEqual', inTurn('Equal', 'Not')],
  ['Relu6', (call) => clip(call.to, call.x(0), 0, 6)],
  ['Rsqrt', inTurn('Sqrt', 'Reciprocal')],
  ['Softmax', (call) => call.to.emit('Softmax', [call.x(0)], { axis: -1 })],
  ['Square', (call) => call.to.emit('Mul', [call.x(0), call.x(0)])],
  ['SquaredDifference', squaredDifference],
  ['_FusedMatMul', fusedMatMul],
]
