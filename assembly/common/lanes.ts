/** Stores the first n (0 to 3) lanes of four: the tail of an f32 or i32 kernel, which may load but not store past the end. */
export function storeLanes(to: usize, v: v128, n: i32): void {
  if (n & 2) {
    v128.store64_lane(to, v, 0)
    if (n & 1) v128.store32_lane(to, v, 2, 8)
  } else if (n & 1) {
    v128.store32_lane(to, v, 0)
  }
}
