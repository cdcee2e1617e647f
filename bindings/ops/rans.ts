import { MAX_TENSOR_ELEMENTS } from '../limits.js'
import { checkInteger } from '../validate.js'
import { BLOCK, BLOCK_OVERHEAD, decodeFrame, encodeFrame, takeCount } from './frame.js'
import type { Coder, DecodeOptions, EncodeOptions } from './frame.js'

export type RansEncodeOptions = EncodeOptions
export type RansDecodeOptions = DecodeOptions

/** Frequencies, u16[256]. */
const STATE_BYTES = 512

/** Blocks of rANS are whole bytes. */
const rans: Coder = {
  name: 'rANS',
  roomOf: (n) => Math.ceil(1.5 * n) + BLOCK_OVERHEAD,
  encoderBytes: () => STATE_BYTES,
  decoderBytes: () => STATE_BYTES,
  encode: (kernels, x, out, state, n) => 8 * kernels.u8_rans_encode_block(x, out, state, n),
  decode(kernels, bytes, out, state, length, n) {
    const taken = kernels.u8_rans_decode_block(bytes, out, state, length, n)
    return taken < 0 ? taken : 8 * taken
  },
}

/** No frame of `length` symbols is longer, in bytes: a block that does not gain is stored as it is. */
export function ransEncodeBound(length: number): number {
  checkInteger('length', length, 0, MAX_TENSOR_ELEMENTS)
  return 5 + length + Math.ceil(length / BLOCK)
}

/**
 * Entropy-codes bytes with rANS, which spends fractions of a bit on a symbol: smaller than Huffman where one symbol
 * prevails, and slower. Frequencies have 12 bits, with one table for each 2^18 symbols.
 *
 * @returns a self-contained frame (FORMAT.md, "rANS frame"); the same bytes on every target
 * @throws TypeError, RangeError for arguments that do not fit
 * @see J. Duda 2013, Asymmetric numeral systems, arXiv 1311.2540; F. Giesen 2014, Interleaved entropy coders,
 * arXiv 1402.3392
 */
export function ransEncode(symbols: Uint8Array, options: RansEncodeOptions = {}): Uint8Array {
  return encodeFrame(rans, symbols, options, ransEncodeBound)
}

/**
 * The number of symbols that a frame declares, from its first bytes; nothing else of it is looked at.
 *
 * @throws FormatError if the count is cut off, not minimal, or larger than a tensor may be
 */
export function ransDecodedLength(bytes: Uint8Array): number {
  return takeCount(rans.name, bytes).count
}

/**
 * Decodes a frame of `ransEncode`. Made for untrusted bytes, as `huffmanDecode`; what is damaged is seen in the states
 * that the decoder ends with, unless by a chance of 2^-15, or less for long blocks.
 *
 * @throws FormatError if the frame is cut off, followed by anything, not valid, or declares more than `maxBytes`
 * @throws RangeError if `out` does not have the declared length
 */
export function ransDecode(bytes: Uint8Array, options: RansDecodeOptions = {}): Uint8Array {
  return decodeFrame(rans, bytes, options)
}
