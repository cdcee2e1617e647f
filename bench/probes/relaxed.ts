/** i32x4.relaxed_dot_i8x16_i7x16_add_s: 12 * 32 operations a step. */
export function relaxed_dot(steps: i32): i32 {
  const x = v128.load(0)
  let a = i32x4.splat(1),
    b = i32x4.splat(2),
    c = i32x4.splat(3),
    d = i32x4.splat(4)
  let e = i32x4.splat(5),
    f = i32x4.splat(6),
    g = i32x4.splat(7),
    h = i32x4.splat(8)
  let i = i32x4.splat(9),
    j = i32x4.splat(10),
    k = i32x4.splat(11),
    l = i32x4.splat(12)
  do {
    a = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, x, a)
    b = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, x, b)
    c = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, x, c)
    d = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, x, d)
    e = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, x, e)
    f = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, x, f)
    g = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, x, g)
    h = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, x, h)
    i = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, x, i)
    j = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, x, j)
    k = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, x, k)
    l = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, x, l)
  } while (--steps)
  a = v128.xor(v128.xor(v128.xor(a, b), v128.xor(c, d)), v128.xor(v128.xor(e, f), v128.xor(g, h)))
  return i32x4.extract_lane(v128.xor(a, v128.xor(v128.xor(i, j), v128.xor(k, l))), 0)
}
