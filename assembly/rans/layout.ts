// Figures of the format (FORMAT.md#rans-frame), and the constant addresses of the family's tables.

/** Frequencies of a block add up to 2^12, or to 2^13 where many symbols are rare. */
export const SCALE_BITS: u32 = 12
export const FINE_SCALE_BITS: u32 = 13

/** Each has 12 bits, in both cases. */
export const FREQUENCY_MASK: u32 = 4095

/** Between symbols a state is LOWEST at least and below LOWEST << 16: signed and unsigned comparisons agree. */
export const LOWEST: u32 = 1 << 15

/** From this many symbols on a block has 16 states, which cost 3 bytes each; below, one. */
export const SPLIT: i32 = 1 << 16
export const STATES_OF_LARGE: i32 = 16

/** u16[256] frequencies of the last code, 0 for an absent symbol: all that is kept between blocks. */
export const STATE_BYTES: usize = 512

// Both directions.
/** u32[16] */
export const STATES: usize = 1024
/** u16[256]: the code that this block brings. */
export const FREQUENCIES: usize = 1088
/** u8[256]: 12 - [log2 frequency], which takes the place of a code length in the table. */
export const CLASSES: usize = 1600

// Encoder. From 2048 on are the partial histograms (huffman/layout.ts).
/** u32[256] */
export const COUNTS: usize = 10240
/** u64[256]: reciprocal u32, then start in 13 bits, frequency in 12 bits, shift of the reciprocal. */
export const CODES: usize = 11264

// Decoder.
/** u32[8192] at most: symbol in the highest 8 bits, frequency in 12, in the lowest 12 how far the slot is behind the first. */
export const SLOTS: usize = 2048
/** i8x16[16]: by the states that take a word, the shuffle that gives each its own. */
export const SHUFFLES: usize = 34816
/** u32: where the words go on. */
export const CURSOR: usize = 35072
/** Constants for vectors, which V8 would make anew in every round: u32 FREQUENCY_MASK, u32 LOWEST. */
export const MASK: usize = 35076
export const LIMIT: usize = 35080
