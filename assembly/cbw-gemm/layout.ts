/** Columns of a panel: those of f32_gemm. */
export const NR: i32 = 8

/** Bytes of one f32 for each column: the bias at the head of a panel, and a row of an expanded one. */
export const PANEL_ROW_BYTES: usize = (<usize>NR) << 2

/** Depth of sixteen bytes of 4-bit indices: two rows of low nibbles, then two of high ones. */
export const UNIT: i32 = 4
export const UNIT_BYTES: usize = (<usize>(UNIT * NR)) >> 1

/** Centroids at the head of packed weights: f32 for 8-bit indices, four planes of bytes for 4-bit ones. */
export function tableBytesOf(bits: i32): usize {
  return (<usize>4) << bits
}

export function panelBytesOf(k: i32, bits: i32): usize {
  const indices = bits == 8 ? <usize>k * <usize>NR : (<usize>(k + UNIT - 1) / UNIT) * UNIT_BYTES
  return PANEL_ROW_BYTES + indices
}

/** Low memory, ours for one call, beyond what f32_gemm uses: the table of 8-bit indices. */
export const BYTE_TABLE: usize = 2048
