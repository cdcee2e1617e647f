import {
  BYTES_PER_ELEMENT,
  ELEMENT_ARRAYS,
  elementCount,
  type ElementType,
  type Tensor,
} from '../formats/tensor.js'
import { attribute, intAttribute, intsAttribute } from './attributes.js'
import { broadcastStrides, stridesOf } from './broadcast.js'
import type { Call, ValueType } from './call.js'
import type { Evaluator } from './operators.js'
import { shapeValue, slicesOf } from './rules.js'

/**
 * Elements of any type. Those of 64-bit integers are bigint when it runs: the operators of the language that evaluators
 * use work alike on both, as long as no number comes from elsewhere.
 */
export interface Elements {
  [index: number]: number
  readonly length: number
  set(source: Elements, offset?: number): void
  subarray(start: number, end: number): Elements
  slice(): Elements
  fill(value: number): void
}

/** Whether elements of a type are bigint. */
export const isBig = (dtype: ElementType): boolean => dtype === 'int64' || dtype === 'uint64'

export const isFloat = (dtype: ElementType): boolean => dtype.startsWith('float')

/** A number as an element of a type. */
export const elementFrom = (dtype: ElementType, value: number): number =>
  isBig(dtype) ? (BigInt(value) as unknown as number) : value

/** A tensor of the type of `output` and its elements to fill; those of a new one are 0. */
export function allocate(output: ValueType): { tensor: Tensor; elements: Elements } {
  const { dtype, shape } = output
  const data = output.value?.data ?? new ELEMENT_ARRAYS[dtype](elementCount(shape))
  return { tensor: { kind: 'dense', dtype, shape, data }, elements: data as unknown as Elements }
}

export function elementsOf(call: Call, position: number): Elements {
  return call.input(position).value!.data as unknown as Elements
}

/** Rows from which on a copy at once is faster than a loop. */
const LONG_ROW = 16

/**
 * Fills `target` in row-major order of `shape` with the elements of `source` under `strides`: transposed, sliced, repeated.
 */
export function copyStrided(
  source: Elements,
  start: number,
  strides: readonly number[],
  shape: readonly number[],
  target: Elements,
): void {
  const outer = shape.length - 1
  const inner = shape[outer] ?? 1
  const step = strides[outer] ?? 1
  const index = new Array<number>(Math.max(outer, 0)).fill(0)
  let from = start
  for (let at = 0; at < target.length; at += inner) {
    if (step === 1 && inner >= LONG_ROW) target.set(source.subarray(from, from + inner), at)
    else for (let i = 0; i < inner; i++) target[at + i] = source[from + i * step]!
    for (let axis = outer - 1; axis >= 0; axis--) {
      from += strides[axis]!
      if (++index[axis]! < shape[axis]!) break
      from -= shape[axis]! * strides[axis]!
      index[axis] = 0
    }
  }
}

/** The elements of input 0 under other strides. */
export function strided(call: Call, output: ValueType, strides: readonly number[], start = 0): Tensor[] {
  const { tensor, elements } = allocate(output)
  copyStrided(elementsOf(call, 0), start, strides, output.shape, elements)
  return [tensor]
}

/** The elements of an input as broadcast to `shape`; not copied if it has as many. */
export function spread(call: Call, position: number, shape: readonly number[]): Elements {
  const { dtype, shape: own } = call.input(position)
  const source = elementsOf(call, position)
  if (source.length === elementCount(shape)) return source
  const { elements } = allocate({ dtype, shape })
  copyStrided(source, 0, broadcastStrides(own, shape), shape, elements)
  return elements
}

/** The same elements under another shape; the data is shared. */
const reshaped: Evaluator = (call, [{ dtype, shape }]) => [
  { kind: 'dense', dtype, shape, data: call.input(0).value!.data },
]

/** `operation` of every element. */
export function unary(operation: (x: number) => number): Evaluator {
  return (call, [output]) => {
    const source = elementsOf(call, 0)
    const { tensor, elements } = allocate(output)
    for (let i = 0; i < elements.length; i++) elements[i] = operation(source[i]!)
    return [tensor]
  }
}

/** `operation` of the elements of two inputs, which broadcast. */
export function binary(operation: (a: number, b: number) => number): Evaluator {
  return (call, [output]) => {
    const [a, b] = [spread(call, 0, output.shape), spread(call, 1, output.shape)]
    const { tensor, elements } = allocate(output)
    for (let i = 0; i < elements.length; i++) elements[i] = operation(a[i]!, b[i]!)
    return [tensor]
  }
}

/** `operation` of all inputs, one after the other, which broadcast. */
export function variadic(operation: (a: number, b: number) => number): Evaluator {
  return (call, [output]) => {
    const { tensor, elements } = allocate(output)
    elements.set(spread(call, 0, output.shape))
    for (let position = 1; position < call.node.inputs.length; position++) {
      const other = spread(call, position, output.shape)
      for (let i = 0; i < elements.length; i++) elements[i] = operation(elements[i]!, other[i]!)
    }
    return [tensor]
  }
}

// In float64, sums, products and quotients of two float32 round to float32 as if computed there. Arrays wrap integers.
const multiply = binary((a, b) => a * b)
const multiply32 = binary((a, b) => Math.imul(a, b))
const divide = binary((a, b) => a / b)
const divideIntegers = binary((a, b) => Math.trunc(a / b))

/** Whether no element of an integer divisor is 0, for which nothing is defined. */
export const divides = (divisor: Elements): boolean => {
  for (let i = 0; i < divisor.length; i++) if (!divisor[i]) return false
  return true
}

