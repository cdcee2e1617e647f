import { PARTIAL_COUNTS } from './layout'

/**
 * counts u32[256] = how often each value occurs in x u8[n]. Contract: assembly/README.md#huffman
 *
 * Four partial histograms: an increment of a counter waits for the one before it, and neighbours are often equal.
 */
export function u8_histogram(x: usize, counts: usize, n: i32): void {
  memory.fill(PARTIAL_COUNTS, 0, 4096)
  while (n >= 8) {
    const eight = load<u64>(x)
    count(<usize>(eight & 255), 0)
    count(<usize>((eight >> 8) & 255), 1024)
    count(<usize>((eight >> 16) & 255), 2048)
    count(<usize>((eight >> 24) & 255), 3072)
    count(<usize>((eight >> 32) & 255), 0)
    count(<usize>((eight >> 40) & 255), 1024)
    count(<usize>((eight >> 48) & 255), 2048)
    count(<usize>(eight >> 56), 3072)
    x += 8
    n -= 8
  }
  while (n > 0) {
    count(<usize>load<u8>(x), 0)
    x++
    n--
  }
  for (let i: usize = 0; i < 1024; i += 16) {
    const low_i32x4 = i32x4.add(v128.load(PARTIAL_COUNTS + i), v128.load(PARTIAL_COUNTS + i, 1024))
    const high_i32x4 = i32x4.add(v128.load(PARTIAL_COUNTS + i, 2048), v128.load(PARTIAL_COUNTS + i, 3072))
    v128.store(counts + i, i32x4.add(low_i32x4, high_i32x4))
  }
}

function count(symbol: usize, table: usize): void {
  const at = PARTIAL_COUNTS + table + (symbol << 2)
  store<u32>(at, load<u32>(at) + 1)
}
