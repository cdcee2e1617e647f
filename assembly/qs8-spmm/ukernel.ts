import {
  BLOCK_HEADER_BYTES,
  COUNTS,
  OFFSETS,
  SLAB,
  SLICE_HEADER_BYTES,
  SLICE_ROWS,
  STEP_BYTES,
} from './layout'

/** acc i32 [row][32] += the block at w times the slab [column][32]. Returns the end of the block. */
export function qs8_spmm_32(w: usize, acc: usize): usize {
  let rows = load<i32>(w)
  w += BLOCK_HEADER_BYTES
  while (rows > 0) {
    const longest = <usize>load<u16>(w, COUNTS)
    const lanes = <usize>min(rows, SLICE_ROWS)
    for (let lane: usize = 0; lane < lanes; lane++) {
      let count = <i32>load<u16>(w + (lane << 1), COUNTS)
      const y = acc + ((<usize>load<u32>(w + (lane << 2))) << 7)
      let value = w + SLICE_HEADER_BYTES + (lane << 1)
      let offset = w + SLICE_HEADER_BYTES + OFFSETS + (lane << 2)
      let acc0 = v128.load(y)
      let acc1 = v128.load(y, 16)
      let acc2 = v128.load(y, 32)
      let acc3 = v128.load(y, 48)
      let acc4 = v128.load(y, 64)
      let acc5 = v128.load(y, 80)
      let acc6 = v128.load(y, 96)
      let acc7 = v128.load(y, 112)
      do {
        const w_i16x8 = i16x8.extend_low_i8x16_s(v128.load16_splat(value))
        const a = (<usize>load<u16>(offset)) << 5
        const b = (<usize>load<u16>(offset, 2)) << 5
        const a0 = v128.load(a, SLAB)
        const b0 = v128.load(b, SLAB)
        acc0 = i32x4.add(acc0, i32x4.dot_i16x8_s(w_i16x8, unpackLow(a0, b0)))
        acc1 = i32x4.add(acc1, i32x4.dot_i16x8_s(w_i16x8, unpackHigh(a0, b0)))
        const a1 = v128.load(a, SLAB + 16)
        const b1 = v128.load(b, SLAB + 16)
        acc2 = i32x4.add(acc2, i32x4.dot_i16x8_s(w_i16x8, unpackLow(a1, b1)))
        acc3 = i32x4.add(acc3, i32x4.dot_i16x8_s(w_i16x8, unpackHigh(a1, b1)))
        const a2 = v128.load(a, SLAB + 32)
        const b2 = v128.load(b, SLAB + 32)
        acc4 = i32x4.add(acc4, i32x4.dot_i16x8_s(w_i16x8, unpackLow(a2, b2)))
        acc5 = i32x4.add(acc5, i32x4.dot_i16x8_s(w_i16x8, unpackHigh(a2, b2)))
        const a3 = v128.load(a, SLAB + 48)
        const b3 = v128.load(b, SLAB + 48)
        acc6 = i32x4.add(acc6, i32x4.dot_i16x8_s(w_i16x8, unpackLow(a3, b3)))
        acc7 = i32x4.add(acc7, i32x4.dot_i16x8_s(w_i16x8, unpackHigh(a3, b3)))
        value += STEP_BYTES
        offset += STEP_BYTES
      } while (--count)
      v128.store(y, acc0)
      v128.store(y, acc1, 16)
      v128.store(y, acc2, 32)
      v128.store(y, acc3, 48)
      v128.store(y, acc4, 64)
      v128.store(y, acc5, 80)
      v128.store(y, acc6, 96)
      v128.store(y, acc7, 112)
    }
    w += SLICE_HEADER_BYTES + longest * STEP_BYTES
    rows -= SLICE_ROWS
  }
  return w
}

