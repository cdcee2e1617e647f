/** Columns of a block: their x values for 32 samples fill 32 KiB, which stays in the first cache. */
export const BLOCK_COLUMNS: i32 = 256

/** Rows of a slice; two vectors in the vector kernel. */
export const SLICE_ROWS: i32 = 8

/** A block begins with the number of its rows, padded to keep what follows aligned. */
export const BLOCK_HEADER_BYTES: usize = 16

/** Slice header: eight u32 row numbers, then eight u16 counts of entries. */
export const COUNTS: usize = 32
export const SLICE_HEADER_BYTES: usize = 48

/** A step of a slice: one entry of each row, as eight u16 offsets, then eight values: f32, or u8 indices of a codebook. */
export const VALUES: usize = 16

/** Low memory, ours for one call: the x values of a block, [column][sample], for 32, 16 or 8 samples. */
export const SLAB: usize = 1024

/** Behind the slab of 32 KiB: the 256 f32 values of a codebook. */
export const TABLE: usize = 33 * 1024

/** The same for four rows at a time: their x values for 8 samples fill a slab. */
export const NARROW_COLUMNS: i32 = 1024

/** Blocks of four rows and a column: groups of four rows in a slice; four vectors in the vector kernel. */
export const BSR_SLICE_GROUPS: i32 = 4

/** Slice header: four u32 group numbers, then four u16 counts of blocks. */
export const BSR_COUNTS: usize = 16
export const BSR_SLICE_HEADER_BYTES: usize = 24

/** A step of a slice: one block of each group, as four u16 offsets, then four times four f32 values. */
export const BSR_VALUES: usize = 8
export const BSR_STEP_BYTES: usize = 72

/** A step of an N:M panel of 16 rows, one entry of each: a byte of positions for four of them, and their f32 values. */
export const NM_POSITION_BYTES: usize = 4
export const NM_VALUE_BYTES: usize = 64

/** Behind the table: for each byte of four positions the mask that takes them from a vector, 4 KiB. */
export const MASKS: usize = 34 * 1024
