import type { ElementType } from '../../formats/tensor.js'
import { floatAttribute, intAttribute, intsAttribute } from '../attributes.js'
import type { GraphNode, Model } from '../model.js'
import { inferRanks } from '../ranks.js'
import { Emitter } from './emitter.js'
import { type Keep, Weights } from './rewrite.js'

/** The operator that `emit` expands, with the rank of its first input if that is known. */
interface Expansion {
  readonly emit: Emitter
  readonly node: GraphNode
  /** First input. */
  readonly x: string
  readonly rank: number | undefined
  readonly dtypeOf: (name: string) => ElementType | undefined
}

/** Appends the nodes of one operator; false: leaves it as it is. */
type Expand = (expansion: Expansion) => unknown

/**
 * Writes operators that inference has no layer for by those that it has, most of them as ONNX itself defines them: what it
 * calls functions. So inference needs to know few operators, and the bundle of it stays small.
 *
 * @param leave whether to leave an operator alone
 */
export function expandFunctions(
  model: Model,
  keep: Keep,
  leave: (op: string) => boolean = () => false,
): Model {
  const isMeant = ({ op, domain }: GraphNode) => domain === '' && Object.hasOwn(EXPANSIONS, op) && !leave(op)
  if (!model.nodes.some(isMeant)) return model
  const ranks = inferRanks(model)
  const weights = new Weights(model, keep)
  const dtypeOf = (name: string) => ranks.get(name)?.dtype
  const nodes = model.nodes.flatMap((node) => {
    if (!isMeant(node)) return [node]
    const [x = ''] = node.inputs
    const type = ranks.get(x)
    const isOther = type !== undefined && type.dtype !== 'float32'
    if (isOther && !Object.hasOwn(GENERAL, node.op)) return [node]
    if (node.outputs.slice(1).some((output) => output !== '')) return [node]
    const emit = new Emitter(node, weights)
    return EXPANSIONS[node.op]!({ emit, node, x, rank: type?.rank, dtypeOf }) === false
      ? [node]
      : emit.finish()
  })
  return { ...model, nodes, weights: weights.all() }
}

/** One operator after the other between all inputs: of any type. */
const chain =
  (op: string): Expand =>
  ({ emit, node }) => {
    const [first, ...rest] = node.inputs as [string, ...string[]]
    if (rest.length === 0) return emit.add('Identity', [first])
    if (rest.length === 1 && node.op === op) return false
    return rest.reduce((sum, input) => emit.add(op, [sum, input]), first)
  }

const mean: Expand = (expansion) => {
  const { emit, node } = expansion
  const sum = chain('Add')(expansion) as string
  return emit.add('Div', [sum, emit.scalar(node.inputs.length)])
}

const POWERS: Readonly<Record<number, Expand>> = {
  [-2]: ({ emit, x }) => emit.add('Reciprocal', [emit.add('Mul', [x, x])]),
  [-1]: ({ emit, x }) => emit.add('Reciprocal', [x]),
  [-0.5]: ({ emit, x }) => emit.add('Reciprocal', [emit.add('Sqrt', [x])]),
  0.5: ({ emit, x }) => emit.add('Sqrt', [x]),
  1: ({ emit, x }) => emit.add('Identity', [x]),
  2: ({ emit, x }) => emit.add('Mul', [x, x]),
  3: ({ emit, x }) => emit.add('Mul', [emit.add('Mul', [x, x]), x]),
}

const pow: Expand = (expansion) => {
  const { emit, node, x, rank = 0, dtypeOf } = expansion
  const [, y = ''] = node.inputs
  // Kernels take exponents of the type of the base.
  if ((dtypeOf(y) ?? 'float32') !== 'float32') return emit.add('Pow', [x, emit.add('Cast', [y], { to: 1 })])
  const exponent = emit.weights.floats(y)
  if (exponent?.data.length !== 1 || exponent.shape.length > rank) return false
  const expand = Object.hasOwn(POWERS, exponent.data[0]!) ? POWERS[exponent.data[0]!] : undefined
  return expand?.(expansion) ?? false
}

/** A reduction of another one's kind: by what is done to each element, and to the result. */
const reduction =
  (before: (expansion: Expansion) => string, after?: string): Expand =>
  (expansion) => {
    const { emit, node } = expansion
    const sum = emit.add('ReduceSum', [before(expansion), ...node.inputs.slice(1)], node.attributes)
    return after === undefined ? sum : emit.add(after, [sum])
  }

const square = ({ emit, x }: Expansion) => emit.add('Mul', [x, x])

/** ln(sum of e^x) as m + ln(sum of e^(x - m)), which does not overflow. */
const logSumExp: Expand = ({ emit, node, x }) => {
  const [, ...axes] = node.inputs
  const { attributes } = node
  const greatest = emit.add('ReduceMax', [x, ...axes], { ...attributes, keepdims: 1 })
  const powers = emit.add('Exp', [emit.add('Sub', [x, greatest])])
  const logarithm = emit.add('Log', [emit.add('ReduceSum', [powers, ...axes], attributes)])
  const keeps = intAttribute(node, 'keepdims', 1) !== 0
  return emit.add('Add', [logarithm, keeps ? greatest : emit.add('ReduceMax', [x, ...axes], attributes)])
}

