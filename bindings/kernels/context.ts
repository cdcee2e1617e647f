import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { Status } from '../runtime/status.js'

// Figures of the format, FORMAT.md#context-code; the same as in assembly/context/.
const LOGISTIC = [
  1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785,
  3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095,
]
const MOST_ODDS = 2047
const LINES = 1024

/** Rows of cells: one cell a context of zeros, then one a node for each context of bits. */
const PAIRS_AT = 2 * LINES
const COUNTS_AT = PAIRS_AT + 25
const NODES_AT = COUNTS_AT + 32
const NODE_ROWS = 1 + 25 + 81 + 2 * LINES

type ContextKernels = Pick<Kernels, 'u8_context_code' | 'u8_context_state_bytes'>

export function contextKernels(memory: LinearMemory): ContextKernels {
  return {
    u8_context_state_bytes: () => 0,

    u8_context_code(x, bytes, _, n, length, columns, distance, zero, width, isDecoding) {
      const { u8 } = memory
      const symbols = u8.subarray(x, x + n)
      const coded = u8.subarray(bytes, bytes + length)
      try {
        const coder = new Coder(coded, isDecoding !== 0)
        new Model(symbols, coder, columns, distance, zero, width).run()
        return coder.finish()
      } catch (error) {
        if (typeof error === 'number') return error
        throw error
      }
    },
  }
}

/** Binary arithmetic coder over an interval of u32. Throws a status. */
class Coder {
  readonly isDecoding: boolean
  readonly #bytes: Uint8Array
  #at = 0
  #low = 0
  #high = 0xffffffff
  #value = 0

  constructor(bytes: Uint8Array, isDecoding: boolean) {
    this.#bytes = bytes
    this.isDecoding = isDecoding
    if (isDecoding) for (let i = 0; i < 4; i++) this.#move(0)
  }

