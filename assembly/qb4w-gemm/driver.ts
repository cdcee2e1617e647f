import { storeLanes } from '../common/lanes'
import { clamp } from '../common/rounding'
import { MR, NR, ROW_BLOCK } from '../qs8-gemm/layout'
import { packActivations } from './activations'
import { HEAD_BYTES, panelBytesOf, PANEL_ROW_BYTES, rowBytesOf, SUMS, SUMS_ROW_BYTES, WIDTH } from './layout'
import * as plain from './ukernel'
import * as relaxed from './ukernel-relaxed'

// Arguments of the running call, set by its export: passing them down two levels would hide the loops.
let aScale: usize
let aZero: usize
let aStepBytes: usize
let c: usize
let ldcBytes: usize
let low: f32
let high: f32

/** c [m][n] f32 = clamp(aScale * ((a - aZero) * w) + bias), w of 4 bits. Contract: assembly/README.md#qb4w-gemm */
export function qd8_f32_qb4w_gemm(
  a: usize,
  lda: i32,
  aScale_: usize,
  aZero_: usize,
  aStep: i32,
  w: usize,
  c_: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
  group: i32,
  low_: f32,
  high_: f32,
  scratch: usize,
): void {
  aScale = aScale_
  aZero = aZero_
  aStepBytes = (<usize>aStep) << 2
  c = c_
  ldcBytes = (<usize>ldc) << 2
  low = low_
  high = high_
  if (ASC_FEATURE_RELAXED_SIMD) relaxed.qb4w_gemm_masks_c4()
  else plain.qb4w_gemm_masks_c2()
  const rowBytes = rowBytesOf(k, group)
  const panelBytes = panelBytesOf(k, group)
  while (m > 0) {
    // The last rows that fill no tile are vectors.
    const height = m < MR ? 1 : MR
    const rows = m < MR ? m : (min(m, ROW_BLOCK) / MR) * MR
    let tile = scratch
    for (let i = 0; i < rows; i += height) {
      packActivations(a, <usize>lda, k, group, height, tile)
      a += <usize>height * <usize>lda
      tile += <usize>height * rowBytes
    }
    let panels = w
    for (let j = 0; j < n; j += WIDTH) {
      const columns = min(n - j, WIDTH)
      multiplyPanels(scratch, panels, tile, rows, height, columns, k, group)
      storeSums(panels, panelBytes, j, rows, columns)
      panels += <usize>(WIDTH / NR) * panelBytes
    }
    aScale += <usize>rows * aStepBytes
    aZero += <usize>rows * aStepBytes
    c += <usize>rows * ldcBytes
    m -= rows
  }
}

/** Packed rows times neighbouring panels. */
function multiplyPanels(
  a: usize,
  w: usize,
  expanded: usize,
  rows: i32,
  height: i32,
  columns: i32,
  k: i32,
  group: i32,
): void {
  const tileBytes = <usize>height * rowBytesOf(k, group)
  let sums = SUMS
  do {
    startSums(w, sums, rows)
    const groups = w + HEAD_BYTES
    // Once for all rows of the block; it stays in the first-level cache.
    if (height > 1) expand(groups, k, group, expanded)
    let tile = a
    let to = sums
    let left = rows
    do {
      if (height > 1) multiplyTile(tile, expanded, groups, to, k, group)
      else multiplyVector(tile, groups, to, k, group)
      tile += tileBytes
      to += <usize>height * SUMS_ROW_BYTES
      left -= height
    } while (left > 0)
    w += panelBytesOf(k, group)
    sums += PANEL_ROW_BYTES
    columns -= NR
  } while (columns > 0)
}

/** Sums start at -aZero times the sum of the column. */
function startSums(w: usize, sums: usize, rows: i32): void {
  let zero = aZero
  do {
    const zero_f32x4 = f32x4.splat(<f32>-load<i32>(zero))
    v128.store(sums, f32x4.mul(zero_f32x4, v128.load(w)))
    v128.store(sums, f32x4.mul(zero_f32x4, v128.load(w, 16)), 16)
    zero += aStepBytes
    sums += SUMS_ROW_BYTES
  } while (--rows > 0)
}

/** clamp(aScale * sum + bias), row by row: a cache line of c is written at once. */
function storeSums(w: usize, panelBytes: usize, j: i32, rows: i32, columns: i32): void {
  const low_f32x4 = f32x4.splat(low)
  const high_f32x4 = f32x4.splat(high)
  let row = SUMS
  let scale = aScale
  let to = c + ((<usize>j) << 2)
  do {
    const scale_f32x4 = v128.load32_splat(scale)
    let bias = w + PANEL_ROW_BYTES
    for (let column = 0; column < columns; column += 4) {
      const at = (<usize>column) << 2
      const scaled = f32x4.mul(scale_f32x4, v128.load(row + at))
      const real = clamp(f32x4.add(scaled, v128.load(bias)), low_f32x4, high_f32x4)
      if (columns - column >= 4) v128.store(to + at, real)
      else storeLanes(to + at, real, columns - column)
      bias += column & 4 ? panelBytes - 16 : 16
    }
    row += SUMS_ROW_BYTES
    scale += aStepBytes
    to += ldcBytes
  } while (--rows > 0)
}

function expand(w: usize, k: i32, group: i32, to: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) relaxed.qb4w_gemm_expand_c4(w, k, group, to)
  else plain.qb4w_gemm_expand_c2(w, k, group, to)
}

function multiplyTile(a: usize, codes: usize, w: usize, sums: usize, k: i32, group: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) relaxed.qb4w_gemm_6x8c4(a, codes, w, sums, k, group)
  else plain.qb4w_gemm_4x8c2(a, codes, w, sums, k, group)
}

function multiplyVector(a: usize, w: usize, sums: usize, k: i32, group: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) relaxed.qb4w_gemm_1x8c4(a, w, sums, k, group)
  else plain.qb4w_gemm_1x8c2(a, w, sums, k, group)
}
