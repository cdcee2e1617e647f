import { SCALES, SLAB, ZEROS } from './layout'

/** Zero points and scales of a slab's samples side by side. With step 0 all share the first. */
export function readParameters(aScale: usize, aZero: usize, step: i32, samples: i32): void {
  const stepBytes = (<usize>step) << 2
  for (let j: usize = 0; j < <usize>samples; j++) {
    store<i16>(ZEROS + (j << 1), <i16>load<i32>(aZero + j * stepBytes))
    store<f32>(SCALES + (j << 2), load<f32>(aScale + j * stepBytes))
  }
}

/** Slab [k][width] from a i8 [k][n]. What is past the samples is of no use. */
export function slabFromColumns(a: usize, n: usize, k: i32, samples: i32, width: i32): void {
  const step = (<usize>width) << 1
  let to = SLAB
  while (k > 0) {
    for (let j: usize = 0; j < <usize>samples; j += 8) {
      v128.store(to + (j << 1), i16x8.sub(v128.load8x8_s(a + j), v128.load(ZEROS + (j << 1))))
    }
    a += n
    to += step
    k--
  }
}

/** Slab [k][width] from a i8 [samples][cols], eight by eight; k up to the next multiple of 8, past it of no use. */
export function slabFromRows(a: usize, cols: usize, k: i32, samples: i32, width: i32): void {
  const step = (<usize>width) << 1
  const last = samples - 1
  for (let j = 0; j < samples; j += 8) {
    let a0 = a + <usize>j * cols
    let a1 = a + <usize>min(j + 1, last) * cols
    let a2 = a + <usize>min(j + 2, last) * cols
    let a3 = a + <usize>min(j + 3, last) * cols
    let a4 = a + <usize>min(j + 4, last) * cols
    let a5 = a + <usize>min(j + 5, last) * cols
    let a6 = a + <usize>min(j + 6, last) * cols
    let a7 = a + <usize>min(j + 7, last) * cols
    const zeros_i16x8 = v128.load(ZEROS + ((<usize>j) << 1))
    let to = SLAB + ((<usize>j) << 1)
    for (let rest = k; rest > 0; rest -= 8) {
      const s01 = interleave8(v128.load64_zero(a0), v128.load64_zero(a1))
      const s23 = interleave8(v128.load64_zero(a2), v128.load64_zero(a3))
      const s45 = interleave8(v128.load64_zero(a4), v128.load64_zero(a5))
      const s67 = interleave8(v128.load64_zero(a6), v128.load64_zero(a7))
      to = storeFour(
        v128.shuffle<i16>(s01, s23, 0, 8, 1, 9, 2, 10, 3, 11),
        v128.shuffle<i16>(s45, s67, 0, 8, 1, 9, 2, 10, 3, 11),
        zeros_i16x8,
        to,
        step,
      )
      to = storeFour(
        v128.shuffle<i16>(s01, s23, 4, 12, 5, 13, 6, 14, 7, 15),
        v128.shuffle<i16>(s45, s67, 4, 12, 5, 13, 6, 14, 7, 15),
        zeros_i16x8,
        to,
        step,
      )
      a0 += 8
      a1 += 8
      a2 += 8
      a3 += 8
      a4 += 8
      a5 += 8
      a6 += 8
      a7 += 8
    }
  }
}

function interleave8(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}

/** Four columns of eight samples, given as four columns of samples 0 to 3 and of samples 4 to 7. */
function storeFour(s0123: v128, s4567: v128, zeros_i16x8: v128, to: usize, step: usize): usize {
  const first = v128.shuffle<i32>(s0123, s4567, 0, 4, 1, 5)
  const second = v128.shuffle<i32>(s0123, s4567, 2, 6, 3, 7)
  v128.store(to, i16x8.sub(i16x8.extend_low_i8x16_s(first), zeros_i16x8))
  v128.store(to + step, i16x8.sub(i16x8.extend_high_i8x16_s(first), zeros_i16x8))
  v128.store(to + 2 * step, i16x8.sub(i16x8.extend_low_i8x16_s(second), zeros_i16x8))
  v128.store(to + 3 * step, i16x8.sub(i16x8.extend_high_i8x16_s(second), zeros_i16x8))
  return to + 4 * step
}

/** The x values of a block for one sample: slab [k], up to the next multiple of 8. */
export function slabFromVector(a: usize, k: i32): void {
  const zero_i16x8 = v128.load16_splat(ZEROS)
  let to = SLAB
  while (k > 0) {
    v128.store(to, i16x8.sub(v128.load8x8_s(a), zero_i16x8))
    a += 8
    to += 16
    k -= 8
  }
}
