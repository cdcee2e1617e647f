// The overlay: kernels that stand in for those of the same name in index.ts, where the engine's relaxed dot is exact.
export function relaxed_dot_is_exact(scratch: usize): i32 {
  return 0
}
