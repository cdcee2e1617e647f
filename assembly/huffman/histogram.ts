import { PARTIAL_COUNTS } from './layout'

/**
 * counts u32[256] = how often each value occurs in x u8[n]. Contract: assembly/README.md#huffman
 *
 * Eight partial histograms: an increment of a counter waits for the one before it, and neighbours are often equal.
 */
export function u8_histogram(x: usize, counts: usize, n: i32): void {
  memory.fill(PARTIAL_COUNTS, 0, 8192)
  while (n >= 8) {
    count(PARTIAL_COUNTS, load<u8>(x))
    count(PARTIAL_COUNTS + 1024, load<u8>(x, 1))
    count(PARTIAL_COUNTS + 2048, load<u8>(x, 2))
    count(PARTIAL_COUNTS + 3072, load<u8>(x, 3))
    count(PARTIAL_COUNTS + 4096, load<u8>(x, 4))
    count(PARTIAL_COUNTS + 5120, load<u8>(x, 5))
    count(PARTIAL_COUNTS + 6144, load<u8>(x, 6))
    count(PARTIAL_COUNTS + 7168, load<u8>(x, 7))
    x += 8
    n -= 8
  }
  while (n > 0) {
    count(PARTIAL_COUNTS, load<u8>(x))
    x++
    n--
  }
  for (let i: usize = 0; i < 1024; i += 16) {
    let sum_i32x4 = v128.load(PARTIAL_COUNTS + i)
    for (let table: usize = 1024; table < 8192; table += 1024) {
      sum_i32x4 = i32x4.add(sum_i32x4, v128.load(PARTIAL_COUNTS + table + i))
    }
    v128.store(counts + i, sum_i32x4)
  }
}

function count(table: usize, symbol: u32): void {
  const at = table + ((<usize>symbol) << 2)
  store<u32>(at, load<u32>(at) + 1)
}
