import { NON_FINITE, OK } from '../common/status'

/**
 * Smallest and largest element of each channel of x [outer, channels, inner], into min and max [channels].
 * Returns NON_FINITE if any element is NaN or infinite. Contract: assembly/README.md#quantize
 */
export function f32_range(x: usize, min: usize, max: usize, outer: i32, channels: i32, inner: i32): i32 {
  const rowBytes = (<usize>inner) << 2
  const strideBytes = rowBytes * <usize>channels
  // x - x is 0 for finite x and NaN otherwise, so one sum remembers every bad element.
  let taint = f32x4.splat(0)
  for (let c = 0; c < channels; c++) {
    let low_f32x4 = f32x4.splat(f32.MAX_VALUE)
    let high_f32x4 = f32x4.splat(-f32.MAX_VALUE)
    let row = x + <usize>c * rowBytes
    for (let o = 0; o < outer; o++) {
      let p = row
      let n = inner
      while (n >= 4) {
        const v = v128.load(p)
        low_f32x4 = f32x4.pmin(low_f32x4, v)
        high_f32x4 = f32x4.pmax(high_f32x4, v)
        taint = f32x4.add(taint, f32x4.sub(v, v))
        p += 16
        n -= 4
      }
      while (n > 0) {
        const v = v128.load32_splat(p)
        low_f32x4 = f32x4.pmin(low_f32x4, v)
        high_f32x4 = f32x4.pmax(high_f32x4, v)
        taint = f32x4.add(taint, f32x4.sub(v, v))
        p += 4
        n--
      }
      row += strideBytes
    }
    // Which of two zeros was kept depends on the lane; adding 0 makes it +0.
    store<f32>(min + ((<usize>c) << 2), horizontalMin(low_f32x4) + 0)
    store<f32>(max + ((<usize>c) << 2), horizontalMax(high_f32x4) + 0)
  }
  return v128.any_true(f32x4.ne(taint, taint)) ? NON_FINITE : OK
}

function horizontalMin(v: v128): f32 {
  return Mathf.min(
    Mathf.min(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    Mathf.min(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  )
}

function horizontalMax(v: v128): f32 {
  return Mathf.max(
    Mathf.max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    Mathf.max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  )
}
