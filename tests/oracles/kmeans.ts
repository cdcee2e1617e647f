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

/** The least error that k centroids can have, of every way to cut the sorted values; one of them has to be 0 if so asked. */
export function leastSquaredError(
  data: ArrayLike<number>,
  k: number,
  weight: (i: number) => number,
  oneIsZero: boolean,
): number {
  const order = Array.from({ length: data.length }, (_, i) => i).sort((a, b) => data[a]! - data[b]!)
  const errorOf = (from: number, to: number, centroid?: number): number => {
    const members = order.slice(from, to)
    const total = members.reduce((sum, i) => sum + weight(i), 0)
    const mean = members.reduce((sum, i) => sum + weight(i) * data[i]!, 0) / total
    return members.reduce((sum, i) => sum + weight(i) * (data[i]! - (centroid ?? mean)) ** 2, 0)
  }
  const known = new Map<string, number>()
  const best = (end: number, clusters: number, zero: boolean): number => {
    if (end === 0) return 0
    if (clusters === 0 && !zero) return Infinity
    const key = `${end} ${clusters} ${zero}`
    const found = known.get(key)
    if (found !== undefined) return found
    let least = Infinity
    for (let from = 0; from < end; from++) {
      if (clusters > 0) least = Math.min(least, best(from, clusters - 1, zero) + errorOf(from, end))
      if (zero) least = Math.min(least, best(from, clusters, false) + errorOf(from, end, 0))
    }
    known.set(key, least)
    return least
  }
  return best(order.length, oneIsZero ? k - 1 : k, oneIsZero)
}

/**
 * The same for many values that all count alike. Of m clusters over the first j values, the best start of the last one
 * does not move back as j grows (Wu 1991), so the middle j bounds the search on both sides. Sums in f64 about the middle
 * value.
 */
export function leastSquaredErrorOfMany(data: ArrayLike<number>, k: number): number {
  const sorted = Float64Array.from(data).sort()
  const n = sorted.length
  const middle = sorted[n >> 1]!
  const sums = new Float64Array(n + 1)
  const squares = new Float64Array(n + 1)
  sorted.forEach((value, i) => {
    sums[i + 1] = sums[i]! + (value - middle)
    squares[i + 1] = squares[i]! + (value - middle) ** 2
  })
  const spread = (from: number, to: number): number =>
    squares[to]! - squares[from]! - (sums[to]! - sums[from]!) ** 2 / (to - from)
  let least = Float64Array.from({ length: n + 1 }, (_, j) => (j === 0 ? 0 : spread(0, j)))
  for (let clusters = 2; clusters <= k; clusters++) {
    const next = least.slice()
    const search = (low: number, high: number, first: number, last: number): void => {
      if (low > high) return
      const j = (low + high) >> 1
      let best = first
      for (let from = first; from <= Math.min(last, j - 1); from++) {
        const error = least[from]! + spread(from, j)
        if (error < next[j]!) {
          next[j] = error
          best = from
        }
      }
      search(low, j - 1, first, best)
      search(j + 1, high, best, last)
    }
    search(1, n, 0, n - 1)
    least = next
  }
  return least[n]!
}
