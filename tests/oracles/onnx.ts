/**
 * ONNX by the letter: one plain loop an operator, all in float64, written from the operator pages of onnx.ai. Knows the
 * older forms (attributes that became inputs) as well, so that a rewritten graph can be held against its original.
 */
import { int4Elements, type StoredInt4 } from './int4.js'

export interface OracleTensor {
  readonly shape: readonly number[]
  readonly data: ArrayLike<number>
  /** float32 unless given; integer division and casts go by it. */
  readonly dtype?: string
}

interface OracleNode {
  readonly op: string
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, unknown>>
}

export interface OracleModel {
  readonly opset: number
  readonly nodes: readonly OracleNode[]
  readonly weights: ReadonlyMap<string, unknown>
}

interface Value {
  shape: number[]
  data: Float64Array
  dtype: string
}

interface Call {
  readonly node: OracleNode
  readonly opset: number
  /** Inputs by position; an absent optional one is undefined. */
  readonly inputs: readonly (Value | undefined)[]
}

/** Runs a model; returns every value by name, weights and inputs included. */
export function runOnnx(
  model: OracleModel,
  inputs: Readonly<Record<string, OracleTensor>>,
): Map<string, Required<OracleTensor> & { data: Float64Array }> {
  const values = new Map<string, Value>()
  for (const [name, weight] of model.weights) values.set(name, expand(weight))
  for (const [name, { shape, data, dtype = 'float32' }] of Object.entries(inputs)) {
    values.set(name, { shape: [...shape], data: Float64Array.from(data), dtype })
  }
  for (const node of model.nodes) {
    const run = OPERATORS[node.op]
    if (run === undefined) throw new Error(`the oracle has no ${node.op}`)
    const outputs = run({
      node,
      opset: model.opset,
      inputs: node.inputs.map((name) => {
        if (name !== '' && !values.has(name)) throw new Error(`${node.name}: no value ${name}`)
        return values.get(name)
      }),
    })
    // A fused activation clamps the first output.
    const { 'mcompress.min': min = -Infinity, 'mcompress.max': max = Infinity } = node.attributes
    outputs[0]!.data = outputs[0]!.data.map((x) => Math.min(Math.max(x, min as number), max as number))
    node.outputs.forEach((name, i) => {
      if (name !== '' && outputs[i] !== undefined) values.set(name, outputs[i])
    })
  }
  return values
}

/** A weight in any stored form, as real values. */
function expand(weight: unknown): Value {
  const w = weight as {
    kind: string
    shape: number[]
    dtype?: string
    data: ArrayLike<number | bigint>
    indices: ArrayLike<number>
    codebook: { centroids: ArrayLike<number> }
    scale: ArrayLike<number>
    zeroPoint: ArrayLike<number>
    granularity: { per: string; axis: number; size: number }
  }
  if (w.kind === 'dense') {
    return {
      shape: [...w.shape],
      data: Float64Array.from(w.data as ArrayLike<number>, Number),
      dtype: w.dtype!,
    }
  }
  if (w.kind === 'codebook') {
    const data = Float64Array.from(w.indices, (index) => w.codebook.centroids[index]!)
    return { shape: [...w.shape], data, dtype: 'float32' }
  }
  if (w.kind === 'quantized') {
    const { per, axis, size } = w.granularity
    const inner = per === 'channel' ? product(w.shape.slice(axis + 1)) : 0
    const group = (i: number) =>
      per === 'tensor' ? 0 : per === 'group' ? Math.floor(i / size) : Math.floor(i / inner) % w.shape[axis]!
    const data = Float64Array.from(
      w.data as ArrayLike<number>,
      (q, i) => w.scale[group(i)]! * (q - w.zeroPoint[group(i)]!),
    )
    return { shape: [...w.shape], data, dtype: 'float32' }
  }
  if (w.kind === 'int4') {
    const data = Float64Array.from(int4Elements(weight as StoredInt4))
    return { shape: [...w.shape], data, dtype: 'float32' }
  }
  throw new Error(`the oracle cannot expand a ${w.kind} weight`)
}

// Shapes and indices

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1)
}

function make(shape: readonly number[], dtype: string, at: (index: number[], i: number) => number): Value {
  const data = new Float64Array(product(shape))
  for (let i = 0; i < data.length; i++) data[i] = at(unravel(i, shape), i)
  return { shape: [...shape], data, dtype }
}

function unravel(i: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length)
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = i % shape[axis]!
    i = Math.floor(i / shape[axis]!)
  }
  return index
}

function ravel(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((i, at, axis) => i * shape[axis]! + at, 0)
}

function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis
}

/** NumPy's broadcasting of two shapes. */
function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1
    const y = b[i - rank + b.length] ?? 1
    if (x !== y && x !== 1 && y !== 1) throw new Error(`cannot broadcast [${a}] and [${b}]`)
    return x === 1 ? y : x
  })
}

