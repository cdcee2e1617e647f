import { peekBits, putBits } from '../common/bits'
import { OK, TRUNCATED } from '../common/status'
import { getTable, putTable } from '../huffman/code-table'
import { CLASSES, COUNTS, FINE_SCALE_BITS, FREQUENCIES, SCALE_BITS } from './layout'

// Frequencies of symbols: from counts, to and from the table of a block, FORMAT.md#rans-frame.

export function frequencyAt(table: usize, symbol: usize): u32 {
  return load<u16>(table + (symbol << 1))
}

function countAt(symbol: usize): u32 {
  return load<u32>(COUNTS + (symbol << 2))
}

/** The scale for n symbols of `used` kinds. No frequency may come near 2^12. */
export function scaleBitsFor(n: i32, used: i32): u32 {
  let most: u32 = 0
  for (let symbol: usize = 0; symbol < 256; symbol++) most = max(most, countAt(symbol))
  return n > 32768 && used > 64 && 20 * most < 9 * <u32>n ? FINE_SCALE_BITS : SCALE_BITS
}

/**
 * FREQUENCIES from COUNTS, of which there are n in two symbols or more: rounded, at least 1, then one after the other
 * changed where it costs least, until the sum is right. A step from f to f + 1 saves about count / (f + 1/2) / ln 2 bits.
 */
export function normalize(n: u32, scaleBits: u32): void {
  const scale: u32 = 1 << scaleBits
  let sum: u32 = 0
  for (let symbol: usize = 0; symbol < 256; symbol++) {
    const count = countAt(symbol)
    const frequency = count == 0 ? 0 : max<u32>(((count << scaleBits) + (n >> 1)) / n, 1)
    store<u16>(FREQUENCIES + (symbol << 1), <u16>frequency)
    sum += frequency
  }
  while (sum != scale) {
    const isShort = sum < scale
    let best: usize = 0
    let bestCount: u32 = isShort ? 0 : 1
    let bestOdd: u32 = isShort ? 1 : 0
    for (let symbol: usize = 0; symbol < 256; symbol++) {
      const count = countAt(symbol)
      const frequency = frequencyAt(FREQUENCIES, symbol)
      const odd = 2 * frequency + (isShort ? 1 : -1)
      if (isShort ? count * bestOdd > bestCount * odd : frequency > 1 && count * bestOdd < bestCount * odd) {
        best = symbol
        bestCount = count
        bestOdd = odd
      }
    }
    const step: u32 = isShort ? 1 : -1
    store<u16>(FREQUENCIES + (best << 1), <u16>(frequencyAt(FREQUENCIES, best) + step))
    sum += step
  }
}

/** Bits of the symbols in COUNTS, in 1/4096; huge if one of them has no frequency. */
export function costOf(frequencies: usize, scaleBits: u32): u64 {
  let cost: u64 = 0
  for (let symbol: usize = 0; symbol < 256; symbol++) {
    const count = countAt(symbol)
    if (count == 0) continue
    const frequency = frequencyAt(frequencies, symbol)
    if (frequency == 0) return u64.MAX_VALUE
    cost += <u64>count * ((scaleBits << 12) - logOf(frequency))
  }
  return cost
}

/** log2 in 1/4096, cut off: squaring doubles the logarithm, whose next digit is then before the point. */
function logOf(frequency: u32): u32 {
  const whole = 31 - clz(frequency)
  let log = whole
  let power = (<u64>frequency) << (25 - whole)
  for (let digit = 0; digit < 12; digit++) {
    power = (power * power) >> 25
    const carry = <u32>(power >> 26)
    power >>= carry
    log = (log << 1) | carry
  }
  return log
}

/** Appends the table of `used` symbols with FREQUENCIES, or COUNTS of a single one. */
export function putFrequencies(position: u64, used: i32): u64 {
  for (let symbol: usize = 0; symbol < 256; symbol++) {
    store<u8>(CLASSES + symbol, <u8>classOf(frequencyAt(FREQUENCIES, symbol)))
  }
  position = putTable(position, COUNTS, CLASSES, used)
  if (used == 1) return position
  for (let symbol: usize = 0; symbol < 256; symbol++) {
    const frequency = frequencyAt(FREQUENCIES, symbol)
    if (frequency == 0) continue
    const bits = SCALE_BITS - classOf(frequency)
    position = putBits(position, frequency ^ (1 << bits), bits)
  }
  return position
}

function classOf(frequency: u32): u32 {
  return clz(frequency) - 19
}

/** The scale of frequencies that a table can have; 0 for other sums. */
export function scaleBitsOf(frequencies: usize): u32 {
  let sum: u32 = 0
  for (let symbol: usize = 0; symbol < 256; symbol++) sum += frequencyAt(frequencies, symbol)
  return sum == 1 << SCALE_BITS ? SCALE_BITS : sum == 1 << FINE_SCALE_BITS ? FINE_SCALE_BITS : 0
}

/** Reads a table into FREQUENCIES, as `getTable`; their sum is not looked at. */
export function getFrequencies(positionAt: usize, end: u64): i32 {
  const symbol = getTable(positionAt, end, CLASSES)
  if (symbol != OK) return symbol
  let position = load<u64>(positionAt)
  for (let symbol: usize = 0; symbol < 256; symbol++) {
    const level = <u32>load<u8>(CLASSES + symbol)
    let frequency: u32 = 0
    if (level > 0) {
      const bits = SCALE_BITS - level
      frequency = (1 << bits) | ((<u32>peekBits(position, end)) & ((1 << bits) - 1))
      position += bits
    }
    store<u16>(FREQUENCIES + (symbol << 1), <u16>frequency)
  }
  if (position > end) return TRUNCATED
  store<u64>(positionAt, position)
  return OK
}
