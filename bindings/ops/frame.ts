import { FormatError } from '../errors.js'
import { DEFAULT_MAX_DECODED_BYTES, MAX_TENSOR_ELEMENTS } from '../limits.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Runtime } from '../runtime/runtime.js'
import type { Kernels } from '../runtime/instantiate.js'
import { checkStatus, Status } from '../runtime/status.js'
import { checkInteger, checkOptions, checkTypedArray } from '../validate.js'

// What the frames of the entropy coders share: the number of symbols, then blocks that the kernels code one by one.

export interface EncodeOptions {
  /** Receives the frame; at least as many bytes as the bound tells. The result is its used part. */
  out?: Uint8Array
  runtime?: Runtime
}

export interface DecodeOptions {
  /** The most that a frame may declare; 256 MiB unless given. Checked before anything is allocated. */
  maxBytes?: number
  /** Receives the symbols; exactly as many as the frame declares. */
  out?: Uint8Array
  runtime?: Runtime
}

/** Symbols of a block. */
export const BLOCK = 2 ** 18

/** More than what a block adds to its codes, and the bytes by which a kernel's last store may pass the end. */
export const BLOCK_OVERHEAD = 2048

/** The most that a block can take: codes of 12 bits. */
export const MAX_BLOCK_BYTES = (BLOCK * 12) / 8 + BLOCK_OVERHEAD

/** What every state begins with: no code. */
const NEW_STATE_BYTES = 512

/** A coder, by the kernels of a block. Positions are in bits; `bit` is the first that is free in the first byte. */
export interface Coder {
  readonly name: string
  /** Room for a coded block of n symbols. */
  roomOf(n: number): number
  /** Of the state between blocks, for frames of so many symbols; it begins with zeros. */
  encoderBytes(length: number): number
  decoderBytes(length: number): number
  /** Returns the bits appended. */
  encode(kernels: Kernels, x: number, out: number, state: number, n: number, bit: number): number
  /** Returns the bits taken, or a status. */
  decode(
    kernels: Kernels,
    bytes: number,
    out: number,
    state: number,
    length: number,
    n: number,
    bit: number,
  ): number
}

export function encodeFrame(
  coder: Coder,
  symbols: Uint8Array,
  options: EncodeOptions,
  boundOf: (length: number) => number,
): Uint8Array {
  checkOptions('options', options, ['out', 'runtime'])
  checkTypedArray('symbols', symbols, 'Uint8Array')
  const { length } = symbols
  const bound = boundOf(length)
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
    const outPointer = scratch.take(coder.roomOf(block))
    const state = scratch.take(Math.max(coder.encoderBytes(length), NEW_STATE_BYTES))
    const { u8 } = memory
    u8.fill(0, state, state + NEW_STATE_BYTES)
    let at = putCount(out, length)
    let bit = 0
    for (let done = 0; done < length; done += BLOCK) {
      const n = Math.min(length - done, BLOCK)
      u8.set(symbols.subarray(done, done + n), symbolsPointer)
      const end = bit + coder.encode(kernels, symbolsPointer, outPointer, state, n, bit)
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
export function putCount(out: Uint8Array, count: number): number {
  let at = 0
  for (; count > 127; count = Math.floor(count / 128)) out[at++] = (count % 128) | 128
  out[at++] = count
  return at
}

/** The symbol count at the front of a frame, and its size in bytes. */
export function takeCount(name: string, bytes: Uint8Array): { count: number; size: number } {
  checkTypedArray('bytes', bytes, 'Uint8Array')
  let count = 0
  for (let i = 0; ; i++) {
    const byte = bytes[i]
    if (byte === undefined) throw new FormatError('truncated', `${name} frame: the data ends early`, i)
    count += (byte & 127) * 2 ** (7 * i)
    if (count > MAX_TENSOR_ELEMENTS || (byte === 0 && i > 0) || i > 4) {
      throw new FormatError('corrupt', `${name} frame: the symbol count is not valid`, i)
    }
    if (byte < 128) return { count, size: i + 1 }
  }
}

export function decodeFrame(coder: Coder, bytes: Uint8Array, options: DecodeOptions): Uint8Array {
  const { name } = coder
  checkOptions('options', options, ['maxBytes', 'out', 'runtime'])
  const { maxBytes = DEFAULT_MAX_DECODED_BYTES } = options
  checkInteger('maxBytes', maxBytes, 0, MAX_TENSOR_ELEMENTS)
  const { count: length, size } = takeCount(name, bytes)
  if (length > maxBytes) {
    throw new FormatError('limit', `${name} frame: declares ${length} bytes, the limit is ${maxBytes}`, 0)
  }
  if (options.out !== undefined) checkTypedArray('out', options.out, 'Uint8Array', length)
  const out = options.out ?? new Uint8Array(length)

  const { kernels, memory, scratch } = options.runtime ?? defaultRuntime()
  const mark = scratch.mark()
  try {
    const block = Math.min(length, BLOCK)
    const bytesPointer = scratch.take(Math.min(bytes.length, MAX_BLOCK_BYTES))
    const outPointer = scratch.take(block)
    const state = scratch.take(Math.max(coder.decoderBytes(length), NEW_STATE_BYTES))
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
        return coder.decode(kernels, bytesPointer, outPointer, state, given, n, bit)
      }
      const most = Math.min(bytes.length - at, MAX_BLOCK_BYTES)
      let taken = decode(Math.min(most, likely))
      if (taken === Status.truncated && likely < most) taken = decode(most)
      checkStatus(`${name} frame`, taken, at)
      out.set(u8.subarray(outPointer, outPointer + n), done)
      likely = Math.ceil((taken * 9) / 64) + BLOCK_OVERHEAD
      at += Math.floor((bit + taken) / 8)
      bit = (bit + taken) % 8
    }
    if (bytes.length - at !== Math.ceil(bit / 8) || (bit > 0 && bytes[at]! >> bit !== 0)) {
      throw new FormatError('corrupt', `${name} frame: more data behind the last symbol`, at)
    }
    return out
  } finally {
    scratch.release(mark)
  }
}
