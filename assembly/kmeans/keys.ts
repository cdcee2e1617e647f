import { BOUNDARIES, MAP } from './layout'

/**
 * Keys are 15-bit fixed-point numbers that keep the order of the values: x > b where key(x) > key(b). Only equal keys
 * leave the comparison open. Values beyond the outermost boundaries have the keys 0 and KEYS - 1 for themselves.
 */
export const KEYS: i32 = 32768

/** Added to 0 <= v < 2^22, leaves the integer nearest to v in the low bits of the sum. */
const ROUNDER: f32 = 8388608

/** Lays the keys over the range of the boundaries. */
export function mapKeys(count: i32): void {
  const low = load<f32>(BOUNDARIES)
  const high = load<f32>(BOUNDARIES + ((<usize>(count - 1)) << 2))
  const widest: f32 = 32764
  // Far from 0 a sum has no room for all 15 bits; at most 2^22 leaves 2 more for the rounding of the product.
  const mostExact: f32 = 4194304
  const scale = min(min(widest / (high - low), mostExact / max(abs(low), abs(high))), <f32>1e30)
  store<f32>(MAP, scale)
  store<f32>(MAP, ROUNDER + 1.5 - low * scale, 4)
}

export function keyOf(x: f32): i32 {
  return i32x4.extract_lane(keysOf(f32x4.splat(x), v128.load32_splat(MAP), v128.load32_splat(MAP, 4)), 0)
}

/** The keys of four values; the two numbers of the map are given, for them to stay in registers. */
export function keysOf(x: v128, scale_f32x4: v128, offset_f32x4: v128): v128 {
  const sum_f32x4 = f32x4.add(f32x4.mul(x, scale_f32x4), offset_f32x4)
  const last = ROUNDER + <f32>(KEYS - 1)
  const inside_f32x4 = f32x4.pmin(f32x4.pmax(sum_f32x4, f32x4.splat(ROUNDER)), f32x4.splat(last))
  return v128.and(inside_f32x4, i32x4.splat(KEYS - 1))
}
