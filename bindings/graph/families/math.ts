// Functions of one float32 value, reductions and normalizations: what kernels compute beyond sums and products.
import { elementCount } from '../../formats/tensor.js'
import { intAttribute } from '../attributes.js'
import { broadcastShapes, stridesOf } from '../broadcast.js'
import { show, type Call } from '../call.js'
import { allocate, copyStrided, elementFrom, elementsOf, isFloat } from '../evaluators.js'
import { operator, operatorTable, type Evaluator, type Rule } from '../operators.js'
import { broadcasting, same } from '../rules.js'

/** Operators that one kernel runs by their name. */
export const FUNCTIONS = (
  'Atan Ceil Cos Elu Erf Exp Floor Gelu HardSigmoid HardSwish LeakyRelu Log Reciprocal Round Shrink Sigmoid Sin Softplus Sqrt ' +
  'Swish Tanh ThresholdedRelu'
).split(' ')

/** The axes that a reduction takes together, in order. */
export function reducedAxes(call: Call): number[] {
  const { shape } = call.input(0)
  const given = call.optionalInts(1) ?? []
  if (given.length > 0) return call.axes(given, shape.length).sort((a, b) => a - b)
  return intAttribute(call.node, 'noop_with_empty_axes', 0) === 0 ? [...shape.keys()] : []
}

const reduce: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const axes = reducedAxes(call)
  const keep = intAttribute(call.node, 'keepdims', 1) !== 0
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
  return [{ dtype, shape: keep ? kept : kept.filter((_, axis) => !axes.includes(axis)) }]
}

/** Of integers, whose order does not matter; floats have a kernel. Without an identity nothing has no result. */
const reducing =
  (combine: (a: number, b: number) => number, identity?: number): Evaluator =>
  (call, [output]) => {
    const { dtype, shape } = call.input(0)
    if (isFloat(dtype)) return undefined
    const axes = reducedAxes(call)
    const run = elementCount(axes.map((axis) => shape[axis]!))
    if (run === 0 && identity === undefined) return undefined
    // The elements of each result next to each other.
    const order = [...[...shape.keys()].filter((axis) => !axes.includes(axis)), ...axes]
    const sizes = order.map((axis) => shape[axis]!)
    const strides = stridesOf(shape)
    const { elements: source } = allocate({ dtype, shape: sizes })
    copyStrided(
      elementsOf(call, 0),
      0,
      order.map((axis) => strides[axis]!),
      sizes,
      source,
    )
    const { tensor, elements } = allocate(output)
    for (let i = 0; i < elements.length; i++) {
      let value = run === 0 ? elementFrom(dtype, identity!) : source[i * run]!
      for (let k = 1; k < run; k++) value = combine(value, source[i * run + k]!)
      elements[i] = value
    }
    return [tensor]
  }

const layerNormalization: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const axis = call.axis(intAttribute(call.node, 'axis', -1), shape.length)
  for (const type of [call.input(1), call.optional(2)]) {
    if (type === undefined) continue
    const spread = broadcastShapes(type.shape, shape.slice(axis))
    if (spread === undefined || show(spread) !== show(shape.slice(axis))) {
      call.fail(`parameters ${show(type.shape)} do not broadcast to ${show(shape.slice(axis))}`)
    }
  }
  const statistics = { dtype, shape: shape.map((size, at) => (at < axis ? size : 1)) }
  return [{ dtype, shape }, statistics, statistics]
}

const function_ = operator(1, 1, same)
const reduction = operator(1, 2, reduce)

export const MATH = operatorTable(
  [
    ...FUNCTIONS.map((name) => [name, function_] as const),
    ['LayerNormalization', operator(2, 3, layerNormalization, 3)],
    ['PRelu', operator(2, 2, broadcasting)],
    ['RMSNormalization', operator(2, 2, layerNormalization)],
    ...['Max', 'Mean', 'Min', 'Prod', 'Sum'].map((kind) => [`Reduce${kind}`, reduction] as const),
  ],
  {
    ReduceMax: reducing((a, b) => (a > b ? a : b)),
    ReduceMin: reducing((a, b) => (a < b ? a : b)),
    ReduceProd: reducing((a, b) => a * b, 1),
    ReduceSum: reducing((a, b) => a + b, 0),
  },
)
