import { UNIT, unitsOf } from './layout'

/**
 * Packs rows of int8 activations, as many as a tile has or one, with zeros up to a whole unit. For the plain dot
 * [pairs][rows][2] i16. For the relaxed one groups of -8 * sum [rows] i32 and [steps][rows][4] i8, where a unit is two
 * steps, 0, 4, 1, 5 and 2, 6, 3, 7: the nibbles of a byte of weights are two apart in depth.
 */
export function packActivations(a: usize, lda: usize, k: i32, group: i32, rows: i32, to: usize): void {
  const stepBytes = (<usize>rows) << 2
  while (k > 0) {
    const depth = min(k, group)
    for (let row = 0; row < rows; row++) {
      let from = a + <usize>row * lda
      let into = to + ((<usize>row) << 2)
      const sums = into
      let sum_i32x4 = i32x4.splat(0)
      if (ASC_FEATURE_RELAXED_SIMD) into += stepBytes
      let left = depth
      do {
        let unit_i8x16 = v128.load64_zero(from)
        if (left < UNIT) unit_i8x16 = v128.and(unit_i8x16, i64x2.splat(((<i64>1) << (left << 3)) - 1))
        const unit_i16x8 = i16x8.extend_low_i8x16_s(unit_i8x16)
        if (ASC_FEATURE_RELAXED_SIMD) {
          sum_i32x4 = i32x4.add(sum_i32x4, i32x4.extadd_pairwise_i16x8_s(unit_i16x8))
          const steps = v128.shuffle<i8>(
            unit_i8x16,
            unit_i8x16,
            0,
            4,
            1,
            5,
            2,
            6,
            3,
            7,
            0,
            4,
            1,
            5,
            2,
            6,
            3,
            7,
          )
          v128.store32_lane(into, steps, 0)
          v128.store32_lane(into + stepBytes, steps, 1)
          into += 2 * stepBytes
        } else {
          v128.store32_lane(into, unit_i16x8, 0)
          v128.store32_lane(into + stepBytes, unit_i16x8, 1)
          v128.store32_lane(into + 2 * stepBytes, unit_i16x8, 2)
          v128.store32_lane(into + 3 * stepBytes, unit_i16x8, 3)
          into += 4 * stepBytes
        }
        from += UNIT
        left -= UNIT
      } while (left > 0)
      if (ASC_FEATURE_RELAXED_SIMD) {
        const pairs_i32x4 = i32x4.add(sum_i32x4, v128.shuffle<i32>(sum_i32x4, sum_i32x4, 2, 3, 0, 1))
        store<i32>(sums, -8 * (i32x4.extract_lane(pairs_i32x4, 0) + i32x4.extract_lane(pairs_i32x4, 1)))
      }
    }
    a += <usize>depth
    to += stepBytes * <usize>(ASC_FEATURE_RELAXED_SIMD ? 1 + 2 * unitsOf(depth) : 4 * unitsOf(depth))
    k -= group
  }
}
