import { storeBytes, storeLanes } from '../common/lanes'
import { quantizedOf, realOf } from '../common/requantize'
import { NR, STRIP_ROW_BYTES } from './layout'

/** What becomes of the accumulators. */
export const TO_I32: i32 = 0
export const TO_F32: i32 = 1
export const TO_QS8: i32 = 2

// Arguments of the running call, set by its export: passing fifteen values down three levels would hide the loops.
let kind: i32
let sums: usize
let aScale: usize
let aZero: usize
let aStepBytes: usize
let wScale: usize
let bias: usize
let low: f32
let high: f32
let cScale: f32
let cZero: i32
let c: usize
let ldcBytes: usize

/** Sets what every kind of result needs. The zero points of activation rows are `aStep` elements apart, 0 or 1. */
export function resultsTo(kind_: i32, w: usize, aZero_: usize, aStep: i32, c_: usize, ldc: i32): void {
  kind = kind_
  sums = w
  aZero = aZero_
  aStepBytes = (<usize>aStep) << 2
  c = c_
  ldcBytes = (<usize>ldc) << (kind_ == TO_QS8 ? 0 : 2)
}

/** Sets what real results need, and those that are quantized after that. */
export function scaleResults(
  aScale_: usize,
  wScale_: usize,
  bias_: usize,
  low_: f32,
  high_: f32,
  cScale_: f32,
  cZero_: i32,
): void {
  aScale = aScale_
  wScale = wScale_
  bias = bias_
  low = low_
  high = high_
  cScale = cScale_
  cZero = cZero_
}

/** Makes results of accumulators [rows][up to 32], which belong at row i, column j of c. */
export function storeResults(acc: usize, i: i32, j: i32, rows: i32, columns: i32): void {
  // Kept at hand: a global would be read anew for each eight results.
  const kind_ = kind
  const first = (<usize>j) << 2
  const sums_ = sums + first
  const wScale_ = wScale + first
  const bias_ = bias + first
  const low_f32x4 = f32x4.splat(low)
  const high_f32x4 = f32x4.splat(high)
  const elementShift: usize = kind_ == TO_QS8 ? 0 : 2
  let to = c + <usize>i * ldcBytes + ((<usize>j) << elementShift)
  touchLines(to, rows, (<usize>columns) << elementShift)
  let scale = aScale + <usize>i * aStepBytes
  let zero = aZero + <usize>i * aStepBytes
  do {
    const scale_f32x4 = v128.load32_splat(scale)
    const zero_i32x4 = v128.load32_splat(zero)
    // Row by row: a cache line of c is written at once. Rows are often a power of two apart, which makes their lines
    // compete for a few places of the cache; eight columns at a time cost up to a fifth of the rate.
    let into = to
    let column: usize = 0
    let left = columns
    do {
      const from = acc + column
      const acc0123 = centred(v128.load(from), zero_i32x4, sums_ + column)
      const acc4567 = centred(v128.load(from, 16), zero_i32x4, sums_ + column + 16)
      if (kind_ == TO_I32) {
        storeWords(into, acc0123, acc4567, left)
      } else {
        const real0123 = realOf(
          acc0123,
          f32x4.mul(scale_f32x4, v128.load(wScale_ + column)),
          v128.load(bias_ + column),
          low_f32x4,
          high_f32x4,
        )
        const real4567 = realOf(
          acc4567,
          f32x4.mul(scale_f32x4, v128.load(wScale_ + column, 16)),
          v128.load(bias_ + column, 16),
          low_f32x4,
          high_f32x4,
        )
        if (kind_ == TO_F32) storeWords(into, real0123, real4567, left)
        else storeCodes(into, real0123, real4567, left)
      }
      into += (<usize>NR) << elementShift
      column += (<usize>NR) << 2
      left -= NR
    } while (left > 0)
    acc += STRIP_ROW_BYTES
    scale += aStepBytes
    zero += aStepBytes
    to += ldcBytes
  } while (--rows > 0)
}

/** A global: what is only loaded would be dropped. */
let touched: i32

/** Loads from the cache lines of the results first: many may be under way at once, of stores only a few. */
function touchLines(to: usize, rows: i32, bytes: usize): void {
  let sum = 0
  do {
    let p: usize = 0
    do {
      sum |= load<u8>(to + p)
      p += 64
    } while (p < bytes)
    to += ldcBytes
  } while (--rows > 0)
  touched = sum
}

/** Eight results, or the first `columns` of them where the right edge cuts. */
function storeWords(to: usize, v0123: v128, v4567: v128, columns: i32): void {
  if (columns >= 8) {
    v128.store(to, v0123)
    v128.store(to, v4567, 16)
  } else if (columns >= 4) {
    v128.store(to, v0123)
    storeLanes(to + 16, v4567, columns - 4)
  } else {
    storeLanes(to, v0123, columns)
  }
}

function storeCodes(to: usize, real0123: v128, real4567: v128, columns: i32): void {
  const q0123 = quantizedOf(real0123, cScale, cZero)
  const q4567 = quantizedOf(real4567, cScale, cZero)
  const q_i16x8 = i16x8.narrow_i32x4_s(q0123, q4567)
  const q_i8x16 = i8x16.narrow_i16x8_s(q_i16x8, q_i16x8)
  if (columns >= 8) v128.store64_lane(to, q_i8x16, 0)
  else storeBytes(to, q_i8x16, columns)
}

/** acc - aZero * sum of the column */
function centred(acc: v128, zero_i32x4: v128, sums: usize): v128 {
  return i32x4.sub(acc, i32x4.mul(zero_i32x4, v128.load(sums)))
}
