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
  const elementShift: usize = kind == TO_QS8 ? 0 : 2
  let to = c + <usize>i * ldcBytes + ((<usize>j) << elementShift)
  touchLines(to, rows, (<usize>columns) << elementShift)
  let scale = aScale + <usize>i * aStepBytes
  let zero = aZero + <usize>i * aStepBytes
  do {
    const scale_f32x4 = v128.load32_splat(scale)
    const zero_i32x4 = v128.load32_splat(zero)
    // Row by row: a cache line of c is written at once. Rows are often a power of two apart, which makes their lines
    // compete for a few places of the cache; eight columns at a time cost up to a fifth of the rate.
    let from = acc
    let into = to
    let column = (<usize>j) << 2
    let left = columns
    do {
      storeEight(from, into, column, left, scale_f32x4, zero_i32x4)
      from += (<usize>NR) << 2
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
function storeEight(
  acc: usize,
  to: usize,
  column: usize,
  columns: i32,
  scale_f32x4: v128,
  zero_i32x4: v128,
): void {
  const acc0123 = centred(v128.load(acc), zero_i32x4, column)
  const acc4567 = centred(v128.load(acc, 16), zero_i32x4, column + 16)
  if (kind == TO_I32) {
    storeWords(to, acc0123, acc4567, columns)
    return
  }
  const real0123 = realOfColumns(acc0123, scale_f32x4, column)
  const real4567 = realOfColumns(acc4567, scale_f32x4, column + 16)
  if (kind == TO_F32) {
    storeWords(to, real0123, real4567, columns)
    return
  }
  const q0123 = quantizedOf(real0123, cScale, cZero)
  const q4567 = quantizedOf(real4567, cScale, cZero)
  const q_i16x8 = i16x8.narrow_i32x4_s(q0123, q4567)
  const q_i8x16 = i8x16.narrow_i16x8_s(q_i16x8, q_i16x8)
  if (columns >= 8) v128.store64_lane(to, q_i8x16, 0)
  else storeBytes(to, q_i8x16, columns)
}

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

/** acc - aZero * sum of the column */
function centred(acc: v128, zero_i32x4: v128, column: usize): v128 {
  return i32x4.sub(acc, i32x4.mul(zero_i32x4, v128.load(sums + column)))
}

/** clamp((aScale * wScale) * acc + bias, low, high) */
function realOfColumns(acc_i32x4: v128, aScale_f32x4: v128, column: usize): v128 {
  const scale_f32x4 = f32x4.mul(aScale_f32x4, v128.load(wScale + column))
  return realOf(acc_i32x4, scale_f32x4, v128.load(bias + column), f32x4.splat(low), f32x4.splat(high))
}
