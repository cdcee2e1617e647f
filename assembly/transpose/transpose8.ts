/** Columns of a strip: a cache line of x, used up while it is there. */
const STRIP: i32 = 64

/**
 * y [columns][rows] = x [rows][columns] of bytes, rows of x xStride and those of y yStride apart.
 * Contract: assembly/README.md#transpose
 */
export function x8_transpose(x: usize, xStride: i32, y: usize, yStride: i32, rows: i32, columns: i32): void {
  while (columns > 0) {
    const width = min(columns, STRIP)
    transposeStrip(x, <usize>xStride, y, <usize>yStride, rows, width)
    x += <usize>width
    y += <usize>width * <usize>yStride
    columns -= width
  }
}

function transposeStrip(x: usize, xBytes: usize, y: usize, yBytes: usize, rows: i32, columns: i32): void {
  while (rows >= 8) {
    let from = x
    let to = y
    let left = columns
    while (left >= 8) {
      transpose8x8(from, xBytes, to, yBytes)
      from += 8
      to += yBytes << 3
      left -= 8
    }
    turnCells(from, xBytes, to, yBytes, 8, left)
    x += xBytes << 3
    y += 8
    rows -= 8
  }
  turnCells(x, xBytes, y, yBytes, rows, columns)
}

/** What fills no block, byte by byte. */
function turnCells(x: usize, xBytes: usize, y: usize, yBytes: usize, rows: i32, columns: i32): void {
  for (let j = 0; j < columns; j++) {
    let from = x
    for (let i = 0; i < rows; i++) {
      store<u8>(y + <usize>i, load<u8>(from))
      from += xBytes
    }
    x++
    y += yBytes
  }
}

function transpose8x8(x: usize, xBytes: usize, y: usize, yBytes: usize): void {
  // Rows two by two, then four by four, then all eight: two columns a vector.
  const ab = interleave8(v128.load64_zero(x), v128.load64_zero(x + xBytes))
  x += xBytes << 1
  const cd = interleave8(v128.load64_zero(x), v128.load64_zero(x + xBytes))
  x += xBytes << 1
  const ef = interleave8(v128.load64_zero(x), v128.load64_zero(x + xBytes))
  x += xBytes << 1
  const gh = interleave8(v128.load64_zero(x), v128.load64_zero(x + xBytes))
  const abcdLow = v128.shuffle<i16>(ab, cd, 0, 8, 1, 9, 2, 10, 3, 11)
  const abcdHigh = v128.shuffle<i16>(ab, cd, 4, 12, 5, 13, 6, 14, 7, 15)
  const efghLow = v128.shuffle<i16>(ef, gh, 0, 8, 1, 9, 2, 10, 3, 11)
  const efghHigh = v128.shuffle<i16>(ef, gh, 4, 12, 5, 13, 6, 14, 7, 15)
  storeColumns(y, yBytes, v128.shuffle<i32>(abcdLow, efghLow, 0, 4, 1, 5))
  y += yBytes << 1
  storeColumns(y, yBytes, v128.shuffle<i32>(abcdLow, efghLow, 2, 6, 3, 7))
  y += yBytes << 1
  storeColumns(y, yBytes, v128.shuffle<i32>(abcdHigh, efghHigh, 0, 4, 1, 5))
  y += yBytes << 1
  storeColumns(y, yBytes, v128.shuffle<i32>(abcdHigh, efghHigh, 2, 6, 3, 7))
}

function interleave8(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}

function storeColumns(y: usize, yBytes: usize, pair: v128): void {
  v128.store64_lane(y, pair, 0)
  v128.store64_lane(y + yBytes, pair, 1)
}
