import { BLOCK_HEADER_BYTES, MASKS, NM_POSITION_BYTES, NM_VALUE_BYTES, SLAB } from './layout'

// A block begins with the number of its panels, that of the steps of each, and that of the entries in a group of 4 columns
// (1 or 2). Between steps x moves on by a group, or every second time: `move` is followed by `both - move`.

/** acc [row][8] += the block at w times the slab [column][8], four rows at a time. Returns the end of the block. */
export function f32_spmm_nm_8(w: usize, acc: usize): usize {
  let panels = load<i32>(w)
  const steps = load<i32>(w, 4)
  const both: usize = load<i32>(w, 8) == 1 ? 256 : 128
  w += BLOCK_HEADER_BYTES
  const valuesAt = <usize>steps * NM_POSITION_BYTES
  while (panels > 0) {
    for (let rows: usize = 0; rows < NM_POSITION_BYTES; rows++) {
      let position = w + rows
      let value = w + valuesAt + (rows << 4)
      let acc0x0123 = v128.load(acc)
      let acc0x4567 = v128.load(acc, 16)
      let acc1x0123 = v128.load(acc, 32)
      let acc1x4567 = v128.load(acc, 48)
      let acc2x0123 = v128.load(acc, 64)
      let acc2x4567 = v128.load(acc, 80)
      let acc3x0123 = v128.load(acc, 96)
      let acc3x4567 = v128.load(acc, 112)
      let group: usize = 0
      let move: usize = both & 128 ? 0 : 128
      let left = steps
      do {
        const four = <usize>load<u8>(position)
        const x0 = group + ((four & 3) << 5)
        const w0 = v128.load32_splat(value)
        acc0x0123 = f32x4.add(acc0x0123, f32x4.mul(w0, v128.load(x0, SLAB)))
        acc0x4567 = f32x4.add(acc0x4567, f32x4.mul(w0, v128.load(x0, SLAB + 16)))
        const x1 = group + ((four & 12) << 3)
        const w1 = v128.load32_splat(value, 4)
        acc1x0123 = f32x4.add(acc1x0123, f32x4.mul(w1, v128.load(x1, SLAB)))
        acc1x4567 = f32x4.add(acc1x4567, f32x4.mul(w1, v128.load(x1, SLAB + 16)))
        const x2 = group + ((four & 48) << 1)
        const w2 = v128.load32_splat(value, 8)
        acc2x0123 = f32x4.add(acc2x0123, f32x4.mul(w2, v128.load(x2, SLAB)))
        acc2x4567 = f32x4.add(acc2x4567, f32x4.mul(w2, v128.load(x2, SLAB + 16)))
        const x3 = group + ((four & 192) >> 1)
        const w3 = v128.load32_splat(value, 12)
        acc3x0123 = f32x4.add(acc3x0123, f32x4.mul(w3, v128.load(x3, SLAB)))
        acc3x4567 = f32x4.add(acc3x4567, f32x4.mul(w3, v128.load(x3, SLAB + 16)))
        value += NM_VALUE_BYTES
        position += NM_POSITION_BYTES
        group += move
        move = both - move
      } while (--left)
      v128.store(acc, acc0x0123)
      v128.store(acc, acc0x4567, 16)
      v128.store(acc, acc1x0123, 32)
      v128.store(acc, acc1x4567, 48)
      v128.store(acc, acc2x0123, 64)
      v128.store(acc, acc2x4567, 80)
      v128.store(acc, acc3x0123, 96)
      v128.store(acc, acc3x4567, 112)
      acc += 128
    }
    w += <usize>steps * (NM_POSITION_BYTES + NM_VALUE_BYTES)
    panels--
  }
  return w
}

/** acc [row] += the block at w times the x values of its columns: 16 rows abreast, each takes its own of a group of four. */
export function f32_spmv_nm(w: usize, acc: usize, x: usize): usize {
  let panels = load<i32>(w)
  const steps = load<i32>(w, 4)
  const both: usize = load<i32>(w, 8) == 1 ? 32 : 16
  w += BLOCK_HEADER_BYTES
  while (panels > 0) {
    let value = w + <usize>steps * NM_POSITION_BYTES
    let acc0 = v128.load(acc)
    let acc1 = v128.load(acc, 16)
    let acc2 = v128.load(acc, 32)
    let acc3 = v128.load(acc, 48)
    let group = x
    let move: usize = both & 16 ? 0 : 16
    let left = steps
    do {
      const x_f32x4 = v128.load(group)
      acc0 = f32x4.add(acc0, f32x4.mul(v128.load(value), take(x_f32x4, <usize>load<u8>(w))))
      acc1 = f32x4.add(acc1, f32x4.mul(v128.load(value, 16), take(x_f32x4, <usize>load<u8>(w, 1))))
      acc2 = f32x4.add(acc2, f32x4.mul(v128.load(value, 32), take(x_f32x4, <usize>load<u8>(w, 2))))
      acc3 = f32x4.add(acc3, f32x4.mul(v128.load(value, 48), take(x_f32x4, <usize>load<u8>(w, 3))))
      value += NM_VALUE_BYTES
      w += NM_POSITION_BYTES
      group += move
      move = both - move
    } while (--left)
    v128.store(acc, acc0)
    v128.store(acc, acc1, 16)
    v128.store(acc, acc2, 32)
    v128.store(acc, acc3, 48)
    acc += 64
    w = value
    panels--
  }
  return w
}

/** The lanes of x at four positions. */
function take(x: v128, positions: usize): v128 {
  return i8x16.swizzle(x, v128.load(positions << 4, MASKS))
}

/** The masks of all bytes of positions: lane i takes the float at bits 2 i. */
export function fillMasks(): void {
  let to = MASKS
  for (let position = 0; position < 256; position++) {
    const first_i32x4 = i32x4.splat(0x03020100)
    const lanes = i32x4(position & 3, (position >> 2) & 3, (position >> 4) & 3, position >> 6)
    v128.store(to, i32x4.add(first_i32x4, i32x4.mul(lanes, i32x4.splat(0x04040404))))
    to += 16
  }
}
