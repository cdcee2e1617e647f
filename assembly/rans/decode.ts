import { CORRUPT, TRUNCATED } from '../common/status'
import { frequencyAt, getFrequencies, scaleBitsOf } from './frequencies'
import {
  CURSOR,
  FREQUENCIES,
  FREQUENCY_MASK,
  LOWEST,
  SLOTS,
  SPLIT,
  STATE_BYTES,
  STATES,
  STATES_OF_LARGE,
} from './layout'
import { decodeVectors } from './vectors'

/**
 * Decodes one block of n symbols, 1..2^18, to out u8[n] from bytes u8[length]. Returns how many bytes it took, or
 * TRUNCATED or CORRUPT. Contract: assembly/README.md#rans
 */
export function u8_rans_decode_block(bytes: usize, out: usize, state: usize, length: i32, n: i32): i32 {
  if (length < 1) return TRUNCATED
  const mode = load<u8>(bytes)
  if (mode > 2) return CORRUPT
  if (mode == 0) {
    if (length <= n) return TRUNCATED
    memory.copy(out, bytes + 1, <usize>n)
    return n + 1
  }
  const end = bytes + <usize>length
  let from = bytes + 1
  if (mode == 1) {
    store<u64>(STATES, (<u64>from) << 3)
    const symbol = getFrequencies(STATES, (<u64>end) << 3)
    if (symbol < 0) return symbol
    const position = load<u64>(STATES)
    from = <usize>((position + 7) >> 3)
    if (position & 7 && load<u8>(from - 1) >> (<u8>(position & 7)) != 0) return CORRUPT
    if (symbol > 0) {
      memory.fill(out, <u8>(symbol - 1), <usize>n)
      memory.fill(state, 0, STATE_BYTES)
      return <i32>(from - bytes)
    }
  } else memory.copy(FREQUENCIES, state, STATE_BYTES)
  const scaleBits = scaleBitsOf(FREQUENCIES)
  if (scaleBits == 0) return CORRUPT
  fillSlots()

  const states = n < SPLIT ? 1 : STATES_OF_LARGE
  const stateBytes = (<usize>states) << 2
  if (end - from < stateBytes) return TRUNCATED
  memory.copy(STATES, from, stateBytes)
  for (let i = 0; i < states; i++) {
    if (stateAt(i) - LOWEST >= (LOWEST << 16) - LOWEST) return CORRUPT
  }
  from += stateBytes

  let done: usize = 0
  if (states > 1) {
    done = decodeVectors(from, end, out, (<usize>n) >> 4, scaleBits) << 4
    from = <usize>load<u32>(CURSOR)
  }
  from = decodeOneByOne(from, end, out, done, <usize>n, stateBytes - 4, scaleBits)
  if (from == 0) return TRUNCATED
  for (let i = 0; i < states; i++) {
    if (stateAt(i) != LOWEST) return CORRUPT
  }
  memory.copy(state, FREQUENCIES, STATE_BYTES)
  return <i32>(from - bytes)
}

function stateAt(i: i32): u32 {
  return load<u32>(STATES + ((<usize>i) << 2))
}

/** SLOTS from FREQUENCIES. */
function fillSlots(): void {
  let to = SLOTS
  for (let symbol: usize = 0; symbol < 256; symbol++) {
    const frequency = frequencyAt(FREQUENCIES, symbol)
    let entry = ((<u32>symbol) << 24) | (frequency << 12)
    for (const end = to + ((<usize>frequency) << 2); to < end; to += 4) store<u32>(to, entry++)
  }
}

/** Decodes from symbol i to n; returns where the words end, or 0 if the data does before. */
function decodeOneByOne(
  from: usize,
  end: usize,
  out: usize,
  i: usize,
  n: usize,
  lanes: usize,
  scaleBits: u32,
): usize {
  const mask: u32 = (1 << scaleBits) - 1
  for (; i < n; i++) {
    const at = STATES + ((i << 2) & lanes)
    let value = load<u32>(at)
    const entry = load<u32>(SLOTS + ((<usize>(value & mask)) << 2))
    store<u8>(out + i, <u8>(entry >> 24))
    value = ((entry >> 12) & FREQUENCY_MASK) * (value >> scaleBits) + (entry & FREQUENCY_MASK)
    if (value < LOWEST) {
      if (end - from < 2) return 0
      value = (value << 16) | (<u32>load<u16>(from))
      from += 2
    }
    store<u32>(at, value)
  }
  return from
}
