import { CORRUPT, OK, OVERFLOW } from '../common/status'

// Contract: assembly/README.md#gaps

/**
 * Splits x u8[n] into the values that are not `zero` and, for each, the number of zeros before it. A gap of 2^bits - 1
 * or more becomes fillers of 2^bits - 1 and a rest. gaps and values have room for n symbols; returns the number of gaps.
 */
export function u8_gap_encode(x: usize, gaps: usize, values: usize, n: i32, zero: i32, bits: i32): i32 {
  const filler = (1 << bits) - 1
  const zero_i8x16 = i8x16.splat(<i8>zero)
  const start = gaps
  let expected: i32 = 0
  for (let base: i32 = 0; base < n; base += 16) {
    let mask = nonzeroMask(x + <usize>base, zero_i8x16, n - base)
    while (mask != 0) {
      const at = base + ctz(mask)
      mask &= mask - 1
      let gap = at - expected
      while (gap >= filler) {
        store<u8>(gaps++, <u8>filler)
        gap -= filler
      }
      store<u8>(gaps++, <u8>gap)
      store<u8>(values++, load<u8>(x + <usize>at))
      expected = at + 1
    }
  }
  return <i32>(gaps - start)
}

/** counts u32[7] = the number of values of x u8[n] that are not `zero`, then of gaps for widths 3 to 8. */
export function u8_gap_count(x: usize, counts: usize, n: i32, zero: i32): void {
  const zero_i8x16 = i8x16.splat(<i8>zero)
  let nonzeros: i32 = 0
  let expected: i32 = 0
  memory.fill(counts, 0, 28)
  for (let base: i32 = 0; base < n; base += 16) {
    let mask = nonzeroMask(x + <usize>base, zero_i8x16, n - base)
    while (mask != 0) {
      const at = base + ctz(mask)
      mask &= mask - 1
      const gap = at - expected
      expected = at + 1
      nonzeros++
      if (gap < 7) continue
      for (let bits: i32 = 3; bits <= 8; bits++) {
        const slot = counts + ((<usize>bits) << 2) - 8
        store<i32>(slot, load<i32>(slot) + gap / ((1 << bits) - 1))
      }
    }
  }
  for (let i: usize = 0; i < 28; i += 4) store<i32>(counts + i, load<i32>(counts + i) + nonzeros)
}

/**
 * The inverse: out u8[n] from gaps u8[gapCount] and values u8[valueCount]. Returns OK; OVERFLOW if a position passes n;
 * CORRUPT for a gap above 2^bits - 1, a value that is `zero`, a last gap that is a filler, or a value too many or too few.
 */
export function u8_gap_decode(
  gaps: usize,
  values: usize,
  out: usize,
  gapCount: i32,
  valueCount: i32,
  n: i32,
  zero: i32,
  bits: i32,
): i32 {
  const filler = (1 << bits) - 1
  const end = gaps + <usize>gapCount
  let at: i32 = 0
  let pending = false
  memory.fill(out, <u8>zero, <usize>n)
  while (gaps < end) {
    const gap = <i32>load<u8>(gaps++)
    if (gap > filler) return CORRUPT
    at += gap
    if (at >= n) return OVERFLOW
    pending = gap == filler
    if (pending) continue
    if (valueCount-- == 0) return CORRUPT
    const value = load<u8>(values++)
    if (value == <u8>zero) return CORRUPT
    store<u8>(out + <usize>at, value)
    at++
  }
  return pending || valueCount != 0 ? CORRUPT : OK
}

/** One bit for each of the next `left` (at most 16 count) elements that is not zero. */
function nonzeroMask(x: usize, zero_i8x16: v128, left: i32): i32 {
  const mask = i8x16.bitmask(i8x16.ne(v128.load(x), zero_i8x16))
  return left < 16 ? mask & ((1 << left) - 1) : mask
}
