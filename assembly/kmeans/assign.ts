/**
 * y[i] = how many of the ascending boundaries lie below x[i]: the index of the nearest centroid. There are
 * 2^levels - 1 boundaries, the unused ones at +infinity. Contract: assembly/README.md#kmeans
 */
export function f32_kmeans_assign(x: usize, boundaries: usize, y: usize, n: i32, levels: i32): void {
  const root: usize = ((<usize>1) << levels) << 1
  const end = x + ((<usize>n) << 2)
  while (x < end) {
    const v = load<f32>(x)
    let at: usize = 0
    let step = root
    while (step > 2) {
      if (load<f32>(boundaries + at + step - 4) < v) at += step
      step >>= 1
    }
    store<u8>(y, <u8>(at >> 2))
    x += 4
    y++
  }
}
