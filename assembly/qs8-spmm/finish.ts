import { storeLanes } from '../common/lanes'
import { realOf } from '../common/requantize'
import { SCALES } from './layout'

/** y [row][n] from acc i32 [row][width]: `samples` of its columns. */
export function finishColumns(
  acc: usize,
  wScale: usize,
  bias: usize,
  y: usize,
  nBytes: usize,
  rows: i32,
  samples: i32,
  width: i32,
  low_f32x4: v128,
  high_f32x4: v128,
): void {
  while (rows > 0) {
    const w_f32x4 = v128.load32_splat(wScale)
    const bias_f32x4 = v128.load32_splat(bias)
    let at: usize = 0
    let left = samples
    while (left > 0) {
      const scale_f32x4 = f32x4.mul(v128.load(SCALES + at), w_f32x4)
      storeFour(y + at, realOf(v128.load(acc + at), scale_f32x4, bias_f32x4, low_f32x4, high_f32x4), left)
      at += 16
      left -= 4
    }
    wScale += 4
    bias += 4
    acc += (<usize>width) << 2
    y += nBytes
    rows--
  }
}

/**
 * y [sample][row] from acc i32 [row][width]. acc, wScale and bias are readable up to a multiple of 4 rows. Sixteen rows
 * at a time, for the reason given in f32-spmm.
 */
export function finishRows(
  acc: usize,
  wScale: usize,
  bias: usize,
  y: usize,
  rows: i32,
  samples: i32,
  width: i32,
  low_f32x4: v128,
  high_f32x4: v128,
): void {
  const rowsBytes = (<usize>rows) << 2
  const widthBytes = (<usize>width) << 2
  while (rows > 0) {
    for (let j = 0; j < samples; j += 4) {
      const inside = samples - j
      const aScale = SCALES + ((<usize>j) << 2)
      let from = acc + ((<usize>j) << 2)
      let to = y + <usize>j * rowsBytes
      let at: usize = 0
      let left = min(rows, 16)
      do {
        const v0 = v128.load(from)
        const v1 = v128.load(from + widthBytes)
        const v2 = v128.load(from + 2 * widthBytes)
        const v3 = v128.load(from + 3 * widthBytes)
        const low01 = v128.shuffle<i32>(v0, v1, 0, 4, 1, 5)
        const low23 = v128.shuffle<i32>(v2, v3, 0, 4, 1, 5)
        const high01 = v128.shuffle<i32>(v0, v1, 2, 6, 3, 7)
        const high23 = v128.shuffle<i32>(v2, v3, 2, 6, 3, 7)
        const w_f32x4 = v128.load(wScale + at)
        const bias_f32x4 = v128.load(bias + at)
        const s0 = f32x4.mul(v128.load32_splat(aScale), w_f32x4)
        const acc0 = v128.shuffle<i64>(low01, low23, 0, 2)
        storeFour(to, realOf(acc0, s0, bias_f32x4, low_f32x4, high_f32x4), left)
        if (inside > 1) {
          const s1 = f32x4.mul(v128.load32_splat(aScale, 4), w_f32x4)
          const acc1 = v128.shuffle<i64>(low01, low23, 1, 3)
          storeFour(to + rowsBytes, realOf(acc1, s1, bias_f32x4, low_f32x4, high_f32x4), left)
        }
        if (inside > 2) {
          const s2 = f32x4.mul(v128.load32_splat(aScale, 8), w_f32x4)
          const acc2 = v128.shuffle<i64>(high01, high23, 0, 2)
          storeFour(to + 2 * rowsBytes, realOf(acc2, s2, bias_f32x4, low_f32x4, high_f32x4), left)
        }
        if (inside > 3) {
          const s3 = f32x4.mul(v128.load32_splat(aScale, 12), w_f32x4)
          const acc3 = v128.shuffle<i64>(high01, high23, 1, 3)
          storeFour(to + 3 * rowsBytes, realOf(acc3, s3, bias_f32x4, low_f32x4, high_f32x4), left)
        }
        from += 4 * widthBytes
        to += 16
        at += 16
        left -= 4
      } while (left > 0)
    }
    acc += 16 * widthBytes
    wScale += 64
    bias += 64
    y += 64
    rows -= 16
  }
}

/** y [row] from acc i32 [row]. wScale and bias are readable up to a multiple of 4 rows. */
export function finishVector(
  acc: usize,
  wScale: usize,
  bias: usize,
  y: usize,
  rows: i32,
  low_f32x4: v128,
  high_f32x4: v128,
): void {
  const a_f32x4 = v128.load32_splat(SCALES)
  while (rows > 0) {
    const scale_f32x4 = f32x4.mul(a_f32x4, v128.load(wScale))
    storeFour(y, realOf(v128.load(acc), scale_f32x4, v128.load(bias), low_f32x4, high_f32x4), rows)
    acc += 16
    wScale += 16
    bias += 16
    y += 16
    rows -= 4
  }
}

function storeFour(to: usize, v: v128, n: i32): void {
  if (n >= 4) v128.store(to, v)
  else storeLanes(to, v, n)
}
