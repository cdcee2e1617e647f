// Figures of the format (FORMAT.md#huffman-frame) and the constant addresses of the family's tables.

/** Longest code. A 64-bit load shifted to a bit position holds four such codes. */
export const MAX_BITS = 12

/** Symbols of a block: input and output of one stay in a second-level cache, its code adapts to the tensor. */
export const BLOCK: i32 = 1 << 18

/** From this many symbols on a block has eight streams; below, their entry points would cost more than they give. */
export const SPLIT: i32 = 1 << 14
export const STREAMS = 8

/** u8[256]: the code of the current block, 0 for an absent symbol. */
export const LENGTHS: usize = 1024

// Encoder.
/** u8[256]: the code that would suit this block best. */
export const FRESH_LENGTHS: usize = 1280
/** u32[256] */
export const COUNTS: usize = 2048
/** u32[256] code | length << 16 */
export const CODES: usize = 3072
/** u32[4][256]: partial histograms. */
export const PARTIAL_COUNTS: usize = 4096
/** u32[256] count << 8 | symbol, ascending. */
export const LEAVES: usize = 8192
/** u32[2][512]: weights of the previous and the next package-merge list. */
export const LISTS: usize = 9216
/** u16[12][512]: leaves among the first i items of each list. */
export const LEAF_COUNTS: usize = 13312
/** Where a table is serialised only to learn its size: at most 9 + 256 * 24 + 128 * 34 bits. */
export const TRIAL: usize = 26624

// Decoder.
/** u8[4096] each: length and symbol by the next 12 bits. */
export const LENGTH_OF: usize = 33792
export const SYMBOL_OF: usize = 37888
/** i64[8]: bit position of each stream, and where it must end. */
export const POSITIONS: usize = 41984
export const ENDS: usize = 42048
