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
