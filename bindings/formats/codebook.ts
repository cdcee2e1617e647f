/** Centroids of one-dimensional weight sharing, ascending; at most 256, so that an index is one byte. */
export interface Codebook {
  readonly centroids: Float32Array
}

/** A tensor whose elements are `codebook.centroids[indices[i]]`, in row-major order. */
export interface CodebookTensor {
  readonly kind: 'codebook'
  readonly shape: readonly number[]
  readonly indices: Uint8Array
  readonly codebook: Codebook
}
