/** Columns of a panel: two vectors, so that a 4x8 tile, its two loads and its temporaries fit 15 registers. */
export const NR: i32 = 8

/** Rows of a tile. */
export const MR: i32 = 4

/** Panels that one vector kernel takes. */
export const VECTOR_PANELS: i32 = 3

/** Rows that are multiplied by all panels before the next rows: 64 rows of 1024 elements stay in a 256 KiB cache. */
export const ROW_BLOCK: i32 = 64

/** Bytes of one packed panel row, and of the bias row at its head. */
export const PANEL_ROW_BYTES: usize = 32

/** Low memory, ours for one call: a tile whose panel is cut by the right edge, at most 4 rows of 8. */
export const EDGE_TILE: usize = 1024
