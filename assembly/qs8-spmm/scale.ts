import { SCALES } from './layout'

/** acc [row][width], int32 to f32 in place: (aScale * wScale) * f32(acc) + bias. */
export function scaleSums(acc: usize, wScale: usize, bias: usize, rows: i32, width: i32): void {
  const widthBytes = (<usize>width) << 2
  while (rows > 0) {
    const w_f32x4 = v128.load32_splat(wScale)
    const bias_f32x4 = v128.load32_splat(bias)
    for (let at: usize = 0; at < widthBytes; at += 16) {
      const scale_f32x4 = f32x4.mul(v128.load(SCALES + at), w_f32x4)
      v128.store(acc + at, realOf(v128.load(acc + at), scale_f32x4, bias_f32x4))
    }
    acc += widthBytes
    wScale += 4
    bias += 4
    rows--
  }
}

/** The same for one sample. All are readable, and acc writable, up to a multiple of 4 rows. */
export function scaleVector(acc: usize, wScale: usize, bias: usize, rows: i32): void {
  const a_f32x4 = v128.load32_splat(SCALES)
  while (rows > 0) {
    v128.store(acc, realOf(v128.load(acc), f32x4.mul(a_f32x4, v128.load(wScale)), v128.load(bias)))
    acc += 16
    wScale += 16
    bias += 16
    rows -= 4
  }
}

function realOf(acc_i32x4: v128, scale_f32x4: v128, bias_f32x4: v128): v128 {
  return f32x4.add(f32x4.mul(scale_f32x4, f32x4.convert_i32x4_s(acc_i32x4)), bias_f32x4)
}
