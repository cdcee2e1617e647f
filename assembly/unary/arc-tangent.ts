import { SIGN_BITS } from '../math/constants'

/** pi / 2 in two parts. */
const HALF_PI: f32 = 1.57079637
const HALF_PI_LOW: f32 = -4.37113883e-8

export function arcTangent(x: usize, y: usize, n: i32): void {
  const sign = i32x4.splat(SIGN_BITS)
  do {
    const v = v128.load(x)
    const magnitude = f32x4.abs(v)
    const isLarge = f32x4.gt(magnitude, f32x4.splat(1))
    // atan a = pi / 2 - atan(1 / a)
    const t = v128.bitselect(f32x4.div(f32x4.splat(-1), magnitude), magnitude, isLarge)
    // t + t^3 p(t^2), p of degree 7 minimax for the relative error: 2^-25.8.
    const z = f32x4.mul(t, t)
    let p = f32x4.add(f32x4.mul(z, f32x4.splat(0.0029206865)), f32x4.splat(-0.0163679048))
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.0432118215))
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-0.0755221099))
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.106660031))
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-0.142110556))
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.199937731))
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-0.333331525))
    const small = f32x4.add(t, f32x4.mul(f32x4.mul(t, z), p))
    const large = f32x4.add(f32x4.splat(HALF_PI), f32x4.add(small, f32x4.splat(HALF_PI_LOW)))
    v128.store(y, v128.bitselect(v, v128.bitselect(large, small, isLarge), sign))
    x += 16
    y += 16
    n -= 4
  } while (n > 0)
}
