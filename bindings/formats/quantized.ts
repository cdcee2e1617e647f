/**
 * Affine-quantized tensor: `real = scale * (q - zeroPoint)`, with one (scale, zeroPoint) a tensor, a slice along
 * `axis`, or a group of `groupSize` consecutive elements along the last axis.
 *
 * Scales are ordered as the groups are met in row-major order: `[1]` per tensor, `[shape[axis]]` per channel,
 * `[elements / groupSize]` per group.
 */
export interface QuantizedTensor {
  readonly kind: 'quantized'
  readonly bits: 8
  readonly shape: readonly number[]
  readonly data: Int8Array
  readonly scale: Float32Array
  /** All zero for symmetric quantization. */
  readonly zeroPoint: Int8Array
  readonly granularity: Granularity
}

export type Granularity =
  | { readonly per: 'tensor' }
  | { readonly per: 'channel'; readonly axis: number }
  | { readonly per: 'group'; readonly size: number }
