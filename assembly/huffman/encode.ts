import { putBits, reversed } from '../common/bits'
import { u8_histogram } from './histogram'
import { assignLengths, mergePackages, sortLeaves } from './lengths'
import {
  COUNTS,
  LENGTHS,
  MAX_BITS,
  SPLIT,
  STATE_CODES,
  STATE_LENGTHS,
  STATE_PAIRS,
  STREAMS,
  TRIAL,
} from './layout'
import { putTable } from './code-table'

/**
 * Appends the block of x u8[n], n in 1..BLOCK, to the bit string at `out`, from its bit `bit` (0..7) on; returns how many
 * bits that are. Contract: assembly/README.md#huffman
 */
export function u8_huf_encode_block(x: usize, out: usize, state: usize, n: i32, bit: i32): i32 {
  const start = ((<u64>out) << 3) + bit
  const used = chooseCode(x, n, state)
  let position = putBits(start, <u64>(used > 0), 1)
  if (used > 0) {
    position = putTable(position, COUNTS, state, used)
    assignCodes(state)
  }
  if (used != 1) position = putSymbols(position, x, n, used > 0, state)
  return <i32>(position - start)
}

/** The number of bits that `u8_huf_encode_block` would append. Contract: assembly/README.md#huffman */
export function u8_huf_block_bits(x: usize, state: usize, n: i32): i32 {
  const used = chooseCode(x, n, state)
  const start = (<u64>TRIAL) << 3
  const table = used > 0 ? <i32>(putTable(start, COUNTS, state, used) - start) : 0
  const directory = n < SPLIT ? 0 : (STREAMS - 1) * entryBits(n)
  return 1 + table + (used == 1 ? 0 : directory + costOf(state))
}

/** Width of a directory entry: it holds the bits of one stream, at most MAX_BITS a symbol. */
export function entryBits(size: i32): i32 {
  return 32 - clz(MAX_BITS * (size / STREAMS))
}

/**
 * Decides on the code of a block: leaves it in the state and the block's histogram in COUNTS. Returns how many symbols
 * the table to be written has, or 0 where the code of the block before serves again.
 */
function chooseCode(x: usize, n: i32, state: usize): i32 {
  u8_histogram(x, COUNTS, n)
  const used = sortLeaves(COUNTS)
  const cost = mergePackages(used, MAX_BITS)
  assignLengths(used, MAX_BITS, LENGTHS)
  const start = (<u64>TRIAL) << 3
  const fresh = cost + <i32>(putTable(start, COUNTS, LENGTHS, used) - start)
  // The old code saves the decoder the making of tables; that is worth a little.
  if (costOf(state) <= fresh + (fresh >> 12)) return 0
  memory.copy(state, LENGTHS, 256)
  return used
}

/** Bits of the block in COUNTS under a code; huge if a symbol of the block has none. */
function costOf(lengths: usize): i32 {
  let cost: i32 = 0
  for (let symbol: usize = 0; symbol < 256; symbol++) {
    const count = load<i32>(COUNTS + (symbol << 2))
    const length = <i32>load<u8>(lengths + symbol)
    if (count > 0 && length == 0) return i32.MAX_VALUE
    cost += count * length
  }
  return cost
}

/** Directory and codes. */
function putSymbols(position: u64, x: usize, n: i32, isFresh: bool, state: usize): u64 {
  if (n < SPLIT) return putRun(position, x, n, state)
  // Only the last block of a frame can be small: the pairs of a code that serves again are still there.
  if (isFresh) pairCodes(state)
  const width = entryBits(n)
  const each = n / STREAMS
  let entry = position
  for (let i = 1; i < STREAMS; i++) position = putBits(position, 0, width)
  for (let i = 1; i < STREAMS; i++) {
    const start = position
    position = putPairs(position, x, each, state)
    const at = <usize>(entry >> 3)
    const bits = <u32>(position - start)
    const shift = <u32>(entry & 7)
    store<u32>(at, load<u32>(at) | (bits << shift))
    entry += width
    x += <usize>each
    n -= each
  }
  return putPairs(position, x, n, state)
}

/** Canonical codes of the state's lengths. */
function assignCodes(state: usize): void {
  memory.fill(state + STATE_CODES, 0, 2048)
  let next: u32 = 0
  for (let length: u32 = 1; length <= <u32>MAX_BITS; length++) {
    for (let symbol: usize = 0; symbol < 256; symbol++) {
      if (<u32>load<u8>(state + symbol, STATE_LENGTHS) != length) continue
      const code = (<u64>reversed(next, length)) << (64 - length)
      store<u64>(state + (symbol << 3), code | length, STATE_CODES)
      next++
    }
    next <<= 1
  }
}

/** The codes of both bytes of a u16, one after the other, in the highest bits, the sum of their lengths in the lowest. */
function pairCodes(state: usize): void {
  const codes = state + STATE_CODES
  const lengthMask_i64x2 = i64x2.splat(63)
  for (let second: usize = 0; second < 256; second++) {
    const code = load<u64>(codes + (second << 3))
    if (code == 0) continue
    const code_i64x2 = i64x2.splat(code)
    const row = state + STATE_PAIRS + (second << 11)
    for (let first: usize = 0; first < 2048; first += 16) {
      const first_i64x2 = v128.load(codes + first)
      const shifted_i64x2 = i64x2.shr_u(v128.andnot(first_i64x2, lengthMask_i64x2), <i32>code)
      const length_i64x2 = v128.and(first_i64x2, lengthMask_i64x2)
      v128.store(row + first, i64x2.add(i64x2.add(shifted_i64x2, code_i64x2), length_i64x2))
    }
  }
}

/**
 * Appends the codes of x u8[n], two symbols a look-up.
 *
 * The newest bits are the highest of `bits`: appending shifts the others down, by an amount that the shift itself takes
 * from the lowest 6 bits of the entry. Two entries and the 7 bits left from before are 55 bits; the lengths that went in
 * with the codes stay below the lowest of them.
 */
function putPairs(position: u64, x: usize, n: i32, state: usize): u64 {
  const pairs = state + STATE_PAIRS
  let out = <usize>(position >> 3)
  let filled = position & 7
  let bits = (<u64>load<u8>(out)) << (0 - filled)
  while (n >= 4) {
    const first = load<u64>(pairs + ((<usize>load<u16>(x)) << 3))
    const second = load<u64>(pairs + ((<usize>load<u16>(x, 2)) << 3))
    const length = first + second
    // Joined apart from `bits`: one shift in four symbols has to wait for the one before.
    const four = (first >> second) | second
    bits = (bits >> length) | four
    filled += length & 63
    store<u64>(out, bits >> (0 - filled))
    out += <usize>(filled >> 3)
    filled &= 7
    x += 4
    n -= 4
  }
  return putRun(((<u64>out) << 3) + filled, x, n, state)
}

/** Likewise, one symbol a look-up. */
function putRun(position: u64, x: usize, n: i32, state: usize): u64 {
  while (n > 0) {
    const code = load<u64>(state + ((<usize>load<u8>(x)) << 3), STATE_CODES)
    position = putBits(position, code >> (0 - code), <u32>(code & 63))
    x++
    n--
  }
  return position
}
