/** sums [4] += scale * f32(acc): the products of one group, for four columns. */
export function addScaled(sums: usize, acc_i32x4: v128, scale_f32x4: v128): void {
  v128.store(sums, f32x4.add(v128.load(sums), f32x4.mul(scale_f32x4, f32x4.convert_i32x4_s(acc_i32x4))))
}
