/**
 * 1 if i32x4.relaxed_dot_i8x16_i7x16_add_s multiplies signed by unsigned bytes exactly on this engine. Engines may also
 * take the second operand as signed, or saturate the sum of two products at 16 bits (255 * -128 twice is too much for
 * it), and one drops the accumulator until it optimizes. Every u8 meets every i8, four accumulators live at once.
 */
export function relaxed_dot_is_exact(): i32 {
  // Neighbours differ a little: the extremes stay side by side, and a wrong order of lanes shows.
  let a = i8x16(0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1)
  let wrong = i32x4.splat(0)
  for (let i = 0; i < 256; i++) {
    let w0 = i8x16(
      -128,
      -127,
      -126,
      -125,
      -124,
      -123,
      -122,
      -121,
      -120,
      -119,
      -118,
      -117,
      -116,
      -115,
      -114,
      -113,
    )
    for (let j = 0; j < 4; j++) {
      const w1 = i8x16.add(w0, i8x16.splat(16))
      const w2 = i8x16.add(w1, i8x16.splat(16))
      const w3 = i8x16.add(w2, i8x16.splat(16))
      const start = i32x4.add(i32x4.splat(i << 20), i32x4(-1, 65536, 32767, -(1 << 30)))
      const acc0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w0, a, start)
      const acc1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w1, a, acc0)
      const acc2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w2, a, acc0)
      const acc3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(w3, a, acc1)
      wrong = v128.or(wrong, v128.xor(acc0, i32x4.add(start, exactDot(w0, a))))
      wrong = v128.or(wrong, v128.xor(acc1, i32x4.add(acc0, exactDot(w1, a))))
      wrong = v128.or(wrong, v128.xor(acc2, i32x4.add(acc0, exactDot(w2, a))))
      wrong = v128.or(wrong, v128.xor(acc3, i32x4.add(acc1, exactDot(w3, a))))
      w0 = i8x16.add(w3, i8x16.splat(16))
    }
    a = i8x16.add(a, i8x16.splat(1))
  }
  return v128.any_true(wrong) ? 0 : 1
}

/** Sums of four products i8 * u8 a lane, from instructions that have one meaning. */
function exactDot(w: v128, a: v128): v128 {
  const low = i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(w), i16x8.extend_low_i8x16_u(a))
  const high = i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(w), i16x8.extend_high_i8x16_u(a))
  return i32x4.add(v128.shuffle<i32>(low, high, 0, 2, 4, 6), v128.shuffle<i32>(low, high, 1, 3, 5, 7))
}
