import type { Samples } from './kmeans-samples.js'

/** Bins that the values are gathered in at most: enough for Lloyd's rounds to settle the rest. */
const BINS_A_CENTROID = 16
const LEAST_BINS = 1024

/** Values are looked at in so many steps a bin. */
const STEPS_A_BIN = 16

/** Sums over the first b bins, of values less `centre`. */
interface Bins {
  readonly count: number
  readonly centre: number
  readonly weight: Float64Array
  readonly value: Float64Array
}

/** The squared error of one cluster of the bins from i to j, less the squares of all its values. */
type Cost = (i: number, j: number) => number

/** For each j the least error of so many clusters over the first j bins, and where the last of them starts. */
interface Layer {
  readonly error: Float64Array
  readonly start: Uint16Array
}

/**
 * The k centroids of least squared error, by dynamic programming: the best m clusters of the first j bins are the best
 * m - 1 of the first i and one from i to j. The best i grows with j, so a layer takes b log b steps for b bins. Exact
 * where there is a bin for every value.
 *
 * With a reserved zero there is one cluster more, whose centroid is 0 and not in the result.
 *
 * @see Wang and Song 2011, Ckmeans.1d.dp; Gronlund et al. 2017, Fast exact k-means in one dimension
 */
export function optimalCentroids(samples: Samples, k: number, reserveZero: boolean): number[] {
  const bins = gather(samples, Math.max(BINS_A_CENTROID * k, LEAST_BINS), reserveZero)
  const { count, centre, weight, value } = bins
  const meanOf = (i: number, j: number): number =>
    centre + (value[j]! - value[i]!) / (weight[j]! - weight[i]!)
  const spread: Cost = (i, j) => {
    if (i === j) return 0
    const sum = value[j]! - value[i]!
    return -(sum * sum) / (weight[j]! - weight[i]!)
  }
  if (!reserveZero) return cut(layersOf(count, k, spread), count, meanOf)

  // The cluster at 0 lies between clusters of negative and of positive values; the latter are cut from the far end.
  let zero = 0
  while (zero < count && value[zero + 1]! < value[zero]!) zero++
  const mirrored =
    (of: Cost): Cost =>
    (i, j) =>
      of(count - j, count - i)
  const below = layersOf(zero, k, spread)
  const above = layersOf(count - zero, k, mirrored(spread))
  let best = { error: Infinity, m: 0, from: 0, to: 0 }
  for (let m = 0; m <= k; m++) {
    const from = leastAt(below[m]!.error)
    const to = leastAt(above[k - m]!.error)
    const error = below[m]!.error[from]! + above[k - m]!.error[to]!
    if (error < best.error) best = { error, m, from, to }
  }
  return [
    ...cut(below.slice(0, best.m + 1), best.from, meanOf),
    ...cut(above.slice(0, k - best.m + 1), best.to, mirrored(meanOf)),
  ]
}

function leastAt(values: Float64Array): number {
  let at = 0
  for (let i = 1; i < values.length; i++) if (values[i]! < values[at]!) at = i
  return at
}

/** Layers of 0 to k clusters. */
function layersOf(count: number, k: number, cost: Cost): Layer[] {
  const none = { error: new Float64Array(count + 1).fill(Infinity), start: new Uint16Array(count + 1) }
  none.error[0] = 0
  const layers: Layer[] = [none]
  for (let m = 1; m <= k; m++) layers.push(nextLayer(layers[m - 1]!.error, cost))
  return layers
}

/** The centroids of the last layer's clusters of the first j bins. */
function cut(layers: readonly Layer[], j: number, meanOf: Cost): number[] {
  const centroids: number[] = []
  for (let m = layers.length - 1; m > 0; m--) {
    const i = layers[m]!.start[j]!
    if (i < j) centroids.push(meanOf(i, j))
    j = i
  }
  return centroids
}

/** Adds a cluster to the best ones of `before`. */
function nextLayer(before: Float64Array, cost: Cost): Layer {
  const error = new Float64Array(before.length)
  const start = new Uint16Array(before.length)
  const settle = (low: number, high: number, first: number, last: number): void => {
    const j = (low + high) >>> 1
    let least = Infinity
    let at = first
    for (let i = first; i <= last && i <= j; i++) {
      const sum = before[i]! + cost(i, j)
      if (sum < least) {
        least = sum
        at = i
      }
    }
    error[j] = least
    start[j] = at
    if (low < j) settle(low, j - 1, first, at)
    if (j < high) settle(j + 1, high, at, last)
  }
  settle(0, before.length - 1, 0, before.length - 1)
  return { error, start }
}

/**
 * Gathers neighbouring values in about `most` bins at most, equal values always in one, and with `aroundZero` never both
 * signs. Where there are too many for a bin each, a bin holds an equal share of the square roots of the gaps between
 * values: between bins of equal width, which are coarse where values are dense, and of equal counts, which are coarse in
 * the tails. Values that lie close together are stepped over several at a time, as if their gaps were alike.
 */
function gather({ values, weightSums, valueSums }: Samples, most: number, aroundZero: boolean): Bins {
  const n = values.length
  let distinct = 1
  for (let i = 1; i < n; i++) if (values[i] !== values[i - 1]) distinct++
  const stride = distinct <= most ? 1 : Math.max(Math.floor(n / (STEPS_A_BIN * most)), 1)
  const close = (values[n - 1]! - values[0]!) / (STEPS_A_BIN * most)

  // Edges of steps, and the sum of roots up to each.
  const edges: number[] = [0]
  const roots: number[] = [0]
  let total = 0
  for (let from = 0; from < n;) {
    const before = values[Math.max(from - 1, 0)]!
    let to = Math.min(from + stride, n)
    if (values[to - 1]! - before > close || (aroundZero && before < 0 && values[to - 1]! > 0)) to = from + 1
    while (to < n && values[to] === values[to - 1]) to++
    total += Math.sqrt((values[to - 1]! - before) * (distinct <= most ? 1 : to - from))
    edges.push(to)
    roots.push(total)
    from = to
  }

  // Less a number amid them the values lose no digits in their sums.
  const centre = aroundZero ? 0 : values[n >>> 1]!
  const width = distinct <= most ? 0 : total / most
  const weight = [0]
  const value = [0]
  let end = roots[1]! + width
  for (let step = 1; step < edges.length; step++) {
    const edge = edges[step]!
    const isLast = edge === n
    if (!isLast && roots[step + 1]! < end && !(aroundZero && values[edge - 1]! < 0 && values[edge]! > 0))
      continue
    if (!isLast) end = roots[step + 1]! + width
    weight.push(weightSums === undefined ? edge : weightSums[edge]!)
    value.push(valueSums[edge]! - centre * weight.at(-1)!)
  }
  return {
    count: weight.length - 1,
    centre,
    weight: Float64Array.from(weight),
    value: Float64Array.from(value),
  }
}
