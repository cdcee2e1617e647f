import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { Status } from '../runtime/status.js'
import { BitReader, BitWriter } from './bits.js'
import { getTable, histogram, MAX_BITS, putTable } from './code-table.js'

// Figures of the format, FORMAT.md#huffman-frame; the same as in assembly/huffman/layout.ts.
const SPLIT = 1 << 14
const STREAMS = 8

type HuffmanKernels = Pick<
  Kernels,
  'u8_histogram' | 'u8_huf_lengths' | 'u8_huf_encode_block' | 'u8_huf_block_bits' | 'u8_huf_decode_block'
>

/** The state between blocks is the code lengths, for both directions. */
export function huffmanKernels(memory: LinearMemory): HuffmanKernels {
  const encodeTo = (writer: BitWriter, x: number, state: number, n: number): number => {
    const block = memory.u8.subarray(x, x + n)
    const lengths = memory.u8.subarray(state, state + 256)
    const counts = histogram(block)
    const used = counts.filter((count) => count > 0).length
    const fresh = freshCode(counts, used)
    const isFresh = costOf(counts, lengths) > fresh.bits + (fresh.bits >> 12)
    writer.put(Number(isFresh), 1)
    if (isFresh) {
      lengths.set(fresh.lengths)
      putTable(writer, counts, lengths, used)
    }
    if (!isFresh || used > 1) putSymbols(writer, block, lengths)
    return writer.written
  }

  return {
    u8_histogram(x, counts, n) {
      memory.u32.set(histogram(memory.u8.subarray(x, x + n)), counts >>> 2)
    },

    u8_huf_lengths(counts, lengths, limit) {
      const code = packageMerge(memory.u32.slice(counts >>> 2, (counts >>> 2) + 256), limit)
      memory.u8.set(code.lengths, lengths)
      return code.cost
    },

    u8_huf_encode_block: (x, out, state, n, bit) => encodeTo(new BitWriter(memory.u8, out, bit), x, state, n),

    u8_huf_block_bits: (x, state, n) => encodeTo(new BitWriter(), x, state, n),

    u8_huf_decode_block(bytes, out, state, length, n, bit) {
      const { u8 } = memory
      const reader = new BitReader(u8, bytes, length, bit)
      try {
        decodeBlock(reader, u8.subarray(state, state + 256), u8.subarray(out, out + n))
        return reader.position - bit
      } catch (error) {
        if (typeof error === 'number') return error
        throw error
      }
    },
  }
}

/** Package-merge (Larmore and Hirschberg 1990), see assembly/huffman/lengths.ts. */
function packageMerge(
  counts: Uint32Array,
  limit: number,
): { cost: number; lengths: Uint8Array<ArrayBuffer> } {
  const leaves = [...counts.keys()].filter((symbol) => counts[symbol]! > 0)
  leaves.sort((a, b) => counts[a]! - counts[b]! || a - b)
  const wanted = Math.max(2 * leaves.length - 2, 0)
  const leafCounts: number[][] = []
  let weights: number[] = []
  for (let level = 1; level <= limit; level++) {
    const next: number[] = []
    const taken = [0]
    let leaf = 0
    let pair = 0
    const packages = weights.length >> 1
    const length = Math.min(leaves.length + packages, wanted)
    while (next.length < length) {
      const single = leaf < leaves.length ? counts[leaves[leaf]!]! : Infinity
      const double = pair < packages ? weights[2 * pair]! + weights[2 * pair + 1]! : Infinity
      if (single <= double) leaf++
      else pair++
      next.push(Math.min(single, double))
      taken.push(leaf)
    }
    leafCounts.push(taken)
    weights = next
  }
  const lengths = new Uint8Array(256)
  for (let items = wanted; items > 0;) {
    const count = leafCounts.pop()![items]!
    for (let i = 0; i < count; i++) lengths[leaves[i]!]!++
    items = 2 * (items - count)
  }
  return { cost: weights.reduce((sum, weight) => sum + weight, 0), lengths }
}

