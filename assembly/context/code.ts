import { CORRUPT, OK, OVERFLOW, TRUNCATED } from '../common/status'
import {
  BASES,
  BIT_CONTEXTS,
  COLUMN_CELLS,
  COUNT_CELLS,
  CURSOR,
  END,
  FAILED,
  HIGH,
  LINES,
  LOW,
  NODE_CELLS,
  PAIR_CELLS,
  ROW_CELLS,
  VALUE,
  ZERO_CONTEXTS,
  ZERO_SETS,
} from './layout'
import { codeBit, moveByte, nodesOf, prepare, stateBytes, weightsAt } from './model'

/** Size of `state` for symbols of `width` bits. Contract: assembly/README.md#context */
export function u8_context_state_bytes(width: i32): i32 {
  return <i32>stateBytes(width)
}

/**
 * Codes x u8[n] into bytes u8[length] or, if `isDecoding`, the other way. Returns the bytes of the code, or OVERFLOW; of
 * decoding OK, TRUNCATED or CORRUPT. Contract: assembly/README.md#context
 */
export function u8_context_code(
  x: usize,
  bytes: usize,
  state: usize,
  n: i32,
  length: i32,
  columns: i32,
  distance: i32,
  zero: i32,
  width: i32,
  isDecoding: i32,
): i32 {
  prepare(state, width)
  store<u32>(LOW, 0)
  store<u32>(HIGH, -1)
  store<u32>(CURSOR, <u32>bytes)
  store<u32>(END, <u32>bytes + length)
  store<u32>(FAILED, 0)
  const decoding = isDecoding != 0
  if (decoding) {
    if (length < 4) return TRUNCATED
    for (let i = 0; i < 4; i++) moveByte(true, 0)
  }

  let column = 0
  let row = 0
  for (let i = 0; i < n; i++) {
    const at = x + <usize>i
    const symbol = codeSymbol(at, state, row, column, columns, distance, zero, width, decoding)
    if (load<u32>(FAILED)) return decoding ? TRUNCATED : OVERFLOW
    if (symbol < 0) return CORRUPT
    if (decoding) store<u8>(at, <u8>symbol)
    if (++column == columns) {
      column = 0
      row++
    }
  }

  if (!decoding) {
    for (let shift = 24; shift >= 0; shift -= 8) moveByte(false, load<u32>(LOW) >> shift)
    return load<u32>(FAILED) ? OVERFLOW : <i32>(load<u32>(CURSOR) - <u32>bytes)
  }
  return load<u32>(CURSOR) == load<u32>(END) && load<u32>(VALUE) == load<u32>(LOW) ? OK : CORRUPT
}

/** Returns the symbol, or -1 if it is `zero` spelled as another. */
function codeSymbol(
  at: usize,
  state: usize,
  row: i32,
  column: i32,
  columns: i32,
  distance: i32,
  zero: i32,
  width: i32,
  isDecoding: bool,
): i32 {
  // Neighbours in the row, to the left and a distance back, and in the rows above; outside everything is `zero`.
  const left = column > 0 ? valueAt(at - 1, zero, width) : 0
  const left2 = column > 1 ? valueAt(at - 2, zero, width) : 0
  const back = column >= distance ? valueAt(at - distance, zero, width) : 0
  const backLeft = column > distance ? valueAt(at - distance - 1, zero, width) : 0
  const backRight = column > distance - 2 ? valueAt(at - distance + 1, zero, width) : 0
  const above = row > 0 ? valueAt(at - columns, zero, width) : 0
  const above2 = row > 1 ? valueAt(at - 2 * columns, zero, width) : 0
  const above3 = row > 2 ? valueAt(at - 3 * columns, zero, width) : 0
  const near =
    2 * i32(left != 0) + i32(left2 != 0) + 2 * i32(back != 0) + i32(backLeft != 0) + i32(backRight != 0)
  const over = i32(above != 0) + i32(above2 != 0) + i32(above3 != 0)
  const few = (3 << (width - 1)) >> 3
  const pair = <usize>(5 * strength(left, few) + strength(back, few))
  const line = (<usize>row) & (LINES - 1)
  const post = (<usize>column) & (LINES - 1)

  const given = <i32>load<u8>(at)
  const weights = state + weightsAt(width)
  setBase(0, state + COLUMN_CELLS + (post << 2))
  setBase(1, state + ROW_CELLS + (line << 2))
  setBase(2, state + PAIR_CELLS + (pair << 2))
  setBase(3, state + COUNT_CELLS + ((<usize>(4 * near + over)) << 2))
  const zeroWeights = weights + ((<usize>near * (ZERO_CONTEXTS + 1)) << 2)
  if (codeBit(isDecoding ? -1 : i32(given == zero), ZERO_CONTEXTS, 0, zeroWeights)) return zero

  const neighbours = <usize>(27 * side(left) + 9 * side(backLeft) + 3 * side(back) + side(backRight))
  const cells = state + NODE_CELLS
  setBase(0, cells)
  setBase(1, cells + ((1 + pair) << (width + 2)))
  setBase(2, cells + ((26 + neighbours) << (width + 2)))
  setBase(3, cells + ((107 + line) << (width + 2)))
  setBase(4, cells + ((107 + LINES + post) << (width + 2)))
  const nodeWeights = weights + ((ZERO_SETS * (ZERO_CONTEXTS + 1)) << 2)
  let node: usize = 1
  for (let shift = width - 1; shift >= 0; shift--) {
    const bit = isDecoding ? -1 : (given >> shift) & 1
    const set = nodeWeights + ((node * (BIT_CONTEXTS + 1)) << 2)
    node = (node << 1) | codeBit(bit, BIT_CONTEXTS, node, set)
  }
  const symbol = <i32>(node - nodesOf(width))
  return symbol == zero ? -1 : symbol
}

function setBase(i: usize, at: usize): void {
  store<u32>(BASES + (i << 2), <u32>at)
}

/** A symbol less `zero`, as a signed number of `width` bits. */
function valueAt(at: usize, zero: i32, width: i32): i32 {
  const shift = 32 - width
  return ((<i32>load<u8>(at) - zero) << shift) >> shift
}

/** 0, 1, 2 for zero, negative, positive. */
function side(value: i32): i32 {
  return value == 0 ? 0 : value < 0 ? 1 : 2
}

/** 0 for zero; 1, 2 for negative, 3, 4 for positive values, of size `few` at most or more. */
function strength(value: i32, few: i32): i32 {
  if (value == 0) return 0
  return value < 0 ? (value < -few ? 2 : 1) : value > few ? 4 : 3
}
