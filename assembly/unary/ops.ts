// What `op` of f32_unary may be, by family; mirrored by bindings/kernels/unary.ts.
export const ABS: i32 = 0
export const NEG: i32 = 1
export const SQRT: i32 = 2
export const FLOOR: i32 = 3
export const CEIL: i32 = 4
export const ROUND: i32 = 5
export const SIGN: i32 = 6
export const RECIPROCAL: i32 = 7
export const HARD_SIGMOID: i32 = 8
export const HARD_SWISH: i32 = 9
export const LEAKY_RELU: i32 = 10
export const THRESHOLDED_RELU: i32 = 11
export const SHRINK: i32 = 12

/** From here on by e^x. */
export const EXP: i32 = 13
export const SIGMOID: i32 = 14
export const SWISH: i32 = 15
export const GELU_TANH: i32 = 16
export const SOFTPLUS: i32 = 17
export const GELU: i32 = 18

/** From here on by e^x - 1. */
export const TANH: i32 = 19
export const ELU: i32 = 20
export const ERF: i32 = 21

export const LOG: i32 = 22
export const SIN: i32 = 23
export const COS: i32 = 24
export const ATAN: i32 = 25
