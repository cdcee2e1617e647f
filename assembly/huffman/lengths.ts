import { LEAF_COUNTS, LEAVES, LISTS } from './layout'

/**
 * lengths u8[256] of an optimal prefix code none of whose codes is longer than `limit` (8..12) for counts u32[256]
 * with a sum below 2^24; 0 for a symbol that does not occur, and for one that is alone. Returns the coded size in bits.
 * Contract: assembly/README.md#huffman
 */
export function u8_huf_lengths(counts: usize, lengths: usize, limit: i32): i32 {
  const used = sortLeaves(counts)
  const bits = mergePackages(used, limit)
  assignLengths(used, limit, lengths)
  return bits
}

/** Fills LEAVES with the symbols that occur, rarest first; returns how many there are. */
export function sortLeaves(counts: usize): i32 {
  let used: i32 = 0
  for (let symbol: usize = 0; symbol < 256; symbol++) {
    const count = load<u32>(counts + (symbol << 2))
    if (count == 0) continue
    // Keys differ even where counts do not, so the order does not depend on the sorting algorithm.
    const key = (count << 8) | (<u32>symbol)
    let at = LEAVES + ((<usize>used) << 2)
    while (at > LEAVES && load<u32>(at - 4) > key) {
      store<u32>(at, load<u32>(at - 4))
      at -= 4
    }
    store<u32>(at, key)
    used++
  }
  return used
}

/**
 * Package-merge: list 1 holds the leaves; list k holds the leaves and the pairs ("packages") of neighbours in list
 * k - 1, by weight. The first 2 * used - 2 items of list k are the cheapest code of lengths up to k; how often a leaf
 * occurs in them, packages opened, is the length of its code, and their weight is the coded size, which is returned.
 *
 * L. Larmore, D. Hirschberg: A fast algorithm for optimal length-limited Huffman codes, J. ACM 37 (1990).
 */
export function mergePackages(used: i32, limit: i32): i32 {
  const wanted = 2 * used - 2
  let previous = LISTS
  let next = LISTS + 2048
  let previousLength = 0
  let cost: i32 = 0
  for (let level = 1; level <= limit; level++) {
    const packages = previousLength >> 1
    const length = min(used + packages, wanted)
    let row = leafCountsAt(level)
    let leaf = 0
    let pair = 0
    cost = 0
    store<u16>(row, 0)
    for (let i = 0; i < length; i++) {
      const single = leaf < used ? load<u32>(LEAVES + ((<usize>leaf) << 2)) >> 8 : u32.MAX_VALUE
      const at = previous + ((<usize>pair) << 3)
      const double = pair < packages ? load<u32>(at) + load<u32>(at, 4) : u32.MAX_VALUE
      const takeLeaf = <i32>(single <= double)
      const weight = takeLeaf ? single : double
      leaf += takeLeaf
      pair += 1 - takeLeaf
      store<u32>(next + ((<usize>i) << 2), weight)
      row += 2
      store<u16>(row, <u16>leaf)
      cost += weight
    }
    previousLength = length
    const swap = previous
    previous = next
    next = swap
  }
  return cost
}

/** Opens the packages of list `limit`: each list in turn lengthens the codes of its rarest leaves by one. */
export function assignLengths(used: i32, limit: i32, lengths: usize): void {
  memory.fill(lengths, 0, 256)
  let items = 2 * used - 2
  for (let level = limit; level > 0 && items > 0; level--) {
    const leaves = <i32>load<u16>(leafCountsAt(level) + ((<usize>items) << 1))
    for (let i = 0; i < leaves; i++) {
      const at = lengths + <usize>load<u8>(LEAVES + ((<usize>i) << 2))
      store<u8>(at, load<u8>(at) + 1)
    }
    items = 2 * (items - leaves)
  }
}

function leafCountsAt(level: i32): usize {
  return LEAF_COUNTS + ((<usize>(level - 1)) << 10)
}
