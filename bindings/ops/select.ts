const DIGIT_BITS = 11
const DIGITS = 1 << DIGIT_BITS
/** The digits of a 32-bit key, most significant first: 10, 11 and 11 bits. */
const SHIFTS = [22, 11, 0]

/**
 * The key that stands at `rank` (from 0) when the keys of all arrays are put in ascending order, and how many keys are
 * smaller. Three counting passes, one a digit; no sorting, no copy.
 */
export function selectKey(
  arrays: readonly Uint32Array[],
  rank: number,
): { readonly key: number; readonly below: number } {
  const counts = new Uint32Array(DIGITS)
  let prefix = 0
  let below = 0
  for (const shift of SHIFTS) {
    // Keys that agree with the digits found so far; at first all of them (a shift by 33 would wrap to 1).
    const fixed = shift === 22 ? 0 : prefix >>> (shift + DIGIT_BITS)
    counts.fill(0)
    for (const keys of arrays) {
      if (shift === 22) for (let i = 0; i < keys.length; i++) counts[keys[i]! >>> 22]!++
      else {
        for (let i = 0; i < keys.length; i++) {
          const key = keys[i]!
          if (key >>> (shift + DIGIT_BITS) === fixed) counts[(key >>> shift) & (DIGITS - 1)]!++
        }
      }
    }
    let digit = 0
    while (below + counts[digit]! <= rank) below += counts[digit++]!
    prefix = (prefix | (digit << shift)) >>> 0
  }
  return { key: prefix, below }
}
