import { MAX_TENSOR_ELEMENTS } from '../limits.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkInteger, checkOptions, checkTypedArray } from '../validate.js'
import { BLOCK, BLOCK_OVERHEAD, decodeFrame, encodeFrame, putCount, takeCount } from './frame.js'
import type { Coder, DecodeOptions, EncodeOptions } from './frame.js'

export type HuffmanEncodeOptions = EncodeOptions
export type HuffmanDecodeOptions = DecodeOptions

/** Blocks of so many symbols need pairs of codes. */
const SPLIT = 2 ** 14

// What the kernels keep from block to block, assembly/README.md#huffman.
const ENCODER_STATE_BYTES = 2304
const ENCODER_PAIRS_BYTES = 512 * 1024
const DECODER_STATE_BYTES = 41_024

const huffman: Coder = {
  name: 'Huffman',
  roomOf: (n) => n + BLOCK_OVERHEAD,
  encoderBytes: (length) => ENCODER_STATE_BYTES + (length < SPLIT ? 0 : ENCODER_PAIRS_BYTES),
  decoderBytes: (length) => (length < BLOCK ? 0 : DECODER_STATE_BYTES),
  encode: (kernels, x, out, state, n, bit) => kernels.u8_huf_encode_block(x, out, state, n, bit),
  decode: (kernels, bytes, out, state, length, n, bit) =>
    kernels.u8_huf_decode_block(bytes, out, state, length, n, bit),
}

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
  return encodeFrame(huffman, symbols, options, huffmanEncodeBound)
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
    u8.fill(0, state, state + ENCODER_STATE_BYTES)
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

/**
 * The number of symbols that a frame declares, from its first bytes; nothing else of it is looked at.
 *
 * @throws FormatError if the count is cut off, not minimal, or larger than a tensor may be
 */
export function huffmanDecodedLength(bytes: Uint8Array): number {
  return takeCount(huffman.name, bytes).count
}

/**
 * Decodes a frame of `huffmanEncode`. Made for untrusted bytes: any damage that the code can show is an error, and
 * neither time nor memory passes what the declared length allows. After an error the content of `out` is unspecified.
 *
 * @throws FormatError if the frame is cut off, followed by anything, not valid, or declares more than `maxBytes`
 * @throws RangeError if `out` does not have the declared length
 */
export function huffmanDecode(bytes: Uint8Array, options: HuffmanDecodeOptions = {}): Uint8Array {
  return decodeFrame(huffman, bytes, options)
}
