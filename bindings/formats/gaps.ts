/**
 * A sparse sequence of bytes: the values that are not `zero`, and before each of them how many zeros were left out.
 * A gap of `2^bits - 1` is a filler: it skips that many zeros and has no value. Zeros at the end are not stored.
 */
export interface GapCode {
  readonly kind: 'gaps'
  /** Elements, zeros included. */
  readonly length: number
  /** The element that is left out. */
  readonly zero: number
  /** Width of a gap, 3 to 8. */
  readonly bits: number
  readonly gaps: Uint8Array
  readonly values: Uint8Array
}
