// The public surface without the embedded wasm: for hosts where the user supplies bytes or a WebAssembly.Module.
export { CapacityError, DisposedError, FormatError, UnsupportedOpError } from './errors.js'
export { createRuntime, defaultRuntime, setDefaultRuntime } from './runtime/default.js'
export type { Runtime, RuntimeOptions, RuntimeStats, Target, TargetName } from './runtime/runtime.js'
export type { Handle } from './runtime/handle.js'
export { tensor, type ElementType, type Tensor } from './formats/tensor.js'
export type { Granularity, QuantizedTensor } from './formats/quantized.js'
export { packBits, type BitTensor, type PackBitsOptions } from './formats/bits.js'
export type { GroupSize, Int4Tensor } from './formats/int4.js'
export type { Codebook, CodebookTensor } from './formats/codebook.js'
export type { CsrMatrix } from './formats/csr.js'
export { blockSparseToDense, toBlockSparse, type BlockSparseMatrix } from './formats/block-sparse.js'
export { nmSparseToDense, toNmSparse, type NmSparseMatrix } from './formats/nm-sparse.js'
export { dequantizeInt8, quantizeInt8, type DequantizeOptions, type QuantizeOptions } from './ops/quantize.js'
export { dequantizeInt4, quantizeInt4, type QuantizeInt4Options } from './ops/int4.js'
export { csrToDense, toCsr, type CsrToDenseOptions, type ToCsrOptions } from './formats/csr.js'
export { assignCodebook, expandCodebook, type AssignOptions, type ExpandOptions } from './ops/codebook.js'
export { kmeansCodebook, type KmeansOptions, type TrainedCodebook } from './ops/kmeans.js'
export { pruneMagnitude, type PrunedWeights, type PruneOptions } from './ops/prune.js'
export { sparseMatmul, type SparseMatmulOptions } from './ops/sparse-matmul.js'
export type { SparseMatrix, SparseWeights } from './ops/spmm.js'
export {
  huffmanDecode,
  huffmanDecodedLength,
  huffmanEncode,
  huffmanEncodeBound,
  huffmanEncodedSize,
  type HuffmanDecodeOptions,
  type HuffmanEncodeOptions,
} from './ops/huffman.js'
export {
  ransDecode,
  ransDecodedLength,
  ransEncode,
  ransEncodeBound,
  type RansDecodeOptions,
  type RansEncodeOptions,
} from './ops/rans.js'
export { matmul, type MatmulOptions } from './ops/matmul.js'
export { int8Matmul, type Int8MatmulOptions } from './ops/int8-matmul.js'
export { bitMatmul, type BitMatmulOptions } from './ops/bit-matmul.js'
export { bitsToInt4, type BitsToInt4Options } from './ops/bits-int4.js'
export type { PackedBits } from './ops/bit-weights.js'
export { int4Matmul, type Int4MatmulOptions } from './ops/int4-matmul.js'
export { packWeights, type Activation, type PackWeightsOptions } from './ops/matmul-operands.js'
export type { PackedF32Weights } from './ops/f32-gemm.js'
export type { PackedInt4Weights } from './ops/qb4w-gemm.js'
export type { PackedInt8Weights } from './ops/qs8-gemm.js'
export type { AffineParameters } from './ops/quantize-slot.js'