/** The same for 8 samples. */
export function qs8_spmm_8(w: usize, acc: usize): usize {
  let rows = load<i32>(w)
  w += BLOCK_HEADER_BYTES
  while (rows > 0) {
    const longest = <usize>load<u16>(w, COUNTS)
    const lanes = <usize>min(rows, SLICE_ROWS)
    for (let lane: usize = 0; lane < lanes; lane++) {
      let count = <i32>load<u16>(w + (lane << 1), COUNTS)
      const y = acc + ((<usize>load<u32>(w + (lane << 2))) << 5)
      let value = w + SLICE_HEADER_BYTES + (lane << 1)
      let offset = w + SLICE_HEADER_BYTES + OFFSETS + (lane << 2)
      let acc0 = v128.load(y)
      let acc1 = v128.load(y, 16)
      do {
        const w_i16x8 = i16x8.extend_low_i8x16_s(v128.load16_splat(value))
        const a = v128.load((<usize>load<u16>(offset)) << 3, SLAB)
        const b = v128.load((<usize>load<u16>(offset, 2)) << 3, SLAB)
        acc0 = i32x4.add(acc0, i32x4.dot_i16x8_s(w_i16x8, unpackLow(a, b)))
        acc1 = i32x4.add(acc1, i32x4.dot_i16x8_s(w_i16x8, unpackHigh(a, b)))
        value += STEP_BYTES
        offset += STEP_BYTES
      } while (--count)
      v128.store(y, acc0)
      v128.store(y, acc1, 16)
    }
    w += SLICE_HEADER_BYTES + longest * STEP_BYTES
    rows -= SLICE_ROWS
  }
  return w
}

/** acc i32 [row] += the block at w times the slab [column], eight rows at once. */
export function qs8_spmv(w: usize, acc: usize): usize {
  let rows = load<i32>(w)
  w += BLOCK_HEADER_BYTES
  while (rows > 0) {
    let count = <i32>load<u16>(w, COUNTS)
    const header = w
    w += SLICE_HEADER_BYTES
    let acc0123 = i32x4.splat(0)
    let acc4567 = i32x4.splat(0)
    do {
      acc0123 = i32x4.add(acc0123, i32x4.dot_i16x8_s(v128.load8x8_s(w), gather(w + OFFSETS)))
      acc4567 = i32x4.add(acc4567, i32x4.dot_i16x8_s(v128.load8x8_s(w, 8), gather(w + OFFSETS + 16)))
      w += STEP_BYTES
    } while (--count)
    addTo(acc, header, acc0123)
    addTo(acc, header + 16, acc4567)
    rows -= SLICE_ROWS
  }
  return w
}

/** The x values of eight entries. */
function gather(offsets: usize): v128 {
  let x = v128.load16_splat(<usize>load<u16>(offsets), SLAB)
  x = v128.load16_lane(<usize>load<u16>(offsets, 2), x, 1, SLAB)
  x = v128.load16_lane(<usize>load<u16>(offsets, 4), x, 2, SLAB)
  x = v128.load16_lane(<usize>load<u16>(offsets, 6), x, 3, SLAB)
  x = v128.load16_lane(<usize>load<u16>(offsets, 8), x, 4, SLAB)
  x = v128.load16_lane(<usize>load<u16>(offsets, 10), x, 5, SLAB)
  x = v128.load16_lane(<usize>load<u16>(offsets, 12), x, 6, SLAB)
  return v128.load16_lane(<usize>load<u16>(offsets, 14), x, 7, SLAB)
}

/** Lanes that share row `rows`, where there is none, write to it in turn. */
function addTo(acc: usize, rows: usize, sums: v128): void {
  const y0 = acc + ((<usize>load<u32>(rows)) << 2)
  const y1 = acc + ((<usize>load<u32>(rows, 4)) << 2)
  const y2 = acc + ((<usize>load<u32>(rows, 8)) << 2)
  const y3 = acc + ((<usize>load<u32>(rows, 12)) << 2)
  store<i32>(y0, load<i32>(y0) + i32x4.extract_lane(sums, 0))
  store<i32>(y1, load<i32>(y1) + i32x4.extract_lane(sums, 1))
  store<i32>(y2, load<i32>(y2) + i32x4.extract_lane(sums, 2))
  store<i32>(y3, load<i32>(y3) + i32x4.extract_lane(sums, 3))
}

function unpackLow(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
}

function unpackHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
}
