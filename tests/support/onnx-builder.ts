// Builds ONNX files for tests, straight from the field numbers of onnx.proto.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

const TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  bfloat16: 16,
  float8e4m3fn: 17,
  uint4: 21,
  int4: 22,
} as const

export type OnnxType = keyof typeof TYPES

export interface OnnxTensor {
  /** float32 unless given. */
  dtype?: OnnxType
  /** One dimension of all data unless given. */
  shape?: readonly number[]
  /** Values; for float16 and bfloat16 their bits. */
  data: ArrayLike<number | bigint>
  /** `raw` (default): raw_data. `packed`, `unpacked`: the typed field of the element type. */
  encoding?: 'raw' | 'packed' | 'unpacked'
}

export type OnnxAttribute =
  /** Integers, lists of them and strings are written as such. */
  | number
  | readonly number[]
  | string
  | { float: number }
  | { floats: readonly number[] }
  | { strings: readonly string[] }
  | { tensor: OnnxTensor }
  | { graph: OnnxGraph }

export interface OnnxNode {
  op: string
  inputs: readonly string[]
  outputs: readonly string[]
  name?: string
  domain?: string
  attributes?: Readonly<Record<string, OnnxAttribute>>
}

export interface OnnxValue {
  name: string
  /** float32 unless given; null writes no type at all. */
  dtype?: OnnxType | null
  /** A string is a symbolic dimension, null an unknown one. No shape: unknown rank. */
  shape?: readonly (number | string | null)[]
}

export interface OnnxGraph {
  nodes: readonly OnnxNode[]
  initializers?: Readonly<Record<string, OnnxTensor>>
  inputs?: readonly OnnxValue[]
  outputs: readonly OnnxValue[]
}

export interface OnnxModel extends OnnxGraph {
  /** 13 unless given. */
  opset?: number
  metadata?: Readonly<Record<string, string>>
}

function message(writer: BinaryWriter, field: number, write: (inner: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork()
  write(writer)
  writer.join()
}

function string(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value)
}

function int(writer: BinaryWriter, field: number, value: number | bigint): void {
  writer.tag(field, WireType.Varint).int64(BigInt(value))
}

/** Little-endian bytes of elements, as raw_data wants them. */
export function rawBytes(dtype: OnnxType, data: ArrayLike<number | bigint>): Uint8Array {
  const numbers = () => Array.from(data, Number)
  const bigs = () => Array.from(data, BigInt)
  const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer)
  switch (dtype) {
    case 'float32':
      return bytesOf(Float32Array.from(numbers()))
    case 'float64':
      return bytesOf(Float64Array.from(numbers()))
    case 'int8':
    case 'uint8':
    case 'bool':
      return Uint8Array.from(numbers())
    case 'int16':
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      return bytesOf(Uint16Array.from(numbers()))
    case 'int32':
    case 'uint32':
      return bytesOf(Uint32Array.from(numbers()))
    case 'int64':
      return bytesOf(BigInt64Array.from(bigs()))
    case 'uint64':
      return bytesOf(BigUint64Array.from(bigs()))
    default:
      return Uint8Array.from(numbers())
  }
}

/** The typed field of an element type: its number, wire type and how one element is written. */
function typedField(
  dtype: OnnxType,
): [number, WireType, (writer: BinaryWriter, value: number | bigint) => void] {
  switch (dtype) {
    case 'float32':
      return [4, WireType.Bit32, (writer, value) => writer.float(Number(value))]
    case 'float64':
      return [10, WireType.Bit64, (writer, value) => writer.double(Number(value))]
    case 'int64':
      return [7, WireType.Varint, (writer, value) => writer.int64(BigInt(value))]
    case 'uint32':
    case 'uint64':
      return [11, WireType.Varint, (writer, value) => writer.uint64(BigInt(value))]
    default:
      return [5, WireType.Varint, (writer, value) => writer.int32(Number(value))]
  }
}

