import { CURSOR, FREQUENCY_MASK, LIMIT, LOWEST, MASK, SHUFFLES, SLOTS, STATES } from './layout'

/** What a group of 16 symbols takes at most. */
const GROUP_BYTES: usize = 32

/**
 * Decodes groups of 16 symbols, one of each of the STATES, as long as no group can pass the end of the data. Returns how
 * many; CURSOR is where the next word is.
 *
 * States that fall below LOWEST take a word each, in their order: a shuffle by the mask of those states hands them out
 * (Giesen 2014, section 3). The vectors of a group wait for each other only at the cursor.
 */
export function decodeVectors(from: usize, end: usize, out: usize, groups: usize, scaleBits: i32): usize {
  prepare()
  const slotMask = i32x4.splat((1 << scaleBits) - 1)
  const mask = v128.load32_splat(MASK)
  const limit = v128.load32_splat(LIMIT)
  const last = end - GROUP_BYTES
  let a = v128.load(STATES)
  let b = v128.load(STATES, 16)
  let c = v128.load(STATES, 32)
  let d = v128.load(STATES, 48)
  let left = groups
  while (left > 0 && from <= last) {
    const aEntries = entriesOf(v128.and(a, slotMask))
    const bEntries = entriesOf(v128.and(b, slotMask))
    const cEntries = entriesOf(v128.and(c, slotMask))
    const dEntries = entriesOf(v128.and(d, slotMask))
    v128.store(out, i8x16.narrow_i16x8_u(symbolsOf(aEntries, bEntries), symbolsOf(cEntries, dEntries)))
    out += 16
    a = advanced(a, aEntries, mask, scaleBits)
    b = advanced(b, bEntries, mask, scaleBits)
    c = advanced(c, cEntries, mask, scaleBits)
    d = advanced(d, dEntries, mask, scaleBits)
    const aLow = i32x4.lt_s(a, limit)
    const bLow = i32x4.lt_s(b, limit)
    const cLow = i32x4.lt_s(c, limit)
    const dLow = i32x4.lt_s(d, limit)
    const aMask = i32x4.bitmask(aLow)
    const bMask = i32x4.bitmask(bLow)
    const cMask = i32x4.bitmask(cLow)
    const dMask = i32x4.bitmask(dLow)
    a = refilled(a, aLow, aMask, from)
    from += (<usize>popcnt(aMask)) << 1
    b = refilled(b, bLow, bMask, from)
    from += (<usize>popcnt(bMask)) << 1
    c = refilled(c, cLow, cMask, from)
    from += (<usize>popcnt(cMask)) << 1
    d = refilled(d, dLow, dMask, from)
    from += (<usize>popcnt(dMask)) << 1
    left--
  }
  v128.store(STATES, a)
  v128.store(STATES, b, 16)
  v128.store(STATES, c, 32)
  v128.store(STATES, d, 48)
  store<u32>(CURSOR, <u32>from)
  return groups - left
}

function prepare(): void {
  store<u32>(MASK, FREQUENCY_MASK)
  store<u32>(LIMIT, LOWEST)
  for (let mask: usize = 0; mask < 16; mask++) {
    let word: u32 = 0x0100
    for (let lane: usize = 0; lane < 4; lane++) {
      const isTaken = (mask >> lane) & 1
      store<u32>(SHUFFLES + (mask << 4) + (lane << 2), isTaken ? 0x80800000 | word : 0x80808080)
      word += isTaken ? 0x0202 : 0
    }
  }
}

function entriesOf(slots: v128): v128 {
  const at_i32x4 = i32x4.shl(slots, 2)
  const at01 = i64x2.extract_lane(at_i32x4, 0)
  const at23 = i64x2.extract_lane(at_i32x4, 1)
  let entries = v128.load32_zero(<usize>at01, SLOTS)
  entries = v128.load32_lane(<usize>(at01 >>> 32), entries, 1, SLOTS)
  entries = v128.load32_lane(<usize>at23, entries, 2, SLOTS)
  return v128.load32_lane(<usize>(at23 >>> 32), entries, 3, SLOTS)
}

function symbolsOf(first: v128, second: v128): v128 {
  return i16x8.narrow_i32x4_s(i32x4.shr_u(first, 24), i32x4.shr_u(second, 24))
}

function advanced(state: v128, entries: v128, mask: v128, scaleBits: i32): v128 {
  const frequency = v128.and(i32x4.shr_u(entries, 12), mask)
  return i32x4.add(i32x4.mul(frequency, i32x4.shr_u(state, scaleBits)), v128.and(entries, mask))
}

function refilled(state: v128, isLow: v128, mask: i32, from: usize): v128 {
  const words = i8x16.swizzle(v128.load64_zero(from), v128.load((<usize>mask) << 4, SHUFFLES))
  return v128.or(v128.bitselect(i32x4.shl(state, 16), state, isLow), words)
}
