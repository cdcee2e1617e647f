// What `op` of f32_reduce may be; mirrored by bindings/kernels/reduce.ts.
export const SUM: i32 = 0
export const MAX: i32 = 1
export const MIN: i32 = 2
export const PROD: i32 = 3

export function combine(op: i32, a: v128, b: v128): v128 {
  switch (op) {
    case SUM:
      return f32x4.add(a, b)
    case MAX:
      return f32x4.max(a, b)
    case MIN:
      return f32x4.min(a, b)
    default:
      return f32x4.mul(a, b)
  }
}

/** What changes no other element. */
export function identityOf(op: i32): f32 {
  if (op == SUM) return 0
  if (op == PROD) return 1
  return op == MAX ? -Infinity : Infinity
}
