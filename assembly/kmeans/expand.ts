/** y[i] = centroids[indices[i]]. Contract: assembly/README.md#kmeans */
export function u8_f32_codebook_expand(indices: usize, centroids: usize, y: usize, n: i32): void {
  const end = indices + <usize>n
  const end4 = indices + <usize>(n & ~3)
  while (indices < end4) {
    const i = load<u32>(indices)
    store<f32>(y, load<f32>(centroids + ((<usize>(i & 0xff)) << 2)))
    store<f32>(y, load<f32>(centroids + ((<usize>((i >> 8) & 0xff)) << 2)), 4)
    store<f32>(y, load<f32>(centroids + ((<usize>((i >> 16) & 0xff)) << 2)), 8)
    store<f32>(y, load<f32>(centroids + ((<usize>(i >> 24)) << 2)), 12)
    indices += 4
    y += 16
  }
  while (indices < end) {
    store<f32>(y, load<f32>(centroids + ((<usize>load<u8>(indices)) << 2)))
    indices++
    y += 4
  }
}
