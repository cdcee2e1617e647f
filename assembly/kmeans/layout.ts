// Low memory, ours for one call.

/** The boundaries, then +infinity up to 256 of them. */
export const BOUNDARIES: usize = 1024

/** Scale and offset of the map from values to keys. */
export const MAP: usize = 2048

/** For each key the number of boundaries with lower keys, a byte. */
export const TABLE: usize = 4096
