import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { Status } from '../runtime/status.js'
import { BitReader, BitWriter } from './bits.js'
import { getTable, histogram, putTable } from './code-table.js'

// Figures of the format, FORMAT.md#rans-frame; the same as in assembly/rans/layout.ts.
const SCALE_BITS = 12
const FINE_SCALE_BITS = 13
const LOWEST = 1 << 15
const SPLIT = 1 << 16
const STATES_OF_LARGE = 16

type RansKernels = Pick<Kernels, 'u8_rans_encode_block' | 'u8_rans_decode_block'>

/** The state between blocks is the frequencies, u16[256], for both directions. */
export function ransKernels(memory: LinearMemory): RansKernels {
  const frequenciesAt = (state: number): Uint16Array => new Uint16Array(memory.u8.buffer, state, 256)

  return {
    u8_rans_encode_block(x, out, state, n) {
      const { u8 } = memory
      const block = u8.subarray(x, x + n)
      const counts = histogram(block)
      const used = counts.filter((count) => count > 0).length
      const last = frequenciesAt(state)
      let scaleBits = scaleBitsFor(counts, n, used)
      let frequencies = normalized(counts, n, scaleBits)
      let to = out + 1 + putFrequencies(new BitWriter(u8, out + 1), counts, frequencies, used)
      if (used === 1) {
        u8[out] = 1
        last.fill(0)
        return to - out
      }
      const fresh = costOf(counts, frequencies, scaleBits) + (to - out) * 8 * 4096
      const lastScaleBits = scaleBitsOf(last)
      const isFresh = lastScaleBits === 0 || costOf(counts, last, lastScaleBits) > fresh
      if (!isFresh) {
        scaleBits = lastScaleBits
        frequencies = last
        to = out + 1
      }
      const { states, words } = encodeSymbols(block, frequencies, scaleBits)
      const bytes = to - out + 4 * states.length + 2 * words.length
      if (bytes > n) {
        u8[out] = 0
        u8.copyWithin(out + 1, x, x + n)
        return n + 1
      }
      u8[out] = isFresh ? 1 : 2
      const view = new DataView(u8.buffer)
      for (const state of states) {
        view.setUint32(to, state, true)
        to += 4
      }
      for (let i = words.length - 1; i >= 0; i--) {
        view.setUint16(to, words[i]!, true)
        to += 2
      }
      last.set(frequencies)
      return bytes
    },

    u8_rans_decode_block(bytes, out, state, length, n) {
      const { u8 } = memory
      try {
        return decodeBlock(
          u8.subarray(bytes, bytes + length),
          frequenciesAt(state),
          u8.subarray(out, out + n),
        )
      } catch (error) {
        if (typeof error === 'number') return error
        throw error
      }
    },
  }
}

function scaleBitsFor(counts: Uint32Array, n: number, used: number): number {
  const most = counts.reduce((most, count) => Math.max(most, count), 0)
  return n > 32768 && used > 64 && 20 * most < 9 * n ? FINE_SCALE_BITS : SCALE_BITS
}

/** See assembly/rans/frequencies.ts. */
function normalized(counts: Uint32Array, n: number, scaleBits: number): Uint16Array {
  const scale = 2 ** scaleBits
  const frequencies = Uint16Array.from(counts, (count) =>
    count === 0 ? 0 : Math.max(Math.floor((count * scale + (n >>> 1)) / n), 1),
  )
  if (counts.includes(n)) return frequencies
  let sum = sumOf(frequencies)
  while (sum !== scale) {
    const step = sum < scale ? 1 : -1
    let best = 0
    let bestGain = step > 0 ? 0 : Infinity
    for (let symbol = 0; symbol < 256; symbol++) {
      if (step < 0 && frequencies[symbol]! < 2) continue
      // No two different quotients of such integers round to the same number.
      const gain = counts[symbol]! / (2 * frequencies[symbol]! + step)
      if (step > 0 ? gain > bestGain : gain < bestGain) {
        best = symbol
        bestGain = gain
      }
    }
    frequencies[best]! += step
    sum += step
  }
  return frequencies
}

function sumOf(frequencies: Uint16Array): number {
  return frequencies.reduce((sum, frequency) => sum + frequency, 0)
}

/** 0 for sums that no table can have. */
function scaleBitsOf(frequencies: Uint16Array): number {
  const sum = sumOf(frequencies)
  return [SCALE_BITS, FINE_SCALE_BITS].find((bits) => sum === 2 ** bits) ?? 0
}

function costOf(counts: Uint32Array, frequencies: Uint16Array, scaleBits: number): number {
  let cost = 0
  for (let symbol = 0; symbol < 256; symbol++) {
    if (counts[symbol] === 0) continue
    if (frequencies[symbol] === 0) return Infinity
    cost += counts[symbol]! * (scaleBits * 4096 - logOf(frequencies[symbol]!))
  }
  return cost
}

