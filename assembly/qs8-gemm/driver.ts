import { resultsTo, scaleResults, storeResults, TO_F32, TO_I32, TO_QS8 } from './epilogue'
import { A_BYTES, KR, MR, NR, panelBytesOf, panelsOf, ROW_BLOCK, stepsOf, STRIP } from './layout'
import * as plain from './ukernel'
import * as relaxed from './ukernel-relaxed'

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

/** Row blocks, then panels, then tiles: a panel is widened once a block, and stays in the first-level cache. */
function multiply(a: usize, lda: i32, w: usize, m: i32, n: i32, k: i32, scratch: usize): void {
  const steps = stepsOf(k)
  const panelBytes = panelBytesOf(k)
  const rowBytes = <usize>(steps * KR) * A_BYTES
  let sums = w
  w += (<usize>panelsOf(n) * <usize>NR) << 2
  let i = 0
  while (m - i >= MR) {
    const rows = (min(m - i, ROW_BLOCK) / MR) * MR
    packTiles(a + <usize>i * <usize>lda, lda, k, rows, scratch)
    const widened = scratch + <usize>rows * rowBytes
    let panel = w
    let j = 0
    while (j <= n - NR) {
      multiplyTiles(scratch, panel, sums + ((<usize>j) << 2), widened, i, j, rows, NR, steps)
      panel += panelBytes
      j += NR
    }
    if (j < n) multiplyTiles(scratch, panel, sums + ((<usize>j) << 2), widened, i, j, rows, n - j, steps)
    i += rows
  }
  if (i < m) multiplyVectors(a + <usize>i * <usize>lda, lda, w, sums, i, m - i, n, k, scratch)
}

/** Tiles of packed rows times one panel. Two callers keep it a function: V8 changes tiers only between calls. */
function multiplyTiles(
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
  const tileBytes = <usize>(steps * KR * MR) * A_BYTES
  let strip = STRIP
  if (!ASC_FEATURE_RELAXED_SIMD) plain.qs8_gemm_widen(w, <usize>(steps * KR * NR), widened)
  let left = rows
  do {
    if (ASC_FEATURE_RELAXED_SIMD) relaxed.qs8_gemm_6x8c4(a, w, sums, strip, steps)
    else plain.qs8_gemm_4x8c2(a, widened, strip, steps)
    a += tileBytes
    strip += (<usize>(MR * NR)) << 2
    left -= MR
  } while (left > 0)
  storeResults(i, j, rows, columns, NR)
}

/** The rows that fill no tile, each as a vector: 32 columns at a time, then 8. */
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
  const rowBytes = <usize>(steps * KR) * A_BYTES
  for (let row = 0; row < rows; row++) {
    packVector(a + <usize>row * <usize>lda, k, scratch + <usize>row * rowBytes)
  }
  let j = 0
  while (j < n) {
    const wide = n - j >= 4 * NR
    const width = wide ? 4 * NR : NR
    let vector = scratch
    let strip = STRIP
    for (let row = 0; row < rows; row++) {
      if (ASC_FEATURE_RELAXED_SIMD) {
        if (wide) relaxed.qs8_gemm_1x32c4(vector, w, panelBytes, sums, strip, steps)
        else relaxed.qs8_gemm_1x8c4(vector, w, sums, strip, steps)
      } else {
        if (wide) plain.qs8_gemm_1x32c2(vector, w, panelBytes, strip, steps)
        else plain.qs8_gemm_1x8c2(vector, w, strip, steps)
      }
      vector += rowBytes
      strip += (<usize>width) << 2
    }
    storeResults(i, j, rows, min(n - j, width), width)
    w += <usize>(width / NR) * panelBytes
    sums += (<usize>width) << 2
    j += width
  }
}

function packTiles(a: usize, lda: i32, k: i32, rows: i32, to: usize): void {
  const stride = <usize>lda
  const tileBytes = <usize>(stepsOf(k) * KR * MR) * A_BYTES
  do {
    if (ASC_FEATURE_RELAXED_SIMD) {
      for (let row: usize = 0; row < <usize>MR; row++) {
        relaxed.qs8_gemm_pack_row_c4(a + row * stride, k, to + row * 4, MR * 4)
      }
    } else {
      plain.qs8_gemm_pack_4c2(a, stride, k, to)
    }
    a += <usize>MR * stride
    to += tileBytes
    rows -= MR
  } while (rows > 0)
}

function packVector(a: usize, k: i32, to: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) relaxed.qs8_gemm_pack_row_c4(a, k, to, 4)
  else plain.qs8_gemm_pack_1c2(a, k, to)
}
