import { FormatError } from '../../errors.js'
import { MAX_RANK, MAX_SAFETENSORS_HEADER_BYTES, MAX_TENSOR_ELEMENTS } from '../../limits.js'
import { parseJson, type Json, type JsonObject } from '../json.js'
import { DTYPE_BITS } from './dtypes.js'

/** Where a tensor lies in the file, and what its bytes are. */
export interface SafetensorsEntry {
  readonly name: string
  /** As the file has it, `F32` and so on. */
  readonly dtype: string
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

export interface SafetensorsFile {
  readonly metadata: ReadonlyMap<string, string>
  /** In the order of their data. */
  readonly entries: readonly SafetensorsEntry[]
}

function fail(code: string, message: string, offset = -1): never {
  throw new FormatError(code, `safetensors: ${message}`, offset)
}

/** Bytes of the length that a file begins with. */
export const LENGTH_BYTES = 8

/** What the header says: where tensors lie, as offsets from its end. */
export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>
  /** In the order of their data, without holes or overlap. */
  readonly entries: readonly PlacedEntry[]
}

export interface PlacedEntry extends Omit<SafetensorsEntry, 'bytes'> {
  readonly begin: number
  readonly end: number
}

/** Where the data begins, from the first bytes of a file, checked against the limit. */
export function dataStartOf(bytes: Uint8Array): number {
  if (bytes.length < LENGTH_BYTES) {
    fail('truncated', `a file has at least ${LENGTH_BYTES} bytes, got ${bytes.length}`, bytes.length)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES)
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32
  if (length > MAX_SAFETENSORS_HEADER_BYTES) {
    fail('limit', `the header has ${length} bytes, the limit is ${MAX_SAFETENSORS_HEADER_BYTES}`, 0)
  }
  return LENGTH_BYTES + length
}

/** The same of a whole header. */
export function headerEnd(bytes: Uint8Array): number {
  const end = dataStartOf(bytes)
  if (end > bytes.length) fail('truncated', 'the header is longer than the file', 0)
  return end
}

/**
 * Reads the header of a file, and checks that the tensors fill the data without holes or overlap.
 *
 * @param bytes the file, or what it has before its data
 * @throws FormatError
 */
export function parseHeader(bytes: Uint8Array): SafetensorsHeader {
  const dataStart = headerEnd(bytes)
  if (bytes[8] !== 0x7b) fail('json', 'the header does not begin with {', 8)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, dataStart))
  } catch {
    return fail('json', 'the header is not valid UTF-8', 8)
  }
  const header = parseJson('safetensors header', text)
  if (!(header instanceof Map)) return fail('json', 'the header is not an object', 8)

  const metadata = readMetadata(header.get('__metadata__'))
  header.delete('__metadata__')
  const placed = [...header].map(([name, value]) => placeEntry(name, value))
  // An empty tensor may stand where another begins; it comes first.
  placed.sort((a, b) => a.begin - b.begin || a.end - b.end)
  let at = 0
  for (const { name, begin, end } of placed) {
    if (begin !== at)
      fail('offsets', `${JSON.stringify(name)} begins at ${begin}, the data before it ends at ${at}`)
    at = end
  }
  return { metadata, entries: placed }
}

/**
 * Reads a whole file. Nothing is copied: entries are views of `bytes`.
 *
 * @throws FormatError
 * @see https://github.com/huggingface/safetensors#format
 */
export function parseSafetensors(bytes: Uint8Array): SafetensorsFile {
  const { metadata, entries } = parseHeader(bytes)
  const dataStart = headerEnd(bytes)
  const dataBytes = bytes.length - dataStart
  const at = entries.at(-1)?.end ?? 0
  if (at > dataBytes)
    fail('truncated', `the tensors take ${at} bytes, the file has ${dataBytes}`, bytes.length)
  if (at < dataBytes) fail('offsets', `${dataBytes - at} bytes belong to no tensor`, dataStart + at)
  return {
    metadata,
    entries: entries.map(({ name, dtype, shape, begin, end }) => ({
      name,
      dtype,
      shape,
      bytes: bytes.subarray(dataStart + begin, dataStart + end),
    })),
  }
}

function readMetadata(value: Json | undefined): Map<string, string> {
  const metadata = new Map<string, string>()
  if (value === undefined) return metadata
  if (!(value instanceof Map)) return fail('metadata', '"__metadata__" expected an object')
  for (const [key, text] of value) {
    if (typeof text !== 'string')
      fail('metadata', `"__metadata__" expected strings, ${JSON.stringify(key)} is none`)
    metadata.set(key, text)
  }
  return metadata
}

function placeEntry(name: string, value: Json): PlacedEntry {
  const quoted = JSON.stringify(name)
  if (!(value instanceof Map) || value.size !== 3) {
    return fail('entry', `${quoted} expected dtype, shape and data_offsets`)
  }
  const dtype = value.get('dtype')
  const bits = typeof dtype === 'string' ? DTYPE_BITS.get(dtype) : undefined
  if (typeof dtype !== 'string' || bits === undefined) {
    return fail('dtype', `${quoted} has the unknown dtype ${JSON.stringify(dtype)}`)
  }
  const shape = integersOf(quoted, value, 'shape')
  const offsets = integersOf(quoted, value, 'data_offsets')
  if (shape.length > MAX_RANK)
    fail('limit', `${quoted} has ${shape.length} dimensions, the limit is ${MAX_RANK}`)
  const elements = shape.reduce((product, dimension) => product * dimension, 1)
  if (!(elements <= MAX_TENSOR_ELEMENTS))
    fail('limit', `${quoted} has too many elements: [${shape.join(', ')}]`)
  const [begin, end] = offsets
  if (
    begin === undefined ||
    end === undefined ||
    offsets.length > 2 ||
    end - begin !== (elements * bits) / 8
  ) {
    return fail('offsets', `${quoted} of ${dtype} [${shape.join(', ')}] lies at [${offsets.join(', ')}]`)
  }
  return { name, dtype, shape, begin, end }
}

function integersOf(quoted: string, entry: JsonObject, key: string): number[] {
  const value = entry.get(key)
  if (!Array.isArray(value)) return fail('entry', `${quoted}: "${key}" expected an array`)
  return value.map((item) => {
    if (typeof item !== 'number' || !Number.isSafeInteger(item) || item < 0) {
      return fail('entry', `${quoted}: "${key}" expected sizes, got ${JSON.stringify(item)}`)
    }
    return item
  })
}
