import { Status } from '../runtime/status.js'

/** Appends LSB-first bit strings to bytes, from bit `bit` of byte `start` on; without bytes it only counts. */
export class BitWriter {
  readonly #bytes: Uint8Array | undefined
  #at: number
  #pending: number
  #filled: number
  written = 0

  constructor(bytes?: Uint8Array, start = 0, bit = 0) {
    this.#bytes = bytes
    this.#at = start
    this.#filled = bit
    this.#pending = bytes === undefined ? 0 : bytes[start]! & ((1 << bit) - 1)
  }

  /** The low `count` bits (at most 24) of `value`, which has no higher ones. Unfinished bytes are in memory too. */
  put(value: number, count: number): void {
    this.written += count
    if (this.#bytes === undefined) return
    this.#pending |= value << this.#filled
    this.#filled += count
    while (this.#filled > 7) {
      this.#bytes[this.#at++] = this.#pending
      this.#pending >>>= 8
      this.#filled -= 8
    }
    if (this.#filled > 0) this.#bytes[this.#at] = this.#pending
  }

  /** Elias' gamma code of value >= 1. */
  putGamma(value: number): void {
    const k = 31 - Math.clz32(value)
    this.put(((((value ^ (1 << k)) << 1) | 1) << k) >>> 0, 2 * k + 1)
  }
}

/** Reads LSB-first bit strings of `length` bytes; throws Status.truncated where they end, Status.corrupt for no code. */
export class BitReader {
  readonly #bytes: Uint8Array
  readonly #start: number
  readonly #end: number
  position: number

  constructor(bytes: Uint8Array, start: number, length: number, bit: number) {
    this.#bytes = bytes
    this.#start = start
    this.#end = length
    this.position = bit
  }

  get left(): number {
    return this.#end * 8 - this.position
  }

  /** The next 24 bits; those behind the end are 0. */
  peek(): number {
    const at = Math.floor(this.position / 8)
    let bits = 0
    for (let i = 0; i < 4 && at + i < this.#end; i++) bits |= this.#bytes[this.#start + at + i]! << (8 * i)
    return (bits >>> (this.position % 8)) & 0xffffff
  }

  skip(count: number): void {
    this.position += count
    if (this.left < 0) throw Status.truncated
  }

  take(count: number): number {
    const bits = this.peek() & ((1 << count) - 1)
    this.skip(count)
    return bits
  }

  /** Elias' gamma code of a value up to 511. */
  takeGamma(): number {
    const bits = this.peek()
    const k = 31 - Math.clz32(bits & -bits)
    if (k < 0 || k > 8) throw this.left < 24 ? Status.truncated : Status.corrupt
    this.skip(2 * k + 1)
    return (1 << k) | ((bits >> (k + 1)) & ((1 << k) - 1))
  }

  /** A number of zeros before a one. */
  takeUnary(): number {
    const bits = this.peek()
    const zeros = 31 - Math.clz32(bits & -bits)
    if (zeros < 0) throw this.left < 24 ? Status.truncated : Status.corrupt
    this.skip(zeros + 1)
    return zeros
  }
}
