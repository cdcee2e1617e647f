import { FormatError } from '../errors.js'
import { DEFAULT_MAX_DECODED_BYTES, MAX_TENSOR_ELEMENTS } from '../limits.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkStatus, Status } from '../runtime/status.js'
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

/** Symbols of a block of the format; the encoder needs more memory for blocks of SPLIT symbols or more. */
const BLOCK = 2 ** 18
const SPLIT = 2 ** 14

/** More than a table and a directory can take, and the 7 bytes by which a kernel's last store may pass the end. */
const BLOCK_OVERHEAD = 2048

/** The most that a block can take: codes of 12 bits. */
const MAX_BLOCK_BYTES = (BLOCK * 12) / 8 + BLOCK_OVERHEAD

// What the kernels keep from block to block, assembly/README.md#huffman; it begins as 256 zero bytes.
const NEW_STATE_BYTES = 256
const ENCODER_STATE_BYTES = 2304
const ENCODER_PAIRS_BYTES = 512 * 1024
const DECODER_STATE_BYTES = 41_024

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
  if (options.out !== undefined) {
    checkTypedArray('out', options.out, 'Uint8Array')
    if (options.out.length < bound) {
      throw new RangeError(`"out" expected Uint8Array of at least ${bound}, got length ${options.out.length}`)
    }
  }
  const out = options.out ?? new Uint8Array(bound)

  const { kernels, memory, scratch } = options.runtime ?? defaultRuntime()
  const mark = scratch.mark()
  try {
    const block = Math.min(length, BLOCK)
    const symbolsPointer = scratch.take(block)
    const outPointer = scratch.take(block + BLOCK_OVERHEAD)
    const state = scratch.take(ENCODER_STATE_BYTES + (length < SPLIT ? 0 : ENCODER_PAIRS_BYTES))
    const { u8 } = memory
    u8.fill(0, state, state + NEW_STATE_BYTES)
    let at = putCount(out, length)
    let bit = 0
    for (let done = 0; done < length; done += BLOCK) {
      const n = Math.min(length - done, BLOCK)
      u8.set(symbols.subarray(done, done + n), symbolsPointer)
      const end = bit + kernels.u8_huf_encode_block(symbolsPointer, outPointer, state, n, bit)
      out.set(u8.subarray(outPointer, outPointer + Math.ceil(end / 8)), at)
      // A block begins in the byte in which the one before ends.
      const whole = Math.floor(end / 8)
      u8[outPointer] = u8[outPointer + whole]!
      at += whole
      bit = end % 8
    }
    const size = at + Math.ceil(bit / 8)
    return options.out === undefined ? out.slice(0, size) : out.subarray(0, size)
  } finally {
    scratch.release(mark)
  }
}

/** LEB128 to the front of `out`; returns its size. */
function putCount(out: Uint8Array, count: number): number {
  let at = 0
  for (; count > 127; count = Math.floor(count / 128)) out[at++] = (count % 128) | 128
  out[at++] = count
  return at
}

/**
 * The exact size in bytes of `huffmanEncode(symbols)`, at the cost of a histogram.
 *
 * @throws TypeError, RangeError for arguments that do not fit
 */
export function huffmanEncodedSize(symbols: Uint8Array, options: { runtime?: Runtime } = {}): number {
  checkOptions('options', options, ['runtime'])
  checkTypedArray('symbols', symbols, 'Uint8Array')
  const { length } = symbols
  checkInteger('symbols.length', length, 0, MAX_TENSOR_ELEMENTS)
  const { kernels, memory, scratch } = options.runtime ?? defaultRuntime()
  const mark = scratch.mark()
  try {
    const symbolsPointer = scratch.take(Math.min(length, BLOCK))
    const state = scratch.take(ENCODER_STATE_BYTES)
    const { u8 } = memory
    u8.fill(0, state, state + NEW_STATE_BYTES)
    let bits = 8 * putCount(new Uint8Array(5), length)
    for (let done = 0; done < length; done += BLOCK) {
      const n = Math.min(length - done, BLOCK)
      u8.set(symbols.subarray(done, done + n), symbolsPointer)
      bits += kernels.u8_huf_block_bits(symbolsPointer, state, n)
    }
    return Math.ceil(bits / 8)
  } finally {
    scratch.release(mark)
  }
}

