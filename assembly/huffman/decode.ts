import { CORRUPT, OK, OVERFLOW, TRUNCATED } from '../common/status'
import { peekBits, reversed } from '../common/bits'
import { entryBits } from './encode'
import { BLOCK, ENDS, LENGTHS, LENGTH_OF, MAX_BITS, POSITIONS, SPLIT, STREAMS, SYMBOL_OF } from './layout'
import { getTable } from './table'

const MASK: u64 = (1 << MAX_BITS) - 1

/**
 * Decodes the frame in bytes u8[length] to out u8[n]. Returns OK; OVERFLOW if the frame does not declare n symbols;
 * TRUNCATED or CORRUPT. Contract: assembly/README.md#huffman
 */
export function u8_huf_decode(bytes: usize, out: usize, length: i32, n: i32): i32 {
  const end = (<u64>bytes + <u64>length) << 3
  let position = (<u64>bytes) << 3
  let declared: u64 = 0
  let shift: u64 = 0
  let septet: u64
  do {
    if (position >= end) return TRUNCATED
    septet = peekBits(position, end) & 255
    position += 8
    if (shift > 28 || (shift > 0 && septet == 0)) return CORRUPT
    declared |= (septet & 127) << shift
    shift += 7
  } while (septet > 127)
  if (declared != <u64>n) return OVERFLOW

  let hasCode = false
  while (n > 0) {
    const size = min(n, BLOCK)
    if (position >= end) return TRUNCATED
    const isFresh = (peekBits(position, end) & 1) != 0
    position += 1
    let lone = 0
    if (isFresh) {
      store<u64>(POSITIONS, position)
      lone = getTable(POSITIONS, end, LENGTHS)
      if (lone < 0) return lone
      position = load<u64>(POSITIONS)
      hasCode = lone == 0
      if (hasCode) buildTables()
    } else if (!hasCode) return CORRUPT
    if (lone > 0) {
      memory.fill(out, <u8>(lone - 1), <usize>size)
    } else {
      const status = getSymbols(position, end, out, size)
      if (status != OK) return status
      position = load<u64>(POSITIONS + 8 * (STREAMS - 1))
    }
    out += <usize>size
    n -= size
  }
  if (position + 7 < end || peekBits(position, end) != 0) return CORRUPT
  return OK
}

/** Length and symbol by the next 12 bits, from LENGTHS. Codes fill a table of 2^length entries, which then doubles. */
function buildTables(): void {
  let next: u32 = 0
  for (let length: u32 = 1; length <= <u32>MAX_BITS; length++) {
    for (let symbol: usize = 0; symbol < 256; symbol++) {
      if (<u32>load<u8>(LENGTHS + symbol) != length) continue
      const code = <usize>reversed(next, length)
      store<u8>(LENGTH_OF + code, <u8>length)
      store<u8>(SYMBOL_OF + code, <u8>symbol)
      next++
    }
    next <<= 1
    if (length == <u32>MAX_BITS) break
    memory.copy(LENGTH_OF + (1 << length), LENGTH_OF, 1 << length)
    memory.copy(SYMBOL_OF + (1 << length), SYMBOL_OF, 1 << length)
  }
}

/** Decodes a block's streams; the position behind the last one is left in the last entry of POSITIONS. */
function getSymbols(position: u64, end: u64, out: usize, size: i32): i32 {
  const last = STREAMS - 1
  if (size < SPLIT) {
    const after = getRun(position, end, out, size)
    store<u64>(POSITIONS, after, 8 * last)
    return after > end ? TRUNCATED : OK
  }
  const width = entryBits(size)
  const each = size / STREAMS
  let start = position + <u64>(last * width)
  if (start > end) return TRUNCATED
  for (let i: usize = 0; i < <usize>last; i++) {
    store<u64>(POSITIONS + (i << 3), start)
    start += peekBits(position, end) & (((<u64>1) << width) - 1)
    if (start > end) return TRUNCATED
    store<u64>(ENDS + (i << 3), start)
    position += width
  }
  store<u64>(POSITIONS, start, 8 * last)
  for (let i: usize = 0; i < <usize>last; i++) {
    const after = getRun(load<u64>(POSITIONS + (i << 3)), end, out, each)
    if (after != load<u64>(ENDS + (i << 3))) return CORRUPT
    out += <usize>each
  }
  const after = getRun(start, end, out, size - last * each)
  store<u64>(POSITIONS, after, 8 * last)
  return after > end ? TRUNCATED : OK
}

/** Decodes n symbols from one stream; the returned position is past `end` if the stream was too short. */
function getRun(position: u64, end: u64, out: usize, n: i32): u64 {
  while (n > 0 && position <= end) {
    const bits = <usize>((load<u64>(<usize>(position >> 3)) >> (position & 7)) & MASK)
    store<u8>(out, load<u8>(SYMBOL_OF + bits))
    position += load<u8>(LENGTH_OF + bits)
    out++
    n--
  }
  return n > 0 ? end + 1 : position
}
