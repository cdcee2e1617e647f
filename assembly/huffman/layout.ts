// Figures of the format (FORMAT.md#huffman-frame) and the constant addresses of the family's tables.

/** Longest code. A 64-bit load shifted to a bit position holds four such codes. */
export const MAX_BITS = 12

/** Symbols of a block: input and output of one stay in a second-level cache, its code adapts to the tensor. */
export const BLOCK: i32 = 1 << 18

/** From this many symbols on a block has eight streams; below, their entry points would cost more than they give. */
export const SPLIT: i32 = 1 << 14
export const STREAMS = 8

// Decoder.
/** u64[4096]: what the next 12 bits decode to. Bytes 0 to 5 symbols, byte 6 the bits they take, byte 7 their number. */
export const RUN_OF: usize = 1024
/** u8[4096] each: length and symbol of the first code in the next 12 bits. */
export const LENGTH_OF: usize = 33792
export const SYMBOL_OF: usize = 37888
/** u64[8] each: bit position of a stream, and where it must end. */
export const POSITIONS: usize = 41984
export const ENDS: usize = 42048
/** u32[8] each: where a stream writes, and where it must stop. */
export const OUTS: usize = 42112
export const OUT_ENDS: usize = 42144

/** u8[256]: the code of the current block, 0 for an absent symbol. */
export const LENGTHS: usize = 42240

// Encoder; in the place of the decoder's tables.
/** u32[256] */
export const COUNTS: usize = 1024
/** u32[8][256]: partial histograms. */
export const PARTIAL_COUNTS: usize = 2048
/** u64[256]: a code in the highest bits, its length in the lowest; 0 for an absent symbol. */
export const CODES: usize = 10240
/** u8[256]: the code that would suit this block best. */
export const FRESH_LENGTHS: usize = 12288
/** u32[256] count << 8 | symbol, ascending. */
export const LEAVES: usize = 12544
/** u32[2][512]: weights of the previous and the next package-merge list. */
export const LISTS: usize = 13568
/** u16[12][512]: leaves among the first i items of each list. */
export const LEAF_COUNTS: usize = 17664
/** Where a table is serialised only to learn its size: at most 9 + 256 * 24 + 128 * 34 bits. */
export const TRIAL: usize = 29952
