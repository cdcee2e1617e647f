import { LN2_HIGH, LN2_LOW } from './constants'

const SQRT_HALF_BITS: i32 = 0x3f3504f3

/** Natural logarithm of four lanes. */
export function log_f32x4(x: v128): v128 {
  // x = 2^k m with m in sqrt(1/2)..sqrt(2); subnormals are scaled by 2^23 first.
  const subnormal = f32x4.lt(x, f32x4.splat(1.17549435e-38))
  const normal = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, subnormal)
  const k_i32x4 = i32x4.shr_s(i32x4.sub(normal, i32x4.splat(SQRT_HALF_BITS)), 23)
  const m = i32x4.sub(normal, i32x4.shl(k_i32x4, 23))
  const k = f32x4.convert_i32x4_s(i32x4.sub(k_i32x4, v128.and(subnormal, i32x4.splat(23))))
  // ln m = 2 atanh(s) with s = f / (2 + f), f = m - 1, arranged as Tang 1990 and fdlibm do it:
  // f - (f^2/2 - s (f^2/2 + R)), R = s^2 c(s^2), c of degree 2 minimax: 2^-28.9 of ln m.
  const f = f32x4.sub(m, f32x4.splat(1))
  const s = f32x4.div(f, f32x4.add(f32x4.splat(2), f))
  const z = f32x4.mul(s, s)
  let c = f32x4.add(f32x4.mul(z, f32x4.splat(0.298743963)), f32x4.splat(0.399774492))
  c = f32x4.add(f32x4.mul(c, z), f32x4.splat(0.666667759))
  const halfSquare = f32x4.mul(f32x4.mul(f, f), f32x4.splat(0.5))
  const correction = f32x4.add(
    f32x4.mul(s, f32x4.add(halfSquare, f32x4.mul(c, z))),
    f32x4.mul(k, f32x4.splat(LN2_LOW)),
  )
  const low = f32x4.sub(f32x4.sub(halfSquare, correction), f)
  const finite = f32x4.sub(f32x4.mul(k, f32x4.splat(LN2_HIGH)), low)
  // ln of +Inf is itself and so is that of NaN; of 0 it is -Inf, below 0 NaN.
  const infinity = f32x4.splat(Infinity)
  const zeroOrLess = v128.bitselect(f32x4.splat(-Infinity), f32x4.splat(NaN), f32x4.eq(x, f32x4.splat(0)))
  const y = v128.bitselect(finite, x, f32x4.lt(x, infinity))
  return v128.bitselect(zeroOrLess, y, f32x4.le(x, f32x4.splat(0)))
}