/** Evaluators of the operators that inference runs, by name. */
export const RUNNABLE_EVALUATORS: Readonly<Record<string, Evaluator>> = {
  Identity: reshaped,
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  /** Outside of training nothing is dropped. */
  Dropout: (call, [output, mask]) => {
    if (mask === undefined) return reshaped(call, [output])
    const { tensor, elements } = allocate(mask)
    elements.fill(1)
    return [...reshaped(call, [output])!, tensor]
  },
  Unsqueeze: reshaped,
  Shape: (call, [output]) => {
    const { tensor, elements } = allocate(output)
    shapeValue(call).forEach((size, axis) => (elements[axis] = elementFrom('int64', size)))
    return [tensor]
  },

  ConstantOfShape: (call, [output]) => {
    const value = attribute(call.node, 'value')
    const { tensor, elements } = allocate(output)
    const given = typeof value === 'object' && 'kind' in value
    elements.fill(given ? (value.data as unknown as Elements)[0]! : elementFrom(output.dtype, 0))
    return [tensor]
  },

  Transpose: (call, [output]) => {
    const { shape } = call.input(0)
    const strides = stridesOf(shape)
    const perm = intsAttribute(call.node, 'perm', [...shape.keys()].reverse())
    return strided(
      call,
      output,
      perm.map((axis) => strides[axis]!),
    )
  },

  Slice: (call, [output]) => {
    const strides = stridesOf(call.input(0).shape)
    const slices = slicesOf(call)
    const start = slices.reduce((sum, { start }, axis) => sum + start * strides[axis]!, 0)
    return strided(
      call,
      output,
      slices.map(({ step }, axis) => step * strides[axis]!),
      start,
    )
  },

  Gather: (call, [output]) => {
    const [source, indices] = [elementsOf(call, 0), elementsOf(call, 1)]
    const { shape } = call.input(0)
    const axis = call.axis(intAttribute(call.node, 'axis', 0), shape.length)
    const [size, inner] = [shape[axis]!, elementCount(shape.slice(axis + 1))]
    const { tensor, elements } = allocate(output)
    const rows = Array.from({ length: indices.length }, (_, i) => call.axis(Number(indices[i]), size))
    let at = 0
    for (let o = 0; at < elements.length; o += size) {
      for (const row of rows) {
        const from = (o + row) * inner
        if (inner >= LONG_ROW) elements.set(source.subarray(from, from + inner), at)
        else for (let k = 0; k < inner; k++) elements[at + k] = source[from + k]!
        at += inner
      }
    }
    return [tensor]
  },

  Concat: (call, [output]) => {
    const axis = call.axis(intAttribute(call.node, 'axis'), output.shape.length)
    const outer = elementCount(output.shape.slice(0, axis))
    const parts = call.inputs().map((type, position) => ({
      source: elementsOf(call, position),
      run: elementCount(type.shape.slice(axis)),
    }))
    const { tensor, elements } = allocate(output)
    let at = 0
    for (let o = 0; o < outer; o++) {
      for (const { source, run } of parts) {
        elements.set(source.subarray(o * run, (o + 1) * run), at)
        at += run
      }
    }
    return [tensor]
  },

  Cast: (call, [output]) => {
    const source = elementsOf(call, 0)
    const { tensor, elements } = allocate(output)
    const cast = castTo(output.dtype)
    for (let i = 0; i < source.length; i++) {
      elements[i] = cast(source[i]!)
      if (!call.running && !isKept(source[i]!, elements[i]!, output.dtype)) return undefined
    }
    return [tensor]
  },

  Clip: (call, outputs) => {
    const [low, high] = [1, 2].map((position) => call.optional(position) && elementsOf(call, position)[0])
    const above = (x: number) => (low !== undefined && x < low ? low : x)
    return unary((x) => (high !== undefined && above(x) > high ? high : above(x)))(call, outputs)
  },

  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: (call, outputs) => (/^u?int32$/.test(outputs[0].dtype) ? multiply32 : multiply)(call, outputs),
  Div: (call, outputs) => {
    const { dtype } = outputs[0]
    if (isFloat(dtype)) return divide(call, outputs)
    if (!divides(elementsOf(call, 1))) return undefined
    // The quotient of two bigint is one already.
    return (isBig(dtype) ? divide : divideIntegers)(call, outputs)
  },
}

/**
 * How an element becomes one of another type. A real number loses its fraction, one out of range becomes the nearest
 * integer there is, NaN 0; integers wrap, when they are stored.
 */
function castTo(dtype: ElementType): (value: number | bigint) => number {
  if (dtype === 'bool') return (value) => (Number(value) === 0 ? 0 : 1)
  if (isFloat(dtype)) return Number
  const bits = BYTES_PER_ELEMENT[dtype] * 8
  const [low, high] = dtype.startsWith('u') ? [0, 2 ** bits] : [-(2 ** (bits - 1)), 2 ** (bits - 1)]
  const big = isBig(dtype)
  const top = big ? BigInt(high) - 1n : high - 1
  return (value) => {
    if (typeof value === 'bigint') return (big ? value : Number(value & 0xffffffffn)) as number
    if (value >= high) return top as number
    const integer = Number.isNaN(value) ? 0 : Math.max(low, Math.trunc(value))
    return (big ? BigInt(integer) : integer) as number
  }
}

/** Whether a cast to a type gave what ONNX defines: the number, but for a fraction or the rounding of a real one. */
function isKept(from: number | bigint, to: number | bigint, dtype: ElementType): boolean {
  if (dtype === 'bool') return true
  if (isFloat(dtype)) return typeof from === 'number' || BigInt(Number(from)) === from
  return typeof from === 'bigint' ? BigInt(to) === from : Math.trunc(from) === Number(to)
}
