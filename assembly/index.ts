// The ABI: everything exported here, and nothing else, is in kernels.simd.wasm.
export { f32_range } from './quantize/range'
export { f32_qs8_quantize } from './quantize/quantize'
export { qs8_f32_dequantize } from './quantize/dequantize'
