import { putBits, reversed } from '../common/bits'
import { u8_histogram } from './histogram'
import { assignLengths, mergePackages, sortLeaves } from './lengths'
import { BLOCK, CODES, COUNTS, FRESH_LENGTHS, LENGTHS, MAX_BITS, SPLIT, STREAMS, TRIAL } from './layout'
import { putTable } from './table'

/**
 * Writes the frame of x u8[n] to `out`, which has room for n + 2048 bytes a block; returns its size in
 * bytes. Contract: assembly/README.md#huffman
 */
export function u8_huf_encode(x: usize, out: usize, n: i32): i32 {
  memory.fill(LENGTHS, 0, 256)
  let position = putCount((<u64>out) << 3, n)
  while (n > 0) {
    const size = min(n, BLOCK)
    const used = chooseCode(x, size)
    position = putBits(position, <u64>(used > 0), 1)
    if (used > 0) position = putTable(position, COUNTS, LENGTHS, used)
    if (used != 1) position = putSymbols(position, x, size)
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

/** Directory and codes. */
function putSymbols(position: u64, x: usize, size: i32): u64 {
  assignCodes()
  if (size < SPLIT) return putRun(position, x, size)
  const width = entryBits(size)
  const each = size / STREAMS
  let entry = position
  for (let i = 1; i < STREAMS; i++) position = putBits(position, 0, width)
  for (let i = 1; i < STREAMS; i++) {
    const start = position
    position = putRun(position, x, each)
    const at = <usize>(entry >> 3)
    const bits = <u32>(position - start)
    const shift = <u32>(entry & 7)
    store<u32>(at, load<u32>(at) | (bits << shift))
    entry += width
    x += <usize>each
    size -= each
  }
  return putRun(position, x, size)
}

/** Canonical codes of LENGTHS, first bit lowest, into CODES. */
function assignCodes(): void {
  let next: u32 = 0
  for (let length: u32 = 1; length <= <u32>MAX_BITS; length++) {
    for (let symbol: usize = 0; symbol < 256; symbol++) {
      if (<u32>load<u8>(LENGTHS + symbol) != length) continue
      store<u32>(CODES + (symbol << 2), reversed(next, length) | (length << 16))
      next++
    }
    next <<= 1
  }
}

/** Appends the codes of x u8[n]. */
function putRun(position: u64, x: usize, n: i32): u64 {
  let out = <usize>(position >> 3)
  let filled = position & 7
  let bits = (<u64>load<u8>(out)) & (((<u64>1) << filled) - 1)
  while (n >= 4) {
    // Four codes and the 7 bits left from before: 55.
    const a = load<u32>(CODES + ((<usize>load<u8>(x)) << 2))
    const b = load<u32>(CODES + ((<usize>load<u8>(x, 1)) << 2))
    const c = load<u32>(CODES + ((<usize>load<u8>(x, 2)) << 2))
    const d = load<u32>(CODES + ((<usize>load<u8>(x, 3)) << 2))
    bits |= (<u64>(a & 0xffff)) << filled
    filled += a >> 16
    bits |= (<u64>(b & 0xffff)) << filled
    filled += b >> 16
    bits |= (<u64>(c & 0xffff)) << filled
    filled += c >> 16
    bits |= (<u64>(d & 0xffff)) << filled
    filled += d >> 16
    store<u64>(out, bits)
    out += <usize>(filled >> 3)
    bits >>= filled & ~7
    filled &= 7
    x += 4
    n -= 4
  }
  store<u64>(out, bits)
  position = ((<u64>out) << 3) + filled
  while (n > 0) {
    const code = load<u32>(CODES + ((<usize>load<u8>(x)) << 2))
    position = putBits(position, <u64>(code & 0xffff), code >> 16)
    x++
    n--
  }
  return position
}
