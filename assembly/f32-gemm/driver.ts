import { EDGE_TILE, MR, NR, PANEL_ROW_BYTES, ROW_BLOCK, VECTOR_PANELS } from './layout'
import { f32_gemm_1x24, f32_gemm_1x8, f32_gemm_4x8 } from './ukernel'

/**
 * c [m][n] = clamp(bias + a [m][k] * w, low, high), rows of a and c lda and ldc elements apart.
 * Contract: assembly/README.md#f32-gemm
 */
export function f32_gemm(
  a: usize,
  lda: i32,
  w: usize,
  c: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
  low: f32,
  high: f32,
): void {
  const low_f32x4 = f32x4.splat(low)
  const high_f32x4 = f32x4.splat(high)
  const ldaBytes = (<usize>lda) << 2
  const ldcBytes = (<usize>ldc) << 2
  const panelBytes = (<usize>k + 1) * PANEL_ROW_BYTES
  while (m >= MR) {
    const rows = min(m, ROW_BLOCK) & -MR
    let panel = w
    let to = c
    let columns = n
    while (columns >= NR) {
      multiplyPanel(a, ldaBytes, panel, to, ldcBytes, rows, NR, k, low_f32x4, high_f32x4)
      panel += panelBytes
      to += (<usize>NR) << 2
      columns -= NR
    }
    if (columns > 0) {
      multiplyPanel(a, ldaBytes, panel, to, ldcBytes, rows, columns, k, low_f32x4, high_f32x4)
    }
    a += <usize>rows * ldaBytes
    c += <usize>rows * ldcBytes
    m -= rows
  }
  if (m > 0) multiplyRows(a, ldaBytes, w, panelBytes, c, ldcBytes, m, n, k, low_f32x4, high_f32x4)
}

/** Some tiles of rows times one panel. Two callers keep it a function: V8 changes tiers only between calls. */
function multiplyPanel(
  a: usize,
  ldaBytes: usize,
  w: usize,
  c: usize,
  ldcBytes: usize,
  rows: i32,
  columns: i32,
  k: i32,
  low_f32x4: v128,
  high_f32x4: v128,
): void {
  const inside = columns == NR
  do {
    f32_gemm_4x8(
      a,
      ldaBytes,
      w,
      inside ? c : EDGE_TILE,
      inside ? ldcBytes : PANEL_ROW_BYTES,
      k,
      low_f32x4,
      high_f32x4,
    )
    if (!inside) copyEdge(c, ldcBytes, MR, columns)
    a += <usize>MR * ldaBytes
    c += <usize>MR * ldcBytes
    rows -= MR
  } while (rows > 0)
}

/** The rows that fill no tile: a vector times all panels, row after row while the panels are in cache. */
function multiplyRows(
  a: usize,
  ldaBytes: usize,
  w: usize,
  panelBytes: usize,
  c: usize,
  ldcBytes: usize,
  m: i32,
  n: i32,
  k: i32,
  low_f32x4: v128,
  high_f32x4: v128,
): void {
  while (n >= VECTOR_PANELS * NR) {
    for (let i = 0; i < m; i++) {
      const row = <usize>i
      f32_gemm_1x24(a + row * ldaBytes, w, panelBytes, c + row * ldcBytes, k, low_f32x4, high_f32x4)
    }
    w += <usize>VECTOR_PANELS * panelBytes
    c += (<usize>(VECTOR_PANELS * NR)) << 2
    n -= VECTOR_PANELS * NR
  }
  while (n > 0) {
    for (let i = 0; i < m; i++) {
      const row = <usize>i
      f32_gemm_1x8(a + row * ldaBytes, w, EDGE_TILE, k, low_f32x4, high_f32x4)
      copyEdge(c + row * ldcBytes, ldcBytes, 1, min(n, NR))
    }
    w += panelBytes
    c += (<usize>NR) << 2
    n -= NR
  }
}

function copyEdge(c: usize, ldcBytes: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++) {
    const row = <usize>i
    for (let j = 0; j < columns; j++) {
      const column = (<usize>j) << 2
      store<f32>(c + row * ldcBytes + column, load<f32>(EDGE_TILE + row * PANEL_ROW_BYTES + column))
    }
  }
}
