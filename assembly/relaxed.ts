// The overlay: kernels that stand in for those of the same name in index.ts, where the engine's relaxed dot is exact.
export { relaxed_dot_is_exact } from './qs8-gemm/probe'
export { qs8_gemm_pack, qs8_gemm_packed_bytes, qs8_gemm_scratch_bytes } from './qs8-gemm/pack'
export { qd8_f32_qc8w_gemm, qd8_qs8_qc8w_gemm, qs8_i32_gemm } from './qs8-gemm/driver'
export { qb4w_gemm_scratch_bytes } from './qb4w-gemm/pack'
export { qd8_f32_qb4w_gemm } from './qb4w-gemm/driver'
