export const LOG2_E: f32 = 1.44269504
/** ln 2 in two parts; the first has 16 significant bits, so that its product with an exponent is exact. */
export const LN2_HIGH: f32 = 0.693145751953125
export const LN2_LOW: f32 = 1.4286068e-6
/** 1.5 * 2^23. Adding it rounds to an integer, which then sits in the low bits of the sum. */
export const ROUNDER: f32 = 12582912
export const ROUNDER_BITS: i32 = 0x4b400000
export const SIGN_BITS: i32 = 0x80000000
