import { quantizedOf, realOf } from '../common/requantize'
import { EDGE_ROW, NR, STRIP } from './layout'

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

/** Makes results of the accumulators STRIP [rows][width], which belong at row i, column j of c; `width` is a multiple of 8. */
export function storeResults(i: i32, j: i32, rows: i32, columns: i32, width: i32): void {
  let acc = STRIP
  while (columns > 0) {
    const column = (<usize>j) << 2
    storePanel(i, acc, (<usize>width) << 2, rows, min(columns, NR), column)
    acc += (<usize>NR) << 2
    j += NR
    columns -= NR
  }
}

function storePanel(i: i32, acc: usize, accBytes: usize, rows: i32, columns: i32, column: usize): void {
  const sums0123 = v128.load(sums + column)
  const sums4567 = v128.load(sums + column, 16)
  const shift: usize = kind == TO_QS8 ? 2 : 0
  let to = c + <usize>i * ldcBytes + (column >> shift)
  let scale = aScale + <usize>i * aStepBytes
  let zero = aZero + <usize>i * aStepBytes
  do {
    const zero_i32x4 = v128.load32_splat(zero)
    const acc0123 = i32x4.sub(v128.load(acc), i32x4.mul(zero_i32x4, sums0123))
    const acc4567 = i32x4.sub(v128.load(acc, 16), i32x4.mul(zero_i32x4, sums4567))
    const row = columns == NR ? to : EDGE_ROW
    if (kind == TO_I32) {
      v128.store(row, acc0123)
      v128.store(row, acc4567, 16)
    } else {
      const scale_f32x4 = v128.load32_splat(scale)
      const real0123 = realOfColumns(acc0123, scale_f32x4, column)
      const real4567 = realOfColumns(acc4567, scale_f32x4, column + 16)
      if (kind == TO_F32) {
        v128.store(row, real0123)
        v128.store(row, real4567, 16)
      } else {
        const q0123 = quantizedOf(real0123, cScale, cZero)
        const q4567 = quantizedOf(real4567, cScale, cZero)
        const q_i16x8 = i16x8.narrow_i32x4_s(q0123, q4567)
        v128.store64_lane(row, i8x16.narrow_i16x8_s(q_i16x8, q_i16x8), 0)
      }
    }
    if (columns < NR) {
      const bytes = (<usize>(columns << 2)) >> shift
      for (let b: usize = 0; b < bytes; b++) store<u8>(to + b, load<u8>(EDGE_ROW + b))
    }
    acc += accBytes
    scale += aStepBytes
    zero += aStepBytes
    to += ldcBytes
  } while (--rows > 0)
}

function realOfColumns(acc_i32x4: v128, aScale_f32x4: v128, column: usize): v128 {
  const scale_f32x4 = f32x4.mul(aScale_f32x4, v128.load(wScale + column))
  return realOf(acc_i32x4, scale_f32x4, v128.load(bias + column), f32x4.splat(low), f32x4.splat(high))
}