/** Element of `value` at an index of a shape that it is broadcast to. */
function pick(value: Value, index: readonly number[]): number {
  const skip = index.length - value.shape.length
  return value.data[
    ravel(
      value.shape.map((size, axis) => (size === 1 ? 0 : index[axis + skip]!)),
      value.shape,
    )
  ]!
}

// Attributes

function int(call: Call, name: string, fallback?: number): number {
  const value = call.node.attributes[name] ?? fallback
  if (typeof value !== 'number') throw new Error(`${call.node.name}: no ${name}`)
  return value
}

function ints(call: Call, name: string, fallback?: readonly number[]): number[] {
  const value = call.node.attributes[name] ?? fallback
  if (!Array.isArray(value)) throw new Error(`${call.node.name}: no ${name}`)
  return [...(value as number[])]
}

/** Integers from the attribute that old opsets have, or else from an input; undefined when in neither. */
function intsFrom(call: Call, name: string, input: number): number[] | undefined {
  const attribute = call.node.attributes[name]
  if (attribute !== undefined) return [...(attribute as number[])]
  const value = call.inputs[input]
  return value && [...value.data]
}

// Families of operators

type Operator = (call: Call) => Value[]

const isInteger = (dtype: string) => dtype.includes('int')

function elementwise(f: (x: number, call: Call) => number): Operator {
  return (call) => {
    const [x] = call.inputs as [Value]
    return [make(x.shape, x.dtype, (_, i) => f(x.data[i]!, call))]
  }
}

function binary(f: (a: number, b: number, dtype: string) => number, result?: string): Operator {
  return ({ inputs }) => {
    const [a, b] = inputs as [Value, Value]
    const at = (index: number[]) => f(pick(a, index), pick(b, index), a.dtype)
    return [make(broadcast(a.shape, b.shape), result ?? a.dtype, at)]
  }
}

function variadic(f: (a: number, b: number) => number): Operator {
  return ({ inputs }) => [
    (inputs as Value[]).reduce((a, b) =>
      make(broadcast(a.shape, b.shape), a.dtype, (index) => f(pick(a, index), pick(b, index))),
    ),
  ]
}

function reduction(f: (items: number[]) => number): Operator {
  return (call) => {
    const [x] = call.inputs as [Value]
    const rank = x.shape.length
    let axes = (intsFrom(call, 'axes', 1) ?? []).map((axis) => axisOf(axis, rank))
    if (axes.length === 0) {
      if (int(call, 'noop_with_empty_axes', 0)) return [x]
      axes = x.shape.map((_, axis) => axis)
    }
    const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
    const items: number[][] = Array.from({ length: product(kept) }, () => [])
    x.data.forEach((value, i) => {
      const index = unravel(i, x.shape).map((at, axis) => (axes.includes(axis) ? 0 : at))
      items[ravel(index, kept)]!.push(value)
    })
    const shape = int(call, 'keepdims', 1) ? kept : x.shape.filter((_, axis) => !axes.includes(axis))
    return [{ shape, data: Float64Array.from(items, f), dtype: x.dtype }]
  }
}

/** Windows over the spatial axes: the attributes that Conv and the pools share. */
function windows(call: Call, input: readonly number[], kernel: readonly number[]) {
  const spatial = input.slice(2)
  const ones = spatial.map(() => 1)
  const strides = ints(call, 'strides', ones)
  const dilations = ints(call, 'dilations', ones)
  const pads = ints(call, 'pads', [...spatial, ...spatial].fill(0))
  const mode = (call.node.attributes['auto_pad'] as string | undefined) ?? 'NOTSET'
  const extent = kernel.map((size, d) => (size - 1) * dilations[d]! + 1)
  const output = spatial.map((size, d) => {
    if (mode === 'SAME_UPPER' || mode === 'SAME_LOWER') {
      const out = Math.ceil(size / strides[d]!)
      const total = Math.max((out - 1) * strides[d]! + extent[d]! - size, 0)
      const less = Math.floor(total / 2)
      pads[d] = mode === 'SAME_UPPER' ? less : total - less
      pads[d + spatial.length] = total - pads[d]!
      return out
    }
    if (mode === 'VALID') pads.fill(0)
    const room = size + pads[d]! + pads[d + spatial.length]! - extent[d]!
    if (!int(call, 'ceil_mode', 0)) return Math.floor(room / strides[d]!) + 1
    const out = Math.ceil(room / strides[d]!) + 1
    // A window may not start in the padding at the end.
    return (out - 1) * strides[d]! >= size + pads[d]! ? out - 1 : out
  })
  /** Where kernel position k of the window at `out` reads, which may lie in the padding. */
  const position = (out: readonly number[], k: readonly number[]) =>
    out.map((at, d) => at * strides[d]! + k[d]! * dilations[d]! - pads[d]!)
  const inside = (at: readonly number[]) => at.every((p, d) => p >= 0 && p < spatial[d]!)
  const padded = (at: readonly number[]) =>
    at.every((p, d) => p >= -pads[d]! && p < spatial[d]! + pads[d + spatial.length]!)
  return { output, position, inside, padded }
}

