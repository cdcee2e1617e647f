// Quantization by the letter, for models that are run as they came; preparing one turns most of it into stored weights and
// int8 parameters of activations.
import { elementCount, type ElementType } from '../../formats/tensor.js'
import { intAttribute } from '../attributes.js'
import { broadcastShapes, broadcastStrides, stridesOf } from '../broadcast.js'
import { Call, show, type ValueType } from '../call.js'
import { elementTypeOf } from '../element-types.js'
import { allocate, elementsOf, type Elements } from '../evaluators.js'
import { operator, operatorTable, type Evaluator, type Rule } from '../operators.js'
import { conv, matmul } from '../rules.js'
import { windowsOf } from '../windows.js'

const RANGES: Partial<Record<ElementType, readonly [low: number, high: number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
}

const ROUNDER = 1.5 * 2 ** 52
/** For |x| < 2^51; saturating comes after it. */
const roundHalfEven = (x: number) => Math.min(Math.max(x, -(2 ** 40)), 2 ** 40) + ROUNDER - ROUNDER

const saturate = (x: number, [low, high]: readonly [number, number]) => Math.min(Math.max(x, low), high)

/** Which scale belongs to each element: one for all, one a slice along an axis, or one a block of elements along it. */
function scaleIndex(call: Call): (i: number) => number {
  const [{ shape }, { shape: scales }] = [call.input(0), call.input(1)]
  const count = elementCount(scales)
  if (count === 1) return () => 0
  const axis = call.axis(intAttribute(call.node, 'axis', 1), shape.length)
  const block = intAttribute(call.node, 'block_size', 0)
  const size = shape[axis]!
  const isBlocked = block > 0 && scales.length === shape.length
  const steps = isBlocked ? scales[axis]! : size
  const wanted = isBlocked ? shape.with(axis, Math.ceil(size / block)) : [size]
  if (show(scales) !== show(wanted)) call.fail(`scale expected ${show(wanted)}, got ${show(scales)}`)
  const inner = elementCount(shape.slice(axis + 1))
  return (i) => {
    const [place, at] = [Math.floor(i / inner), i % inner]
    const position = Math.floor((place % size) / (isBlocked ? block : 1))
    return isBlocked ? (Math.floor(place / size) * steps + position) * inner + at : position
  }
}

const zeroPoints = (call: Call, position: number): Elements | readonly number[] =>
  call.optional(position) === undefined ? [] : elementsOf(call, position)

const quantizeRule: Rule = (call) => {
  const code = intAttribute(call.node, 'output_dtype', 0)
  const dtype = call.optional(2)?.dtype ?? elementTypeOf(code) ?? 'uint8'
  if (RANGES[dtype] === undefined) call.fail(`cannot quantize to ${dtype}`)
  scaleIndex(call)
  return [{ dtype, shape: call.input(0).shape }]
}

const quantize: Evaluator = (call, [output]) => {
  const [x, scale, zero] = [elementsOf(call, 0), elementsOf(call, 1), zeroPoints(call, 2)]
  const range = RANGES[output.dtype]!
  const indexOf = scaleIndex(call)
  const { tensor, elements } = allocate(output)
  for (let i = 0; i < elements.length; i++) {
    const at = indexOf(i)
    const quotient = Math.fround(Number(x[i]) / Number(scale[at]))
    elements[i] = saturate(roundHalfEven(quotient) + Number(zero[at] ?? 0), range)
  }
  return [tensor]
}

const dequantizeRule: Rule = (call) => {
  scaleIndex(call)
  return [{ dtype: 'float32', shape: call.input(0).shape }]
}

const dequantize: Evaluator = (call, [output]) => {
  const [x, scale, zero] = [elementsOf(call, 0), elementsOf(call, 1), zeroPoints(call, 2)]
  const indexOf = scaleIndex(call)
  const { tensor, elements } = allocate(output)
  for (let i = 0; i < elements.length; i++) {
    const at = indexOf(i)
    elements[i] = Math.fround(Number(x[i]) - Number(zero[at] ?? 0)) * Number(scale[at])
  }
  return [tensor]
}

