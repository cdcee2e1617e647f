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

/** A float32 to IEEE 754 binary16 bits, rounded half to even; from 65520 on it is infinite. */
export function halfFromFloat(value: number): number {
  single[0] = value
  const bits = word[0]!
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  // A NaN keeps the top of its payload, and a one in it.
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >> 13) & 0x3ff)
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  // Below 2^-14 halves are multiples of 2^-24: adding 1.5 * 2^52 rounds a double to an integer.
  if (magnitude < 0x38800000) return sign | (Math.abs(value) * 2 ** 24 + 1.5 * 2 ** 52 - 1.5 * 2 ** 52)
  // The carry of rounding may run into the exponent, which is what it should do. The bias shrinks from 127 to 15.
  return sign | ((magnitude + 0xfff + ((magnitude >> 13) & 1) - (112 << 23)) >> 13)
}

/** bfloat16 bits, the upper half of a float32, to float32; exact. */
export function floatFromBfloat(bits: number): number {
  word[0] = bits << 16
  return single[0]!
}
