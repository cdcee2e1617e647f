import {
  BLOCK_HEADER_BYTES,
  BSR_COUNTS,
  BSR_SLICE_GROUPS,
  BSR_SLICE_HEADER_BYTES,
  BSR_STEP_BYTES,
  BSR_VALUES,
  SLAB,
} from './layout'

/** acc [row][8] += the block at w times the slab [column][8]: four rows share an offset and two loads of x. */
export function f32_spmm_bsr_8(w: usize, acc: usize): usize {
  let groups = load<i32>(w)
  w += BLOCK_HEADER_BYTES
  while (groups > 0) {
    const longest = <usize>load<u16>(w, BSR_COUNTS)
    const lanes = <usize>min(groups, BSR_SLICE_GROUPS)
    for (let lane: usize = 0; lane < lanes; lane++) {
      let count = <i32>load<u16>(w + (lane << 1), BSR_COUNTS)
      const y = acc + ((<usize>load<u32>(w + (lane << 2))) << 7)
      let offset = w + BSR_SLICE_HEADER_BYTES + (lane << 1)
      let value = w + BSR_SLICE_HEADER_BYTES + (lane << 4)
      let acc0x0123 = v128.load(y)
      let acc0x4567 = v128.load(y, 16)
      let acc1x0123 = v128.load(y, 32)
      let acc1x4567 = v128.load(y, 48)
      let acc2x0123 = v128.load(y, 64)
      let acc2x4567 = v128.load(y, 80)
      let acc3x0123 = v128.load(y, 96)
      let acc3x4567 = v128.load(y, 112)
      do {
        const x = (<usize>load<u16>(offset)) << 3
        const x0123 = v128.load(x, SLAB)
        const x4567 = v128.load(x, SLAB + 16)
        const w0 = v128.load32_splat(value, BSR_VALUES)
        acc0x0123 = f32x4.add(acc0x0123, f32x4.mul(w0, x0123))
        acc0x4567 = f32x4.add(acc0x4567, f32x4.mul(w0, x4567))
        const w1 = v128.load32_splat(value, BSR_VALUES + 4)
        acc1x0123 = f32x4.add(acc1x0123, f32x4.mul(w1, x0123))
        acc1x4567 = f32x4.add(acc1x4567, f32x4.mul(w1, x4567))
        const w2 = v128.load32_splat(value, BSR_VALUES + 8)
        acc2x0123 = f32x4.add(acc2x0123, f32x4.mul(w2, x0123))
        acc2x4567 = f32x4.add(acc2x4567, f32x4.mul(w2, x4567))
        const w3 = v128.load32_splat(value, BSR_VALUES + 12)
        acc3x0123 = f32x4.add(acc3x0123, f32x4.mul(w3, x0123))
        acc3x4567 = f32x4.add(acc3x4567, f32x4.mul(w3, x4567))
        value += BSR_STEP_BYTES
        offset += BSR_STEP_BYTES
      } while (--count)
      v128.store(y, acc0x0123)
      v128.store(y, acc0x4567, 16)
      v128.store(y, acc1x0123, 32)
      v128.store(y, acc1x4567, 48)
      v128.store(y, acc2x0123, 64)
      v128.store(y, acc2x4567, 80)
      v128.store(y, acc3x0123, 96)
      v128.store(y, acc3x4567, 112)
    }
    w += BSR_SLICE_HEADER_BYTES + longest * BSR_STEP_BYTES
    groups -= BSR_SLICE_GROUPS
  }
  return w
}

/** acc [row] += the block at w times the x values of its columns: four groups abreast as long as all have blocks. */
export function f32_spmv_bsr(w: usize, acc: usize, x: usize): usize {
  let groups = load<i32>(w)
  w += BLOCK_HEADER_BYTES
  while (groups > 0) {
    const header = w
    const longest = <i32>load<u16>(w, BSR_COUNTS)
    const shortest = <i32>load<u16>(w, BSR_COUNTS + 6)
    const y0 = acc + ((<usize>load<u32>(w)) << 4)
    const y1 = acc + ((<usize>load<u32>(w, 4)) << 4)
    const y2 = acc + ((<usize>load<u32>(w, 8)) << 4)
    const y3 = acc + ((<usize>load<u32>(w, 12)) << 4)
    let acc0 = v128.load(y0)
    let acc1 = v128.load(y1)
    let acc2 = v128.load(y2)
    let acc3 = v128.load(y3)
    w += BSR_SLICE_HEADER_BYTES
    let count = shortest
    do {
      const x0 = v128.load32_splat(x + <usize>load<u16>(w))
      acc0 = f32x4.add(acc0, f32x4.mul(v128.load(w, BSR_VALUES), x0))
      const x1 = v128.load32_splat(x + <usize>load<u16>(w, 2))
      acc1 = f32x4.add(acc1, f32x4.mul(v128.load(w, BSR_VALUES + 16), x1))
      const x2 = v128.load32_splat(x + <usize>load<u16>(w, 4))
      acc2 = f32x4.add(acc2, f32x4.mul(v128.load(w, BSR_VALUES + 32), x2))
      const x3 = v128.load32_splat(x + <usize>load<u16>(w, 6))
      acc3 = f32x4.add(acc3, f32x4.mul(v128.load(w, BSR_VALUES + 48), x3))
      w += BSR_STEP_BYTES
    } while (--count)
    v128.store(y0, acc0)
    v128.store(y1, acc1)
    v128.store(y2, acc2)
    v128.store(y3, acc3)
    if (longest > shortest) {
      for (let lane: usize = 0; lane < <usize>BSR_SLICE_GROUPS; lane++) {
        const rest = <i32>load<u16>(header + (lane << 1), BSR_COUNTS) - shortest
        if (rest == 0) break
        const y = acc + ((<usize>load<u32>(header + (lane << 2))) << 4)
        finishGroup(w + (lane << 4), w + (lane << 1), x, y, rest)
      }
      w += <usize>(longest - shortest) * BSR_STEP_BYTES
    }
    groups -= BSR_SLICE_GROUPS
  }
  return w
}

function finishGroup(value: usize, offset: usize, x: usize, y: usize, count: i32): void {
  let sums = v128.load(y)
  do {
    const x_f32x4 = v128.load32_splat(x + <usize>load<u16>(offset))
    sums = f32x4.add(sums, f32x4.mul(v128.load(value, BSR_VALUES), x_f32x4))
    value += BSR_STEP_BYTES
    offset += BSR_STEP_BYTES
  } while (--count)
  v128.store(y, sums)
}