function pool(f: (items: number[], padding: number) => number): Operator {
  return (call) => {
    const [x] = call.inputs as [Value]
    const kernel = ints(call, 'kernel_shape')
    const { output, position, inside, padded } = windows(call, x.shape, kernel)
    return [
      make([...x.shape.slice(0, 2), ...output], x.dtype, ([n, c, ...out]) => {
        const items: number[] = []
        let padding = 0
        for (let k = 0; k < product(kernel); k++) {
          const at = position(out, unravel(k, kernel))
          if (inside(at)) items.push(x.data[ravel([n!, c!, ...at], x.shape)]!)
          else if (padded(at)) padding++
        }
        return f(items, int(call, 'count_include_pad', 0) ? padding : 0)
      }),
    ]
  }
}

function globalPool(f: (items: number[]) => number): Operator {
  return ({ inputs }) => {
    const [x] = inputs as [Value]
    const inner = product(x.shape.slice(2))
    const shape = [...x.shape.slice(0, 2), ...x.shape.slice(2).map(() => 1)]
    return [make(shape, x.dtype, (_, i) => f([...x.data.subarray(i * inner, (i + 1) * inner)]))]
  }
}

const sum = (items: readonly number[]) => items.reduce((a, b) => a + b, 0)
const mean = (items: readonly number[]) => sum(items) / items.length

/** Softmax over the last axes from `from` up to `to` of each slice. */
/** The elements of a line through `index` along an axis. */
function alongAxis(x: Value, index: readonly number[], axis: number): number[] {
  return Array.from({ length: x.shape[axis]! }, (_, at) => pick(x, index.with(axis, at)))
}

/** Groups of channels, normalized over their pixels too; parameters are of channels. */
function groupNormalization(call: Call, groups: number): Value[] {
  const [x, scale, shift] = call.inputs as [Value, Value, Value]
  const [, channels = 1, ...pixels] = x.shape
  const length = (channels / groups) * product(pixels)
  return [
    make(x.shape, x.dtype, (index, i) => {
      const start = i - (i % length)
      const items = [...x.data.subarray(start, start + length)]
      const average = mean(items)
      const variance = mean(items.map((v) => (v - average) ** 2))
      const y = (x.data[i]! - average) / Math.sqrt(variance + int(call, 'epsilon', 1e-5))
      return y * scale.data[index[1]!]! + shift.data[index[1]!]!
    }),
  ]
}

function softmaxOver(x: Value, first: number, last: number, log: boolean): Value {
  const group = (index: number[]) =>
    ravel(
      index.map((at, axis) => (axis >= first && axis <= last ? 0 : at)),
      x.shape,
    )
  const groups = new Map<number, number[]>()
  x.data.forEach((value, i) => {
    const key = group(unravel(i, x.shape))
    if (!groups.has(key)) groups.set(key, [])
    groups.get(key)!.push(value)
  })
  return make(x.shape, x.dtype, (index, i) => {
    const items = groups.get(group(index))!
    const max = Math.max(...items)
    const total = sum(items.map((item) => Math.exp(item - max)))
    return log ? x.data[i]! - max - Math.log(total) : Math.exp(x.data[i]! - max) / total
  })
}

function softmax(log: boolean): Operator {
  return (call) => {
    const [x] = call.inputs as [Value]
    const rank = x.shape.length
    const axis = axisOf(int(call, 'axis', call.opset < 13 ? 1 : -1), rank)
    return [softmaxOver(x, axis, call.opset < 13 ? rank - 1 : axis, log)]
  }
}

/** Error function: Taylor series near zero, continued fraction for the tail; good to about 1e-15. */
function erf(x: number): number {
  const a = Math.abs(x)
  if (a < 2.5) {
    let term = a
    let total = a
    for (let n = 1; Math.abs(term) > 1e-18; n++) {
      term *= -(a * a) / n
      total += term / (2 * n + 1)
    }
    return (Math.sign(x) * 2 * total) / Math.sqrt(Math.PI)
  }
  let fraction = 0
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction)
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction))
}

