import type { SequenceCoding } from './sequence.js'

/** How one weight is stored, in figures. */
export interface TensorReport {
  readonly name: string
  readonly form: 'dense' | 'quantized' | 'int4' | 'codebook'
  readonly shape: readonly number[]
  /** `sparse`: only what differs from the commonest symbol, and the gaps between. */
  readonly layout: 'dense' | 'sparse'
  /** `none`: a plain tensor that any reader of safetensors understands. */
  readonly coding: 'none' | SequenceCoding
  /** Of all bytes, centroids and scales included. */
  readonly bitsPerWeight: number
  readonly bytes: number
  /** As float32, or in its own type if it never was one. */
  readonly originalBytes: number
  /** Share of elements that are exactly 0; null where only decoding would tell. */
  readonly sparsity: number | null
}
