/** Columns of a panel: two vectors of i32 accumulators. */
export const NR: i32 = 8

/**
 * Neighbours in depth that lie together: the four i8 products a lane of the relaxed dot. The plain dot takes the even
 * and the odd two of them as i16.
 */
export const KR: i32 = 4

/** Bytes of one packed activation: i16 for the plain dot, u8 for the relaxed one. */
export const A_BYTES: usize = ASC_FEATURE_RELAXED_SIMD ? 1 : 2

/** Rows of a tile: as many as leave registers for the panel's two vectors and one activation. */
export const MR: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4

/**
 * Rows that are multiplied by all panels before the next rows: a multiple of both tile heights; the packed rows stay
 * in a second-level cache, and widening a panel is paid for by 96 rows.
 */
export const ROW_BLOCK: i32 = 96

/** Panels whose results are stored together: 32 columns are two cache lines of f32. */
export const GROUP: i32 = 4

/** Panels that one vector kernel takes. */
export const VECTOR_PANELS: i32 = ASC_FEATURE_RELAXED_SIMD ? 4 : 2

/** Bytes before a packed vector. */
export const VECTOR_HEAD: usize = ASC_FEATURE_RELAXED_SIMD ? 0 : 32

/** Packing stores four steps at once; so many bytes may be written past the last. */
export const PACK_SLACK: usize = 96

/** Low memory, ours for one call: accumulators of a row block times a group of panels, [96][32] i32. */
export const STRIP: usize = 1024
export const STRIP_ROW_BYTES: usize = (<usize>(GROUP * NR)) << 2

/** Steps of KR that cover a depth of k. */
export function stepsOf(k: i32): i32 {
  return (k + KR - 1) / KR
}

/** Bytes of a panel of int8 weights. */
export function panelBytesOf(k: i32): usize {
  return <usize>stepsOf(k) * <usize>(NR * KR)
}

/** Panels that cover n columns. */
export function panelsOf(n: i32): i32 {
  return (n + NR - 1) / NR
}
