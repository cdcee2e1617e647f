import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { ElementArrays, ElementType } from '../../formats/tensor.js'
import type { Attribute, ValueInfo } from '../../graph/model.js'
import { bytesOf } from '../safetensors/elements.js'

// The messages of onnx.proto that a model is made of, field by field.

/** TensorProto.DataType */
const DATA_TYPES: Readonly<Record<ElementType | 'int4', number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  int4: 22,
}

export interface TensorMessage {
  readonly dtype: ElementType | 'int4'
  readonly shape: readonly number[]
  /** Little-endian elements; two of four bits a byte, the first in its low half. */
  readonly bytes: Uint8Array
}

export interface NodeMessage {
  readonly name: string
  readonly op: string
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, AttributeMessage>>
}

/** Graphs are in the form in which they are written. */
export type AttributeMessage = Exclude<Attribute, { nodes: unknown }> | GraphMessage

export interface GraphMessage {
  readonly name: string
  readonly nodes: readonly NodeMessage[]
  readonly tensors: ReadonlyMap<string, TensorMessage>
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
}

export interface ModelMessage {
  readonly graph: GraphMessage
  /** Versions of operator sets by domain. */
  readonly opsets: ReadonlyMap<string, number>
  readonly irVersion: number
  readonly producer: string
  readonly metadata: Readonly<Record<string, string>>
}

/** Attributes whose numbers are floats even where they are whole; all others of the standard operators are integers. */
const FLOAT_ATTRIBUTES = new Set(
  'activation_alpha activation_beta alpha beta bias clip cubic_coeff_a epsilon extrapolation_value gamma high lambd low mean momentum ratio scale scales softcap spatial_scale value_float value_floats'.split(
    ' ',
  ),
)

export function tensorMessage(
  dtype: ElementType,
  shape: readonly number[],
  data: ElementArrays[ElementType],
): TensorMessage {
  return { dtype, shape, bytes: bytesOf(data) }
}

class Writer {
  readonly #out = new BinaryWriter()

  message(field: number, write: (inner: this) => void): void {
    this.#out.tag(field, WireType.LengthDelimited).fork()
    write(this)
    this.#out.join()
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.#out.tag(field, WireType.LengthDelimited).bytes(bytes)
  }

  string(field: number, text: string): void {
    this.#out.tag(field, WireType.LengthDelimited).string(text)
  }

  int(field: number, value: number): void {
    // "To the end" is kept as a number near 2^63, which has to stay an int64.
    this.#out.tag(field, WireType.Varint).int64(BigInt.asIntN(64, clampToInt64(value)))
  }

  float(field: number, value: number): void {
    this.#out.tag(field, WireType.Bit32).float(value)
  }

  finish(): Uint8Array {
    return this.#out.finish()
  }
}

function clampToInt64(value: number): bigint {
  const [least, greatest] = [-(2n ** 63n), 2n ** 63n - 1n]
  const integer = BigInt(value)
  return integer > greatest ? greatest : integer < least ? least : integer
}

/** The bytes of a ModelProto. */
export function encodeModel({ graph, opsets, irVersion, producer, metadata }: ModelMessage): Uint8Array {
  const writer = new Writer()
  writer.int(1, irVersion)
  writer.string(2, producer)
  for (const [domain, version] of opsets) {
    writer.message(8, (opset) => {
      if (domain !== '') opset.string(1, domain)
      opset.int(2, version)
    })
  }
  writer.message(7, (inner) => writeGraph(inner, graph))
  for (const [key, value] of Object.entries(metadata)) {
    writer.message(14, (entry) => {
      entry.string(1, key)
      entry.string(2, value)
    })
  }
  return writer.finish()
}

function writeGraph(writer: Writer, { name, nodes, tensors, inputs, outputs }: GraphMessage): void {
  for (const node of nodes) writer.message(1, (inner) => writeNode(inner, node))
  writer.string(2, name)
  for (const [key, tensor] of tensors) writer.message(5, (inner) => writeTensor(inner, tensor, key))
  for (const input of inputs) writer.message(11, (inner) => writeValueInfo(inner, input))
  for (const output of outputs) writer.message(12, (inner) => writeValueInfo(inner, output))
}

function writeNode(writer: Writer, { name, op, domain, inputs, outputs, attributes }: NodeMessage): void {
  for (const input of inputs) writer.string(1, input)
  for (const output of outputs) writer.string(2, output)
  writer.string(3, name)
  writer.string(4, op)
  for (const [key, value] of Object.entries(attributes)) {
    writer.message(5, (inner) => writeAttribute(inner, key, value))
  }
  if (domain !== '') writer.string(7, domain)
}

function writeTensor(writer: Writer, { dtype, shape, bytes }: TensorMessage, name: string): void {
  for (const size of shape) writer.int(1, size)
  writer.int(2, DATA_TYPES[dtype])
  if (name !== '') writer.string(8, name)
  writer.bytes(9, bytes)
}

function writeValueInfo(writer: Writer, { name, dtype, shape }: ValueInfo): void {
  writer.string(1, name)
  writer.message(2, (type) =>
    type.message(1, (tensor) => {
      tensor.int(1, DATA_TYPES[dtype])
      if (shape === undefined) return
      tensor.message(2, (dimensions) => {
        for (const size of shape) {
          dimensions.message(1, (dimension) => {
            if (typeof size === 'number') dimension.int(1, size)
            else if (size !== null) dimension.string(2, size)
          })
        }
      })
    }),
  )
}

/** AttributeProto: the field of each kind of value, and the code of the kind. */
function writeAttribute(writer: Writer, name: string, value: AttributeMessage): void {
  writer.string(1, name)
  const areFloats = (numbers: readonly number[]) =>
    FLOAT_ATTRIBUTES.has(name) || !numbers.every((number) => Number.isInteger(number))
  let kind: number
  if (typeof value === 'number') {
    kind = areFloats([value]) ? 1 : 2
    if (kind === 1) writer.float(2, value)
    else writer.int(3, value)
  } else if (typeof value === 'string') {
    kind = 3
    writer.string(4, value)
  } else if ('nodes' in value) {
    kind = 5
    writer.message(6, (inner) => writeGraph(inner, value))
  } else if ('kind' in value) {
    kind = 4
    const { dtype, shape, data } = value
    writer.message(5, (inner) => writeTensor(inner, tensorMessage(dtype, shape, data), ''))
  } else if (typeof value[0] === 'string') {
    kind = 8
    for (const text of value as readonly string[]) writer.string(9, text)
  } else {
    const numbers = value as readonly number[]
    kind = areFloats(numbers) ? 6 : 7
    for (const number of numbers) {
      if (kind === 6) writer.float(7, number)
      else writer.int(8, number)
    }
  }
  writer.int(20, kind)
}
