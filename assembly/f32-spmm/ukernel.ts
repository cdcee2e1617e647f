import { BLOCK_HEADER_BYTES, COUNTS, SLAB, SLICE_HEADER_BYTES, SLICE_ROWS, TABLE, VALUES } from './layout'

/** acc [row][32] += the block at w times the slab [column][32]. Returns the end of the block. */
export function f32_spmm_32<T>(w: usize, acc: usize): usize {
  let rows = load<i32>(w)
  w += BLOCK_HEADER_BYTES
  while (rows > 0) {
    const longest = <usize>load<u16>(w, COUNTS)
    const lanes = <usize>min(rows, SLICE_ROWS)
    for (let lane: usize = 0; lane < lanes; lane++) {
      let count = <i32>load<u16>(w + (lane << 1), COUNTS)
      const y = acc + ((<usize>load<u32>(w + (lane << 2))) << 7)
      let offset = w + SLICE_HEADER_BYTES + (lane << 1)
      let value = w + SLICE_HEADER_BYTES + lane * sizeof<T>()
      let acc0 = v128.load(y)
      let acc1 = v128.load(y, 16)
      let acc2 = v128.load(y, 32)
      let acc3 = v128.load(y, 48)
      let acc4 = v128.load(y, 64)
      let acc5 = v128.load(y, 80)
      let acc6 = v128.load(y, 96)
      let acc7 = v128.load(y, 112)
      do {
        const w_f32x4 = splatValue<T>(value)
        const x = (<usize>load<u16>(offset)) << 5
        acc0 = f32x4.add(acc0, f32x4.mul(w_f32x4, v128.load(x, SLAB)))
        acc1 = f32x4.add(acc1, f32x4.mul(w_f32x4, v128.load(x, SLAB + 16)))
        acc2 = f32x4.add(acc2, f32x4.mul(w_f32x4, v128.load(x, SLAB + 32)))
        acc3 = f32x4.add(acc3, f32x4.mul(w_f32x4, v128.load(x, SLAB + 48)))
        acc4 = f32x4.add(acc4, f32x4.mul(w_f32x4, v128.load(x, SLAB + 64)))
        acc5 = f32x4.add(acc5, f32x4.mul(w_f32x4, v128.load(x, SLAB + 80)))
        acc6 = f32x4.add(acc6, f32x4.mul(w_f32x4, v128.load(x, SLAB + 96)))
        acc7 = f32x4.add(acc7, f32x4.mul(w_f32x4, v128.load(x, SLAB + 112)))
        value += stepBytes<T>()
        offset += stepBytes<T>()
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
    w += SLICE_HEADER_BYTES + longest * stepBytes<T>()
    rows -= SLICE_ROWS
  }
  return w
}

/** The same for 16 samples. */
export function f32_spmm_16<T>(w: usize, acc: usize): usize {
  let rows = load<i32>(w)
  w += BLOCK_HEADER_BYTES
  while (rows > 0) {
    const longest = <usize>load<u16>(w, COUNTS)
    const lanes = <usize>min(rows, SLICE_ROWS)
    for (let lane: usize = 0; lane < lanes; lane++) {
      let count = <i32>load<u16>(w + (lane << 1), COUNTS)
      const y = acc + ((<usize>load<u32>(w + (lane << 2))) << 6)
      let offset = w + SLICE_HEADER_BYTES + (lane << 1)
      let value = w + SLICE_HEADER_BYTES + lane * sizeof<T>()
      let acc0 = v128.load(y)
      let acc1 = v128.load(y, 16)
      let acc2 = v128.load(y, 32)
      let acc3 = v128.load(y, 48)
      do {
        const w_f32x4 = splatValue<T>(value)
        const x = (<usize>load<u16>(offset)) << 4
        acc0 = f32x4.add(acc0, f32x4.mul(w_f32x4, v128.load(x, SLAB)))
        acc1 = f32x4.add(acc1, f32x4.mul(w_f32x4, v128.load(x, SLAB + 16)))
        acc2 = f32x4.add(acc2, f32x4.mul(w_f32x4, v128.load(x, SLAB + 32)))
        acc3 = f32x4.add(acc3, f32x4.mul(w_f32x4, v128.load(x, SLAB + 48)))
        value += stepBytes<T>()
        offset += stepBytes<T>()
      } while (--count)
      v128.store(y, acc0)
      v128.store(y, acc1, 16)
      v128.store(y, acc2, 32)
      v128.store(y, acc3, 48)
    }
    w += SLICE_HEADER_BYTES + longest * stepBytes<T>()
    rows -= SLICE_ROWS
  }
  return w
}

/** The same for 8 samples. */
export function f32_spmm_8<T>(w: usize, acc: usize): usize {
  let rows = load<i32>(w)
  w += BLOCK_HEADER_BYTES
  while (rows > 0) {
    const longest = <usize>load<u16>(w, COUNTS)
    const lanes = <usize>min(rows, SLICE_ROWS)
    for (let lane: usize = 0; lane < lanes; lane++) {
      let count = <i32>load<u16>(w + (lane << 1), COUNTS)
      const y = acc + ((<usize>load<u32>(w + (lane << 2))) << 5)
      let offset = w + SLICE_HEADER_BYTES + (lane << 1)
      let value = w + SLICE_HEADER_BYTES + lane * sizeof<T>()
      let acc0 = v128.load(y)
      let acc1 = v128.load(y, 16)
      do {
        const w_f32x4 = splatValue<T>(value)
        const x = (<usize>load<u16>(offset)) << 3
        acc0 = f32x4.add(acc0, f32x4.mul(w_f32x4, v128.load(x, SLAB)))
        acc1 = f32x4.add(acc1, f32x4.mul(w_f32x4, v128.load(x, SLAB + 16)))
        value += stepBytes<T>()
        offset += stepBytes<T>()
      } while (--count)
      v128.store(y, acc0)
      v128.store(y, acc1, 16)
    }
    w += SLICE_HEADER_BYTES + longest * stepBytes<T>()
    rows -= SLICE_ROWS
  }
  return w
}

/**
 * acc [row] += the block at w times the x values of its columns: eight rows at once as long as all have entries, then
 * the rest of each. Each row is one chain of additions, as in the other kernels.
 */
export function f32_spmv<T>(w: usize, acc: usize, x: usize): usize {
  let rows = load<i32>(w)
  w += BLOCK_HEADER_BYTES
  while (rows > 0) {
    const header = w
    const longest = <i32>load<u16>(w, COUNTS)
    const shortest = <i32>load<u16>(w, COUNTS + 14)
    const y0 = acc + ((<usize>load<u32>(w)) << 2)
    const y1 = acc + ((<usize>load<u32>(w, 4)) << 2)
    const y2 = acc + ((<usize>load<u32>(w, 8)) << 2)
    const y3 = acc + ((<usize>load<u32>(w, 12)) << 2)
    const y4 = acc + ((<usize>load<u32>(w, 16)) << 2)
    const y5 = acc + ((<usize>load<u32>(w, 20)) << 2)
    const y6 = acc + ((<usize>load<u32>(w, 24)) << 2)
    const y7 = acc + ((<usize>load<u32>(w, 28)) << 2)
    let acc0123 = gather(y0, y1, y2, y3)
    let acc4567 = gather(y4, y5, y6, y7)
    w += SLICE_HEADER_BYTES
    let count = shortest
    do {
      const x0123 = gather(
        x + <usize>load<u16>(w),
        x + <usize>load<u16>(w, 2),
        x + <usize>load<u16>(w, 4),
        x + <usize>load<u16>(w, 6),
      )
      acc0123 = f32x4.add(acc0123, f32x4.mul(loadValues<T>(w), x0123))
      const x4567 = gather(
        x + <usize>load<u16>(w, 8),
        x + <usize>load<u16>(w, 10),
        x + <usize>load<u16>(w, 12),
        x + <usize>load<u16>(w, 14),
      )
      acc4567 = f32x4.add(acc4567, f32x4.mul(loadValues<T>(w + 4 * sizeof<T>()), x4567))
      w += stepBytes<T>()
    } while (--count)
    v128.store32_lane(y0, acc0123, 0)
    v128.store32_lane(y1, acc0123, 1)
    v128.store32_lane(y2, acc0123, 2)
    v128.store32_lane(y3, acc0123, 3)
    v128.store32_lane(y4, acc4567, 0)
    v128.store32_lane(y5, acc4567, 1)
    v128.store32_lane(y6, acc4567, 2)
    v128.store32_lane(y7, acc4567, 3)
    if (longest > shortest) {
      for (let lane: usize = 0; lane < <usize>SLICE_ROWS; lane++) {
        let rest = <i32>load<u16>(header + (lane << 1), COUNTS) - shortest
        if (rest == 0) break
        finishRow<T>(
          w + lane * sizeof<T>(),
          w + (lane << 1),
          x,
          acc + ((<usize>load<u32>(header + (lane << 2))) << 2),
          rest,
        )
      }
      w += <usize>(longest - shortest) * stepBytes<T>()
    }
    rows -= SLICE_ROWS
  }
  return w
}

function finishRow<T>(value: usize, offset: usize, x: usize, y: usize, count: i32): void {
  let sum = load<f32>(y)
  do {
    sum += valueAt<T>(value) * load<f32>(x + <usize>load<u16>(offset))
    value += stepBytes<T>()
    offset += stepBytes<T>()
  } while (--count)
  store<f32>(y, sum)
}

// T is what a step holds of an entry: f32 its value, u8 the index of its value in the table.

function stepBytes<T>(): usize {
  return VALUES + 8 * sizeof<T>()
}

function valueAt<T>(value: usize): f32 {
  if (isFloat<T>()) return load<f32>(value, VALUES)
  return load<f32>((<usize>load<u8>(value, VALUES)) << 2, TABLE)
}

function splatValue<T>(value: usize): v128 {
  if (isFloat<T>()) return v128.load32_splat(value, VALUES)
  return v128.load32_splat((<usize>load<u8>(value, VALUES)) << 2, TABLE)
}

function loadValues<T>(value: usize): v128 {
  if (isFloat<T>()) return v128.load(value, VALUES)
  return gather(
    TABLE + ((<usize>load<u8>(value, VALUES)) << 2),
    TABLE + ((<usize>load<u8>(value, VALUES + 1)) << 2),
    TABLE + ((<usize>load<u8>(value, VALUES + 2)) << 2),
    TABLE + ((<usize>load<u8>(value, VALUES + 3)) << 2),
  )
}

function gather(p0: usize, p1: usize, p2: usize, p3: usize): v128 {
  let v = v128.load32_zero(p0)
  v = v128.load32_lane(p1, v, 1)
  v = v128.load32_lane(p2, v, 2)
  return v128.load32_lane(p3, v, 3)
}
