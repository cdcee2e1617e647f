/** Stores the first n (0 to 3) lanes of four: the tail of an f32 or i32 kernel, which may load but not store past the end. */
export function storeLanes(to: usize, v: v128, n: i32): void {
  if (n & 2) {
    v128.store64_lane(to, v, 0)
    if (n & 1) v128.store32_lane(to, v, 2, 8)
  } else if (n & 1) {
    v128.store32_lane(to, v, 0)
  }
}

/** All ones in the first n lanes of four. */
export function laneMask(n: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n))
}

/** Stores the first n (0 to 15) bytes of sixteen. */
export function storeBytes(to: usize, v: v128, n: i32): void {
  if (n & 8) {
    v128.store64_lane(to, v, 0)
    v = v128.shuffle<i64>(v, v, 1, 0)
    to += 8
  }
  if (n & 4) {
    v128.store32_lane(to, v, 0)
    v = i64x2.shr_u(v, 32)
    to += 4
  }
  if (n & 2) {
    v128.store16_lane(to, v, 0)
    v = i64x2.shr_u(v, 16)
    to += 2
  }
  if (n & 1) v128.store8_lane(to, v, 0)
}
