import { storeResults } from './epilogue'
import { GROUP, KR, MR, NR, panelBytesOf, panelsOf, stepsOf, STRIP_ROW_BYTES } from './layout'
import { multiplyTiles, packTiles } from './tiles'
import { qs8_gemm_widen } from './ukernel'

// Seven products of halves instead of eight, by Winograd's form of Strassen's algorithm. It is exact: elements of the
// sums stay within 512, and all that follows is the same modulo 2^32 in any order. Contract: assembly/README.md#qs8-gemm

/** Products, each with a slot for either operand and for its result. */
const SLOTS: i32 = 7

/** Rows of either half that are multiplied at once: their seven operands stay in a second-level cache. */
const HALF_BLOCK: i32 = 64

/** Columns of either half whose results are stored together. */
const WIDTH: i32 = GROUP * NR

/** If the product has halves in each direction and is large enough to gain by them. */
export function hasHalves(m: i32, n: i32, k: i32): bool {
  return m >= 48 && n >= 64 && k >= 128 && ((panelsOf(n) | stepsOf(k)) & 1) == 0
}

/** Bytes of work space, in f64. */
export function halvesScratchBytes(m: i32, k: i32): f64 {
  const rows = <f64>min((m >> 3) * MR, HALF_BLOCK)
  const depth = <f64>((stepsOf(k) >> 1) * KR)
  return <f64>SLOTS * (2 * depth * (rows + <f64>NR) + rows * <f64>STRIP_ROW_BYTES)
}

/** The whole product; m is a multiple of 8. */
export function multiplyHalves(a: usize, lda: i32, w: usize, m: i32, n: i32, k: i32, scratch: usize): void {
  const half = m >> 1
  const steps = stepsOf(k) >> 1
  const panelBytes = panelBytesOf(k)
  const columns = (panelsOf(n) >> 1) * NR
  const right = <usize>(panelsOf(n) >> 1) * panelBytes
  let i = 0
  while (i < half) {
    const rows = min(half - i, HALF_BLOCK)
    const slotBytes = (<usize>(rows * steps * KR)) << 1
    packQuadrants(a, a + <usize>half * <usize>lda, lda, rows, k, scratch, slotBytes)
    const widened = scratch + <usize>SLOTS * slotBytes
    const acc = widened + <usize>SLOTS * panelBytes
    const accBytes = <usize>rows * STRIP_ROW_BYTES
    let panel = w
    let j = 0
    while (j < columns) {
      const width = min(WIDTH, columns - j)
      multiplyGroup(scratch, slotBytes, panel, panel + right, widened, acc, rows, width, steps)
      sumProducts(acc, accBytes)
      const rest = min(width, n - columns - j)
      storeResults(acc, i, j, rows, width)
      storeResults(acc + accBytes, i, columns + j, rows, rest)
      storeResults(acc + 2 * accBytes, half + i, j, rows, width)
      storeResults(acc + 3 * accBytes, half + i, columns + j, rows, rest)
      panel += <usize>GROUP * panelBytes
      j += WIDTH
    }
    a += <usize>rows * <usize>lda
    i += rows
  }
}

/** Slots A11, A12, S4, A22, S1, S2, S3 of some rows of either half. What packing writes past a slot is overwritten. */
function packQuadrants(
  top: usize,
  bottom: usize,
  lda: i32,
  rows: i32,
  k: i32,
  slots: usize,
  slotBytes: usize,
): void {
  const depth = (stepsOf(k) >> 1) * KR
  packTiles(top, lda, depth, rows, slots)
  packTiles(top + depth, lda, k - depth, rows, slots + slotBytes)
  packTiles(bottom + depth, lda, k - depth, rows, slots + 3 * slotBytes)
  packTiles(bottom, lda, depth, rows, slots + 6 * slotBytes)
  sumOperands(slots, slotBytes, slots + 3 * slotBytes, slots, slots + 2 * slotBytes, 1)
}

/** The seven products of some columns of either half. */
function multiplyGroup(
  a: usize,
  slotBytes: usize,
  left: usize,
  right: usize,
  widened: usize,
  acc: usize,
  rows: i32,
  columns: i32,
  steps: i32,
): void {
  // Of a panel, which in i16 is twice as large.
  const halfBytes = <usize>(steps * KR * NR)
  const wideBytes = 2 * halfBytes
  do {
    // Slots B11, B21, B22, T4, T1, -T2, T3.
    qs8_gemm_widen(left, halfBytes, widened)
    qs8_gemm_widen(left + halfBytes, halfBytes, widened + wideBytes)
    qs8_gemm_widen(right + halfBytes, halfBytes, widened + 2 * wideBytes)
    qs8_gemm_widen(right, halfBytes, widened + 6 * wideBytes)
    sumOperands(widened, wideBytes, widened, widened + 2 * wideBytes, widened + 3 * wideBytes, -1)
    let slot = a
    let w = widened
    let to = acc
    do {
      multiplyTiles(slot, w, 0, to, rows, steps)
      slot += slotBytes
      w += wideBytes
      to += <usize>rows * STRIP_ROW_BYTES
    } while (slot < a + <usize>SLOTS * slotBytes)
    left += wideBytes
    right += wideBytes
    acc += (<usize>NR) << 2
    columns -= NR
  } while (columns > 0)
}

/**
 * The sums of quadrants, element by element: x lies in the seventh slot, v in the second.
 * Slots 5 to 7 become x + sign y, x + sign y - z, z - x; `last` becomes sign v - (x + sign y - z).
 */
function sumOperands(slots: usize, slotBytes: usize, y: usize, z: usize, last: usize, sign: i16): void {
  const sign_i16x8 = i16x8.splat(sign)
  const v = slots + slotBytes
  const slot5 = slots + 4 * slotBytes
  const slot6 = slot5 + slotBytes
  const slot7 = slot6 + slotBytes
  let p: usize = 0
  do {
    const x_i16x8 = v128.load(slot7 + p)
    const z_i16x8 = v128.load(z + p)
    const first_i16x8 = i16x8.add(x_i16x8, i16x8.mul(sign_i16x8, v128.load(y + p)))
    const second_i16x8 = i16x8.sub(first_i16x8, z_i16x8)
    v128.store(slot5 + p, first_i16x8)
    v128.store(slot6 + p, second_i16x8)
    v128.store(slot7 + p, i16x8.sub(z_i16x8, x_i16x8))
    v128.store(last + p, i16x8.sub(i16x8.mul(sign_i16x8, v128.load(v + p)), second_i16x8))
    p += 16
  } while (p < slotBytes)
}

/** The quadrants C11, C12, C21, C22 in place of the first four products; the sixth has the other sign. */
function sumProducts(slots: usize, slotBytes: usize): void {
  const end = slots + slotBytes
  const fourth = slots + 3 * slotBytes
  const seventh = fourth + 3 * slotBytes
  let p: usize = 0
  do {
    const product1 = v128.load(slots + p)
    const product5 = v128.load(fourth + slotBytes + p)
    const u2 = i32x4.sub(product1, v128.load(fourth + 2 * slotBytes + p))
    const u3 = i32x4.add(u2, v128.load(seventh + p))
    const u4 = i32x4.add(u2, product5)
    const c12 = i32x4.add(u4, v128.load(slots + 2 * slotBytes + p))
    v128.store(slots + p, i32x4.add(product1, v128.load(end + p)))
    v128.store(end + p, c12)
    v128.store(slots + 2 * slotBytes + p, i32x4.sub(u3, v128.load(fourth + p)))
    v128.store(fourth + p, i32x4.add(u3, product5))
    p += 16
  } while (p < slotBytes)
}