/** Writes the fields of a TensorProto. */
export function writeTensor(writer: BinaryWriter, tensor: OnnxTensor, name?: string): void {
  const { dtype = 'float32', shape = [tensor.data.length], data, encoding = 'raw' } = tensor
  for (const dimension of shape) int(writer, 1, dimension)
  int(writer, 2, TYPES[dtype])
  if (name !== undefined) string(writer, 8, name)
  const [field, wireType, write] = typedField(dtype)
  if (encoding === 'raw') {
    writer.tag(9, WireType.LengthDelimited).bytes(rawBytes(dtype, data))
  } else if (encoding === 'packed') {
    message(writer, field, (inner) => Array.from(data).forEach((value) => write(inner, value)))
  } else {
    for (const value of Array.from(data)) write(writer.tag(field, wireType), value)
  }
}

function writeAttribute(writer: BinaryWriter, name: string, value: OnnxAttribute): void {
  string(writer, 1, name)
  const type = (code: number) => int(writer, 20, code)
  if (typeof value === 'number') {
    int(writer, 3, value)
    type(2)
  } else if (typeof value === 'string') {
    string(writer, 4, value)
    type(3)
  } else if (Array.isArray(value)) {
    for (const item of value as number[]) int(writer, 8, item)
    type(7)
  } else if ('float' in value) {
    writer.tag(2, WireType.Bit32).float(value.float)
    type(1)
  } else if ('floats' in value) {
    for (const item of value.floats) writer.tag(7, WireType.Bit32).float(item)
    type(6)
  } else if ('strings' in value) {
    for (const item of value.strings) string(writer, 9, item)
    type(8)
  } else if ('tensor' in value) {
    message(writer, 5, (inner) => writeTensor(inner, value.tensor))
    type(4)
  } else if ('graph' in value) {
    message(writer, 6, (inner) => writeGraph(inner, value.graph))
    type(5)
  }
}

function writeNode(writer: BinaryWriter, node: OnnxNode): void {
  for (const input of node.inputs) string(writer, 1, input)
  for (const output of node.outputs) string(writer, 2, output)
  if (node.name !== undefined) string(writer, 3, node.name)
  string(writer, 4, node.op)
  for (const [name, value] of Object.entries(node.attributes ?? {})) {
    message(writer, 5, (inner) => writeAttribute(inner, name, value))
  }
  if (node.domain !== undefined) string(writer, 7, node.domain)
}

function writeValue(writer: BinaryWriter, value: OnnxValue): void {
  string(writer, 1, value.name)
  const { dtype = 'float32', shape } = value
  if (dtype === null) return
  message(writer, 2, (type) =>
    message(type, 1, (tensor) => {
      int(tensor, 1, TYPES[dtype])
      if (shape === undefined) return
      message(tensor, 2, (dims) => {
        for (const dimension of shape) {
          message(dims, 1, (dim) => {
            if (typeof dimension === 'number') int(dim, 1, dimension)
            else if (dimension !== null) string(dim, 2, dimension)
          })
        }
      })
    }),
  )
}

function writeGraph(writer: BinaryWriter, graph: OnnxGraph): void {
  for (const node of graph.nodes) message(writer, 1, (inner) => writeNode(inner, node))
  string(writer, 2, 'test')
  for (const [name, tensor] of Object.entries(graph.initializers ?? {})) {
    message(writer, 5, (inner) => writeTensor(inner, tensor, name))
  }
  for (const input of graph.inputs ?? []) message(writer, 11, (inner) => writeValue(inner, input))
  for (const output of graph.outputs) message(writer, 12, (inner) => writeValue(inner, output))
}

/** Bytes of a model file; the operator set comes last, so that no shorter piece of it is a whole model. */
export function buildOnnx(model: OnnxModel): Uint8Array {
  const writer = new BinaryWriter()
  int(writer, 1, 8)
  message(writer, 7, (inner) => writeGraph(inner, model))
  for (const [key, value] of Object.entries(model.metadata ?? {})) {
    message(writer, 14, (inner) => {
      string(inner, 1, key)
      string(inner, 2, value)
    })
  }
  message(writer, 8, (inner) => int(inner, 2, model.opset ?? 13))
  for (const domain of new Set(model.nodes.map((node) => node.domain ?? ''))) {
    if (domain === '') continue
    message(writer, 8, (inner) => {
      string(inner, 1, domain)
      int(inner, 2, 1)
    })
  }
  return writer.finish()
}