const logSoftmax: Expand = ({ emit, node, x }) => {
  const axes = emit.ints(intAttribute(node, 'axis', -1))
  const shifted = emit.add('Sub', [x, emit.add('ReduceMax', [x, axes])])
  const sum = emit.add('ReduceSum', [emit.add('Exp', [shifted]), axes])
  return emit.add('Sub', [shifted, emit.add('Log', [sum])])
}

const hardmax: Expand = ({ emit, node, x }) => {
  const axis = intAttribute(node, 'axis', -1)
  const depth = emit.add('Gather', [emit.add('Shape', [x]), emit.ints(axis)], { axis: 0 })
  const places = emit.add('ArgMax', [x], { axis, keepdims: 0 })
  return emit.add('OneHot', [places, depth, emit.floats(Float32Array.of(0, 1), [2])], { axis })
}

const lpNormalization: Expand = ({ emit, node, x }) => {
  const axes = emit.ints(intAttribute(node, 'axis', -1))
  const isTwo = intAttribute(node, 'p', 2) === 2
  const sum = emit.add('ReduceSum', [isTwo ? emit.add('Mul', [x, x]) : emit.add('Abs', [x]), axes])
  return emit.add('Div', [x, isTwo ? emit.add('Sqrt', [sum]) : sum])
}

const meanVariance: Expand = ({ emit, node, x }) => {
  const axes = emit.ints(...intsAttribute(node, 'axes', [0, 2, 3]))
  const centred = emit.add('Sub', [x, emit.add('ReduceMean', [x, axes])])
  const variance = emit.add('ReduceMean', [emit.add('Mul', [centred, centred]), axes])
  const deviation = emit.add('Add', [emit.add('Sqrt', [variance]), emit.scalar(1e-9)])
  return emit.add('Div', [centred, deviation])
}

/** Two constants with one value a channel, as the factor and the summand of channels at axis 1. */
function perChannel({ emit, node, rank }: Expansion, y: string): string | false {
  if (rank === undefined) return false
  const [scale, shift] = node.inputs.slice(1, 3).map((name) => {
    const tensor = emit.weights.floats(name)
    if (tensor === undefined)
      return emit.add('Unsqueeze', [name, emit.ints(...ones(rank).map((_, i) => i + 1))])
    return emit.floats(tensor.data as Float32Array, [tensor.data.length, ...ones(rank)])
  }) as [string, string]
  return emit.add('Add', [emit.add('Mul', [y, scale]), shift])
}

const ones = (rank: number): number[] => new Array<number>(rank - 2).fill(1)

function normalized(emit: Emitter, x: string, node: GraphNode): string {
  const attributes = { axis: 2, epsilon: floatAttribute(node, 'epsilon', 1e-5) }
  return emit.add('LayerNormalization', [x, emit.floats(Float32Array.of(1), [1])], attributes)
}

const instanceNormalization: Expand = (expansion) => {
  const { emit, node, x, rank = 0 } = expansion
  return rank > 2 && perChannel(expansion, normalized(emit, x, node))
}

const groupNormalization: Expand = (expansion) => {
  const { emit, node, x, rank = 0 } = expansion
  if (rank < 3) return false
  const groups = intAttribute(node, 'num_groups')
  const rows = emit.add('Reshape', [x, emit.ints(0, groups, -1)])
  const y = normalized(emit, rows, node)
  const back = (value: string) => emit.add('Reshape', [value, emit.add('Shape', [x])])
  // Before opset 21 the parameters were of groups, not of channels.
  const isOfGroups = emit.weights.floats(node.inputs[1])?.data.length === groups
  if (!isOfGroups) return perChannel(expansion, back(y))
  return back(perChannel({ ...expansion, rank: 3 }, y) as string)
}

/** x / (bias + alpha / size * sum of squares over neighbouring channels)^beta; the sums are those of a pool. */
const localResponse: Expand = ({ emit, node, x, rank = 0 }) => {
  if (rank < 3) return false
  const size = intAttribute(node, 'size')
  const flat = emit.add('Reshape', [emit.add('Mul', [x, x]), emit.ints(0, 0, -1)])
  const before = Math.floor((size - 1) / 2)
  const averages = emit.add('AveragePool', [emit.add('Unsqueeze', [flat, emit.ints(1)])], {
    kernel_shape: [size, 1],
    pads: [before, 0, size - 1 - before, 0],
    count_include_pad: 1,
  })
  const means = emit.add('Reshape', [averages, emit.add('Shape', [x])])
  const scaled = emit.add('Mul', [means, emit.scalar(floatAttribute(node, 'alpha', 1e-4))])
  const base = emit.add('Add', [scaled, emit.scalar(floatAttribute(node, 'bias', 1))])
  return emit.add('Div', [x, emit.add('Pow', [base, emit.scalar(floatAttribute(node, 'beta', 0.75))])])
}

