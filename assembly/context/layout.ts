// Figures of the format (FORMAT.md#context-code), the constant addresses of the tables, and the state.

/** Logarithmic odds are in 1/256. */
export const UNIT: i32 = 256
/** Greatest of a squashed or stretched probability. */
export const MOST_ODDS: i32 = 2047

/** A weight of 1 is 65536; weights stay within 16 of them. */
export const FIRST_WEIGHT: i32 = 16384
export const MOST_WEIGHT: i32 = 1 << 20

/** Count of a cell at most. */
export const MOST_COUNT: u32 = 255

/** Rows and columns are told apart modulo this. */
export const LINES: usize = 1024

/** Contexts of the question whether a symbol is `zero`, and of the bits of other symbols. */
export const ZERO_CONTEXTS: i32 = 4
export const BIT_CONTEXTS: i32 = 5

// Low memory.
/** u32[5]: the cell, or row of cells by node, of each context; i32[5]: what the cells say. */
export const BASES: usize = 1024
export const INPUTS: usize = 1056
/** u32 each: the interval of the coder, the number that is decoded, where its bytes go on, and end. */
export const LOW: usize = 1088
export const HIGH: usize = 1092
export const VALUE: usize = 1096
export const CURSOR: usize = 1100
export const END: usize = 1104
/** u32: 1 once the bytes did not suffice. */
export const FAILED: usize = 1108
/** u16[4096] each: probability of odds - 2048 .. 2047, and odds of a probability, both of 12 bits. */
export const SQUASHED: usize = 2048
export const STRETCHED: usize = 10240

/** u32[256]: 2^27 / (2 t + 3), rounded up, by the count t of a cell. */
export const RECIPROCALS: usize = 18432

// State: cells u32, then weights i32.
export const COLUMN_CELLS: usize = 0
export const ROW_CELLS: usize = COLUMN_CELLS + 4 * LINES
export const PAIR_CELLS: usize = ROW_CELLS + 4 * LINES
export const COUNT_CELLS: usize = PAIR_CELLS + 4 * 25
export const NODE_CELLS: usize = COUNT_CELLS + 4 * 32
/** Rows of cells by node: one, by pair, by neighbourhood, by row, by column. */
export const NODE_ROWS: usize = 1 + 25 + 81 + 2 * LINES
/** Eight sets of weights for zeros, then one a node; each has one more for the constant. */
export const ZERO_SETS: usize = 8
