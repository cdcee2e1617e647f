import { FormatError } from '../errors.js'
import type { GapCode } from '../formats/gaps.js'
import { DEFAULT_MAX_DECODED_BYTES, MAX_TENSOR_ELEMENTS } from '../limits.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkStatus } from '../runtime/status.js'
import { checkInteger, checkOptions, checkTypedArray, describe } from '../validate.js'

export interface EncodeGapsOptions {
  /** The element that is left out, 0 to 255; 0 unless given. */
  zero?: number
  /** Width of a gap, 3 to 8; 5 unless given. */
  bits?: number
  runtime?: Runtime
}

export interface CountGapsOptions {
  /** The element that is left out, 0 to 255; 0 unless given. */
  zero?: number
  runtime?: Runtime
}

export interface GapCounts {
  /** Elements that are not `zero`: the values to be stored. */
  readonly nonzeros: number
  /** Gaps to be stored, fillers included, for the widths 3, 4, 5, 6, 7 and 8. */
  readonly gaps: readonly number[]
}

export interface DecodeGapsOptions {
  /** The most that the code may declare; 256 MiB unless given. Checked before anything is allocated. */
  maxBytes?: number
  /** Receives the elements; exactly `code.length`. */
  out?: Uint8Array
  runtime?: Runtime
}

/**
 * Stores a sparse sequence as relative indices: a gap for every element that is not `zero`, with fillers where a gap
 * does not fit its width. A filler carries no value, so gaps and values are each ready to be entropy-coded.
 *
 * @param symbols bytes, such as codebook indices or int8 codes, most of them `zero`
 * @throws TypeError, RangeError for arguments that do not fit
 * @see S. Han, H. Mao, W. Dally: Deep Compression, ICLR 2016, section 2 (whose fillers store a zero as well)
 */
export function encodeGaps(symbols: Uint8Array, options: EncodeGapsOptions = {}): GapCode {
  checkOptions('options', options, ['zero', 'bits', 'runtime'])
  const { zero = 0, bits = 5 } = options
  checkSymbols(symbols, zero)
  checkInteger('bits', bits, 3, 8)
  const { length } = symbols

  const { kernels, memory, scratch } = options.runtime ?? defaultRuntime()
  const mark = scratch.mark()
  try {
    const symbolsPointer = scratch.take(length)
    const gapsPointer = scratch.take(length)
    const valuesPointer = scratch.take(length)
    const countsPointer = scratch.take(7 * 4)
    const { u8, u32 } = memory
    u8.set(symbols, symbolsPointer)
    kernels.u8_gap_count(symbolsPointer, countsPointer, length, zero)
    const nonzeros = u32[countsPointer >>> 2]!
    const count = kernels.u8_gap_encode(symbolsPointer, gapsPointer, valuesPointer, length, zero, bits)
    return {
      kind: 'gaps',
      length,
      zero,
      bits,
      gaps: u8.slice(gapsPointer, gapsPointer + count),
      values: u8.slice(valuesPointer, valuesPointer + nonzeros),
    }
  } finally {
    scratch.release(mark)
  }
}

/**
 * What `encodeGaps` would store, for every width at once.
 *
 * @throws TypeError, RangeError for arguments that do not fit
 */
export function countGaps(symbols: Uint8Array, options: CountGapsOptions = {}): GapCounts {
  checkOptions('options', options, ['zero', 'runtime'])
  const { zero = 0 } = options
  checkSymbols(symbols, zero)
  const { kernels, memory, scratch } = options.runtime ?? defaultRuntime()
  const mark = scratch.mark()
  try {
    const symbolsPointer = scratch.take(symbols.length)
    const countsPointer = scratch.take(7 * 4)
    const { u8, u32 } = memory
    u8.set(symbols, symbolsPointer)
    kernels.u8_gap_count(symbolsPointer, countsPointer, symbols.length, zero)
    const [nonzeros, ...gaps] = u32.subarray(countsPointer >>> 2, (countsPointer >>> 2) + 7)
    return { nonzeros: nonzeros!, gaps }
  } finally {
    scratch.release(mark)
  }
}

function checkSymbols(symbols: unknown, zero: unknown): void {
  checkTypedArray('symbols', symbols, 'Uint8Array')
  checkInteger('symbols.length', symbols.length, 0, MAX_TENSOR_ELEMENTS)
  checkInteger('zero', zero, 0, 255)
}

/**
 * The dense sequence of a gap code. Made for untrusted codes: only what `encodeGaps` can have made is accepted.
 *
 * @throws FormatError if gaps, values and length contradict each other, or the length passes `maxBytes`
 * @throws TypeError, RangeError for parts of the wrong kind
 */
export function decodeGaps(code: GapCode, options: DecodeGapsOptions = {}): Uint8Array {
  checkOptions('options', options, ['maxBytes', 'out', 'runtime'])
  const { maxBytes = DEFAULT_MAX_DECODED_BYTES } = options
  checkInteger('maxBytes', maxBytes, 0, MAX_TENSOR_ELEMENTS)
  if (typeof code !== 'object' || code === null || code.kind !== 'gaps') {
    throw new TypeError(`"code" expected a GapCode, got ${describe(code)}`)
  }
  const { length, zero, bits, gaps, values } = code
  checkInteger('code.length', length, 0, MAX_TENSOR_ELEMENTS)
  checkInteger('code.zero', zero, 0, 255)
  checkInteger('code.bits', bits, 3, 8)
  checkTypedArray('code.gaps', gaps, 'Uint8Array')
  checkTypedArray('code.values', values, 'Uint8Array')
  if (length > maxBytes) {
    throw new FormatError('limit', `gap code: declares ${length} bytes, the limit is ${maxBytes}`)
  }
  if (options.out !== undefined) checkTypedArray('out', options.out, 'Uint8Array', length)

  const { kernels, memory, scratch } = options.runtime ?? defaultRuntime()
  const mark = scratch.mark()
  try {
    const gapsPointer = scratch.take(gaps.length)
    const valuesPointer = scratch.take(values.length)
    const outPointer = scratch.take(length)
    const { u8 } = memory
    u8.set(gaps, gapsPointer)
    u8.set(values, valuesPointer)
    checkStatus(
      'gap code',
      kernels.u8_gap_decode(
        gapsPointer,
        valuesPointer,
        outPointer,
        gaps.length,
        values.length,
        length,
        zero,
        bits,
      ),
    )
    const decoded = u8.subarray(outPointer, outPointer + length)
    if (options.out === undefined) return decoded.slice()
    options.out.set(decoded)
    return options.out
  } finally {
    scratch.release(mark)
  }
}