function matmul(a: Value, b: Value): Value {
  const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape
  const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape
  const [m, k] = left.slice(-2) as [number, number]
  const [rows, n] = right.slice(-2) as [number, number]
  if (k !== rows) throw new Error(`MatMul of [${a.shape}] and [${b.shape}]`)
  const batch = broadcast(left.slice(0, -2), right.slice(0, -2))
  // Which matrix of a stack belongs to each one of the result.
  const numbers = (shape: readonly number[]): Value => make(shape.slice(0, -2), 'int64', (_, i) => i)
  const [lefts, rights] = [numbers(left), numbers(right)]
  const data = new Float64Array(product(batch) * m * n)
  for (let at = 0; at < data.length; at++) {
    const j = at % n
    const i = Math.floor(at / n) % m
    const index = unravel(Math.floor(at / n / m), batch)
    const x = (pick(lefts, index) * m + i) * k
    const y = pick(rights, index) * k * n + j
    let total = 0
    for (let inner = 0; inner < k; inner++) total += a.data[x + inner]! * b.data[y + inner * n]!
    data[at] = total
  }
  const shape = [...batch]
  if (a.shape.length > 1) shape.push(m)
  if (b.shape.length > 1) shape.push(n)
  return { shape, data, dtype: a.dtype }
}

function castTo(x: number, dtype: string): number {
  if (dtype === 'bool') return x === 0 ? 0 : 1
  return isInteger(dtype) ? Math.trunc(x) : x
}

const DTYPES: Readonly<Record<number, string>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
}

const divide = (a: number, b: number, dtype: string) => (isInteger(dtype) ? Math.trunc(a / b) + 0 : a / b)