const celu: Expand = ({ emit, node, x }) => {
  const alpha = emit.scalar(floatAttribute(node, 'alpha', 1))
  return emit.add('Mul', [emit.add('Elu', [emit.add('Div', [x, alpha])]), alpha])
}

const selu: Expand = ({ emit, node, x }) => {
  const alpha = floatAttribute(node, 'alpha', 1.6732632423543772)
  const gamma = emit.scalar(floatAttribute(node, 'gamma', 1.0507009873554805))
  return emit.add('Mul', [emit.add('Elu', [x], { alpha }), gamma])
}

/** (e^|x| + e^-|x|) / 2 */
function cosh({ emit, x }: Expansion): string {
  const e = emit.add('Exp', [emit.add('Abs', [x])])
  return emit.add('Mul', [emit.add('Add', [e, emit.add('Reciprocal', [e])]), emit.scalar(0.5)])
}

/** ln(1 + z) for z from 0 on, also small ones: softplus of ln z. */
const log1p = (emit: Emitter, z: string): string => emit.add('Softplus', [emit.add('Log', [z])])

/** As ln(1 + a + a^2 / (1 + sqrt(1 + a^2))) of a = |x|, with the sign of x. */
const asinh: Expand = ({ emit, x }) => {
  const [a, one] = [emit.add('Abs', [x]), emit.scalar(1)]
  const root = emit.add('Sqrt', [emit.add('Add', [emit.add('Mul', [a, a]), one])])
  const rest = emit.add('Mul', [emit.add('Div', [a, emit.add('Add', [root, one])]), a])
  return emit.add('Mul', [log1p(emit, emit.add('Add', [a, rest])), emit.add('Sign', [x])])
}

/** ln(x + sqrt((x - 1)(x + 1))) */
const acosh: Expand = ({ emit, x }) => {
  const one = emit.scalar(1)
  const roots = ['Sub', 'Add'].map((op) => emit.add('Sqrt', [emit.add(op, [x, one])])) as [string, string]
  return emit.add('Log', [emit.add('Add', [x, emit.add('Mul', roots)])])
}

/** ln(1 + 2 a / (1 - a)) / 2 of a = |x|, with the sign of x. */
const atanh: Expand = ({ emit, x }) => {
  const a = emit.add('Abs', [x])
  const ratio = emit.add('Div', [emit.add('Add', [a, a]), emit.add('Sub', [emit.scalar(1), a])])
  const half = emit.add('Mul', [log1p(emit, ratio), emit.scalar(0.5)])
  return emit.add('Mul', [half, emit.add('Sign', [x])])
}

/** The square root of (1 - x) over (1 + x), or of their product. */
function complement(emit: Emitter, x: string, op: 'Div' | 'Mul'): string {
  const one = emit.scalar(1)
  return emit.add('Sqrt', [emit.add(op, [emit.add('Sub', [one, x]), emit.add('Add', [one, x])])])
}

/** Of any element type. */
const GENERAL: Readonly<Record<string, Expand>> = {
  Max: chain('Max'),
  Min: chain('Min'),
  ReduceL1: reduction(({ emit, x }) => emit.add('Abs', [x])),
  ReduceSumSquare: reduction(square),
  Sum: chain('Add'),
}

const OF_FLOATS: Readonly<Record<string, Expand>> = {
  Acos: ({ emit, x }) => {
    const half = emit.add('Atan', [complement(emit, x, 'Div')])
    return emit.add('Add', [half, half])
  },
  Acosh: acosh,
  Asin: ({ emit, x }) => emit.add('Atan', [emit.add('Div', [x, complement(emit, x, 'Mul')])]),
  Asinh: asinh,
  Atanh: atanh,
  Celu: celu,
  Cosh: cosh,
  GroupNormalization: groupNormalization,
  Hardmax: hardmax,
  InstanceNormalization: instanceNormalization,
  LRN: localResponse,
  LogSoftmax: logSoftmax,
  LpNormalization: lpNormalization,
  Mean: mean,
  MeanVarianceNormalization: meanVariance,
  Mish: ({ emit, x }) => emit.add('Mul', [x, emit.add('Tanh', [emit.add('Softplus', [x])])]),
  Pow: pow,
  ReduceL2: reduction(square, 'Sqrt'),
  ReduceLogSum: reduction(({ x }) => x, 'Log'),
  ReduceLogSumExp: logSumExp,
  Selu: selu,
  Sinh: (expansion) =>
    expansion.emit.add('Mul', [expansion.emit.add('Tanh', [expansion.x]), cosh(expansion)]),
  Softsign: ({ emit, x }) => emit.add('Div', [x, emit.add('Add', [emit.add('Abs', [x]), emit.scalar(1)])]),
  Tan: ({ emit, x }) => emit.add('Div', [emit.add('Sin', [x]), emit.add('Cos', [x])]),
}

const EXPANSIONS: Readonly<Record<string, Expand>> = { ...GENERAL, ...OF_FLOATS }
