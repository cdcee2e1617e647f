import { storeLanes } from '../common/lanes'
import { pow } from '../math/pow'

// What `op` of f32_binary may be; mirrored by bindings/kernels/elementwise.ts.
const ADD: i32 = 0
const SUB: i32 = 1
const MUL: i32 = 2
const DIV: i32 = 3
const MIN: i32 = 4
const MAX: i32 = 5
const PRELU: i32 = 6

/** Low memory, ours for one call: an operand that stays the same along a row, four times over. */
const SPLAT_A: usize = 1024
const SPLAT_B: usize = 1040

/**
 * y [rows][n] = a op b. The rows of an operand are aRow or bRow elements apart (0: the same row each time), its
 * elements aStep or bStep (1, or 0: one element for the whole row). Contract: assembly/README.md#elementwise
 */
export function f32_binary(
  op: i32,
  a: usize,
  aRow: i32,
  aStep: i32,
  b: usize,
  bRow: i32,
  bStep: i32,
  y: usize,
  rows: i32,
  n: i32,
): void {
  const aRowBytes = (<usize>aRow) << 2
  const bRowBytes = (<usize>bRow) << 2
  const yRowBytes = (<usize>n) << 2
  // A splat lies in memory and is loaded again and again, so that one loop serves all combinations.
  const aBytes = (<usize>aStep) << 4
  const bBytes = (<usize>bStep) << 4
  while (rows > 0) {
    let aFrom = a
    let bFrom = b
    if (aStep == 0) {
      v128.store(SPLAT_A, v128.load32_splat(a))
      aFrom = SPLAT_A
    }
    if (bStep == 0) {
      v128.store(SPLAT_B, v128.load32_splat(b))
      bFrom = SPLAT_B
    }
    if (op == ADD) add(aFrom, aBytes, bFrom, bBytes, y, n)
    else if (op == SUB) sub(aFrom, aBytes, bFrom, bBytes, y, n)
    else if (op == MUL) mul(aFrom, aBytes, bFrom, bBytes, y, n)
    else if (op == DIV) div(aFrom, aBytes, bFrom, bBytes, y, n)
    else if (op <= PRELU) select(op, aFrom, aBytes, bFrom, bBytes, y, n)
    else powers(aFrom, aBytes >> 2, bFrom, bBytes >> 2, y, n)
    a += aRowBytes
    b += bRowBytes
    y += yRowBytes
    rows--
  }
}

function add(a: usize, aBytes: usize, b: usize, bBytes: usize, y: usize, n: i32): void {
  while (n >= 4) {
    v128.store(y, f32x4.add(v128.load(a), v128.load(b)))
    a += aBytes
    b += bBytes
    y += 16
    n -= 4
  }
  if (n > 0) storeLanes(y, f32x4.add(v128.load(a), v128.load(b)), n)
}

function sub(a: usize, aBytes: usize, b: usize, bBytes: usize, y: usize, n: i32): void {
  while (n >= 4) {
    v128.store(y, f32x4.sub(v128.load(a), v128.load(b)))
    a += aBytes
    b += bBytes
    y += 16
    n -= 4
  }
  if (n > 0) storeLanes(y, f32x4.sub(v128.load(a), v128.load(b)), n)
}

function mul(a: usize, aBytes: usize, b: usize, bBytes: usize, y: usize, n: i32): void {
  while (n >= 4) {
    v128.store(y, f32x4.mul(v128.load(a), v128.load(b)))
    a += aBytes
    b += bBytes
    y += 16
    n -= 4
  }
  if (n > 0) storeLanes(y, f32x4.mul(v128.load(a), v128.load(b)), n)
}

function div(a: usize, aBytes: usize, b: usize, bBytes: usize, y: usize, n: i32): void {
  while (n >= 4) {
    v128.store(y, f32x4.div(v128.load(a), v128.load(b)))
    a += aBytes
    b += bBytes
    y += 16
    n -= 4
  }
  if (n > 0) storeLanes(y, f32x4.div(v128.load(a), v128.load(b)), n)
}

/** Minimum and maximum, in which a NaN wins, and PRelu. */
function select(op: i32, a: usize, aBytes: usize, b: usize, bBytes: usize, y: usize, n: i32): void {
  while (n > 0) {
    const a_f32x4 = v128.load(a)
    const b_f32x4 = v128.load(b)
    let v: v128
    if (op == MIN) v = f32x4.min(a_f32x4, b_f32x4)
    else if (op == MAX) v = f32x4.max(a_f32x4, b_f32x4)
    else v = v128.bitselect(f32x4.mul(a_f32x4, b_f32x4), a_f32x4, f32x4.lt(a_f32x4, f32x4.splat(0)))
    if (n >= 4) v128.store(y, v)
    else storeLanes(y, v, n)
    a += aBytes
    b += bBytes
    y += 16
    n -= 4
  }
}

function powers(a: usize, aBytes: usize, b: usize, bBytes: usize, y: usize, n: i32): void {
  while (n > 0) {
    store<f32>(y, pow(load<f32>(a), load<f32>(b)))
    a += aBytes
    b += bBytes
    y += 4
    n--
  }
}
