/** A finite f32 as an integer multiple of the least subnormal, 2^-149; the product keeps its 24 bits in f64. */
function exact(x: number): bigint {
  return BigInt(x * 2 ** 149)
}

/** The nearest centroid in exact arithmetic; of two equally near ones the lower. */
export function nearest(x: number, centroids: Float32Array): number {
  let least = Infinity
  for (const c of centroids) least = Math.min(least, Math.abs(x - c))
  let best = -1
  let distance = 0n
  centroids.forEach((c, i) => {
    if (Math.abs(x - c) > least * (1 + 2 ** -40)) return // f64 is that sure
    const difference = exact(x) - exact(c)
    const size = difference < 0n ? -difference : difference
    if (best >= 0 && size >= distance) return
    best = i
    distance = size
  })
  return best
}

/** Sum of weight * (value - nearest centroid)^2. */
export function squaredError(
  data: ArrayLike<number>,
  centroids: Float32Array,
  weight: (i: number) => number,
): number {
  let total = 0
  for (let i = 0; i < data.length; i++) {
    let least = Infinity
    for (const c of centroids) least = Math.min(least, (data[i]! - c) ** 2)
    total += weight(i) * least
  }
  return total
}
