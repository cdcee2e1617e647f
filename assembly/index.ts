// The ABI: everything exported here, and nothing else, is in kernels.simd.wasm.
export { f32_range } from './quantize/range'
export { f32_qs8_quantize } from './quantize/quantize'
export { qs8_f32_dequantize } from './quantize/dequantize'
export { f32_exp } from './math/exp'
export { f32_sigmoid } from './math/sigmoid'
export { f32_tanh } from './math/tanh'
export { f32_gemm_pack, f32_gemm_packed_bytes } from './f32-gemm/pack'
export { f32_gemm } from './f32-gemm/driver'
export { qs8_gemm_pack, qs8_gemm_packed_bytes, qs8_gemm_scratch_bytes } from './qs8-gemm/pack'
export { qd8_f32_qc8w_gemm, qd8_qs8_qc8w_gemm, qs8_i32_gemm } from './qs8-gemm/driver'
export { f32_qd8_quantize } from './qs8-gemm/dynamic'
export { f32_cb8w_spmm_csr, f32_spmm_csr } from './f32-spmm/driver'
export { f32_kmeans_assign } from './kmeans/assign'
export { u8_f32_codebook_expand } from './kmeans/expand'
export { u8_histogram } from './huffman/histogram'
export { u8_huf_lengths } from './huffman/lengths'
export { u8_huf_block_bits, u8_huf_encode_block } from './huffman/encode'
export { u8_huf_decode_block } from './huffman/decode'
export { u8_gap_count, u8_gap_decode, u8_gap_encode } from './gaps/gaps'
export { f32_binary } from './elementwise/binary'
export { f32_clamp } from './elementwise/clamp'
export { f32_softmax } from './elementwise/softmax'
export { x8_copy_rows } from './transpose/copy'
export { x8_transpose } from './transpose/transpose8'
export { x32_transpose } from './transpose/transpose32'
export { f32_maxpool, qs8_maxpool } from './pool/max'
export { f32_avgpool } from './pool/average'
export { x8_im2col } from './conv/im2col'
export { f32_dwconv, f32_dwconv_pack, f32_dwconv_packed_bytes } from './conv/f32-dwconv'
export {
  qs8_dwconv_pack,
  qs8_dwconv_packed_bytes,
  qs8_i32_dwconv,
  qd8_f32_qc8w_dwconv,
  qd8_qs8_qc8w_dwconv,
} from './conv/qs8-dwconv'
export { qd8_f32_qc8w_spmm_csr } from './qs8-spmm/driver'
