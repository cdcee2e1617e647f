import { BinaryReader } from '@bufbuild/protobuf/wire'
import { FormatError } from '../../errors.js'
import { floatFromBfloat, floatFromHalf } from '../../formats/half.js'
import {
  BYTES_PER_ELEMENT,
  ELEMENT_ARRAYS,
  type ElementArrays,
  type ElementType,
  type Tensor,
} from '../../formats/tensor.js'
import { dataTypeName, elementTypeOf } from '../../graph/element-types.js'
import { MAX_RANK, MAX_TENSOR_ELEMENTS } from '../../limits.js'
import type { ProtoReader } from './wire.js'

const FLOAT16 = 10
const BFLOAT16 = 16

/** The fields of TensorProto that hold elements, by number, and how each encodes one. */
const TYPED_FIELDS: Readonly<
  Record<number, { name: string; read: (reader: BinaryReader) => number | bigint }>
> = {
  4: { name: 'float_data', read: (reader) => reader.float() },
  5: { name: 'int32_data', read: (reader) => reader.int32() },
  7: { name: 'int64_data', read: (reader) => BigInt(reader.int64()) },
  10: { name: 'double_data', read: (reader) => reader.double() },
  11: { name: 'uint64_data', read: (reader) => BigInt(reader.uint64()) },
}

/** Which of them belongs to an element type (onnx.proto, comments of TensorProto). */
const FIELD_OF: Readonly<Record<ElementType, number>> = {
  float32: 4,
  float64: 10,
  float16: 5,
  int8: 5,
  uint8: 5,
  int16: 5,
  uint16: 5,
  int32: 5,
  uint32: 11,
  int64: 7,
  uint64: 11,
  bool: 5,
}

export interface NamedTensor {
  readonly name: string
  readonly tensor: Tensor
}

/**
 * Reads a TensorProto. Raw data is not copied where its alignment allows a view of the file.
 *
 * @throws FormatError for damaged data, and for what cannot be held: strings, external data, 4-bit and 8-bit floats
 */
export function readTensor(proto: ProtoReader): NamedTensor {
  const start = proto.offset
  let name = ''
  let code = 0
  let external = false
  let raw: Uint8Array | undefined
  const shape: number[] = []
  const typed = new Map<number, Uint8Array[]>()
  proto.message((field) => {
    if (field === 1) proto.ints(shape)
    else if (field === 2) code = proto.int()
    else if (field === 8) name = proto.string()
    else if (field === 9) raw = proto.bytes()
    else if (field === 14) external = proto.int() === 1
    else if (field in TYPED_FIELDS) {
      const chunks = typed.get(field)
      if (chunks === undefined) typed.set(field, [proto.scalars()])
      else chunks.push(proto.scalars())
    } else return false
    return true
  })
  const fail = (kind: string, what: string): never => {
    throw new FormatError(kind, `tensor ${JSON.stringify(name)} ${what}`, start)
  }

  if (external) fail('external-data', 'keeps its data in another file; merge it into the model first')
  const dtype = elementTypeOf(code) ?? fail('element-type', `has elements of type ${dataTypeName(code)}`)
  const elements = countElements(shape) ?? fail('dims', `has impossible dimensions [${shape.join(', ')}]`)

  const half = code === FLOAT16 || code === BFLOAT16
  const stored: ElementType = half ? 'float16' : dtype
  const field = TYPED_FIELDS[FIELD_OF[stored]]!
  for (const key of typed.keys()) {
    if (TYPED_FIELDS[key] !== field) {
      fail('element-type', `of ${dataTypeName(code)} has data in ${TYPED_FIELDS[key]!.name}`)
    }
  }
  let data: ElementArrays[ElementType]
  if (raw !== undefined) {
    const bytes = elements * BYTES_PER_ELEMENT[stored]
    if (raw.length !== bytes || typed.size > 0) {
      fail('data-length', `of [${shape.join(', ')}] expected ${bytes} bytes of data, got ${raw.length}`)
    }
    data = viewOf(raw, stored, elements)
  } else {
    data =
      decodeTyped(typed.get(FIELD_OF[stored]) ?? [], stored, elements, field.read) ??
      fail('data-length', `of [${shape.join(', ')}] expected ${elements} elements in ${field.name}`)
  }
  if (half) {
    const widen = code === FLOAT16 ? floatFromHalf : floatFromBfloat
    data = Float32Array.from(data as Uint16Array, widen)
  }
  return { name, tensor: { kind: 'dense', dtype, shape, data } }
}

/** Product of dimensions that may be anything; undefined when they are no dimensions or past the limits. */
function countElements(shape: readonly number[]): number | undefined {
  if (shape.length > MAX_RANK) return undefined
  let elements = 1
  for (const dimension of shape) {
    elements *= dimension
    if (dimension < 0 || dimension > MAX_TENSOR_ELEMENTS || elements > MAX_TENSOR_ELEMENTS) return undefined
  }
  return elements
}

function viewOf(raw: Uint8Array, dtype: ElementType, elements: number): ElementArrays[ElementType] {
  const aligned = raw.byteOffset % BYTES_PER_ELEMENT[dtype] === 0 ? raw : new Uint8Array(raw)
  return new ELEMENT_ARRAYS[dtype](aligned.buffer, aligned.byteOffset, elements)
}

/** Elements of a typed field; undefined unless there are exactly this many. */
function decodeTyped(
  chunks: readonly Uint8Array[],
  dtype: ElementType,
  elements: number,
  read: (reader: BinaryReader) => number | bigint,
): ElementArrays[ElementType] | undefined {
  // Every element takes at least a byte, so a declared size is believed only after its data is seen.
  if (elements > chunks.reduce((sum, chunk) => sum + chunk.length, 0)) return undefined
  const data = new ELEMENT_ARRAYS[dtype](elements) as { [index: number]: number | bigint }
  const isBig = dtype === 'int64' || dtype === 'uint64'
  let count = 0
  for (const chunk of chunks) {
    const reader = new BinaryReader(chunk)
    try {
      for (; reader.pos < chunk.length && count < elements; count++) {
        const value = read(reader)
        data[count] = isBig ? value : Number(value)
      }
    } catch {
      return undefined // the last element is cut off
    }
    if (reader.pos < chunk.length) return undefined
  }
  return count === elements ? (data as unknown as ElementArrays[ElementType]) : undefined
}
