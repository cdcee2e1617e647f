import { FormatError } from '../../errors.js'
import { MAX_SYMBOLS_A_CONTEXT_BYTE, MAX_TENSOR_ELEMENTS } from '../../limits.js'
import { contextDecode } from '../../ops/context.js'
import { huffmanDecode, huffmanEncode, huffmanEncodedSize } from '../../ops/huffman.js'
import type { HuffmanDecodeOptions } from '../../ops/huffman.js'
import { ransDecode, ransEncode } from '../../ops/rans.js'
import { peekSequence, takeCount, type SequenceCoding } from './sequence.js'

export type Runtime = HuffmanDecodeOptions['runtime']

function optionsOf(runtime: Runtime): { runtime?: NonNullable<Runtime> } {
  return runtime === undefined ? {} : { runtime }
}

/** Bits that hold every symbol; 1 for none. */
export function widthOf(symbols: Uint8Array): number {
  let all = 0
  for (let i = 0; i < symbols.length; i++) all |= symbols[i]!
  return Math.max(32 - Math.clz32(all), 1)
}

function countBytes(count: number): number {
  return count < 128 ? 1 : 1 + countBytes(Math.floor(count / 128))
}

/** What rANS has to save: Huffman decodes twice as fast. */
const RANS_WORTH = 1 / 64

function sizeOf(symbols: Uint8Array, coding: SequenceCoding, runtime: Runtime): number {
  switch (coding) {
    case 'packed':
      return 1 + countBytes(symbols.length) + Math.ceil((symbols.length * widthOf(symbols)) / 8)
    case 'huffman':
      return 1 + huffmanEncodedSize(symbols, optionsOf(runtime))
    case 'rans':
      return 1 + ransEncode(symbols, optionsOf(runtime)).length
    case 'context': // of whole weights only
      return Infinity
  }
}

/** The size of a sequence in the smallest of the codings allowed. */
export function measureSequence(
  symbols: Uint8Array,
  allowed: readonly SequenceCoding[],
  runtime: Runtime,
): { coding: SequenceCoding; bytes: number } {
  const sizes = allowed.map((coding) => ({ coding, bytes: sizeOf(symbols, coding, runtime) }))
  return sizes.reduce((best, size) => {
    const worth = size.coding === 'rans' ? best.bytes * RANS_WORTH : 0
    return size.bytes < best.bytes - worth ? size : best
  })
}

export function encodeSequence(symbols: Uint8Array, coding: SequenceCoding, runtime: Runtime): Uint8Array {
  if (coding === 'huffman' || coding === 'rans') {
    const isRans = coding === 'rans'
    const frame = (isRans ? ransEncode : huffmanEncode)(symbols, optionsOf(runtime))
    const bytes = new Uint8Array(1 + frame.length)
    bytes[0] = isRans ? 9 : 0
    bytes.set(frame, 1)
    return bytes
  }
  const width = widthOf(symbols)
  const head = [width]
  putCount(head, symbols.length)
  const bytes = new Uint8Array(head.length + Math.ceil((symbols.length * width) / 8))
  bytes.set(head)
  let at = head.length
  let pending = 0
  let filled = 0
  for (let i = 0; i < symbols.length; i++) {
    pending |= symbols[i]! << filled
    filled += width
    if (filled < 8) continue
    bytes[at++] = pending
    pending >>= 8
    filled -= 8
  }
  if (filled > 0) bytes[at] = pending
  return bytes
}

/** LEB128. */
export function putCount(bytes: number[], count: number): void {
  for (; count > 127; count = Math.floor(count / 128)) bytes.push((count % 128) | 128)
  bytes.push(count)
}

/** The symbols of a sequence; `count` of them at most. */
export function decodeSequence(
  what: string,
  bytes: Uint8Array,
  maxCount: number,
  runtime: Runtime,
): Uint8Array {
  const { coding, count } = peekSequence(what, bytes)
  if (count > maxCount) {
    throw new FormatError(
      'limit',
      `${what}: a sequence declares ${count} symbols, expected at most ${maxCount}`,
    )
  }
  if (coding === 'context') return decodeContext(what, bytes, runtime)
  if (coding !== 'packed') {
    const decode = coding === 'rans' ? ransDecode : huffmanDecode
    return decode(bytes.subarray(1), { maxBytes: maxCount, ...optionsOf(runtime) })
  }
  const width = bytes[0]!
  let at = 1 + takeCount(what, bytes.subarray(1)).size
  if (bytes.length - at !== Math.ceil((count * width) / 8)) {
    throw new FormatError(
      'corrupt',
      `${what}: ${count} symbols of ${width} bits do not fit ${bytes.length} bytes`,
    )
  }
  const symbols = new Uint8Array(count)
  const mask = (1 << width) - 1
  let pending = 0
  let filled = 0
  for (let i = 0; i < count; i++) {
    if (filled < width) {
      pending |= bytes[at++]! << filled
      filled += 8
    }
    symbols[i] = pending & mask
    pending >>= width
    filled -= width
  }
  if (pending !== 0) throw new FormatError('corrupt', `${what}: bits are set behind the last symbol`)
  return symbols
}

function decodeContext(what: string, bytes: Uint8Array, runtime: Runtime): Uint8Array {
  let at = 1
  const take = (): number => {
    const { count, size } = takeCount(what, bytes.subarray(at))
    at += size
    return count
  }
  const count = take()
  const [zero = 0, width = 0] = bytes.subarray(at, (at += 2))
  const columns = take()
  const distance = take()
  const code = bytes.subarray(at)
  if (count > code.length * MAX_SYMBOLS_A_CONTEXT_BYTE || Math.max(columns, distance) > MAX_TENSOR_ELEMENTS) {
    throw new FormatError('limit', `${what}: ${code.length} bytes cannot hold ${count} symbols`)
  }
  return contextDecode(what, code, count, { columns, distance, zero, width }, runtime)
}
