import { LEAF_COUNTS, LEAVES, LISTS } from './layout'

/**
 * lengths u8[256] of an optimal prefix code none of whose codes is longer than `limit` (8..12) for counts u32[256]
 * with a sum up to 2^20; 0 for a symbol that does not occur, and for one that is alone. Returns the coded size in bits.
 * Contract: assembly/README.md#huffman
 */
export function u8_huf_lengths(counts: usize, lengths: usize, limit: i32): i32 {
  const used = sortLeaves(counts)
  const bits = mergePackages(used, limit)
  assignLengths(used, limit, lengths)
  return bits
}

/** More than any weight: 12 times the sum of all counts bounds them. As the key of a leaf it is the highest of all. */
const INFINITE: u32 = 0xffffff

/** Fills LEAVES with the symbols that occur, rarest first; returns how many there are. */
export function sortLeaves(counts: usize): i32 {
  let end = LEAVES
  for (let symbol: usize = 0; symbol < 256; symbol++) {
    const count = load<u32>(counts + (symbol << 2))
    if (count == 0) continue
    // Keys differ even where counts do not, so the order does not depend on the sorting algorithm.
    store<u32>(end, (count << 8) | (<u32>symbol))
    end += 4
  }
  // Shell sort with the gaps 57, 25, 11, 4, 1.
  for (let step: usize = 57; step > 0; step = (step * 4) / 9) {
    const gap = step << 2
    for (let from = LEAVES + gap; from < end; from += 4) {
      const key = load<u32>(from)
      let at = from
      while (at >= LEAVES + gap && load<u32>(at - gap) > key) {
        store<u32>(at, load<u32>(at - gap))
        at -= gap
      }
      store<u32>(at, key)
    }
  }
  store<u32>(end, INFINITE << 8)
  return <i32>((end - LEAVES) >> 2)
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
    const length = min(used + (previousLength >> 1), wanted)
    const end = previous + ((<usize>previousLength) << 2)
    store<u32>(end, INFINITE)
    store<u32>(end, INFINITE, 4)
    let row = leafCountsAt(level)
    let leaf = LEAVES
    let pair = previous
    cost = 0
    store<u16>(row, 0)
    // The sentinels make both loads safe, so that a choice which no branch predictor can know takes no branch.
    for (let to = next, last = next + ((<usize>length) << 2); to < last; to += 4) {
      const single = load<u32>(leaf) >> 8
      const double = load<u32>(pair) + load<u32>(pair, 4)
      const isLeaf = <usize>(single <= double)
      const weight = min(single, double)
      leaf += isLeaf << 2
      pair += (1 - isLeaf) << 3
      store<u32>(to, weight)
      row += 2
      store<u16>(row, <u16>((leaf - LEAVES) >> 2))
      cost += weight
    }
    previousLength = max(length, 0)
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