/** log2 in 1/4096, cut off. */
function logOf(frequency: number): number {
  let log = 31 - Math.clz32(frequency)
  let power = frequency * 2 ** (25 - log)
  for (let digit = 0; digit < 12; digit++) {
    power = Math.floor((power * power) / 2 ** 25)
    const carry = power >= 2 ** 26 ? 1 : 0
    power = Math.floor(power / (1 + carry))
    log = 2 * log + carry
  }
  return log
}

function classOf(frequency: number): number {
  return Math.clz32(frequency) - 19
}

/** Returns the bytes. */
function putFrequencies(
  writer: BitWriter,
  counts: Uint32Array,
  frequencies: Uint16Array,
  used: number,
): number {
  putTable(writer, counts, Uint8Array.from(frequencies, classOf), used)
  if (used > 1) {
    for (const frequency of frequencies) {
      if (frequency > 0) writer.put(frequency ^ (4096 >> classOf(frequency)), 12 - classOf(frequency))
    }
  }
  return Math.ceil(writer.written / 8)
}

function startsOf(frequencies: Uint16Array): Uint16Array {
  let next = 0
  return frequencies.map((frequency) => (next += frequency) - frequency)
}

/** From the last symbol to the first; words in the order in which they come up. */
function encodeSymbols(
  block: Uint8Array,
  frequencies: Uint16Array,
  scaleBits: number,
): { states: number[]; words: number[] } {
  const starts = startsOf(frequencies)
  const states = new Array<number>(block.length < SPLIT ? 1 : STATES_OF_LARGE).fill(LOWEST)
  const words: number[] = []
  for (let i = block.length - 1; i >= 0; i--) {
    const frequency = frequencies[block[i]!]!
    let value = states[i % states.length]!
    if (value >= frequency * 2 ** (31 - scaleBits)) {
      words.push(value & 0xffff)
      value >>>= 16
    }
    const quotient = Math.floor(value / frequency)
    states[i % states.length] =
      quotient * 2 ** scaleBits + (value - quotient * frequency) + starts[block[i]!]!
  }
  return { states, words }
}

/** Returns the bytes taken, or throws a status; `last` changes only in the first case. */
function decodeBlock(bytes: Uint8Array, last: Uint16Array, block: Uint8Array): number {
  const need = (count: number): void => {
    if (count > bytes.length) throw Status.truncated
  }
  need(1)
  const mode = bytes[0]!
  if (mode > 2) throw Status.corrupt
  if (mode === 0) {
    need(1 + block.length)
    block.set(bytes.subarray(1, 1 + block.length))
    return 1 + block.length
  }
  let at = 1
  let frequencies = last
  if (mode === 1) {
    const reader = new BitReader(bytes, 0, bytes.length, 8)
    const table = getFrequencies(reader)
    at = Math.ceil(reader.position / 8)
    if (reader.position % 8 > 0 && bytes[at - 1]! >> (reader.position % 8) !== 0) throw Status.corrupt
    if (typeof table === 'number') {
      block.fill(table)
      last.fill(0)
      return at
    }
    frequencies = table
  }
  const scaleBits = scaleBitsOf(frequencies)
  if (scaleBits === 0) throw Status.corrupt

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const count = block.length < SPLIT ? 1 : STATES_OF_LARGE
  need(at + 4 * count)
  const states = Array.from({ length: count }, (_, i) => view.getUint32(at + 4 * i, true))
  if (states.some((state) => state < LOWEST || state >= LOWEST * 2 ** 16)) throw Status.corrupt
  at += 4 * count

  const starts = startsOf(frequencies)
  const symbolOf = new Uint8Array(2 ** scaleBits)
  frequencies.forEach((frequency, symbol) =>
    symbolOf.fill(symbol, starts[symbol]!, starts[symbol]! + frequency),
  )
  for (let i = 0; i < block.length; i++) {
    let value = states[i % count]!
    const slot = value % 2 ** scaleBits
    const symbol = symbolOf[slot]!
    block[i] = symbol
    value = frequencies[symbol]! * (value >>> scaleBits) + slot - starts[symbol]!
    if (value < LOWEST) {
      need(at + 2)
      value = value * 2 ** 16 + view.getUint16(at, true)
      at += 2
    }
    states[i % count] = value
  }
  if (states.some((state) => state !== LOWEST)) throw Status.corrupt
  last.set(frequencies)
  return at
}

/** Frequencies, or the symbol of a table that has only one. */
function getFrequencies(reader: BitReader): Uint16Array | number {
  const classes = getTable(reader)
  if (typeof classes === 'number') return classes
  return Uint16Array.from(classes, (of) => (of === 0 ? 0 : (4096 >> of) | reader.take(12 - of)))
}