  /** `bit` means nothing where it is decoded. */
  code(bit: number, probability: number): number {
    const middle = this.#low + ((this.#high - this.#low) >>> 12) * probability
    const coded = this.isDecoding ? Number(this.#value <= middle) : bit
    if (coded === 1) this.#high = middle
    else this.#low = middle + 1
    while ((this.#low ^ this.#high) >>> 24 === 0) {
      this.#move(this.#high >>> 24)
      this.#low = (this.#low << 8) >>> 0
      this.#high = ((this.#high << 8) | 255) >>> 0
    }
    return coded
  }

  #move(byte: number): void {
    if (this.#at === this.#bytes.length) throw this.isDecoding ? Status.truncated : Status.overflow
    if (this.isDecoding) this.#value = ((this.#value << 8) | this.#bytes[this.#at]!) >>> 0
    else this.#bytes[this.#at] = byte
    this.#at++
  }

  finish(): number {
    if (this.isDecoding) {
      return this.#at === this.#bytes.length && this.#value === this.#low ? Status.ok : Status.corrupt
    }
    for (let shift = 24; shift >= 0; shift -= 8) this.#move((this.#low >>> shift) & 255)
    return this.#at
  }
}

class Model {
  readonly #x: Uint8Array
  readonly #coder: Coder
  readonly #columns: number
  readonly #distance: number
  readonly #zero: number
  readonly #width: number
  /** Probability of a 1 in 16 bits, and how often it was told. */
  readonly #cells: Uint16Array
  readonly #counts: Uint8Array
  readonly #weights: readonly Float64Array[]
  readonly #squashed = new Uint16Array(2 * MOST_ODDS + 1)
  readonly #stretched = new Int16Array(4096).fill(MOST_ODDS)
  /** Of one decision: cells, and what they say. */
  readonly #at = new Int32Array(5)
  readonly #inputs = new Int32Array(6)

  constructor(x: Uint8Array, coder: Coder, columns: number, distance: number, zero: number, width: number) {
    this.#x = x
    this.#coder = coder
    this.#columns = columns
    this.#distance = distance
    this.#zero = zero
    this.#width = width
    const cells = NODES_AT + NODE_ROWS * 2 ** width
    this.#cells = new Uint16Array(cells).fill(32768)
    this.#counts = new Uint8Array(cells)
    const equal = (contexts: number) =>
      Float64Array.from({ length: contexts + 1 }, (_, i) => (i < contexts ? 16384 : 0))
    this.#weights = Array.from({ length: 8 + 2 ** width }, (_, set) => equal(set < 8 ? 4 : 5))
    let next = 0
    for (let odds = -MOST_ODDS; odds <= MOST_ODDS; odds++) {
      const at = (odds + 2048) >> 7
      const part = (odds + 2048) & 127
      const mean = (LOGISTIC[at]! * (128 - part) + LOGISTIC[at + 1]! * part + 64) >> 7
      const probability = Math.min(Math.max(mean, 1), 4095)
      this.#squashed[odds + MOST_ODDS] = probability
      for (; next <= probability; next++) this.#stretched[next] = odds
    }
  }

  run(): void {
    for (let i = 0; i < this.#x.length; i++) {
      const symbol = this.#symbol(i)
      if (this.#coder.isDecoding) this.#x[i] = symbol
    }
  }

  #symbol(i: number): number {
    const columns = this.#columns
    const distance = this.#distance
    const width = this.#width
    const row = Math.floor(i / columns)
    const column = i % columns
    const valueAt = (isInside: boolean, back: number): number =>
      isInside ? ((this.#x[i - back]! - this.#zero) << (32 - width)) >> (32 - width) : 0
    const left = valueAt(column > 0, 1)
    const left2 = valueAt(column > 1, 2)
    const back = valueAt(column >= distance, distance)
    const backLeft = valueAt(column > distance, distance + 1)
    const backRight = valueAt(column > distance - 2, distance - 1)
    let over = 0
    for (let rows = 1; rows <= 3; rows++) over += Number(valueAt(row >= rows, rows * columns) !== 0)
    const near =
      2 * Number(left !== 0) +
      Number(left2 !== 0) +
      2 * Number(back !== 0) +
      Number(backLeft !== 0) +
      Number(backRight !== 0)
    const few = (3 << (width - 1)) >> 3
    const pair = 5 * strength(left, few) + strength(back, few)
    const line = row % LINES
    const post = column % LINES

    const symbol = this.#x[i]!
    const at = this.#at
    at[0] = post
    at[1] = LINES + line
    at[2] = PAIRS_AT + pair
    at[3] = COUNTS_AT + 4 * near + over
    if (this.#bit(Number(symbol === this.#zero), 4, near) === 1) return this.#zero

    const neighbours = 27 * side(left) + 9 * side(backLeft) + 3 * side(back) + side(backRight)
    at[0] = NODES_AT
    at[1] = NODES_AT + (1 + pair) * 2 ** width
    at[2] = NODES_AT + (26 + neighbours) * 2 ** width
    at[3] = NODES_AT + (107 + line) * 2 ** width
    at[4] = NODES_AT + (107 + LINES + post) * 2 ** width
    let node = 1
    for (let shift = width - 1; shift >= 0; shift--) {
      node = 2 * node + this.#bit((symbol >> shift) & 1, 5, 8 + node, node)
    }
    if (node - 2 ** width === this.#zero) throw Status.corrupt
    return node - 2 ** width
  }

  /** Codes a bit by the cells `node` behind those of the first contexts. */
  #bit(given: number, contexts: number, set: number, node = 0): number {
    const weights = this.#weights[set]!
    const inputs = this.#inputs
    let dot = 256 * weights[contexts]!
    for (let i = 0; i < contexts; i++) {
      inputs[i] = this.#stretched[this.#cells[this.#at[i]! + node]! >> 4]!
      dot += inputs[i]! * weights[i]!
    }
    inputs[contexts] = 256
    const odds = Math.min(Math.max(Math.floor(dot / 65536), -MOST_ODDS), MOST_ODDS)
    const probability = this.#squashed[odds + MOST_ODDS]!
    const bit = this.#coder.code(given, probability)
    const error = bit * 4096 - probability
    for (let i = 0; i <= contexts; i++) {
      const weight = weights[i]! + ((inputs[i]! * error + 2048) >> 12)
      weights[i] = Math.min(Math.max(weight, -(2 ** 20)), 2 ** 20)
    }
    for (let i = 0; i < contexts; i++) {
      const cell = this.#at[i]! + node
      const count = this.#counts[cell]!
      const step = (2 * (bit * 65535 - this.#cells[cell]!)) / (2 * count + 3)
      this.#cells[cell]! += Math.trunc(step)
      this.#counts[cell] = Math.min(count + 1, 255)
    }
    return bit
  }
}

/** 0, 1, 2 for zero, negative, positive. */
function side(value: number): number {
  return value === 0 ? 0 : value < 0 ? 1 : 2
}

/** 0 for zero; 1, 2 for negative, 3, 4 for positive values, of size `few` at most or more. */
function strength(value: number, few: number): number {
  if (value === 0) return 0
  return (value < 0 ? 1 : 3) + Number(Math.abs(value) > few)
}
