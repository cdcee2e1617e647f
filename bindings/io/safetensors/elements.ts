import type { ElementArrays, ElementType } from '../../formats/tensor.js'

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

const ARRAYS = {
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
} as const

/** Little-endian bytes to a typed array of its own; bytes of a file lie at any address. */
export function elementsFrom<T extends ElementType>(type: T, bytes: Uint8Array): ElementArrays[T] {
  const copy = new Uint8Array(bytes)
  const array = new ARRAYS[type](copy.buffer)
  if (!IS_LITTLE_ENDIAN) turn(copy, array.BYTES_PER_ELEMENT)
  return array as ElementArrays[T]
}

/** The little-endian bytes of a typed array; a view of it where the host is little-endian. */
export function bytesOf(array: ElementArrays[ElementType]): Uint8Array {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  if (IS_LITTLE_ENDIAN) return bytes
  const copy = new Uint8Array(bytes)
  turn(copy, array.BYTES_PER_ELEMENT)
  return copy
}

/** Reverses the bytes of each element. */
function turn(bytes: Uint8Array, size: number): void {
  for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse()
}
