import { A_BYTES, GROUP, NR, ROW_BLOCK, STRIP, STRIP_ROW_BYTES } from '../qs8-gemm/layout'

/** Depth of a unit: eight codes of each of four columns are one vector. */
export const UNIT: i32 = 8

/** Bytes of a unit of a panel. */
export const UNIT_BYTES: usize = (<usize>(UNIT * NR)) >> 1

/** Bytes of one f32 for each column of a panel. */
export const PANEL_ROW_BYTES: usize = (<usize>NR) << 2

/** At the head of a panel: f32 sums of its columns, and their bias. */
export const HEAD_BYTES: usize = 2 * PANEL_ROW_BYTES

/** Columns whose results are stored together. */
export const WIDTH: i32 = GROUP * NR

/** Low memory, ours for one call: sums of a row block times WIDTH columns, [96][32] f32, then two masks. */
export const SUMS: usize = STRIP
export const SUMS_ROW_BYTES: usize = STRIP_ROW_BYTES
export const MASKS: usize = SUMS + <usize>ROW_BLOCK * SUMS_ROW_BYTES

export function unitsOf(k: i32): i32 {
  return (k + UNIT - 1) / UNIT
}

export function groupsOf(k: i32, group: i32): i32 {
  return (k + group - 1) / group
}

export function panelBytesOf(k: i32, group: i32): usize {
  return HEAD_BYTES + <usize>groupsOf(k, group) * PANEL_ROW_BYTES + <usize>unitsOf(k) * UNIT_BYTES
}

/** Bytes of a packed row of activations; the relaxed dot needs a sum for each group. */
export function rowBytesOf(k: i32, group: i32): usize {
  const codes = <usize>(unitsOf(k) * UNIT) * A_BYTES
  return ASC_FEATURE_RELAXED_SIMD ? codes + ((<usize>groupsOf(k, group)) << 2) : codes
}
