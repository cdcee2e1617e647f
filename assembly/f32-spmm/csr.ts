/**
 * y = clamp(A x + bias) for A in compressed sparse rows; x and y are addressed by strides in elements.
 * Contract: assembly/README.md#f32-spmm
 */
export function f32_spmm_csr(
  rowPtr: usize,
  colIndices: usize,
  values: usize,
  bias: usize,
  x: usize,
  y: usize,
  rows: i32,
  n: i32,
  xRowStride: i32,
  xSampleStride: i32,
  yRowStride: i32,
  ySampleStride: i32,
  min: f32,
  max: f32,
): void {
  const xRowBytes = (<usize>xRowStride) << 2
  const contiguous = xSampleStride == 1 && ySampleStride == 1
  for (let row = 0; row < rows; row++) {
    const start = load<u32>(rowPtr + ((<usize>row) << 2))
    const end = load<u32>(rowPtr + ((<usize>row) << 2), 4)
    const initial = load<f32>(bias + ((<usize>row) << 2))
    let sample = 0
    while (contiguous && n - sample >= 4) {
      let acc_f32x4 = f32x4.splat(initial)
      for (let e = start; e < end; e++) {
        const xp = x + <usize>load<u32>(colIndices + ((<usize>e) << 2)) * xRowBytes + ((<usize>sample) << 2)
        acc_f32x4 = f32x4.add(
          acc_f32x4,
          f32x4.mul(v128.load32_splat(values + ((<usize>e) << 2)), v128.load(xp)),
        )
      }
      v128.store(
        y + ((<usize>(row * yRowStride + sample)) << 2),
        f32x4.min(f32x4.max(acc_f32x4, f32x4.splat(min)), f32x4.splat(max)),
      )
      sample += 4
    }
    while (sample < n) {
      let acc = initial
      for (let e = start; e < end; e++) {
        const column = <usize>load<u32>(colIndices + ((<usize>e) << 2))
        const xp = x + column * xRowBytes + ((<usize>(sample * xSampleStride)) << 2)
        acc += load<f32>(values + ((<usize>e) << 2)) * load<f32>(xp)
      }
      const yp = y + ((<usize>(row * yRowStride + sample * ySampleStride)) << 2)
      store<f32>(yp, Mathf.min(Mathf.max(acc, min), max))
      sample++
    }
  }
}
