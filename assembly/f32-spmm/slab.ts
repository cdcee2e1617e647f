import { storeLanes } from '../common/lanes'
import { clamp } from '../common/rounding'
import { SLAB } from './layout'

/** Slab [k][width] from x [k][n], whose rows are nBytes apart: `samples` of its columns, the rest of the width 0. */
export function slabFromColumns(x: usize, nBytes: usize, k: i32, samples: i32, width: i32): void {
  const wholeBytes = (<usize>(samples & ~3)) << 2
  const sampleBytes = (<usize>samples) << 2
  const widthBytes = (<usize>width) << 2
  let to = SLAB
  while (k > 0) {
    let at: usize = 0
    while (at < wholeBytes) {
      v128.store(to + at, v128.load(x + at))
      at += 16
    }
    while (at < sampleBytes) {
      store<f32>(to + at, load<f32>(x + at))
      at += 4
    }
    while (at < widthBytes) {
      store<f32>(to + at, 0)
      at += 4
    }
    x += nBytes
    to += widthBytes
    k--
  }
}

/** Slab [k][width] from x [samples][k], whose rows are colsBytes apart. What is left of the width repeats the last row. */
export function slabFromRows(x: usize, colsBytes: usize, k: i32, samples: i32, width: i32): void {
  const widthBytes = (<usize>width) << 2
  const last = samples - 1
  for (let j = 0; j < width; j += 4) {
    let x0 = x + <usize>min(j, last) * colsBytes
    let x1 = x + <usize>min(j + 1, last) * colsBytes
    let x2 = x + <usize>min(j + 2, last) * colsBytes
    let x3 = x + <usize>min(j + 3, last) * colsBytes
    let to = SLAB + ((<usize>j) << 2)
    let rest = k
    while (rest >= 4) {
      const v0 = v128.load(x0)
      const v1 = v128.load(x1)
      const v2 = v128.load(x2)
      const v3 = v128.load(x3)
      const low01 = v128.shuffle<i32>(v0, v1, 0, 4, 1, 5)
      const low23 = v128.shuffle<i32>(v2, v3, 0, 4, 1, 5)
      v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2))
      v128.store(to + widthBytes, v128.shuffle<i64>(low01, low23, 1, 3))
      const high01 = v128.shuffle<i32>(v0, v1, 2, 6, 3, 7)
      const high23 = v128.shuffle<i32>(v2, v3, 2, 6, 3, 7)
      v128.store(to + 2 * widthBytes, v128.shuffle<i64>(high01, high23, 0, 2))
      v128.store(to + 3 * widthBytes, v128.shuffle<i64>(high01, high23, 1, 3))
      x0 += 16
      x1 += 16
      x2 += 16
      x3 += 16
      to += 4 * widthBytes
      rest -= 4
    }
    while (rest > 0) {
      store<f32>(to, load<f32>(x0))
      store<f32>(to, load<f32>(x1), 4)
      store<f32>(to, load<f32>(x2), 8)
      store<f32>(to, load<f32>(x3), 12)
      x0 += 4
      x1 += 4
      x2 += 4
      x3 += 4
      to += widthBytes
      rest--
    }
  }
}

/** acc [row][width] = bias [row]. */
export function startFromBias(acc: usize, bias: usize, rows: i32, width: i32): void {
  while (rows > 0) {
    const bias_f32x4 = v128.load32_splat(bias)
    for (let j = 0; j < width; j += 4) {
      v128.store(acc, bias_f32x4)
      acc += 16
    }
    bias += 4
    rows--
  }
}

/** y [row][n], rows nBytes apart, from acc [row][width], clamped: `samples` of its columns. */
export function finishColumns(
  acc: usize,
  y: usize,
  nBytes: usize,
  rows: i32,
  samples: i32,
  width: i32,
  low_f32x4: v128,
  high_f32x4: v128,
): void {
  const wholeBytes = (<usize>(samples & ~3)) << 2
  while (rows > 0) {
    let at: usize = 0
    while (at < wholeBytes) {
      v128.store(y + at, clamp(v128.load(acc + at), low_f32x4, high_f32x4))
      at += 16
    }
    storeLanes(y + at, clamp(v128.load(acc + at), low_f32x4, high_f32x4), samples & 3)
    acc += (<usize>width) << 2
    y += nBytes
    rows--
  }
}

/**
 * y [sample][row] from acc [row][width], clamped. acc is readable up to a multiple of 4 rows. Sixteen rows at a time
 * fill whole cache lines of y: its samples often lie 4 KiB apart, where one cache set would have to hold them all.
 */
export function finishRows(
  acc: usize,
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
      let from = acc + ((<usize>j) << 2)
      let to = y + <usize>j * rowsBytes
      let left = min(rows, 16)
      do {
        const v0 = clamp(v128.load(from), low_f32x4, high_f32x4)
        const v1 = clamp(v128.load(from + widthBytes), low_f32x4, high_f32x4)
        const v2 = clamp(v128.load(from + 2 * widthBytes), low_f32x4, high_f32x4)
        const v3 = clamp(v128.load(from + 3 * widthBytes), low_f32x4, high_f32x4)
        const low01 = v128.shuffle<i32>(v0, v1, 0, 4, 1, 5)
        const low23 = v128.shuffle<i32>(v2, v3, 0, 4, 1, 5)
        const high01 = v128.shuffle<i32>(v0, v1, 2, 6, 3, 7)
        const high23 = v128.shuffle<i32>(v2, v3, 2, 6, 3, 7)
        storeRows(to, v128.shuffle<i64>(low01, low23, 0, 2), left)
        if (inside > 1) storeRows(to + rowsBytes, v128.shuffle<i64>(low01, low23, 1, 3), left)
        if (inside > 2) storeRows(to + 2 * rowsBytes, v128.shuffle<i64>(high01, high23, 0, 2), left)
        if (inside > 3) storeRows(to + 3 * rowsBytes, v128.shuffle<i64>(high01, high23, 1, 3), left)
        from += 4 * widthBytes
        to += 16
        left -= 4
      } while (left > 0)
    }
    acc += 16 * widthBytes
    y += 64
    rows -= 16
  }
}

function storeRows(to: usize, v: v128, rows: i32): void {
  if (rows >= 4) v128.store(to, v)
  else storeLanes(to, v, rows)
}
