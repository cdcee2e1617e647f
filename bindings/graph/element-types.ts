import type { ElementType } from '../formats/tensor.js'

/**
 * What a TensorProto.DataType code is in the IR, which has no half precision of its own: float16 and bfloat16 widen to
 * float32, exactly. Codes that are absent here cannot be held.
 */
const ELEMENT_TYPES: ReadonlyMap<number, ElementType> = new Map([
  [1, 'float32'],
  [2, 'uint8'],
  [3, 'int8'],
  [4, 'uint16'],
  [5, 'int16'],
  [6, 'int32'],
  [7, 'int64'],
  [9, 'bool'],
  [10, 'float32'],
  [11, 'float64'],
  [12, 'uint32'],
  [13, 'uint64'],
  [16, 'float32'],
])

/** Names of the codes in onnx.proto, for messages. */
const NAMES =
  'undefined float uint8 int8 uint16 int16 int32 int64 string bool float16 double uint32 uint64 complex64 complex128 bfloat16 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz uint4 int4 float4e2m1 float8e8m0 uint2 int2'.split(
    ' ',
  )

/** The element type that an ONNX data type code is read as; undefined when the IR has none for it. */
export function elementTypeOf(code: number): ElementType | undefined {
  return ELEMENT_TYPES.get(code)
}

/** The ONNX name of a data type code. */
export function dataTypeName(code: number): string {
  return NAMES[code] ?? `data type ${code}`
}
