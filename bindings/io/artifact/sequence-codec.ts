import { FormatError } from '../../errors.js'
import { huffmanDecode, huffmanEncode, huffmanEncodedSize } from '../../ops/huffman.js'
import type { HuffmanDecodeOptions } from '../../ops/huffman.js'
import { peekSequence, takeCount, type SequenceCoding } from './sequence.js'

export type Runtime = HuffmanDecodeOptions['runtime']

function huffmanOptions(runtime: Runtime): { runtime?: NonNullable<Runtime> } {
  return runtime === undefined ? {} : { runtime }
}

/** Bits that hold every symbol; 1 for none. */
function widthOf(symbols: Uint8Array): number {
  let all = 0
  for (let i = 0; i < symbols.length; i++) all |= symbols[i]!
  return Math.max(32 - Math.clz32(all), 1)
}

function countBytes(count: number): number {
  return count < 128 ? 1 : 1 + countBytes(Math.floor(count / 128))
}

/** The size of a sequence in the codings allowed, smallest first. */
export function measureSequence(
  symbols: Uint8Array,
  allowed: readonly SequenceCoding[],
  runtime: Runtime,
): { coding: SequenceCoding; bytes: number } {
  const sizes = allowed.map((coding) => ({
    coding,
    bytes:
      coding === 'huffman'
        ? 1 + huffmanEncodedSize(symbols, huffmanOptions(runtime))
        : 1 + countBytes(symbols.length) + Math.ceil((symbols.length * widthOf(symbols)) / 8),
  }))
  return sizes.reduce((best, size) => (size.bytes < best.bytes ? size : best))
}

export function encodeSequence(symbols: Uint8Array, coding: SequenceCoding, runtime: Runtime): Uint8Array {
  if (coding === 'huffman') {
    const frame = huffmanEncode(symbols, huffmanOptions(runtime))
    const bytes = new Uint8Array(1 + frame.length)
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
  if (coding === 'huffman') {
    return huffmanDecode(bytes.subarray(1), { maxBytes: maxCount, ...huffmanOptions(runtime) })
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
