import { checkShape, checkTypedArray, describe } from '../validate.js'

/** Element types that tensors of a model may have, by their ONNX / NumPy names. float16 is kept as raw bits. */
export interface ElementArrays {
  float32: Float32Array
  float64: Float64Array
  float16: Uint16Array
  int8: Int8Array
  uint8: Uint8Array
  int16: Int16Array
  uint16: Uint16Array
  int32: Int32Array
  uint32: Uint32Array
  int64: BigInt64Array
  uint64: BigUint64Array
  bool: Uint8Array
}

export type ElementType = keyof ElementArrays

/** A dense tensor in row-major order. */
export interface Tensor<T extends ElementType = ElementType> {
  readonly kind: 'dense'
  readonly dtype: T
  readonly shape: readonly number[]
  readonly data: ElementArrays[T]
}

export const BYTES_PER_ELEMENT: Readonly<Record<ElementType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  bool: 1,
}

interface ArrayConstructor<T> {
  readonly name: string
  readonly BYTES_PER_ELEMENT: number
  new (length: number): T
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T
}

/** The typed array that holds elements of each type. */
export const ELEMENT_ARRAYS: { readonly [T in ElementType]: ArrayConstructor<ElementArrays[T]> } = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
}

/** `checkTypedArray` for the array that holds elements of a type. */
export function checkElements<T extends ElementType>(
  name: string,
  value: unknown,
  dtype: T,
  length?: number,
): asserts value is ElementArrays[T] {
  checkTypedArray(name, value, ELEMENT_ARRAYS[dtype].name as 'Float32Array', length)
}

/** Product of the dimensions; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1)
}

/**
 * A float32 tensor over `data`, which is not copied.
 *
 * @param shape dimensions, outermost first; one dimension of all of `data` unless given
 */
export function tensor(data: Float32Array, shape: readonly number[] = [data.length]): Tensor<'float32'> {
  if (!ArrayBuffer.isView(data) || data[Symbol.toStringTag] !== 'Float32Array') {
    throw new TypeError(`"data" expected Float32Array, got ${describe(data)}`)
  }
  const elements = checkShape('shape', shape)
  if (elements !== data.length) {
    throw new RangeError(
      `"data" expected Float32Array(${elements}) for [${shape.join(', ')}], got length ${data.length}`,
    )
  }
  return { kind: 'dense', dtype: 'float32', shape: [...shape], data }
}

/** The data of a float32 vector or tensor, checked. */
export function floatsOf(name: string, x: Float32Array | Tensor<'float32'>): Float32Array {
  const isTensor = typeof x === 'object' && x !== null && 'shape' in x
  const data = isTensor ? x.data : x
  checkTypedArray(name, data, 'Float32Array', isTensor ? checkShape(`${name}.shape`, x.shape) : undefined)
  return data
}
