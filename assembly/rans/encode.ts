import { u8_histogram } from '../huffman/histogram'
import { costOf, frequencyAt, normalize, putFrequencies, scaleBitsFor, scaleBitsOf } from './frequencies'
import {
  CODES,
  COUNTS,
  FREQUENCIES,
  FREQUENCY_MASK,
  LOWEST,
  SPLIT,
  STATE_BYTES,
  STATES,
  STATES_OF_LARGE,
} from './layout'

/** Work space behind the longest words. */
const ROOM: usize = 2048

/**
 * Writes the block of x u8[n] to `out`, n in 1..2^18; returns its bytes, at most n + 1.
 * Contract: assembly/README.md#rans
 */
export function u8_rans_encode_block(x: usize, out: usize, state: usize, n: i32): i32 {
  u8_histogram(x, COUNTS, n)
  let used = 0
  for (let symbol: usize = 0; symbol < 256; symbol++) {
    used += <i32>(load<u32>(COUNTS + (symbol << 2)) != 0)
  }
  let scaleBits = scaleBitsFor(n, used)
  if (used > 1) normalize(n, scaleBits)
  const start = (<u64>(out + 1)) << 3
  let to = out + <usize>((putFrequencies(start, used) - start + 15) >> 3)
  if (used == 1) {
    store<u8>(out, 1)
    memory.fill(state, 0, STATE_BYTES)
    return <i32>(to - out)
  }
  const fresh = costOf(FREQUENCIES, scaleBits) + ((<u64>(to - out)) << 15)
  const lastScaleBits = scaleBitsOf(state)
  const isFresh = lastScaleBits == 0 || costOf(state, lastScaleBits) > fresh
  if (!isFresh) {
    scaleBits = lastScaleBits
    memory.copy(FREQUENCIES, state, STATE_BYTES)
    to = out + 1
  }

  prepareCodes()
  const states = n < SPLIT ? 1 : STATES_OF_LARGE
  for (let i = 0; i < states; i++) store<u32>(STATES + ((<usize>i) << 2), LOWEST)
  const end = out + ((3 * <usize>n) >> 1) + ROOM
  const words = putSymbols(x, n, (<usize>(states - 1)) << 2, end, scaleBits)
  const stateBytes = (<usize>states) << 2
  const bytes = to - out + stateBytes + (end - words)
  if (bytes > <usize>n) {
    store<u8>(out, 0)
    memory.copy(out + 1, x, <usize>n)
    return n + 1
  }
  store<u8>(out, isFresh ? 1 : 2)
  memory.copy(to, STATES, stateBytes)
  memory.copy(to + stateBytes, words, end - words)
  memory.copy(state, FREQUENCIES, STATE_BYTES)
  return <i32>bytes
}

/**
 * Division by a frequency f as multiplication: with 2^shift >= f, m = ceil(2^(31 + shift) / f) is below 2^32, and
 * x * m >> (31 + shift) is exact for x < 2^31 (Granlund and Montgomery 1994).
 */
function prepareCodes(): void {
  let start: u64 = 0
  for (let symbol: usize = 0; symbol < 256; symbol++) {
    const frequency = <u64>frequencyAt(FREQUENCIES, symbol)
    if (frequency == 0) continue
    const shift: u64 = 64 - clz(frequency - 1)
    const reciprocal = (((<u64>1) << (31 + shift)) + frequency - 1) / frequency
    store<u64>(CODES + (symbol << 3), reciprocal | (start << 32) | (frequency << 45) | (shift << 57))
    start += frequency
  }
}

/** Codes the symbols from the last to the first, words downwards from `end`; returns the first word. */
function putSymbols(x: usize, n: i32, lanes: usize, end: usize, scaleBits: u32): usize {
  const fullBits = 31 - scaleBits
  const scale: u32 = 1 << scaleBits
  let i = <usize>n
  do {
    i--
    const code = load<u64>(CODES + ((<usize>load<u8>(x + i)) << 3))
    const at = STATES + ((i << 2) & lanes)
    const frequency = (<u32>(code >> 45)) & FREQUENCY_MASK
    let value = load<u32>(at)
    // As arithmetic: whether a word is due is a matter of chance.
    const isFull = <usize>(value >= frequency << fullBits)
    store<u16>(end - 2, <u16>value)
    end -= isFull << 1
    value >>= (<u32>isFull) << 4
    const quotient = <u32>((<u64>value * (code & 0xffffffff)) >> (31 + (code >> 57)))
    value += quotient * (scale - frequency) + ((<u32>(code >> 32)) & 8191)
    store<u32>(at, value)
  } while (i)
  return end
}
