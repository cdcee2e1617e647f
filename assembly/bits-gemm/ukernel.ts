/** Low memory, ours for one call: sums of four columns, [4] vectors. */
const SUMS: usize = 1024

/** Vectors whose counts of differing bits, up to 8 a byte, and of products, up to 8 either way, fit a byte. */
const SIGNS_AT_ONCE: usize = 31 * 16
const TERNARY_AT_ONCE: usize = 15 * 16

/** Counts where a row and four others differ. */
export function productOfSigns(a: usize, w0: usize, w1: usize, w2: usize, w3: usize, bytes: usize): void {
  let sum0 = i32x4.splat(0)
  let sum1 = sum0
  let sum2 = sum0
  let sum3 = sum0
  while (bytes > 0) {
    let left = min(bytes, SIGNS_AT_ONCE)
    bytes -= left
    let acc0 = i8x16.splat(0)
    let acc1 = acc0
    let acc2 = acc0
    let acc3 = acc0
    do {
      const a_x128 = v128.load(a)
      acc0 = i8x16.add(acc0, i8x16.popcnt(v128.xor(a_x128, v128.load(w0))))
      acc1 = i8x16.add(acc1, i8x16.popcnt(v128.xor(a_x128, v128.load(w1))))
      acc2 = i8x16.add(acc2, i8x16.popcnt(v128.xor(a_x128, v128.load(w2))))
      acc3 = i8x16.add(acc3, i8x16.popcnt(v128.xor(a_x128, v128.load(w3))))
      a += 16
      w0 += 16
      w1 += 16
      w2 += 16
      w3 += 16
      left -= 16
    } while (left > 0)
    sum0 = i32x4.add(sum0, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(acc0)))
    sum1 = i32x4.add(sum1, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(acc1)))
    sum2 = i32x4.add(sum2, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(acc2)))
    sum3 = i32x4.add(sum3, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(acc3)))
  }
  storeSums(sum0, sum1, sum2, sum3)
}

/** Sums up the products of a row with four others; where an element is not 0 lies `aOnes` and `wOnes` bytes behind its sign. */
export function productOfTernary(
  a: usize,
  aOnes: usize,
  w0: usize,
  w1: usize,
  w2: usize,
  w3: usize,
  wOnes: usize,
  bytes: usize,
): void {
  let sum0 = i32x4.splat(0)
  let sum1 = sum0
  let sum2 = sum0
  let sum3 = sum0
  while (bytes > 0) {
    let left = min(bytes, TERNARY_AT_ONCE)
    bytes -= left
    let acc0 = i8x16.splat(0)
    let acc1 = acc0
    let acc2 = acc0
    let acc3 = acc0
    do {
      const signs = v128.load(a)
      const ones = v128.load(a + aOnes)
      acc0 = i8x16.add(acc0, productOf(signs, ones, w0, wOnes))
      acc1 = i8x16.add(acc1, productOf(signs, ones, w1, wOnes))
      acc2 = i8x16.add(acc2, productOf(signs, ones, w2, wOnes))
      acc3 = i8x16.add(acc3, productOf(signs, ones, w3, wOnes))
      a += 16
      w0 += 16
      w1 += 16
      w2 += 16
      w3 += 16
      left -= 16
    } while (left > 0)
    sum0 = i32x4.add(sum0, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(acc0)))
    sum1 = i32x4.add(sum1, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(acc1)))
    sum2 = i32x4.add(sum2, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(acc2)))
    sum3 = i32x4.add(sum3, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(acc3)))
  }
  storeSums(sum0, sum1, sum2, sum3)
}

/** Bytewise, how many of eight products are 1 less how many are -1. */
function productOf(signs: v128, ones: v128, w: usize, wOnes: usize): v128 {
  const both = v128.and(ones, v128.load(w + wOnes))
  const differ = v128.xor(signs, v128.load(w))
  return i8x16.sub(i8x16.popcnt(v128.andnot(both, differ)), i8x16.popcnt(v128.and(both, differ)))
}

function storeSums(sum0: v128, sum1: v128, sum2: v128, sum3: v128): void {
  v128.store(SUMS, sum0)
  v128.store(SUMS, sum1, 16)
  v128.store(SUMS, sum2, 32)
  v128.store(SUMS, sum3, 48)
}

/** The four lanes of each of the sums added up: one lane a column. */
export function lanesSumOf(): v128 {
  const sum01 = pairSumsOf(v128.load(SUMS), v128.load(SUMS, 16))
  const sum23 = pairSumsOf(v128.load(SUMS, 32), v128.load(SUMS, 48))
  return pairSumsOf(sum01, sum23)
}

function pairSumsOf(a: v128, b: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7))
}
