/** Columns of a strip: 64 bytes, so that a cache line of x is used up while it is there. */
const STRIP: i32 = 16

/**
 * y [columns][rows] = x [rows][columns] of 32-bit elements, rows of x xStride and those of y yStride elements apart.
 * Contract: assembly/README.md#transpose
 */
export function x32_transpose(x: usize, xStride: i32, y: usize, yStride: i32, rows: i32, columns: i32): void {
  const xBytes = (<usize>xStride) << 2
  const yBytes = (<usize>yStride) << 2
  while (columns > 0) {
    const width = min(columns, STRIP)
    transposeStrip(x, xBytes, y, yBytes, rows, width)
    x += (<usize>width) << 2
    y += <usize>width * yBytes
    columns -= width
  }
}

function transposeStrip(x: usize, xBytes: usize, y: usize, yBytes: usize, rows: i32, columns: i32): void {
  while (rows >= 4) {
    let from = x
    let to = y
    let left = columns
    while (left >= 4) {
      transpose4x4(from, xBytes, to, yBytes)
      from += 16
      to += yBytes << 2
      left -= 4
    }
    while (left > 0) {
      let cell = from
      for (let i: usize = 0; i < 16; i += 4) {
        store<u32>(to + i, load<u32>(cell))
        cell += xBytes
      }
      from += 4
      to += yBytes
      left--
    }
    x += xBytes << 2
    y += 16
    rows -= 4
  }
  while (rows > 0) {
    let from = x
    let to = y
    let left = columns
    while (left > 0) {
      store<u32>(to, load<u32>(from))
      from += 4
      to += yBytes
      left--
    }
    x += xBytes
    y += 4
    rows--
  }
}

function transpose4x4(x: usize, xBytes: usize, y: usize, yBytes: usize): void {
  const a = v128.load(x)
  const b = v128.load(x + xBytes)
  const c = v128.load(x + 2 * xBytes)
  const d = v128.load(x + 3 * xBytes)
  const abLow = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
  const abHigh = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
  const cdLow = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
  const cdHigh = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
  v128.store(y, v128.shuffle<i64>(abLow, cdLow, 0, 2))
  v128.store(y + yBytes, v128.shuffle<i64>(abLow, cdLow, 1, 3))
  v128.store(y + 2 * yBytes, v128.shuffle<i64>(abHigh, cdHigh, 0, 2))
  v128.store(y + 3 * yBytes, v128.shuffle<i64>(abHigh, cdHigh, 1, 3))
}
