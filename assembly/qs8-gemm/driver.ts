import { resultsTo, scaleResults, storeResults, TO_F32, TO_I32, TO_QS8 } from './epilogue'
import {
  A_BYTES,
  GROUP,
  KR,
  MR,
  NR,
  panelBytesOf,
  panelsOf,
  ROW_BLOCK,
  stepsOf,
  STRIP,
  STRIP_ROW_BYTES,
  VECTOR_HEAD,
  VECTOR_PANELS,
} from './layout'
import { hasHalves, multiplyHalves } from './strassen'
import { multiplyTiles, packTiles } from './tiles'
import * as plain from './ukernel'
import * as relaxed from './ukernel-relaxed'

/** Columns of a group. */
const WIDTH: i32 = GROUP * NR

/** c [m][n] i32 = (a - aZero) * w. Contract: assembly/README.md#qs8-gemm */
export function qs8_i32_gemm(
  a: usize,
  lda: i32,
  aZero: usize,
  w: usize,
  c: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
  scratch: usize,
): void {
  resultsTo(TO_I32, w, aZero, 0, c, ldc)
  multiply(a, lda, w, m, n, k, scratch)
}

/** c [m][n] f32 = clamp(aScale * wScale * ((a - aZero) * w) + bias). Contract: assembly/README.md#qs8-gemm */
export function qd8_f32_qc8w_gemm(
  a: usize,
  lda: i32,
  aScale: usize,
  aZero: usize,
  aStep: i32,
  w: usize,
  wScale: usize,
  bias: usize,
  c: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
  low: f32,
  high: f32,
  scratch: usize,
): void {
  resultsTo(TO_F32, w, aZero, aStep, c, ldc)
  scaleResults(aScale, wScale, bias, low, high, 1, 0)
  multiply(a, lda, w, m, n, k, scratch)
}

/** The same, then quantized to int8 with cScale and cZero. Contract: assembly/README.md#qs8-gemm */
export function qd8_qs8_qc8w_gemm(
  a: usize,
  lda: i32,
  aScale: usize,
  aZero: usize,
  aStep: i32,
  w: usize,
  wScale: usize,
  bias: usize,
  c: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
  low: f32,
  high: f32,
  cScale: f32,
  cZero: i32,
  scratch: usize,
): void {
  resultsTo(TO_QS8, w, aZero, aStep, c, ldc)
  scaleResults(aScale, wScale, bias, low, high, cScale, cZero)
  multiply(a, lda, w, m, n, k, scratch)
}

/** What has halves is multiplied by them. The rest: row blocks, then groups of panels, then panels, then tiles; the rows that fill no tile as vectors. */
function multiply(a: usize, lda: i32, w: usize, m: i32, n: i32, k: i32, scratch: usize): void {
  const steps = stepsOf(k)
  const panelBytes = panelBytesOf(k)
  const rowBytes = <usize>(steps * KR) * A_BYTES
  const sums = w
  w += (<usize>panelsOf(n) * <usize>NR) << 2
  let i = 0
  if (!ASC_FEATURE_RELAXED_SIMD && hasHalves(m, n, k)) {
    i = m & -(2 * MR)
    multiplyHalves(a, lda, w, i, n, k, scratch)
    a += <usize>i * <usize>lda
  }
  while (m - i >= MR) {
    const rows = (min(m - i, ROW_BLOCK) / MR) * MR
    packTiles(a, lda, k, rows, scratch)
    const widened = scratch + <usize>rows * rowBytes
    let group = w
    let j = 0
    while (n - j >= WIDTH) {
      multiplyGroup(scratch, group, sums, widened, i, j, rows, WIDTH, steps)
      group += <usize>GROUP * panelBytes
      j += WIDTH
    }
    if (j < n) multiplyGroup(scratch, group, sums, widened, i, j, rows, n - j, steps)
    a += <usize>rows * <usize>lda
    i += rows
  }
  if (i < m) multiplyVectors(a, lda, w, sums, i, m - i, n, k, scratch)
}

/** Tiles of packed rows times neighbouring panels. Two callers keep it a function: V8 changes tiers only between calls. */
function multiplyGroup(
  a: usize,
  w: usize,
  sums: usize,
  widened: usize,
  i: i32,
  j: i32,
  rows: i32,
  columns: i32,
  steps: i32,
): void {
  const panelBytes = <usize>(steps * KR * NR)
  let column: usize = 0
  sums += (<usize>j) << 2
  do {
    // Once for all rows of the block; it stays in the first-level cache.
    if (!ASC_FEATURE_RELAXED_SIMD) plain.qs8_gemm_widen(w, panelBytes, widened)
    const panel = ASC_FEATURE_RELAXED_SIMD ? w : widened
    multiplyTiles(a, panel, sums + column, STRIP + column, rows, steps)
    w += panelBytes
    column += (<usize>NR) << 2
  } while (column < (<usize>columns) << 2)
  storeResults(STRIP, i, j, rows, columns)
}

/** The rows that fill no tile, each as a vector: several panels at a time, then one. */
function multiplyVectors(
  a: usize,
  lda: i32,
  w: usize,
  sums: usize,
  i: i32,
  rows: i32,
  n: i32,
  k: i32,
  scratch: usize,
): void {
  const steps = stepsOf(k)
  const panelBytes = panelBytesOf(k)
  const rowBytes = <usize>(steps * KR) * A_BYTES + VECTOR_HEAD
  for (let row = 0; row < rows; row++) {
    packVector(a + <usize>row * <usize>lda, k, scratch + <usize>row * rowBytes)
  }
  let j = 0
  while (j < n) {
    const wide = n - j >= VECTOR_PANELS * NR
    const columns = wide ? VECTOR_PANELS * NR : min(n - j, NR)
    let vector = scratch
    let acc = STRIP
    for (let row = 0; row < rows; row++) {
      if (ASC_FEATURE_RELAXED_SIMD) {
        if (wide) relaxed.qs8_gemm_1x32c4(vector, w, panelBytes, sums, acc, steps)
        else relaxed.qs8_gemm_1x8c4(vector, w, sums, acc, steps)
      } else {
        if (wide) plain.qs8_gemm_1x16c4(vector, w, panelBytes, acc, steps)
        else plain.qs8_gemm_1x8c4(vector, w, acc, steps)
      }
      vector += rowBytes
      acc += STRIP_ROW_BYTES
    }
    storeResults(STRIP, i, j, rows, columns)
    w += wide ? <usize>VECTOR_PANELS * panelBytes : panelBytes
    sums += (<usize>columns) << 2
    j += columns
  }
}

function packVector(a: usize, k: i32, to: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) relaxed.qs8_gemm_pack_1c4(a, k, to)
  else plain.qs8_gemm_pack_1c4(a, k, to)
}
