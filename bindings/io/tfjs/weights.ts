import { floatFromHalf } from '../../formats/half.js'
import { ELEMENT_ARRAYS, elementCount, type ElementType, type Tensor } from '../../formats/tensor.js'
import { checkShape, describe } from '../../validate.js'
import type { Json, JsonObject } from '../json.js'
import { fail, integersOf, listOf, numberOf, objectOf, textOf } from './fields.js'

type Bytes = Uint8Array | ArrayBuffer

/** The binary part of a model: all shards joined in the manifest's order, or each under its path in the manifest. */
export type TfjsWeights = Bytes | Readonly<Record<string, Bytes>> | ReadonlyMap<string, Bytes>

const groupsOf = (manifest: Json | undefined): JsonObject[] =>
  listOf('weightsManifest', manifest).map((group) => objectOf('weightsManifest[]', group))

/** The paths of all shards, in order. */
export const pathsOf = (manifest: Json | undefined): string[] =>
  groupsOf(manifest).flatMap((group) =>
    listOf('paths', group.get('paths')).map((path) => textOf('a path', path)),
  )

/** Reads all tensors that the manifest lists; quantized ones expand to the numbers that TensorFlow.js computes with. */
export function readWeights(manifest: Json | undefined, weights: TfjsWeights): Map<string, Tensor> {
  const groups = groupsOf(manifest)
  const bytes = joined(pathsOf(manifest), weights)
  const tensors = new Map<string, Tensor>()
  let at = 0
  for (const group of groups) {
    for (const entry of listOf('weights', group.get('weights'))) {
      const spec = objectOf('weights[]', entry)
      const name = textOf('the name of a weight', spec.get('name'))
      if (tensors.has(name)) fail(`weight ${JSON.stringify(name)} is defined twice`)
      const read = readWeight(name, spec, bytes, at)
      tensors.set(name, read.tensor)
      at = read.end
    }
  }
  if (at < bytes.length) fail(`${bytes.length - at} bytes are left after the last weight`)
  return tensors
}

function bytesOf(name: string, value: unknown): Uint8Array {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  if (Object.prototype.toString.call(value) === '[object ArrayBuffer]')
    return new Uint8Array(value as ArrayBuffer)
  throw new TypeError(`"${name}" expected Uint8Array or ArrayBuffer, got ${describe(value)}`)
}

const isBytes = (value: unknown): value is Bytes =>
  ArrayBuffer.isView(value) || Object.prototype.toString.call(value) === '[object ArrayBuffer]'

function joined(paths: readonly string[], weights: TfjsWeights): Uint8Array {
  if (isBytes(weights)) return bytesOf('weights', weights)
  if (typeof weights !== 'object' || weights === null) {
    throw new TypeError(`"weights" expected bytes, or bytes by path, got ${describe(weights)}`)
  }
  const shards = weights instanceof Map ? weights : new Map(Object.entries(weights))
  const parts = paths.map((path) => {
    if (!shards.has(path)) throw new RangeError(`"weights" has no ${JSON.stringify(path)}`)
    return bytesOf(`weights[${JSON.stringify(path)}]`, shards.get(path))
  })
  if (parts.length === 1) return parts[0]!
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Element types of weights, and as what they are held. Quantized ones name the type that they stand for. */
const DTYPES: ReadonlyMap<string, ElementType> = new Map([
  ['float32', 'float32'],
  ['int32', 'int32'],
  ['bool', 'bool'],
  ['uint8', 'uint8'],
])

function readWeight(
  name: string,
  spec: JsonObject,
  bytes: Uint8Array,
  start: number,
): { tensor: Tensor; end: number } {
  const label = `weight ${JSON.stringify(name)}`
  const dtype = DTYPES.get(textOf(`dtype of ${label}`, spec.get('dtype')))
  if (dtype === undefined)
    return fail(`${label} is ${JSON.stringify(spec.get('dtype'))}, which cannot be read`)
  const shape = integersOf(`shape of ${label}`, spec.get('shape'))
  if (shape.some((size) => size < 0)) fail(`${label} has the shape [${shape.join(', ')}]`)
  checkShape(label, shape)
  const quantization = spec.get('quantization')
  const coding = quantization === undefined ? undefined : objectOf(`quantization of ${label}`, quantization)
  const stored = coding === undefined ? dtype : textOf(`dtype of ${label}`, coding.get('dtype'))
  if (coding !== undefined && !['uint8', 'uint16', 'float16'].includes(stored)) {
    fail(`${label} is quantized to ${JSON.stringify(stored)}`)
  }
  const Elements = ELEMENT_ARRAYS[stored as ElementType]
  const elements = elementCount(shape)
  const end = start + elements * Elements.BYTES_PER_ELEMENT
  if (end > bytes.length) fail(`${label} needs the bytes ${start}..${end} of ${bytes.length}`)
  // Weights of one byte leave those after them at any offset, so all are copied.
  const codes = new Elements(bytes.slice(start, end).buffer, 0, elements)
  const data = coding === undefined ? codes : expanded(label, codes as Uint8Array, stored, dtype, coding)
  return { tensor: { kind: 'dense', dtype, shape, data } as Tensor, end }
}

function expanded(
  label: string,
  codes: Uint8Array | Uint16Array,
  stored: string,
  dtype: ElementType,
  coding: JsonObject,
): Float32Array | Int32Array {
  const isFloat = dtype === 'float32'
  if (!isFloat && (dtype !== 'int32' || stored === 'float16')) fail(`${label} holds ${dtype} as ${stored}`)
  const values = isFloat ? new Float32Array(codes.length) : new Int32Array(codes.length)
  if (stored === 'float16') {
    for (let i = 0; i < codes.length; i++) values[i] = floatFromHalf(codes[i]!)
    return values
  }
  const scale = numberOf(`scale of ${label}`, coding.get('scale'))
  const min = numberOf(`min of ${label}`, coding.get('min'))
  for (let i = 0; i < codes.length; i++) {
    const value = codes[i]! * scale + min
    values[i] = isFloat ? value : Math.round(value)
  }
  return values
}