const dynamicRule: Rule = (call) => [
  { dtype: 'uint8', shape: call.input(0).shape },
  { dtype: 'float32', shape: [] },
  { dtype: 'uint8', shape: [] },
]

const dynamicQuantize: Evaluator = (call, outputs) => {
  const x = elementsOf(call, 0)
  let [low, high] = [0, 0]
  for (let i = 0; i < x.length; i++) [low, high] = [Math.min(low, Number(x[i])), Math.max(high, Number(x[i]))]
  const scale = Math.fround(Math.fround(high - low) / 255) || 1
  const zero = saturate(roundHalfEven(Math.fround(-low / scale)), [0, 255])
  const [y, s, z] = outputs.map((output) => allocate(output))
  for (let i = 0; i < x.length; i++) {
    y!.elements[i] = saturate(roundHalfEven(Math.fround(Number(x[i]) / scale)) + zero, [0, 255])
  }
  if (s !== undefined) s.elements[0] = scale
  if (z !== undefined) z.elements[0] = zero
  return [y, s, z].flatMap((part) => part?.tensor ?? [])
}

const integers = (rule: Rule): Rule => {
  return (call) => {
    const like = (position: number): ValueType => ({ ...call.input(position), dtype: 'int32' })
    const bare = new Call(call.node, [like(0), like(1)])
    return [{ dtype: 'int32', shape: rule(bare)[0]!.shape }]
  }
}

/** Elements less their zero point: one for all, or one for each index along an axis. */
function centred(call: Call, position: number, axis: number): Float64Array {
  const { shape } = call.input(position)
  const [source, zero] = [elementsOf(call, position), zeroPoints(call, position + 2)]
  const at = axis < 0 ? axis + shape.length : axis
  const inner = elementCount(shape.slice(at + 1))
  return Float64Array.from({ length: elementCount(shape) }, (_, i) => {
    const index = zero.length > 1 ? Math.floor(i / inner) % shape[at]! : 0
    return Number(source[i]) - Number(zero[index] ?? 0)
  })
}

const matmulInteger: Evaluator = (call, [output]) => {
  const [a, b] = [centred(call, 0, -2), centred(call, 1, -1)]
  const [left, right] = [call.input(0).shape, call.input(1).shape]
  const [aMatrix, bMatrix] = [left.length > 1 ? left : [1, ...left], right.length > 1 ? right : [...right, 1]]
  const [m, k] = aMatrix.slice(-2) as [number, number]
  const n = bMatrix.at(-1)!
  const batch = broadcastShapes(aMatrix.slice(0, -2), bMatrix.slice(0, -2))!
  const [strides, aStrides, bStrides] = [
    stridesOf(batch),
    broadcastStrides(aMatrix.slice(0, -2), batch),
    broadcastStrides(bMatrix.slice(0, -2), batch),
  ]
  const { tensor, elements } = allocate(output)
  for (let i = 0; i < elements.length; i++) {
    const [matrix, row, column] = [Math.floor(i / (m * n)), Math.floor(i / n) % m, i % n]
    let [from, other] = [0, 0]
    batch.forEach((size, axis) => {
      const index = Math.floor(matrix / strides[axis]!) % size
      from += index * aStrides[axis]!
      other += index * bStrides[axis]!
    })
    let sum = 0
    for (let p = 0; p < k; p++) sum += a[(from * m + row) * k + p]! * b[(other * k + p) * n + column]!
    elements[i] = sum
  }
  return [tensor]
}

