import { LENGTH_OF, MAX_BITS, POSITIONS, SYMBOL_OF } from './layout'
import { windowAt } from './window'

const MASK: u32 = (1 << MAX_BITS) - 1

/** Symbols of each stream in a round. */
export const ROUND_SYMBOLS: u32 = 4

/**
 * Decodes 4 * rounds symbols of each stream, one a look-up, stream s to out + s * stride. Positions are in POSITIONS.
 *
 * The look-ups of a stream wait for each other; those of eight streams overlap.
 */
export function decodeSymbols(out: usize, stride: usize, rounds: i32): void {
  let p0 = load<u64>(0, POSITIONS)
  let p1 = load<u64>(8, POSITIONS)
  let p2 = load<u64>(16, POSITIONS)
  let p3 = load<u64>(24, POSITIONS)
  let p4 = load<u64>(32, POSITIONS)
  let p5 = load<u64>(40, POSITIONS)
  let p6 = load<u64>(48, POSITIONS)
  let p7 = load<u64>(56, POSITIONS)
  do {
    let at = out
    p0 += fourSymbols(p0, at)
    at += stride
    p1 += fourSymbols(p1, at)
    at += stride
    p2 += fourSymbols(p2, at)
    at += stride
    p3 += fourSymbols(p3, at)
    at += stride
    p4 += fourSymbols(p4, at)
    at += stride
    p5 += fourSymbols(p5, at)
    at += stride
    p6 += fourSymbols(p6, at)
    at += stride
    p7 += fourSymbols(p7, at)
    out += 4
  } while (--rounds)
  store<u64>(0, p0, POSITIONS)
  store<u64>(8, p1, POSITIONS)
  store<u64>(16, p2, POSITIONS)
  store<u64>(24, p3, POSITIONS)
  store<u64>(32, p4, POSITIONS)
  store<u64>(40, p5, POSITIONS)
  store<u64>(48, p6, POSITIONS)
  store<u64>(56, p7, POSITIONS)
}

/** Returns the bits used. */
function fourSymbols(position: u64, out: usize): u64 {
  let w = windowAt(position)
  let i = <usize>((<u32>w) & MASK)
  store<u8>(out, load<u8>(i, SYMBOL_OF))
  w >>= <u64>load<u8>(i, LENGTH_OF)
  i = <usize>((<u32>w) & MASK)
  store<u8>(out, load<u8>(i, SYMBOL_OF), 1)
  w >>= <u64>load<u8>(i, LENGTH_OF)
  i = <usize>((<u32>w) & MASK)
  store<u8>(out, load<u8>(i, SYMBOL_OF), 2)
  w >>= <u64>load<u8>(i, LENGTH_OF)
  i = <usize>((<u32>w) & MASK)
  store<u8>(out, load<u8>(i, SYMBOL_OF), 3)
  w >>= <u64>load<u8>(i, LENGTH_OF)
  return clz(w)
}
