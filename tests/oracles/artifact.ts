// Written from FORMAT.md alone: slow, trusting, with the platform's JSON parser.
import { decodeContext } from './context.js'
import { decodeFrame } from './huffman.js'
import { int4Elements } from './int4.js'
import { decodeRansFrame } from './rans.js'

/** CRC-32C a bit at a time. */
export function crc32c(bytes: ArrayLike<number>): number {
  let remainder = 0xffffffff
  for (let i = 0; i < bytes.length; i++) {
    remainder ^= bytes[i]!
    for (let k = 0; k < 8; k++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0x82f63b78 : remainder >>> 1
  }
  return ~remainder >>> 0
}

/** Bits of IEEE 754 binary16, by the definition. */
export function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

interface Entry {
  dtype: string
  shape: number[]
  bytes: Uint8Array
}

export interface DecodedWeight {
  shape: number[]
  /** Real values. */
  values: number[]
}

export interface DecodedArtifact {
  manifest: Record<string, unknown>
  weights: Map<string, DecodedWeight>
}

type Rec = Record<string, unknown>

export function decodeArtifact(file: Uint8Array): DecodedArtifact {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const dataStart = 8 + Number(view.getBigUint64(0, true))
  if (dataStart % 16 !== 0) throw new Error('alignment')
  const text = Buffer.from(file.subarray(8, dataStart)).toString()
  const prefix = '{"__metadata__":{"format":"mcompress","mcompress.crc32c":"'
  if (!text.startsWith(prefix)) throw new Error('prefix')
  const digits = text.slice(prefix.length, prefix.length + 8)
  const covered = [...file.subarray(0, dataStart)]
  covered.splice(8 + prefix.length, 8, ...Buffer.from('00000000'))
  if (crc32c(covered).toString(16).padStart(8, '0') !== digits) throw new Error('header checksum')

  const header = JSON.parse(text) as Record<string, Rec>
  const manifest = JSON.parse(header['__metadata__']!['mcompress.manifest'] as string) as Rec
  delete header['__metadata__']
  const entries = new Map<string, Entry>()
  const order = Object.entries(header).sort(
    ([, a], [, b]) => (a['data_offsets'] as number[])[0]! - (b['data_offsets'] as number[])[0]!,
  )
  order.forEach(([name, entry], index) => {
    const [begin, end] = entry['data_offsets'] as [number, number]
    const bytes = file.slice(dataStart + begin, dataStart + end)
    if (crc32c(bytes) !== (manifest['checksums'] as number[])[index]) throw new Error(`checksum of ${name}`)
    entries.set(name, { dtype: entry['dtype'] as string, shape: entry['shape'] as number[], bytes })
  })

  const weights = new Map<string, DecodedWeight>()
  for (const record of (manifest['graph'] as Rec)['weights'] as (string | Rec)[]) {
    const object = typeof record === 'string' ? { name: record } : record
    weights.set(object['name'] as string, decodeWeight(object, entries))
  }
  return { manifest, weights }
}

function numbers(dtype: string, bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const read: Record<string, [size: number, at: (offset: number) => number]> = {
    F32: [4, (at) => view.getFloat32(at, true)],
    F16: [2, (at) => half(view.getUint16(at, true))],
    F64: [8, (at) => view.getFloat64(at, true)],
    I8: [1, (at) => view.getInt8(at)],
    U8: [1, (at) => view.getUint8(at)],
    BOOL: [1, (at) => view.getUint8(at)],
    I16: [2, (at) => view.getInt16(at, true)],
    U16: [2, (at) => view.getUint16(at, true)],
    I32: [4, (at) => view.getInt32(at, true)],
    U32: [4, (at) => view.getUint32(at, true)],
    I64: [8, (at) => Number(view.getBigInt64(at, true))],
    U64: [8, (at) => Number(view.getBigUint64(at, true))],
  }
  const [size, at] = read[dtype]!
  return Array.from({ length: bytes.length / size }, (_, i) => at(i * size))
}

function decodeWeight(record: Rec, entries: Map<string, Entry>): DecodedWeight {
  const entry = entries.get((record['entry'] ?? record['name']) as string)!
  const shape = (record['shape'] as number[] | undefined) ?? entry.shape
  const elements = shape.reduce((product, dimension) => product * dimension, 1)
  if ('codebook' in record) {
    const dtype = record['half'] ? 'F16' : 'F32'
    const size = (record['codebook'] as number) * (record['half'] ? 2 : 4)
    const centroids = numbers(dtype, entry.bytes.slice(0, size))
    const symbols = decodeSymbols(entry.bytes.slice(size), elements, record['sparse'] as number[] | undefined)
    return { shape, values: symbols.map((symbol) => centroids[symbol]!) }
  }
  if ('int4' in record) {
    const [axis, groupSize] = record['int4'] as [number, number]
    const scales = entries.get(record['scale'] as string)!
    const scale = numbers(scales.dtype, scales.bytes)
    return { shape, values: int4Elements({ shape, axis, groupSize, data: entry.bytes, scale }) }
  }
  if (!('int8' in record)) return { shape, values: numbers(entry.dtype, entry.bytes) }

  /** Which scale an element belongs to. */
  const group = (index: number): number => {
    if (record['int8'] === 'tensor') return 0
    const [per, figure] = record['int8'] as [string, number]
    if (per === 'group') return Math.floor(index / figure)
    const inner = shape.slice(figure + 1).reduce((product, dimension) => product * dimension, 1)
    return Math.floor(index / inner) % shape[figure]!
  }
  let codes: number[]
  let scales: number[]
  let zeros: number[] = []
  if ('scale' in record) {
    codes = numbers('I8', entry.bytes)
    scales = numbers('F32', entries.get(record['scale'] as string)!.bytes)
    if ('zeroPoint' in record) zeros = numbers('I8', entries.get(record['zeroPoint'] as string)!.bytes)
  } else {
    const channels =
      elements === 0 ? 0 : Math.max(...Array.from({ length: elements }, (_, i) => group(i))) + 1
    const zeroBytes = record['zeroPoint'] ? channels : 0
    scales = numbers('F32', entry.bytes.slice(0, channels * 4))
    zeros = numbers('I8', entry.bytes.slice(channels * 4, channels * 4 + zeroBytes))
    const rest = entry.bytes.slice(channels * 4 + zeroBytes)
    const symbols = decodeSymbols(rest, elements, record['sparse'] as number[] | undefined)
    codes = symbols.map((symbol) => (symbol > 127 ? symbol - 256 : symbol))
  }
  return { shape, values: codes.map((code, i) => scales[group(i)]! * (code - (zeros[group(i)] ?? 0))) }
}

function leb128(bytes: Uint8Array): [value: number, rest: Uint8Array] {
  let value = 0
  let i = 0
  do value += (bytes[i]! % 128) * 128 ** i
  while (bytes[i++]! > 127)
  return [value, bytes.slice(i)]
}

function decodeSequence(bytes: Uint8Array): number[] {
  const mode = bytes[0]!
  if (mode === 0) return decodeFrame(bytes.slice(1))
  if (mode === 9) return decodeRansFrame(bytes.slice(1))
  if (mode === 10) return decodeContext(bytes.slice(1))
  const [count, rest] = leb128(bytes.slice(1))
  const bits = [...rest].flatMap((byte) => Array.from({ length: 8 }, (_, i) => (byte >> i) & 1))
  return Array.from({ length: count }, (_, i) =>
    bits.slice(i * mode, (i + 1) * mode).reduce((sum, bit, k) => sum + bit * 2 ** k, 0),
  )
}

function decodeSymbols(bytes: Uint8Array, elements: number, sparse: number[] | undefined): number[] {
  const rest = bytes.slice(1 + bytes[0]!)
  if (sparse === undefined) return decodeSequence(rest)
  const [zero, width] = sparse as [number, number]
  const [size, sequences] = leb128(rest)
  const values = decodeSequence(sequences.slice(0, size))
  const symbols: number[] = []
  for (const gap of decodeSequence(sequences.slice(size))) {
    for (let i = 0; i < gap; i++) symbols.push(zero)
    if (gap < 2 ** width - 1) symbols.push(values.shift()!)
  }
  while (symbols.length < elements) symbols.push(zero)
  return symbols
}
