/**
 * y = scale * (q - zeroPoint) over q [outer, channels, inner], one scale and zero point a channel.
 * Contract: assembly/README.md#quantize
 */
export function qs8_f32_dequantize(
  q: usize,
  scale: usize,
  zeroPoint: usize,
  y: usize,
  outer: i32,
  channels: i32,
  inner: i32,
): void {
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const scale_f32x4 = v128.load32_splat(scale + ((<usize>c) << 2))
      const zero_i16x8 = i16x8.splat(<i16>load<i8>(zeroPoint + <usize>c))
      let n = inner
      while (n >= 8) {
        const q_i16x8 = i16x8.sub(v128.load8x8_s(q), zero_i16x8)
        const low_f32x4 = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(q_i16x8))
        const high_f32x4 = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(q_i16x8))
        v128.store(y, f32x4.mul(scale_f32x4, low_f32x4))
        v128.store(y, f32x4.mul(scale_f32x4, high_f32x4), 16)
        q += 8
        y += 32
        n -= 8
      }
      while (n > 0) {
        const centred = <i32>load<i8>(q) - <i32>i16x8.extract_lane_s(zero_i16x8, 0)
        store<f32>(y, f32x4.extract_lane(scale_f32x4, 0) * <f32>centred)
        q++
        y += 4
        n--
      }
    }
  }
}
