const word = new Uint32Array(1)
const single = new Float32Array(word.buffer)

/** IEEE 754 binary16 bits to float32; exact for every input, NaN payloads kept. */
export function floatFromHalf(bits: number): number {
  const sign = (bits & 0x8000) << 16
  const exponent = (bits >> 10) & 31
  const fraction = bits & 0x3ff
  if (exponent === 0) return (sign === 0 ? 1 : -1) * fraction * 2 ** -24
  // The bias grows from 15 to 127; the exponent of infinities and NaN is all ones in both.
  word[0] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13)
  return single[0]!
}

/** bfloat16 bits, the upper half of a float32, to float32; exact. */
export function floatFromBfloat(bits: number): number {
  word[0] = bits << 16
  return single[0]!
}
