// Loops that do nothing but one kind of work with independent accumulators: the machine's own limit, for `peakShare`.
// Constant operands come from memory: V8 materializes a v128 constant anew at each use.

/**
 * i32x4.dot_i16x8_s and the add that a GEMM needs, 8 * 16 operations a step of 32 bytes from 64 to `end`. One operand is
 * loaded, as in a GEMM: with twelve accumulators that feed themselves, older V8 runs out of registers.
 */
export function dot_add(end: usize): i32 {
  const w = v128.load(0)
  const x = v128.load(16)
  const y = v128.load(32)
  const z = v128.load(48)
  let a = i32x4.splat(1)
  let b = i32x4.splat(2)
  let c = i32x4.splat(3)
  let d = i32x4.splat(4)
  let e = i32x4.splat(5)
  let f = i32x4.splat(6)
  let g = i32x4.splat(7)
  let h = i32x4.splat(8)
  let from: usize = 64
  do {
    const p = v128.load(from)
    a = i32x4.add(a, i32x4.dot_i16x8_s(w, p))
    b = i32x4.add(b, i32x4.dot_i16x8_s(x, p))
    c = i32x4.add(c, i32x4.dot_i16x8_s(y, p))
    d = i32x4.add(d, i32x4.dot_i16x8_s(z, p))
    const q = v128.load(from, 16)
    e = i32x4.add(e, i32x4.dot_i16x8_s(w, q))
    f = i32x4.add(f, i32x4.dot_i16x8_s(x, q))
    g = i32x4.add(g, i32x4.dot_i16x8_s(y, q))
    h = i32x4.add(h, i32x4.dot_i16x8_s(z, q))
    from += 32
  } while (from != end)
  a = v128.xor(v128.xor(v128.xor(a, b), v128.xor(c, d)), v128.xor(v128.xor(e, f), v128.xor(g, h)))
  return i32x4.extract_lane(a, 0)
}

/**
 * f32x4 multiply and add, rounded apart: 12 * 8 operations a step. Every accumulator feeds itself, twelve hide the
 * latency; the values settle at 1.
 */
export function mul_add(steps: i32): f32 {
  const x = v128.load(16)
  let a = f32x4.splat(1),
    b = f32x4.splat(2),
    c = f32x4.splat(3),
    d = f32x4.splat(4)
  let e = f32x4.splat(5),
    f = f32x4.splat(6),
    g = f32x4.splat(7),
    h = f32x4.splat(8)
  let i = f32x4.splat(9),
    j = f32x4.splat(10),
    k = f32x4.splat(11),
    l = f32x4.splat(12)
  do {
    a = f32x4.add(x, f32x4.mul(a, x))
    b = f32x4.add(x, f32x4.mul(b, x))
    c = f32x4.add(x, f32x4.mul(c, x))
    d = f32x4.add(x, f32x4.mul(d, x))
    e = f32x4.add(x, f32x4.mul(e, x))
    f = f32x4.add(x, f32x4.mul(f, x))
    g = f32x4.add(x, f32x4.mul(g, x))
    h = f32x4.add(x, f32x4.mul(h, x))
    i = f32x4.add(x, f32x4.mul(i, x))
    j = f32x4.add(x, f32x4.mul(j, x))
    k = f32x4.add(x, f32x4.mul(k, x))
    l = f32x4.add(x, f32x4.mul(l, x))
  } while (--steps)
  a = f32x4.add(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), f32x4.add(f32x4.add(e, f), f32x4.add(g, h)))
  return f32x4.extract_lane(f32x4.add(a, f32x4.add(f32x4.add(i, j), f32x4.add(k, l))), 0)
}

/** Copies `bytes` (a multiple of 64) from 64 KiB on, which stays in the first-level cache for small sizes. */
export function copy(bytes: i32): void {
  let from: usize = 65536
  let to: usize = 65536 + <usize>bytes
  const end = to
  do {
    v128.store(to, v128.load(from))
    v128.store(to, v128.load(from, 16), 16)
    v128.store(to, v128.load(from, 32), 32)
    v128.store(to, v128.load(from, 48), 48)
    from += 64
    to += 64
  } while (from != end)
}