/** The symbol count at the front of a frame, and its size in bytes. */
function takeCount(bytes: Uint8Array): { count: number; size: number } {
  let count = 0
  for (let i = 0; ; i++) {
    const byte = bytes[i]
    if (byte === undefined) throw new FormatError('truncated', 'Huffman frame: the data ends early', i)
    count += (byte & 127) * 2 ** (7 * i)
    if (count > MAX_TENSOR_ELEMENTS || (byte === 0 && i > 0) || i > 4) {
      throw new FormatError('corrupt', 'Huffman frame: the symbol count is not valid', i)
    }
    if (byte < 128) return { count, size: i + 1 }
  }
}

/**
 * The number of symbols that a frame declares, from its first bytes; nothing else of it is looked at.
 *
 * @throws FormatError if the count is cut off, not minimal, or larger than a tensor may be
 */
export function huffmanDecodedLength(bytes: Uint8Array): number {
  checkTypedArray('bytes', bytes, 'Uint8Array')
  return takeCount(bytes).count
}

/**
 * Decodes a frame of `huffmanEncode`. Made for untrusted bytes: any damage that the code can show is an error, and
 * neither time nor memory passes what the declared length allows. After an error the content of `out` is unspecified.
 *
 * @throws FormatError if the frame is cut off, followed by anything, not valid, or declares more than `maxBytes`
 * @throws RangeError if `out` does not have the declared length
 */
export function huffmanDecode(bytes: Uint8Array, options: HuffmanDecodeOptions = {}): Uint8Array {
  checkOptions('options', options, ['maxBytes', 'out', 'runtime'])
  checkTypedArray('bytes', bytes, 'Uint8Array')
  const { maxBytes = DEFAULT_MAX_DECODED_BYTES } = options
  checkInteger('maxBytes', maxBytes, 0, MAX_TENSOR_ELEMENTS)
  const { count: length, size } = takeCount(bytes)
  if (length > maxBytes) {
    throw new FormatError('limit', `Huffman frame: declares ${length} bytes, the limit is ${maxBytes}`, 0)
  }
  if (options.out !== undefined) checkTypedArray('out', options.out, 'Uint8Array', length)
  const out = options.out ?? new Uint8Array(length)

  const { kernels, memory, scratch } = options.runtime ?? defaultRuntime()
  const mark = scratch.mark()
  try {
    const block = Math.min(length, BLOCK)
    const bytesPointer = scratch.take(Math.min(bytes.length, MAX_BLOCK_BYTES))
    const outPointer = scratch.take(block)
    const state = scratch.take(length < BLOCK ? NEW_STATE_BYTES : DECODER_STATE_BYTES)
    const { u8 } = memory
    u8.fill(0, state, state + NEW_STATE_BYTES)
    let at = size
    let bit = 0
    // A sound block takes about as much as the one before, the first hardly more than its symbols: that much is copied,
    // and all that a block can take only where it was too little.
    let likely = block + BLOCK_OVERHEAD
    for (let done = 0; done < length; done += BLOCK) {
      const n = Math.min(length - done, BLOCK)
      const decode = (given: number): number => {
        u8.set(bytes.subarray(at, at + given), bytesPointer)
        return kernels.u8_huf_decode_block(bytesPointer, outPointer, state, given, n, bit)
      }
      const most = Math.min(bytes.length - at, MAX_BLOCK_BYTES)
      let taken = decode(Math.min(most, likely))
      if (taken === Status.truncated && likely < most) taken = decode(most)
      checkStatus('Huffman frame', taken, at)
      out.set(u8.subarray(outPointer, outPointer + n), done)
      likely = Math.ceil((taken * 9) / 64) + BLOCK_OVERHEAD
      at += Math.floor((bit + taken) / 8)
      bit = (bit + taken) % 8
    }
    if (bytes.length - at !== Math.ceil(bit / 8) || (bit > 0 && bytes[at]! >> bit !== 0)) {
      throw new FormatError('corrupt', 'Huffman frame: more data behind the last symbol', at)
    }
    return out
  } finally {
    scratch.release(mark)
  }
}
