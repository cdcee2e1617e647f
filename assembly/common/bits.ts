// LSB-first bit strings in memory. A position is a bit address: byte address * 8 + bit, so it needs 64 bits.

/** Appends the low `count` (at most 57) bits of `value`, which has no higher ones. Clears the bytes after, up to 7. */
export function putBits(position: u64, value: u64, count: u32): u64 {
  const at = <usize>(position >> 3)
  const shift = position & 7
  const kept = (<u64>load<u8>(at)) & (((<u64>1) << shift) - 1)
  store<u64>(at, kept | (value << shift))
  return position + count
}

/** Appends Elias' gamma code of value >= 1: k zeros, a one, the k bits below the value's highest. */
export function putGamma(position: u64, value: u32): u64 {
  const k = 31 - clz(value)
  const low = <u64>(value ^ (1 << k))
  return putBits(position, ((low << 1) | 1) << k, 2 * k + 1)
}

/** At least 57 bits from `position` on, those at `end` or later as 0. Reads up to 8 bytes from `position`. */
export function peekBits(position: u64, end: u64): u64 {
  if (position >= end) return 0
  const bits = load<u64>(<usize>(position >> 3)) >> (position & 7)
  const left = end - position
  return left < 64 ? bits & (((<u64>1) << left) - 1) : bits
}

/** The gamma code at the front of `bits`, as value << 8 | code length; 0 if the value would pass 511. */
export function gammaOf(bits: u64): i32 {
  const k = <i32>ctz(bits)
  if (k > 8) return 0
  const value = (1 << k) | ((<i32>(bits >> (k + 1))) & ((1 << k) - 1))
  return (value << 8) | (2 * k + 1)
}

/** The low `count` bits of `value` in reverse order. */
export function reversed(value: u32, count: u32): u32 {
  let result: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    result = (result << 1) | (value & 1)
    value >>= 1
  }
  return result
}
