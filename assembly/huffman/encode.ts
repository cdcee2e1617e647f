import { putBits, reversed } from '../common/bits'
import { u8_histogram } from './histogram'
import { assignLengths, mergePackages, sortLeaves } from './lengths'
import { BLOCK, CODES, COUNTS, FRESH_LENGTHS, LENGTHS, MAX_BITS, SPLIT, STREAMS, TRIAL } from './layout'
import { putTable } from './code-table'

/**
 * Writes the frame of x u8[n] to `out`, which has room for n + 2048 bytes a block; returns its size in bytes. `work` has
 * 512 KiB if n >= SPLIT. Contract: assembly/README.md#huffman
 */
export function u8_huf_encode(x: usize, out: usize, work: usize, n: i32): i32 {
  memory.fill(LENGTHS, 0, 256)
  let position = putCount((<u64>out) << 3, n)
  while (n > 0) {
    const size = min(n, BLOCK)
    const used = chooseCode(x, size)
    position = putBits(position, <u64>(used > 0), 1)
    if (used > 0) position = putTable(position, COUNTS, LENGTHS, used)
    if (used != 1) position = putSymbols(position, x, size, used, work)
    x += <usize>size
    n -= size
  }
  return <i32>(<usize>((position + 7) >> 3) - out)
}

/** The size in bytes of what `u8_huf_encode` would write. Contract: assembly/README.md#huffman */
export function u8_huf_size(x: usize, n: i32): i32 {
  memory.fill(LENGTHS, 0, 256)
  const start = (<u64>TRIAL) << 3
  let bits = putCount(start, n) - start
  while (n > 0) {
    const size = min(n, BLOCK)
    const used = chooseCode(x, size)
    bits += 1
    if (used > 0) bits += putTable(start, COUNTS, LENGTHS, used) - start
    if (used != 1) bits += costOf(LENGTHS) + (size < SPLIT ? 0 : (STREAMS - 1) * entryBits(size))
    x += <usize>size
    n -= size
  }
  return <i32>((bits + 7) >> 3)
}

/** Width of a directory entry: it holds the bits of one stream, at most MAX_BITS a symbol. */
export function entryBits(size: i32): i32 {
  return 32 - clz(MAX_BITS * (size / STREAMS))
}

/** LEB128. */
function putCount(position: u64, n: i32): u64 {
  while (n > 127) {
    position = putBits(position, (<u64>(n & 127)) | 128, 8)
    n = <i32>((<u32>n) >> 7)
  }
  return putBits(position, <u64>n, 8)
}

/**
 * Decides on the code of a block: leaves it in LENGTHS and the block's histogram in COUNTS. Returns how many symbols
 * the table to be written has, or 0 where the code of the block before serves again.
 */
function chooseCode(x: usize, size: i32): i32 {
  u8_histogram(x, COUNTS, size)
  const used = sortLeaves(COUNTS)
  const cost = mergePackages(used, MAX_BITS)
  assignLengths(used, MAX_BITS, FRESH_LENGTHS)
  const start = (<u64>TRIAL) << 3
  const fresh = cost + <i32>(putTable(start, COUNTS, FRESH_LENGTHS, used) - start)
  // The old code saves the decoder the making of tables; that is worth a little.
  if (costOf(LENGTHS) <= fresh + (fresh >> 12)) return 0
  memory.copy(LENGTHS, FRESH_LENGTHS, 256)
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

/** Directory and codes; `used` is what chooseCode returned. */
function putSymbols(position: u64, x: usize, size: i32, used: i32, work: usize): u64 {
  if (used > 0) assignCodes()
  if (size < SPLIT) return putRun(position, x, size)
  // Only the last block can be small: the pairs of a code that serves again are still there.
  if (used > 0) pairCodes(work)
  const width = entryBits(size)
  const each = size / STREAMS
  let entry = position
  for (let i = 1; i < STREAMS; i++) position = putBits(position, 0, width)
  for (let i = 1; i < STREAMS; i++) {
    const start = position
    position = putPairs(position, x, each, work)
    const at = <usize>(entry >> 3)
    const bits = <u32>(position - start)
    const shift = <u32>(entry & 7)
    store<u32>(at, load<u32>(at) | (bits << shift))
    entry += width
    x += <usize>each
    size -= each
  }
  return putPairs(position, x, size, work)
}

/** Canonical codes of LENGTHS into CODES. */
function assignCodes(): void {
  memory.fill(CODES, 0, 2048)
  let next: u32 = 0
  for (let length: u32 = 1; length <= <u32>MAX_BITS; length++) {
    for (let symbol: usize = 0; symbol < 256; symbol++) {
      if (<u32>load<u8>(symbol, LENGTHS) != length) continue
      const code = (<u64>reversed(next, length)) << (64 - length)
      store<u64>(symbol << 3, code | length, CODES)
      next++
    }
    next <<= 1
  }
}

/**
 * pairs u64[65536]: the codes of both bytes of a u16, one after the other, in the highest bits, the sum of their lengths
 * in the lowest.
 */
function pairCodes(pairs: usize): void {
  const lengthMask_i64x2 = i64x2.splat(63)
  for (let second: usize = 0; second < 256; second++) {
    const code = load<u64>(second << 3, CODES)
    if (code == 0) continue
    const code_i64x2 = i64x2.splat(code)
    const row = pairs + (second << 11)
    for (let first: usize = 0; first < 2048; first += 16) {
      const first_i64x2 = v128.load(first, CODES)
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
function putPairs(position: u64, x: usize, n: i32, pairs: usize): u64 {
  let out = <usize>(position >> 3)
  let filled = position & 7
  let bits = (<u64>load<u8>(out)) << (0 - filled)
  while (n >= 4) {
    const first = load<u64>(pairs + ((<usize>load<u16>(x)) << 3))
    const second = load<u64>(pairs + ((<usize>load<u16>(x, 2)) << 3))
    bits = (bits >> first) | first
    bits = (bits >> second) | second
    filled += (first + second) & 63
    store<u64>(out, bits >> (0 - filled))
    out += <usize>(filled >> 3)
    filled &= 7
    x += 4
    n -= 4
  }
  return putRun(((<u64>out) << 3) + filled, x, n)
}

/** Likewise, one symbol a look-up. */
function putRun(position: u64, x: usize, n: i32): u64 {
  while (n > 0) {
    const code = load<u64>((<usize>load<u8>(x)) << 3, CODES)
    position = putBits(position, code >> (0 - code), <u32>(code & 63))
    x++
    n--
  }
  return position
}
