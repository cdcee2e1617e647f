/** Columns of a block: their x values for 32 samples, as i16, fill 32 KiB, which stays in the first cache. */
export const BLOCK_COLUMNS: i32 = 512

/** Rows of a slice. */
export const SLICE_ROWS: i32 = 8

/** A block begins with the number of its rows, padded to keep what follows aligned. */
export const BLOCK_HEADER_BYTES: usize = 16

/** Slice header: eight u32 row numbers, then eight u16 counts of pairs. */
export const COUNTS: usize = 32
export const SLICE_HEADER_BYTES: usize = 48

/** A step of a slice: two entries of each row, as sixteen i8 values, then sixteen u16 offsets. */
export const OFFSETS: usize = 16
export const STEP_BYTES: usize = 48

/** Low memory, ours for one call: x of a block less its zero points, i16 [column][sample], for 32, 8 or 1 samples. */
export const SLAB: usize = 1024

/** Zero points of the 32 samples of a slab as i16, then their scales as f32. */
export const ZEROS: usize = 36 * 1024
export const SCALES: usize = ZEROS + 64
