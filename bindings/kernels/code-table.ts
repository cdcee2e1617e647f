import { Status } from '../runtime/status.js'
import type { BitReader, BitWriter } from './bits.js'

// The table of a block of the entropy coders, FORMAT.md#code-table.

/** Longest code. */
export const MAX_BITS = 12

export function histogram(x: Uint8Array): Uint32Array {
  const counts = new Uint32Array(256)
  for (let i = 0; i < x.length; i++) counts[x[i]!]!++
  return counts
}

function firstGuess(used: number): number {
  return used > 1 ? 32 - Math.clz32(used - 1) : 0
}

export function putTable(writer: BitWriter, counts: Uint32Array, lengths: Uint8Array, used: number): void {
  writer.put(used - 1, 8)
  let previous = firstGuess(used)
  let symbol = 0
  let before = -1
  for (let left = used; left > 0;) {
    while (counts[symbol] === 0) symbol++
    writer.putGamma(symbol - before)
    if (used === 1) return
    const start = symbol
    while (symbol < 256 && counts[symbol]! > 0) symbol++
    writer.putGamma(symbol - start)
    left -= symbol - start
    before = symbol
    for (let s = start; s < symbol; s++) {
      const delta = lengths[s]! - previous
      const zeros = delta > 0 ? 2 * delta - 1 : -2 * delta
      writer.put(1 << zeros, zeros + 1)
      previous = lengths[s]!
    }
  }
}

/** Code lengths, or the symbol of a table that has only one. */
export function getTable(reader: BitReader): Uint8Array | number {
  const used = reader.take(8) + 1
  const lengths = new Uint8Array(256)
  let previous = firstGuess(used)
  let symbol = -1
  for (let left = used; left > 0;) {
    symbol += reader.takeGamma()
    if (symbol > 255) throw Status.corrupt
    if (used === 1) return symbol
    const run = reader.takeGamma()
    left -= run
    if (left < 0 || symbol + run > 256) throw Status.corrupt
    for (const after = symbol + run; symbol < after; symbol++) {
      const zeros = reader.takeUnary()
      previous += zeros & 1 ? (zeros + 1) >> 1 : -(zeros >> 1)
      if (previous < 1 || previous > MAX_BITS) throw Status.corrupt
      lengths[symbol] = previous
    }
  }
  return lengths
}
