import { ELEMENT_ARRAYS, elementCount, type ElementType, type Tensor } from '../formats/tensor.js'
import { attribute, intAttribute, intsAttribute } from './attributes.js'
import { broadcastStrides, stridesOf } from './broadcast.js'
import type { Call, ValueType } from './call.js'
import type { Evaluator } from './operators.js'
import { shapeValue, slicesOf } from './rules.js'

type Elements = { [index: number]: number | bigint; readonly length: number }

/** A tensor of the type of `output` and its elements to fill. */
export function allocate({ dtype, shape }: ValueType): { tensor: Tensor; elements: Elements } {
  const data = new ELEMENT_ARRAYS[dtype](elementCount(shape))
  return { tensor: { kind: 'dense', dtype, shape, data }, elements: data as unknown as Elements }
}

export function elementsOf(call: Call, position: number): Elements {
  return call.input(position).value!.data as unknown as Elements
}

/** Calls back with the source offset of every element of `shape` in row-major order. */
function walk(
  shape: readonly number[],
  strides: readonly number[],
  start: number,
  visit: (source: number) => void,
): void {
  const rank = shape.length
  if (rank === 0) return visit(start)
  const inner = shape[rank - 1]!
  const step = strides[rank - 1]!
  const index = new Array<number>(rank - 1).fill(0)
  for (let rows = elementCount(shape.slice(0, -1)); rows > 0; rows--) {
    for (let i = 0; i < inner; i++) visit(start + i * step)
    for (let axis = rank - 2; axis >= 0; axis--) {
      start += strides[axis]!
      if (++index[axis]! < shape[axis]!) break
      start -= shape[axis]! * strides[axis]!
      index[axis] = 0
    }
  }
}

/** The elements of input 0 under other strides: transposed, sliced, repeated. */
export function strided(call: Call, output: ValueType, strides: readonly number[], start = 0): Tensor {
  const source = elementsOf(call, 0)
  const { tensor, elements } = allocate(output)
  let at = 0
  walk(output.shape, strides, start, (from) => (elements[at++] = source[from]!))
  return tensor
}

/** The elements of an input as broadcast to `shape`. */
export function spread(call: Call, position: number, shape: readonly number[]): (number | bigint)[] {
  const source = elementsOf(call, position)
  const elements: (number | bigint)[] = []
  const strides = broadcastStrides(call.input(position).shape, shape)
  walk(shape, strides, 0, (from) => elements.push(source[from]!))
  return elements
}

/** The same elements under another shape; the data is shared. */
const reshaped: Evaluator = (call, { dtype, shape }) => ({
  kind: 'dense',
  dtype,
  shape,
  data: call.input(0).value!.data,
})

/** Operations on numbers and on int64; undefined where the type has none, or the result is not defined. */
interface Arithmetic {
  readonly floats?: (a: number, b: number) => number
  readonly ints?: (a: bigint, b: bigint) => bigint | undefined
}

export function arithmetic({ floats, ints }: Arithmetic): Evaluator {
  return (call, output) => {
    const { dtype } = call.input(0)
    // In float64, sums, products and quotients of two float32 round to float32 as if computed there, and int32 ones
    // are exact but for the product, which int64 does.
    const asFloats = dtype === 'float32' ? floats : undefined
    const asInts = dtype === 'int64' || dtype === 'int32' ? ints : undefined
    if (asFloats === undefined && asInts === undefined) return undefined
    const [a, b] = [spread(call, 0, output.shape), spread(call, 1, output.shape)]
    const { tensor, elements } = allocate(output)
    for (let i = 0; i < elements.length; i++) {
      const [x, y] = [a[i]!, b[i]!]
      const result = asFloats ? asFloats(Number(x), Number(y)) : asInts!(BigInt(x), BigInt(y))
      if (result === undefined) return undefined
      elements[i] = dtype === 'int32' ? Number(BigInt.asIntN(32, result as bigint)) : result
    }
    return tensor
  }
}

/** Evaluators of the operators that inference runs, by name. */
export const RUNNABLE_EVALUATORS: Readonly<Record<string, Evaluator>> = {
  Identity: reshaped,
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Shape: (call, output) => {
    const { tensor, elements } = allocate(output)
    shapeValue(call).forEach((size, axis) => (elements[axis] = BigInt(size)))
    return tensor
  },

  ConstantOfShape: (call, output) => {
    const value = attribute(call.node, 'value')
    const { tensor, elements } = allocate(output)
    if (typeof value === 'object' && 'kind' in value) {
      for (let i = 0; i < elements.length; i++) elements[i] = value.data[0]!
    }
    return tensor
  },

  Transpose: (call, output) => {
    const { shape } = call.input(0)
    const strides = stridesOf(shape)
    const perm = intsAttribute(call.node, 'perm', [...shape.keys()].reverse())
    return strided(
      call,
      output,
      perm.map((axis) => strides[axis]!),
    )
  },

  Slice: (call, output) => {
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

  Gather: (call, output) => {
    const [source, indices] = [elementsOf(call, 0), elementsOf(call, 1)]
    const { shape } = call.input(0)
    const axis = call.axis(intAttribute(call.node, 'axis', 0), shape.length)
    const [size, inner] = [shape[axis]!, elementCount(shape.slice(axis + 1))]
    const outer = elementCount(shape.slice(0, axis))
    const { tensor, elements } = allocate(output)
    let at = 0
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < indices.length; i++) {
        const index = call.axis(Number(indices[i]), size)
        const from = (o * size + index) * inner
        for (let k = 0; k < inner; k++) elements[at++] = source[from + k]!
      }
    }
    return tensor
  },

  Concat: (call, output) => {
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
        for (let k = 0; k < run; k++) elements[at++] = source[o * run + k]!
      }
    }
    return tensor
  },

  Cast: (call, output) => {
    const source = elementsOf(call, 0)
    const { tensor, elements } = allocate(output)
    for (let i = 0; i < source.length; i++) {
      const value = castElement(source[i]!, output.dtype)
      if (value === undefined) return undefined
      elements[i] = value
    }
    return tensor
  },

  Add: arithmetic({ floats: (a, b) => a + b, ints: (a, b) => a + b }),
  Sub: arithmetic({ floats: (a, b) => a - b, ints: (a, b) => a - b }),
  Mul: arithmetic({ floats: (a, b) => a * b, ints: (a, b) => a * b }),
  Div: arithmetic({ floats: (a, b) => a / b, ints: (a, b) => (b === 0n ? undefined : a / b) }),
}

/** One element as another type; undefined where ONNX leaves the result open (out of range, or not a number). */
function castElement(value: number | bigint, dtype: ElementType): number | bigint | undefined {
  if (dtype === 'bool') return Number(value) === 0 ? 0 : 1
  if (dtype === 'float32' || dtype === 'float64') {
    return typeof value === 'bigint' && BigInt(Number(value)) !== value ? undefined : Number(value)
  }
  if (typeof value === 'number' && !Number.isSafeInteger(Math.trunc(value))) return undefined
  const integer = typeof value === 'bigint' ? value : BigInt(Math.trunc(value))
  const bits = ELEMENT_ARRAYS[dtype].BYTES_PER_ELEMENT * 8
  const wrapped = dtype.startsWith('u') ? BigInt.asUintN(bits, integer) : BigInt.asIntN(bits, integer)
  if (wrapped !== integer || dtype === 'float16') return undefined
  return dtype === 'int64' || dtype === 'uint64' ? wrapped : Number(wrapped)
}
