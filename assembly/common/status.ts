// Results of kernels that read untrusted bytes; mirrored by bindings/runtime/status.ts.
export const OK: i32 = 0
export const TRUNCATED: i32 = -1
export const CORRUPT: i32 = -2
export const OVERFLOW: i32 = -3
export const NON_FINITE: i32 = -4