const convInteger: Evaluator = (call, [output]) => {
  const [x, w] = [centred(call, 0, 1), centred(call, 1, 0)]
  const [, depth = 0, ...spatial] = call.input(0).shape
  const [filters = 0, channels = 0, ...kernel] = call.input(1).shape
  const { strides, dilations, padsBegin, output: size } = windowsOf(call.node, spatial, kernel)
  const group = intAttribute(call.node, 'group', 1)
  const [places, taps, steps] = [stridesOf(size), stridesOf(kernel), stridesOf(spatial)]
  const [pixels, window, plane] = [elementCount(size), elementCount(kernel), elementCount(spatial)]
  const { tensor, elements } = allocate(output)
  for (let i = 0; i < elements.length; i++) {
    const [pixel, filter, image] = [
      i % pixels,
      Math.floor(i / pixels) % filters,
      Math.floor(i / pixels / filters),
    ]
    const first = image * depth + Math.floor(filter / (filters / group)) * channels
    let sum = 0
    for (let t = 0; t < window; t++) {
      let from = 0
      const isInside = spatial.every((length, axis) => {
        const tap = (Math.floor(t / taps[axis]!) % kernel[axis]!) * dilations[axis]!
        const at = (Math.floor(pixel / places[axis]!) % size[axis]!) * strides[axis]! - padsBegin[axis]! + tap
        from += at * steps[axis]!
        return at >= 0 && at < length
      })
      if (!isInside) continue
      for (let c = 0; c < channels; c++) {
        sum += x[(first + c) * plane + from]! * w[(filter * channels + c) * window + t]!
      }
    }
    elements[i] = sum
  }
  return [tensor]
}

/** Inputs of QLinearConv and QLinearMatMul, of which the product of integers takes some. */
const OF_PRODUCT = [0, 3, 2, 5]

const linearRule = (rule: Rule): Rule => {
  const inner = integers(rule)
  return (call) => {
    const { shape } = inner(new Call(call.node, OF_PRODUCT.map((i) => call.optional(i)).slice(0, 2)))[0]!
    return [{ dtype: call.input(7).dtype, shape }]
  }
}

/** A product of integers, and its sums brought to the scale of the output. */
const linear =
  (product: Evaluator, isConv: boolean): Evaluator =>
  (call, [output]) => {
    const { shape, dtype } = output
    const inputs = OF_PRODUCT.map((position) => call.optional(position))
    const sums = product(new Call(call.node, inputs), [{ dtype: 'int32', shape }])![0]!.data
    const [left, right, to] = [1, 4, 6].map((position) => elementsOf(call, position))
    const [zero, bias] = [elementsOf(call, 7), zeroPoints(call, 8)]
    const { tensor, elements } = allocate(output)
    const columns = isConv ? shape[1]! : (shape.at(-1) ?? 1)
    const inner = isConv ? elementCount(shape.slice(2)) : 1
    const at = (values: Elements, index: number) => Number(values[values.length === 1 ? 0 : index])
    for (let i = 0; i < elements.length; i++) {
      const column = Math.floor(i / inner) % columns
      const row = isConv ? 0 : Math.floor(i / columns) % (shape.at(-2) ?? 1)
      const scale = Math.fround(Math.fround(at(left!, row) * at(right!, column)) / at(to!, row))
      const sum = Number(sums[i]) + Number(bias[column] ?? 0)
      elements[i] = saturate(roundHalfEven(Math.fround(sum * scale)) + at(zero, row), RANGES[dtype]!)
    }
    return [tensor]
  }

export const QUANTIZED = operatorTable(
  [
    ['ConvInteger', operator(2, 4, integers(conv))],
    ['DequantizeLinear', operator(2, 3, dequantizeRule)],
    ['DynamicQuantizeLinear', operator(1, 1, dynamicRule, 3)],
    ['MatMulInteger', operator(2, 4, integers(matmul))],
    ['QLinearConv', operator(8, 9, linearRule(conv))],
    ['QLinearMatMul', operator(8, 8, linearRule(matmul))],
    ['QuantizeLinear', operator(2, 3, quantizeRule)],
  ],
  {
    ConvInteger: convInteger,
    DequantizeLinear: dequantize,
    DynamicQuantizeLinear: dynamicQuantize,
    MatMulInteger: matmulInteger,
    QLinearConv: linear(convInteger, true),
    QLinearMatMul: linear(matmulInteger, false),
    QuantizeLinear: quantize,
  },
)
