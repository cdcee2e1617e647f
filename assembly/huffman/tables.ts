import { reversed } from '../common/bits'
import { LENGTH_OF, LENGTHS, MAX_BITS, RUN_OF, SYMBOL_OF } from './layout'

// The decoder's look-up tables, by the next 12 bits.

export function fillsCodeSpace(): bool {
  let space = 0
  for (let symbol: usize = 0; symbol < 256; symbol++) {
    const length = <i32>load<u8>(symbol, LENGTHS)
    if (length > 0) space += 1 << (MAX_BITS - length)
  }
  return space == 1 << MAX_BITS
}

/** Length and symbol of the first code, from LENGTHS. Codes fill a table of 2^length entries, which then doubles. */
export function buildSymbols(): void {
  let next: u32 = 0
  for (let length: u32 = 1; length <= <u32>MAX_BITS; length++) {
    for (let symbol: usize = 0; symbol < 256; symbol++) {
      if (<u32>load<u8>(symbol, LENGTHS) != length) continue
      const code = <usize>reversed(next, length)
      store<u8>(code, <u8>length, LENGTH_OF)
      store<u8>(code, <u8>symbol, SYMBOL_OF)
      next++
    }
    next <<= 1
    if (length == <u32>MAX_BITS) break
    memory.copy(LENGTH_OF + (1 << length), LENGTH_OF, 1 << length)
    memory.copy(SYMBOL_OF + (1 << length), SYMBOL_OF, 1 << length)
  }
}

/** All codes that the 12 bits hold whole, up to six, from the tables of single codes. */
export function buildRuns(): void {
  for (let bits: usize = 0; bits < 1 << MAX_BITS; bits++) {
    let run: u64 = 0
    let used: usize = 0
    let count: u64 = 0
    let rest = bits
    while (count < 6) {
      // Zeros were shifted in; a code that needs one of them is longer than what is left.
      const length = <usize>load<u8>(rest, LENGTH_OF)
      if (used + length > <usize>MAX_BITS) break
      run |= (<u64>load<u8>(rest, SYMBOL_OF)) << (count << 3)
      used += length
      rest >>= length
      count++
    }
    store<u64>(bits << 3, run | ((<u64>used) << 48) | (count << 56), RUN_OF)
  }
}
