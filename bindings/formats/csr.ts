/** Compressed sparse rows: row `i` holds entries `rowPtr[i]` to `rowPtr[i + 1]`, columns ascending, none twice. */
export interface CsrMatrix {
  readonly kind: 'csr'
  readonly rows: number
  readonly cols: number
  /** `rows + 1` offsets into `colIndices` and `values`. */
  readonly rowPtr: Uint32Array
  readonly colIndices: Uint32Array
  readonly values: Float32Array | Int8Array
  /** For int8 values: one scale a row, or one for all. */
  readonly scale?: Float32Array
}
