// Figures of the format (FORMAT.md#huffman-frame), the constant addresses of the family's tables, and its states.

/** Longest code. A 64-bit load shifted to a bit position holds four such codes. */
export const MAX_BITS = 12

/** Symbols of a block: input and output of one stay in a second-level cache, its code adapts to the tensor. */
export const BLOCK: i32 = 1 << 18

/** From this many symbols on a block has eight streams; below, their entry points would cost more than they give. */
export const SPLIT: i32 = 1 << 14
export const STREAMS = 8

// State of the decoder between blocks: a word that tells which of the tables below there are, then a copy of them.
export const NO_CODE: u32 = 0
export const SYMBOLS_ONLY: u32 = 1
export const WITH_RUNS: u32 = 2
export const TABLES_IN_STATE: usize = 64

// State of the encoder between blocks.
/** u8[256]: the code in use. */
export const STATE_LENGTHS: usize = 0
/** u64[256]: a code in the highest bits, its length in the lowest; 0 for an absent symbol. */
export const STATE_CODES: usize = 256
/** u64[65536]: the same of two symbols, by the u16 they make. Only blocks of SPLIT symbols and more need it. */
export const STATE_PAIRS: usize = 2304

// Decoder.
/** u64[4096]: what the next 12 bits decode to. Bytes 0 to 5 symbols, byte 6 the bits they take, byte 7 their number. */
export const RUN_OF: usize = 1024
/** u8[4096] each, behind it: length and symbol of the first code in the next 12 bits. */
export const LENGTH_OF: usize = 33792
export const SYMBOL_OF: usize = 37888
/** Of the three tables, which lie behind each other from RUN_OF on. */
export const TABLES_BYTES: usize = 40960
/** u64[8] each: bit position of a stream, and where it must end. */
export const POSITIONS: usize = 41984
export const ENDS: usize = 42048
/** u32[8] each: where a stream writes, and where it must stop. */
export const OUTS: usize = 42112
export const OUT_ENDS: usize = 42144

/** u8[256]: the code that a block brings, 0 for an absent symbol. */
export const LENGTHS: usize = 42240

// Encoder; in the place of the decoder's tables.
/** u32[256] */
export const COUNTS: usize = 1024
/** u32[8][256]: partial histograms. */
export const PARTIAL_COUNTS: usize = 2048
/** u32[257] count << 8 | symbol, ascending, and a sentinel. */
export const LEAVES: usize = 10240
/** u32[2][512]: weights of the previous and the next package-merge list, and two sentinels. */
export const LISTS: usize = 11328
/** u16[12][512]: leaves among the first i items of each list. */
export const LEAF_COUNTS: usize = 15424
/** Where a table is serialised only to learn its size: at most 9 + 256 * 24 + 128 * 34 bits. */
export const TRIAL: usize = 27712
