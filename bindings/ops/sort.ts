const DIGIT_BITS = 11
const DIGITS = 1 << DIGIT_BITS

/**
 * A sorted copy of finite floats, -0 as 0, and beside it the weights in the same order. Radix sort from the least
 * digit, three passes of 11 bits: a comparison sort takes five times as long at 10^6 values.
 */
export function sortFloats(
  data: Float32Array,
  weights?: Float32Array,
): { values: Float32Array; weights: Float32Array | undefined } {
  const n = data.length
  const values = new Float32Array(n)
  let keys = new Uint32Array(values.buffer)
  for (let i = 0; i < n; i++) values[i] = data[i]! + 0
  // Order of the bits as unsigned integers: negative floats are inverted, the others moved above them.
  for (let i = 0; i < n; i++) keys[i]! ^= -(keys[i]! >>> 31) | 0x80000000
  let spare = new Uint32Array(n)
  let carried = weights?.slice()
  let carriedSpare = weights && new Float32Array(n)
  const starts = new Uint32Array(DIGITS)
  for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
    starts.fill(0)
    for (let i = 0; i < n; i++) starts[(keys[i]! >>> shift) & (DIGITS - 1)]!++
    for (let digit = 0, start = 0; digit < DIGITS; digit++) {
      const count = starts[digit]!
      starts[digit] = start
      start += count
    }
    for (let i = 0; i < n; i++) {
      const key = keys[i]!
      const at = starts[(key >>> shift) & (DIGITS - 1)]!++
      spare[at] = key
      if (carried !== undefined) carriedSpare![at] = carried[i]!
    }
    ;[keys, spare] = [spare, keys]
    ;[carried, carriedSpare] = [carriedSpare, carried]
  }
  for (let i = 0; i < n; i++) keys[i]! ^= ((keys[i]! >>> 31) - 1) | 0x80000000
  return { values: new Float32Array(keys.buffer), weights: carried }
}
