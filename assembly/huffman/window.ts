import { MAX_BITS } from './layout'

/** Bits that four look-ups use at most. */
export const ROUND_BITS: u64 = 4 * MAX_BITS

const MARKER: u64 = 1 << 63

/**
 * 57 bits or more from a position on, enough for four codes, and a marker in the highest bit. The marker falls with the
 * bits that are shifted out, so that the zeros before it count them: the position is all the state of a stream.
 */
export function windowAt(position: u64): u64 {
  return (load<u64>(<usize>(position >> 3)) >> (position & 7)) | MARKER
}
