// The ABI: everything exported here, and nothing else, is in kernels.simd.wasm.
export { f32_range } from './quantize/range'
export { f32_qs8_quantize } from './quantize/quantize'
export { qs8_f32_dequantize } from './quantize/dequantize'
export { f32_exp } from './math/exp'
export { f32_sigmoid } from './math/sigmoid'
export { f32_tanh } from './math/tanh'
export { f32_log } from './math/log'
export { f32_erf } from './math/erf'
