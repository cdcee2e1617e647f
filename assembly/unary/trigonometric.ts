import { storeAngle } from '../math/angle'
import { SIGN_BITS } from '../math/constants'
import { SIN } from './ops'

const TWO_BY_PI: f64 = 0.6366197723675814
/** pi / 2 in three parts: the products of the first two with a number below 2^29 are exact. */
const HALF_PI_HIGH: f64 = 1.570796251296997
const HALF_PI_MIDDLE: f64 = 7.549789415861596e-8
const HALF_PI_LOW: f64 = 5.390302858158119e-15
/** Up to here the above reduces an argument; beyond, `storeAngle` takes whole turns off. */
const HUGE: f32 = 268435456

/** Low memory, ours for one call: the four arguments in f64. */
const WIDE: usize = 1040

/** Sine or cosine. */
export function trigonometric(op: i32, x: usize, y: usize, n: i32): void {
  const sign = i32x4.splat(SIGN_BITS)
  const quarter = i32x4.splat(i32(op != SIN))
  do {
    const v = v128.load(x)
    const magnitude = f32x4.abs(v)
    let low = f64x2.promote_low_f32x4(magnitude)
    let high = f64x2.promote_low_f32x4(v128.shuffle<i32>(magnitude, magnitude, 2, 3, 0, 1))
    if (v128.any_true(f32x4.ge(magnitude, f32x4.splat(HUGE)))) {
      v128.store(WIDE, low)
      v128.store(WIDE, high, 16)
      for (let i: usize = 0; i < 32; i += 8) storeAngle(WIDE + i)
      low = v128.load(WIDE)
      high = v128.load(WIDE, 16)
    }
    const nLow = f64x2.nearest(f64x2.mul(low, f64x2.splat(TWO_BY_PI)))
    const nHigh = f64x2.nearest(f64x2.mul(high, f64x2.splat(TWO_BY_PI)))
    const q = v128.shuffle<i32>(
      i32x4.trunc_sat_f64x2_s_zero(nLow),
      i32x4.trunc_sat_f64x2_s_zero(nHigh),
      0,
      1,
      4,
      5,
    )
    const r = v128.shuffle<i32>(reduced_f32x4(low, nLow), reduced_f32x4(high, nHigh), 0, 1, 4, 5)
    const z = f32x4.mul(r, r)
    // r + r^3 p(r^2), p of degree 2 minimax for the relative error: 2^-28.
    let p = f32x4.add(f32x4.mul(z, f32x4.splat(-0.000195151995)), f32x4.splat(0.0083321603))
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-0.166666552))
    const sine = f32x4.add(r, f32x4.mul(f32x4.mul(r, z), p))
    // 1 - r^2 / 2 + r^4 p(r^2), likewise: 2^-33.
    p = f32x4.add(f32x4.mul(z, f32x4.splat(2.44330622e-5)), f32x4.splat(-0.00138873153))
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.0416666456))
    const half = f32x4.sub(f32x4.splat(1), f32x4.mul(z, f32x4.splat(0.5)))
    const cosine = f32x4.add(half, f32x4.mul(f32x4.mul(z, z), p))
    const k = i32x4.add(q, quarter)
    const isOdd = i32x4.shr_s(i32x4.shl(k, 31), 31)
    let turned = i32x4.shl(i32x4.shr_u(k, 1), 31)
    if (op == SIN) turned = v128.xor(turned, v128.and(v, sign))
    v128.store(y, v128.xor(v128.bitselect(cosine, sine, isOdd), turned))
    x += 16
    y += 16
    n -= 4
  } while (n > 0)
}

/** x - n pi / 2 in the two low lanes (Cody and Waite 1980; the first two differences are exact). */
function reduced_f32x4(x: v128, n: v128): v128 {
  let r = f64x2.sub(x, f64x2.mul(n, f64x2.splat(HALF_PI_HIGH)))
  r = f64x2.sub(r, f64x2.mul(n, f64x2.splat(HALF_PI_MIDDLE)))
  r = f64x2.sub(r, f64x2.mul(n, f64x2.splat(HALF_PI_LOW)))
  return f32x4.demote_f64x2_zero(r)
}
