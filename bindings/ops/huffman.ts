import { FormatError } from '../errors.js'
import { DEFAULT_MAX_DECODED_BYTES, MAX_TENSOR_ELEMENTS } from '../limits.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkStatus } from '../runtime/status.js'
import { checkInteger, checkOptions, checkTypedArray } from '../validate.js'

export interface HuffmanEncodeOptions {
  /** Receives the frame; at least `huffmanEncodeBound(symbols.length)` bytes. The result is its used part. */
  out?: Uint8Array
  runtime?: Runtime
}

export interface HuffmanDecodeOptions {
  /** The most that a frame may declare; 256 MiB unless given. Checked before anything is allocated. */
  maxBytes?: number
  /** Receives the symbols; exactly as many as the frame declares. */
  out?: Uint8Array
  runtime?: Runtime
}

/** Symbols of a block of the format; each block may bring a table. */
const BLOCK = 2 ** 18

/** The encoder's table of pairs of symbols, and from which length on it is used. */
const WORK_BYTES = 512 * 1024
const WORK_FROM = 2 ** 14

/** A table and a directory are smaller; a kernel's last store may pass the end by 7 bytes. */
const BLOCK_OVERHEAD = 2048

/**
 * No frame of `length` symbols is longer, in bytes. A code that does not gain is flat, so only tables add to the input.
 */
export function huffmanEncodeBound(length: number): number {
  checkInteger('length', length, 0, MAX_TENSOR_ELEMENTS)
  return length + BLOCK_OVERHEAD * Math.max(Math.ceil(length / BLOCK), 1)
}

/**
 * Entropy-codes bytes with canonical Huffman codes of at most 12 bits, one table for each 2^18 symbols.
 *
 * @returns a self-contained frame (FORMAT.md, "Huffman frame"); the same bytes on every target
 * @throws TypeError, RangeError for arguments that do not fit
 * @see D. Huffman 1952; L. Larmore and D. Hirschberg 1990 for the limit on lengths
 */
export function huffmanEncode(symbols: Uint8Array, options: HuffmanEncodeOptions = {}): Uint8Array {
  checkOptions('options', options, ['out', 'runtime'])
  checkTypedArray('symbols', symbols, 'Uint8Array')
  const { length } = symbols
  const bound = huffmanEncodeBound(length)
  const { out } = options
  if (out !== undefined) {
    checkTypedArray('out', out, 'Uint8Array')
    if (out.length < bound) {
      throw new RangeError(`"out" expected Uint8Array of at least ${bound}, got length ${out.length}`)
    }
  }

  const { kernels, memory, scratch } = options.runtime ?? defaultRuntime()
  const mark = scratch.mark()
  try {
    const symbolsPointer = scratch.take(length)
    const outPointer = scratch.take(bound)
    const workPointer = scratch.take(length < WORK_FROM ? 0 : WORK_BYTES)
    memory.u8.set(symbols, symbolsPointer)
    const size = kernels.u8_huf_encode(symbolsPointer, outPointer, workPointer, length)
    const frame = memory.u8.subarray(outPointer, outPointer + size)
    if (out === undefined) return frame.slice()
    out.set(frame)
    return out.subarray(0, size)
  } finally {
    scratch.release(mark)
  }
}

/**
 * The exact size in bytes of `huffmanEncode(symbols)`, at the cost of a histogram.
 *
 * @throws TypeError, RangeError for arguments that do not fit
 */
export function huffmanEncodedSize(symbols: Uint8Array, options: { runtime?: Runtime } = {}): number {
  checkOptions('options', options, ['runtime'])
  checkTypedArray('symbols', symbols, 'Uint8Array')
  checkInteger('symbols.length', symbols.length, 0, MAX_TENSOR_ELEMENTS)
  const { kernels, memory, scratch } = options.runtime ?? defaultRuntime()
  const mark = scratch.mark()
  try {
    const pointer = scratch.take(symbols.length)
    memory.u8.set(symbols, pointer)
    return kernels.u8_huf_size(pointer, symbols.length)
  } finally {
    scratch.release(mark)
  }
}

/**
 * The number of symbols that a frame declares, from its first bytes; nothing else of it is looked at.
 *
 * @throws FormatError if the count is cut off, not minimal, or larger than a tensor may be
 */
export function huffmanDecodedLength(bytes: Uint8Array): number {
  checkTypedArray('bytes', bytes, 'Uint8Array')
  let length = 0
  for (let i = 0; ; i++) {
    if (i >= bytes.length) throw new FormatError('truncated', 'Huffman frame: the data ends early', i)
    const byte = bytes[i]!
    length += (byte & 127) * 2 ** (7 * i)
    if (length > MAX_TENSOR_ELEMENTS || (byte === 0 && i > 0) || i > 4) {
      throw new FormatError('corrupt', 'Huffman frame: the symbol count is not valid', i)
    }
    if (byte < 128) return length
  }
}

/**
 * Decodes a frame of `huffmanEncode`. Made for untrusted bytes: any damage that the code can show is an error, and
 * neither time nor memory passes what the declared length allows.
 *
 * @throws FormatError if the frame is cut off, followed by anything, not valid, or declares more than `maxBytes`
 * @throws RangeError if `out` does not have the declared length
 */
export function huffmanDecode(bytes: Uint8Array, options: HuffmanDecodeOptions = {}): Uint8Array {
  checkOptions('options', options, ['maxBytes', 'out', 'runtime'])
  const { maxBytes = DEFAULT_MAX_DECODED_BYTES } = options
  checkInteger('maxBytes', maxBytes, 0, MAX_TENSOR_ELEMENTS)
  const length = huffmanDecodedLength(bytes)
  if (length > maxBytes) {
    throw new FormatError('limit', `Huffman frame: declares ${length} bytes, the limit is ${maxBytes}`, 0)
  }
  if (options.out !== undefined) checkTypedArray('out', options.out, 'Uint8Array', length)

  const { kernels, memory, scratch } = options.runtime ?? defaultRuntime()
  const mark = scratch.mark()
  try {
    const bytesPointer = scratch.take(bytes.length)
    const outPointer = scratch.take(length)
    memory.u8.set(bytes, bytesPointer)
    checkStatus('Huffman frame', kernels.u8_huf_decode(bytesPointer, outPointer, bytes.length, length))
    const decoded = memory.u8.subarray(outPointer, outPointer + length)
    if (options.out === undefined) return decoded.slice()
    options.out.set(decoded)
    return options.out
  } finally {
    scratch.release(mark)
  }
}