/** The code that suits a block best, and its bits with the table. */
function freshCode(counts: Uint32Array, used: number): { lengths: Uint8Array<ArrayBuffer>; bits: number } {
  const { lengths, cost } = packageMerge(counts, MAX_BITS)
  const table = new BitWriter()
  putTable(table, counts, lengths, used)
  return { lengths, bits: cost + table.written }
}

function costOf(counts: Uint32Array, lengths: Uint8Array): number {
  let cost = 0
  for (let symbol = 0; symbol < 256; symbol++) {
    if (counts[symbol]! > 0 && lengths[symbol] === 0) return Infinity
    cost += counts[symbol]! * lengths[symbol]!
  }
  return cost
}

/** Canonical codes, first bit lowest. */
function canonicalCodes(lengths: Uint8Array): Uint16Array {
  const codes = new Uint16Array(256)
  let next = 0
  for (let length = 1; length <= MAX_BITS; length++, next <<= 1) {
    for (let symbol = 0; symbol < 256; symbol++) {
      if (lengths[symbol] !== length) continue
      for (let i = 0; i < length; i++) codes[symbol]! |= ((next >> i) & 1) << (length - 1 - i)
      next++
    }
  }
  return codes
}

function entryBits(size: number): number {
  return 32 - Math.clz32(MAX_BITS * Math.floor(size / STREAMS))
}

function putSymbols(writer: BitWriter, block: Uint8Array, lengths: Uint8Array): void {
  const each = Math.floor(block.length / STREAMS)
  if (block.length >= SPLIT) {
    for (let i = 0; i < STREAMS - 1; i++) {
      let bits = 0
      for (let k = i * each; k < (i + 1) * each; k++) bits += lengths[block[k]!]!
      writer.put(bits, entryBits(block.length))
    }
  }
  const codes = canonicalCodes(lengths)
  for (let i = 0; i < block.length; i++) writer.put(codes[block[i]!]!, lengths[block[i]!]!)
}

/** Throws a status; `lengths`, the code of the block before, changes only where it does not. */
function decodeBlock(reader: BitReader, lengths: Uint8Array, block: Uint8Array): void {
  const code = reader.take(1) === 1 ? getTable(reader) : lengths
  if (typeof code === 'number') {
    block.fill(code)
    lengths.fill(0)
    return
  }
  const space = code.reduce((sum, length) => sum + (length > 0 ? 2 ** (MAX_BITS - length) : 0), 0)
  if (space !== 2 ** MAX_BITS) throw Status.corrupt
  getSymbols(reader, decodeTable(code), block)
  lengths.set(code)
}

/** symbol << 4 | length, by the next 12 bits. */
function decodeTable(lengths: Uint8Array): Uint16Array {
  const codes = canonicalCodes(lengths)
  const table = new Uint16Array(1 << MAX_BITS)
  for (let symbol = 0; symbol < 256; symbol++) {
    const length = lengths[symbol]!
    if (length === 0) continue
    for (let i = codes[symbol]!; i < table.length; i += 1 << length) table[i] = (symbol << 4) | length
  }
  return table
}

function getSymbols(reader: BitReader, table: Uint16Array, block: Uint8Array): void {
  if (block.length < SPLIT) {
    if (!getRun(reader, table, block)) throw Status.truncated
    return
  }
  const each = Math.floor(block.length / STREAMS)
  const bits = Array.from({ length: STREAMS - 1 }, () => reader.take(entryBits(block.length)))
  if (bits.reduce((sum, each) => sum + each, 0) > reader.left) throw Status.truncated
  for (let i = 0; i < STREAMS - 1; i++) {
    const end = reader.position + bits[i]!
    const complete = getRun(reader, table, block.subarray(i * each, (i + 1) * each))
    if (!complete || reader.position !== end) throw Status.corrupt
  }
  if (!getRun(reader, table, block.subarray((STREAMS - 1) * each))) throw Status.truncated
}

/** Fills `out`; false if the data ended before. */
function getRun(reader: BitReader, table: Uint16Array, out: Uint8Array): boolean {
  for (let i = 0; i < out.length; i++) {
    const entry = table[reader.peek() & (table.length - 1)]!
    out[i] = entry >> 4
    reader.position += entry & 15
    if (reader.left < 0) return false
  }
  return true
}
