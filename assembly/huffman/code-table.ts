import { CORRUPT, OK, TRUNCATED } from '../common/status'
import { gammaOf, peekBits, putBits, putGamma } from '../common/bits'
import { MAX_BITS } from './layout'

// The table of a block, FORMAT.md#code-table: how many symbols, runs of consecutive symbols and the gaps between
// them, and of each symbol how its code length differs from the one before.

/** Appends the table of `used` symbols that lengths u8[256] and counts u32[256] describe; returns the new position. */
export function putTable(position: u64, counts: usize, lengths: usize, used: i32): u64 {
  position = putBits(position, <u64>(used - 1), 8)
  let previous = firstGuess(used)
  let symbol: i32 = 0
  let left = used
  while (left > 0) {
    const gap = symbol
    while (!occurs(counts, symbol)) symbol++
    position = putGamma(position, <u32>(symbol - gap + (left == used ? 1 : 0)))
    if (used == 1) return position
    const start = symbol
    while (symbol < 256 && occurs(counts, symbol)) symbol++
    position = putGamma(position, <u32>(symbol - start))
    left -= symbol - start
    for (let s = start; s < symbol; s++) {
      const length = <i32>load<u8>(lengths + <usize>s)
      const delta = length - previous
      const zeros = delta > 0 ? 2 * delta - 1 : -2 * delta
      position = putBits(position, (<u64>1) << zeros, zeros + 1)
      previous = length
    }
  }
  return position
}

/**
 * Reads a table into lengths u8[256], 1 to MAX_BITS, and moves the u64 position at `positionAt` behind it. Returns OK or
 * a negative status; for a table of one symbol, whose code is empty, symbol + 1.
 */
export function getTable(positionAt: usize, end: u64, lengths: usize): i32 {
  let position = load<u64>(positionAt)
  memory.fill(lengths, 0, 256)
  const used = <i32>(peekBits(position, end) & 255) + 1
  position += 8
  if (position > end) return TRUNCATED
  let previous = firstGuess(used)
  let symbol: i32 = -1
  let left = used
  while (left > 0) {
    const gap = gammaOf(peekBits(position, end))
    if (gap == 0) return notACode(position, end)
    position += gap & 255
    if (position > end) return TRUNCATED
    symbol += gap >> 8
    if (symbol > 255) return CORRUPT
    if (used == 1) {
      store<u64>(positionAt, position)
      return symbol + 1
    }
    const run = gammaOf(peekBits(position, end))
    if (run == 0) return notACode(position, end)
    position += run & 255
    if (position > end) return TRUNCATED
    const after = symbol + (run >> 8)
    left -= run >> 8
    if (left < 0 || after > 256) return CORRUPT
    for (; symbol < after; symbol++) {
      const zeros = <i32>ctz(peekBits(position, end))
      if (zeros > 23) return notACode(position, end)
      position += zeros + 1
      previous += zeros & 1 ? (zeros + 1) >> 1 : -(zeros >> 1)
      if (previous < 1 || previous > MAX_BITS) return CORRUPT
      store<u8>(lengths + <usize>symbol, <u8>previous)
    }
  }
  store<u64>(positionAt, position)
  return OK
}

/** Nothing but zeros where a gamma or unary code should be: no code has 24 of them, or the data ends. */
function notACode(position: u64, end: u64): i32 {
  return end - position < 24 ? TRUNCATED : CORRUPT
}

/** What the first difference refers to: the length of a flat code, 1..8. */
function firstGuess(used: i32): i32 {
  return used > 1 ? 32 - clz(used - 1) : 0
}

function occurs(counts: usize, symbol: i32): boolean {
  return load<u32>(counts + ((<usize>symbol) << 2)) != 0
}