const OPERATORS: Readonly<Record<string, Operator>> = {
  Abs: elementwise(Math.abs),
  Ceil: elementwise(Math.ceil),
  Elu: elementwise((x, call) => (x < 0 ? int(call, 'alpha', 1) * Math.expm1(x) : x)),
  Erf: elementwise(erf),
  Exp: elementwise(Math.exp),
  Floor: elementwise(Math.floor),
  Gelu: elementwise((x, call) =>
    call.node.attributes['approximate'] === 'tanh'
      ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
      : 0.5 * x * (1 + erf(x / Math.SQRT2)),
  ),
  HardSigmoid: elementwise((x, call) =>
    Math.max(0, Math.min(1, int(call, 'alpha', 0.2) * x + int(call, 'beta', 0.5))),
  ),
  HardSwish: elementwise((x) => x * Math.max(0, Math.min(1, x / 6 + 0.5))),
  Identity: elementwise((x) => x),
  LeakyRelu: elementwise((x, call) => (x < 0 ? int(call, 'alpha', 0.01) * x : x)),
  Log: elementwise(Math.log),
  Neg: elementwise((x) => -x),
  Reciprocal: elementwise((x) => 1 / x),
  Relu: elementwise((x) => Math.max(x, 0)),
  Sigmoid: elementwise((x) => 1 / (1 + Math.exp(-x))),
  Softplus: elementwise((x) => Math.log1p(Math.exp(x))),
  Sqrt: elementwise(Math.sqrt),
  Tanh: elementwise(Math.tanh),
  Acos: elementwise(Math.acos),
  Acosh: elementwise(Math.acosh),
  Asin: elementwise(Math.asin),
  Asinh: elementwise(Math.asinh),
  Atan: elementwise(Math.atan),
  Atanh: elementwise(Math.atanh),
  Cos: elementwise(Math.cos),
  Cosh: elementwise(Math.cosh),
  Sin: elementwise(Math.sin),
  Sinh: elementwise(Math.sinh),
  Tan: elementwise(Math.tan),
  Round: elementwise((x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x))),
  Sign: elementwise(Math.sign),
  Celu: elementwise((x, call) => {
    const alpha = int(call, 'alpha', 1)
    return Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha))
  }),
  Mish: elementwise((x) => x * Math.tanh(Math.log1p(Math.exp(x)))),
  Selu: elementwise((x, call) => {
    const [alpha, gamma] = [int(call, 'alpha', 1.6732632423543772), int(call, 'gamma', 1.0507009873554805)]
    return gamma * (x > 0 ? x : alpha * Math.expm1(x))
  }),
  Shrink: elementwise((x, call) => {
    const [lambd, bias] = [int(call, 'lambd', 0.5), int(call, 'bias', 0)]
    return x < -lambd ? x + bias : x > lambd ? x - bias : 0
  }),
  Softsign: elementwise((x) => x / (1 + Math.abs(x))),
  Swish: elementwise((x, call) => x / (1 + Math.exp(-int(call, 'alpha', 1) * x))),
  ThresholdedRelu: elementwise((x, call) => (x > int(call, 'alpha', 1) ? x : 0)),

  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary(divide),
  Pow: binary((a, b) => a ** b),
  PRelu: binary((x, slope) => (x < 0 ? slope * x : x)),
  Equal: binary((a, b) => Number(a === b), 'bool'),
  Greater: binary((a, b) => Number(a > b), 'bool'),
  Less: binary((a, b) => Number(a < b), 'bool'),
  Max: variadic(Math.max),
  Min: variadic(Math.min),
  Sum: variadic((a, b) => a + b),
  Mean: (call) => {
    const [total] = variadic((a, b) => a + b)(call)
    return [{ ...total!, data: total!.data.map((x) => x / call.inputs.length) }]
  },

  ReduceMax: reduction((items) => Math.max(...items)),
  ReduceMean: reduction(mean),
  ReduceMin: reduction((items) => Math.min(...items)),
  ReduceProd: reduction((items) => items.reduce((a, b) => a * b, 1)),
  ReduceSum: reduction(sum),
  ReduceL1: reduction((items) => sum(items.map(Math.abs))),
  ReduceL2: reduction((items) => Math.hypot(...items)),
  ReduceLogSum: reduction((items) => Math.log(sum(items))),
  ReduceLogSumExp: reduction((items) => Math.log(sum(items.map(Math.exp)))),
  ReduceSumSquare: reduction((items) => sum(items.map((x) => x * x))),

  AveragePool: pool((items, padding) => sum(items) / (items.length + padding)),
  MaxPool: pool((items) => Math.max(...items)),
  GlobalAveragePool: globalPool(mean),
  GlobalMaxPool: globalPool((items) => Math.max(...items)),

  Softmax: softmax(false),
  LogSoftmax: softmax(true),

  Clip: (call) => {
    const [x, low, high] = call.inputs as [Value, Value?, Value?]
    const min = low ? low.data[0]! : int(call, 'min', -Infinity)
    const max = high ? high.data[0]! : int(call, 'max', Infinity)
    return [make(x.shape, x.dtype, (_, i) => Math.min(Math.max(x.data[i]!, min), max))]
  },

  Cast: (call) => {
    const [x] = call.inputs as [Value]
    const dtype = DTYPES[int(call, 'to')]!
    return [make(x.shape, dtype, (_, i) => castTo(x.data[i]!, dtype))]
  },

  Dropout: ({ inputs }) => {
    const [x] = inputs as [Value]
    return [make(x.shape, x.dtype, (_, i) => x.data[i]!), make(x.shape, 'bool', () => 1)]
  },

  Where: ({ inputs }) => {
    const [condition, a, b] = inputs as [Value, Value, Value]
    const shape = broadcast(condition.shape, broadcast(a.shape, b.shape))
    return [make(shape, a.dtype, (index) => pick(pick(condition, index) ? a : b, index))]
  },

  // A third input is a bias that a graph pass gave it.
  MatMul: ({ inputs }) => {
    const y = matmul(inputs[0]!, inputs[1]!)
    const bias = inputs[2]
    return [bias ? make(y.shape, y.dtype, (index, i) => y.data[i]! + pick(bias, index)) : y]
  },

  Gemm: (call) => {
    const [a, b, c] = call.inputs as [Value, Value, Value?]
    const turn = (x: Value, yes: number): Value => {
      const [rows, columns] = x.shape as [number, number]
      if (!yes) return x
      return make([columns, rows], x.dtype, ([i, j]) => x.data[j! * columns + i!]!)
    }
    const y = matmul(turn(a, int(call, 'transA', 0)), turn(b, int(call, 'transB', 0)))
    const alpha = int(call, 'alpha', 1)
    const beta = int(call, 'beta', 1)
    return [make(y.shape, a.dtype, (at, i) => alpha * y.data[i]! + (c ? beta * pick(c, at) : 0))]
  },

  // Every input element spreads over the outputs that its window covers.
  ConvTranspose: (call) => {
    const [x, w, b] = call.inputs as [Value, Value, Value?]
    const groups = int(call, 'group', 1)
    const [depth, filters, ...kernel] = w.shape as [number, number, ...number[]]
    const [batch, , ...spatial] = x.shape as [number, number, ...number[]]
    const zeros = spatial.map(() => 0)
    const ones = spatial.map(() => 1)
    const strides = ints(call, 'strides', ones)
    const dilations = ints(call, 'dilations', ones)
    const extra = ints(call, 'output_padding', zeros)
    const pads = ints(call, 'pads', [...zeros, ...zeros])
    const mode = (call.node.attributes['auto_pad'] as string | undefined) ?? 'NOTSET'
    const asked = call.node.attributes['output_shape'] as number[] | undefined
    const output = spatial.map((size, d) => {
      const full = strides[d]! * (size - 1) + extra[d]! + (kernel[d]! - 1) * dilations[d]! + 1
      const wanted =
        asked?.at(d - spatial.length) ?? (mode.startsWith('SAME') ? size * strides[d]! : undefined)
      if (wanted === undefined) return full - pads[d]! - pads[d + spatial.length]!
      const total = Math.max(0, full - wanted)
      pads[d] = mode === 'SAME_UPPER' ? Math.floor(total / 2) : total - Math.floor(total / 2)
      return wanted
    })
    const [plane, taps, places] = [product(spatial), product(kernel), product(output)]
    const channels = filters * groups
    const data = Float64Array.from({ length: batch * channels * places }, (_, i) =>
      b ? b.data[Math.floor(i / places) % channels]! : 0,
    )
    for (let n = 0; n < batch; n++) {
      for (let c = 0; c < depth; c++) {
        const group = Math.floor(c / (depth / groups))
        for (let i = 0; i < plane * taps; i++) {
          const [place, k] = [Math.floor(i / taps), i % taps]
          const tap = unravel(k, kernel)
          const at = unravel(place, spatial).map(
            (p, d) => p * strides[d]! + tap[d]! * dilations[d]! - pads[d]!,
          )
          if (!at.every((p, d) => p >= 0 && p < output[d]!)) continue
          for (let f = 0; f < filters; f++) {
            const to = (n * channels + group * filters + f) * places + ravel(at, output)
            data[to]! += x.data[(n * depth + c) * plane + place]! * w.data[(c * filters + f) * taps + k]!
          }
        }
      }
    }
    return [{ shape: [batch, channels, ...output], data, dtype: x.dtype }]
  },

  Conv: (call) => {
    const [x, w, b] = call.inputs as [Value, Value, Value?]
    const groups = int(call, 'group', 1)
    const [filters, channels, ...kernel] = w.shape as [number, number, ...number[]]
    const [batch, depth, ...spatial] = x.shape as [number, number, ...number[]]
    if (depth !== channels * groups) throw new Error(`Conv of [${x.shape}] and [${w.shape}]`)
    const { output, position, inside } = windows(call, x.shape, kernel)
    const [plane, taps, places] = [product(spatial), product(kernel), product(output)]
    const data = new Float64Array(batch * filters * places)
    for (let place = 0; place < places; place++) {
      const reads: [k: number, at: number][] = []
      for (let k = 0; k < taps; k++) {
        const at = position(unravel(place, output), unravel(k, kernel))
        if (inside(at)) reads.push([k, ravel(at, spatial)])
      }
      for (let n = 0; n < batch; n++) {
        for (let f = 0; f < filters; f++) {
          const first = n * depth + Math.floor(f / (filters / groups)) * channels
          let total = b ? b.data[f]! : 0
          for (let c = 0; c < channels; c++) {
            for (const [k, at] of reads) {
              total += x.data[(first + c) * plane + at]! * w.data[(f * channels + c) * taps + k]!
            }
          }
          data[(n * filters + f) * places + place] = total
        }
      }
    }
    return [{ shape: [batch, filters, ...output], data, dtype: x.dtype }]
  },

  BatchNormalization: (call) => {
    const [x, scale, bias, average, variance] = call.inputs as [Value, Value, Value, Value, Value]
    const epsilon = int(call, 'epsilon', 1e-5)
    return [
      make(x.shape, x.dtype, (index, i) => {
        const c = index[1]!
        const normal = (x.data[i]! - average.data[c]!) / Math.sqrt(variance.data[c]! + epsilon)
        return normal * scale.data[c]! + bias.data[c]!
      }),
    ]
  },

  LayerNormalization: (call) => {
    const [x, scale, bias] = call.inputs as [Value, Value, Value?]
    const axis = axisOf(int(call, 'axis', -1), x.shape.length)
    const inner = product(x.shape.slice(axis))
    const shape = x.shape.map((size, at) => (at < axis ? size : 1))
    const rows = make(shape, x.dtype, (_, i) => i).data
    const items = [...rows].map((i) => [...x.data.subarray(i * inner, (i + 1) * inner)])
    const means = items.map(mean)
    const inverses = items.map((row, i) => {
      const variance = mean(row.map((item) => (item - means[i]!) ** 2))
      return 1 / Math.sqrt(variance + int(call, 'epsilon', 1e-5))
    })
    return [
      make(x.shape, x.dtype, (index, i) => {
        const row = Math.floor(i / inner)
        return (
          (x.data[i]! - means[row]!) * inverses[row]! * pick(scale, index) + (bias ? pick(bias, index) : 0)
        )
      }),
      { shape, data: Float64Array.from(means), dtype: x.dtype },
      { shape, data: Float64Array.from(inverses), dtype: x.dtype },
    ]
  },

  InstanceNormalization: (call) => groupNormalization(call, call.inputs[0]!.shape[1]!),
  GroupNormalization: (call) => groupNormalization(call, int(call, 'num_groups')),

  LpNormalization: (call) => {
    const [x] = call.inputs as [Value]
    const axis = axisOf(int(call, 'axis', -1), x.shape.length)
    const p = int(call, 'p', 2)
    return [
      make(x.shape, x.dtype, (index, i) => {
        const line = alongAxis(x, index, axis)
        return x.data[i]! / sum(line.map((v) => Math.abs(v) ** p)) ** (1 / p)
      }),
    ]
  },

  Hardmax: (call) => {
    const [x] = call.inputs as [Value]
    const axis = axisOf(int(call, 'axis', -1), x.shape.length)
    return [
      make(x.shape, x.dtype, (index) => {
        const line = alongAxis(x, index, axis)
        return Number(line.indexOf(Math.max(...line)) === index[axis])
      }),
    ]
  },

  MeanVarianceNormalization: (call) => {
    const [x] = call.inputs as [Value]
    const axes = ints(call, 'axes', [0, 2, 3])
    const group = (index: number[]) => String(index.map((at, axis) => (axes.includes(axis) ? 0 : at)))
    const groups = new Map<string, number[]>()
    x.data.forEach((v, i) => {
      const key = group(unravel(i, x.shape))
      groups.set(key, [...(groups.get(key) ?? []), v])
    })
    return [
      make(x.shape, x.dtype, (index, i) => {
        const items = groups.get(group(index))!
        const average = mean(items)
        return (x.data[i]! - average) / (Math.sqrt(mean(items.map((v) => (v - average) ** 2))) + 1e-9)
      }),
    ]
  },

  LRN: (call) => {
    const [x] = call.inputs as [Value]
    const size = int(call, 'size')
    const [alpha, beta, bias] = [int(call, 'alpha', 1e-4), int(call, 'beta', 0.75), int(call, 'bias', 1)]
    return [
      make(x.shape, x.dtype, (index, i) => {
        const line = alongAxis(x, index, 1)
        const first = index[1]! - Math.floor((size - 1) / 2)
        const window = line.slice(Math.max(0, first), index[1]! + Math.ceil((size - 1) / 2) + 1)
        return x.data[i]! / (bias + (alpha / size) * sum(window.map((v) => v * v))) ** beta
      }),
    ]
  },

  RMSNormalization: (call) => {
    const [x, scale] = call.inputs as [Value, Value]
    const inner = product(x.shape.slice(axisOf(int(call, 'axis', -1), x.shape.length)))
    return [
      make(x.shape, x.dtype, (index, i) => {
        const start = i - (i % inner)
        const squares = [...x.data.subarray(start, start + inner)].map((item) => item * item)
        return (x.data[i]! / Math.sqrt(mean(squares) + int(call, 'epsilon', 1e-5))) * pick(scale, index)
      }),
    ]
  },

  Flatten: (call) => {
    const [x] = call.inputs as [Value]
    const axis = axisOf(int(call, 'axis', 1), x.shape.length)
    return [{ ...x, shape: [product(x.shape.slice(0, axis)), product(x.shape.slice(axis))] }]
  },

  Reshape: (call) => {
    const [x, target] = call.inputs as [Value, Value]
    const shape = [...target.data]
    if (!int(call, 'allowzero', 0)) shape.forEach((size, d) => size === 0 && (shape[d] = x.shape[d]!))
    const free = shape.indexOf(-1)
    if (free >= 0) shape[free] = x.data.length / -product(shape)
    if (product(shape) !== x.data.length) throw new Error(`Reshape of [${x.shape}] to [${shape}]`)
    return [{ ...x, shape }]
  },

  Squeeze: (call) => {
    const [x] = call.inputs as [Value]
    const axes = intsFrom(call, 'axes', 1)?.map((axis) => axisOf(axis, x.shape.length))
    return [{ ...x, shape: x.shape.filter((size, d) => (axes ? !axes.includes(d) : size !== 1)) }]
  },

  Unsqueeze: (call) => {
    const [x] = call.inputs as [Value]
    const axes = intsFrom(call, 'axes', 1)!
    const rank = x.shape.length + axes.length
    const sizes = [...x.shape]
    const ones = axes.map((axis) => axisOf(axis, rank))
    return [{ ...x, shape: Array.from({ length: rank }, (_, d) => (ones.includes(d) ? 1 : sizes.shift()!)) }]
  },

  Transpose: (call) => {
    const [x] = call.inputs as [Value]
    const perm = ints(
      call,
      'perm',
      x.shape.map((_, d) => x.shape.length - 1 - d),
    )
    const shape = perm.map((from) => x.shape[from]!)
    return [
      make(shape, x.dtype, (index) => {
        const source = new Array<number>(index.length)
        perm.forEach((from, to) => (source[from] = index[to]!))
        return x.data[ravel(source, x.shape)]!
      }),
    ]
  },

  Concat: (call) => {
    const parts = call.inputs as Value[]
    const axis = axisOf(int(call, 'axis'), parts[0]!.shape.length)
    const shape = [...parts[0]!.shape]
    shape[axis] = sum(parts.map((part) => part.shape[axis]!))
    return [
      make(shape, parts[0]!.dtype, (index) => {
        let at = index[axis]!
        let which = 0
        while (at >= parts[which]!.shape[axis]!) at -= parts[which++]!.shape[axis]!
        return parts[which]!.data[ravel(index.with(axis, at), parts[which]!.shape)]!
      }),
    ]
  },

  Split: (call) => {
    const [x] = call.inputs as [Value]
    const axis = axisOf(int(call, 'axis', 0), x.shape.length)
    const pieces = call.node.outputs.length
    const size = Math.ceil(x.shape[axis]! / pieces)
    const sizes =
      intsFrom(call, 'split', 1) ??
      Array.from({ length: pieces }, (_, i) => Math.min(size, x.shape[axis]! - i * size))
    let start = 0
    return sizes.map((length) => {
      const offset = start
      start += length
      return make(
        x.shape.with(axis, length),
        x.dtype,
        (index) => x.data[ravel(index.with(axis, index[axis]! + offset), x.shape)]!,
      )
    })
  },

  Slice: (call) => {
    const [x] = call.inputs as [Value]
    const starts = intsFrom(call, 'starts', 1)!
    const ends = intsFrom(call, 'ends', 2)!
    const axes = (intsFrom(call, 'axes', 3) ?? starts.map((_, d) => d)).map((d) => axisOf(d, x.shape.length))
    const steps = intsFrom(call, 'steps', 4) ?? starts.map(() => 1)
    const first = x.shape.map(() => 0)
    const step = x.shape.map(() => 1)
    const shape = [...x.shape]
    axes.forEach((d, i) => {
      const size = x.shape[d]!
      const by = steps[i]!
      const bound = (at: number, low: number, high: number) =>
        Math.min(Math.max(at < 0 ? at + size : at, low), high)
      const from = by > 0 ? bound(starts[i]!, 0, size) : bound(starts[i]!, 0, size - 1)
      const to = by > 0 ? bound(ends[i]!, 0, size) : bound(ends[i]!, -1, size - 1)
      first[d] = from
      step[d] = by
      shape[d] = Math.max(Math.ceil((to - from) / by), 0)
    })
    return [
      make(
        shape,
        x.dtype,
        (index) =>
          x.data[
            ravel(
              index.map((at, d) => first[d]! + at * step[d]!),
              x.shape,
            )
          ]!,
      ),
    ]
  },

  Gather: (call) => {
    const [x, indices] = call.inputs as [Value, Value]
    const axis = axisOf(int(call, 'axis', 0), x.shape.length)
    const rank = indices.shape.length
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]
    return [
      make(shape, x.dtype, (index) => {
        const which = axisOf(
          indices.data[ravel(index.slice(axis, axis + rank), indices.shape)]!,
          x.shape[axis]!,
        )
        return x.data[ravel([...index.slice(0, axis), which, ...index.slice(axis + rank)], x.shape)]!
      }),
    ]
  },

  Pad: (call) => {
    const [x] = call.inputs as [Value]
    const rank = x.shape.length
    const mode = (call.node.attributes['mode'] as string | undefined) ?? 'constant'
    const axes = call.inputs[3]
      ? [...call.inputs[3].data].map((d) => axisOf(d, rank))
      : x.shape.map((_, d) => d)
    const given = intsFrom(call, 'pads', 1)!
    const before = x.shape.map((_, d) => (axes.includes(d) ? given[axes.indexOf(d)]! : 0))
    const after = x.shape.map((_, d) => (axes.includes(d) ? given[axes.indexOf(d) + axes.length]! : 0))
    const value = call.inputs[2]?.data[0] ?? int(call, 'value', 0)
    const shape = x.shape.map((size, d) => before[d]! + size + after[d]!)
    return [
      make(shape, x.dtype, (index) => {
        const source = index.map((at, d) => {
          const p = at - before[d]!
          const size = x.shape[d]!
          if (mode === 'edge') return Math.min(Math.max(p, 0), size - 1)
          if (mode === 'reflect') return p < 0 ? -p : p >= size ? 2 * (size - 1) - p : p
          if (mode === 'wrap') return ((p % size) + size) % size
          return p
        })
        const inside = source.every((p, d) => p >= 0 && p < x.shape[d]!)
        return inside ? x.data[ravel(source, x.shape)]! : value
      }),
    ]
  },

  Expand: ({ inputs }) => {
    const [x, shape] = inputs as [Value, Value]
    return [make(broadcast(x.shape, [...shape.data]), x.dtype, (index) => pick(x, index))]
  },

  Shape: (call) => {
    const [x] = call.inputs as [Value]
    const rank = x.shape.length
    const shape = x.shape.slice(int(call, 'start', 0), int(call, 'end', rank))
    return [{ shape: [shape.length], data: Float64Array.from(shape), dtype: 'int64' }]
  },

  ConstantOfShape: (call) => {
    const [shape] = call.inputs as [Value]
    const value = call.node.attributes['value'] as { data: ArrayLike<number>; dtype: string } | undefined
    return [make([...shape.data], value?.dtype ?? 'float32', () => Number(value?.data[0] ?? 0))]
  },
}
