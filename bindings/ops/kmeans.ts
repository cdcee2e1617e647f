import { boundaryBetween, MAX_CENTROIDS, type Codebook } from '../formats/codebook.js'
import { floatsOf, type Tensor } from '../formats/tensor.js'
import { MAX_KMEANS_ITERATIONS } from '../limits.js'
import { checkChoice, checkInteger, checkOptions } from '../validate.js'
import { densityCentroids, drawnCentroids, linearCentroids } from './kmeans-init.js'
import { optimalCentroids } from './kmeans-optimal.js'
import { prepareSamples, type Samples } from './kmeans-samples.js'

export interface KmeansOptions {
  /** Centroids wanted, 1..256. */
  k: number
  /**
   * Where the centroids start. `linear` (default): evenly from the least to the greatest value, which serves pruned
   * networks best (Han et al. 2016). `density`: at evenly spaced quantiles. `kmeans++`: drawn with probability
   * proportional to the squared distance from those drawn before (Arthur and Vassilvitskii 2007). `optimal`: by dynamic
   * programming, where the error is least: exactly so for up to 1024 distinct values, or 16 a centroid if that is more;
   * of more values, neighbours are kept together.
   */
  init?: 'linear' | 'density' | 'kmeans++' | 'optimal'
  /** For `kmeans++`; 0 unless given. */
  seed?: number
  /** Most rounds of Lloyd's algorithm; 300 unless given. It ends earlier when nothing moves. */
  iterations?: number
  /** Leaves values that are exactly 0 out of the training: they are pruned and will not be looked up. */
  ignoreZeros?: boolean
  /** Makes 0 one of the k centroids and keeps it there while the others move. Implies `ignoreZeros`. */
  reserveZero?: boolean
  /** Importance of each value, finite and 0 or more; all alike unless given. */
  weights?: Float32Array
}

export interface TrainedCodebook extends Codebook {
  /** Rounds that were made. */
  readonly iterations: number
  /** Sum of weight * (value - centroid)^2 over the training values. */
  readonly squaredError: number
}

/**
 * Trains a one-dimensional codebook with Lloyd's algorithm, exactly: the values are sorted once, a cluster is then a
 * range of them, and its mean a difference of prefix sums in f64.
 *
 * A cluster that runs empty is dropped, and its centroid set on the value that lies farthest from its own. The result
 * has fewer than k centroids when there are fewer distinct values; without any value to train on it is [0].
 *
 * @throws TypeError, RangeError; RangeError if `data` holds NaN or an infinity
 * @see Lloyd 1982, Least squares quantization in PCM
 */
export function kmeansCodebook(
  data: Float32Array | Tensor<'float32'>,
  options: KmeansOptions,
): TrainedCodebook {
  checkOptions('options', options, [
    'k',
    'init',
    'seed',
    'iterations',
    'ignoreZeros',
    'reserveZero',
    'weights',
  ])
  const { k, init = 'linear', seed = 0, iterations = 300, reserveZero = false } = options
  checkInteger('k', k, 1, MAX_CENTROIDS)
  checkChoice('init', init, ['linear', 'density', 'kmeans++', 'optimal'])
  checkInteger('seed', seed, 0, 2 ** 32 - 1)
  checkInteger('iterations', iterations, 0, MAX_KMEANS_ITERATIONS)
  const skipZeros = options.ignoreZeros === true || reserveZero
  const samples = prepareSamples(floatsOf('data', data), options.weights, skipZeros)
  const initial = initialCentroids(samples, k - (reserveZero ? 1 : 0), init, seed, reserveZero)
  let centroids = refill(samples, withZero(initial, reserveZero), k)
  let rounds = 0
  while (rounds < iterations) {
    const means = refill(samples, withZero(clusterMeans(samples, centroids, reserveZero), reserveZero), k)
    rounds++
    const settled = means.length === centroids.length && means.every((mean, i) => mean === centroids[i])
    centroids = means
    if (settled) break
  }
  const kept = dropEmpty(samples, centroids, reserveZero)
  if (kept.length === 0) kept.push(0)
  return {
    centroids: Float32Array.from(kept),
    iterations: rounds,
    squaredError: squaredError(samples, kept),
  }
}

function initialCentroids(
  samples: Samples,
  k: number,
  init: 'linear' | 'density' | 'kmeans++' | 'optimal',
  seed: number,
  reserveZero: boolean,
): number[] {
  if (samples.values.length === 0) return []
  switch (init) {
    case 'linear':
      return linearCentroids(samples, k)
    case 'density':
      return densityCentroids(samples, k)
    case 'kmeans++':
      return drawnCentroids(samples, k, seed)
    case 'optimal':
      return optimalCentroids(samples, k, reserveZero)
  }
}

/** f32 centroids in ascending order, none twice, 0 among them if it is reserved. */
function withZero(centroids: readonly number[], reserveZero: boolean): number[] {
  const all = centroids.map((centroid) => Math.fround(centroid) + 0)
  if (reserveZero) all.push(0)
  return all.sort((a, b) => a - b).filter((centroid, i, sorted) => i === 0 || centroid !== sorted[i - 1])
}

/** Where the clusters of ascending centroids end in the sorted values. */
function clusterEnds({ values }: Samples, centroids: readonly number[]): number[] {
  let start = 0
  return centroids.map((centroid, i) => {
    if (i + 1 === centroids.length) return values.length
    const boundary = boundaryBetween(centroid, centroids[i + 1]!)
    let end = values.length
    while (start < end) {
      const middle = (start + end) >>> 1
      if (values[middle]! <= boundary) start = middle + 1
      else end = middle
    }
    return start
  })
}

/** The mean of each cluster that has members; the reserved 0 stays out. */
function clusterMeans(samples: Samples, centroids: readonly number[], reserveZero: boolean): number[] {
  const { values, valueSums, weightSums } = samples
  const means: number[] = []
  let start = 0
  clusterEnds(samples, centroids).forEach((end, i) => {
    if (end > start && !(reserveZero && centroids[i] === 0)) {
      const weight = weightSums === undefined ? end - start : weightSums[end]! - weightSums[start]!
      const mean = weight > 0 ? (valueSums[end]! - valueSums[start]!) / weight : centroids[i]!
      // Beside values that are larger by many orders of magnitude, the difference keeps few digits.
      means.push(Math.min(Math.max(mean, values[start]!), values[end - 1]!))
    }
    start = end
  })
  return means
}

/** Adds centroids until there are k, each on the value that is farthest from its own; fewer if no value is off its own. */
function refill(samples: Samples, centroids: number[], k: number): number[] {
  const { values } = samples
  const filled = [...centroids]
  while (filled.length < k) {
    let farthest = 0
    let value = 0
    let start = 0
    clusterEnds(samples, filled).forEach((end, i) => {
      if (end > start) {
        for (const edge of [values[start]!, values[end - 1]!]) {
          if (Math.abs(edge - filled[i]!) > farthest) {
            farthest = Math.abs(edge - filled[i]!)
            value = edge
          }
        }
      }
      start = end
    })
    if (farthest === 0) break
    filled.push(value)
    filled.sort((a, b) => a - b)
  }
  return filled
}

function dropEmpty(samples: Samples, centroids: readonly number[], reserveZero: boolean): number[] {
  const ends = clusterEnds(samples, centroids)
  return centroids.filter((centroid, i) => ends[i]! > (ends[i - 1] ?? 0) || (reserveZero && centroid === 0))
}

function squaredError(samples: Samples, centroids: readonly number[]): number {
  const { values, weights } = samples
  let total = 0
  let i = 0
  clusterEnds(samples, centroids).forEach((end, c) => {
    const centroid = centroids[c]!
    for (; i < end; i++) {
      const distance = values[i]! - centroid
      const square = distance * distance // engines may differ in `** 2`
      total += weights === undefined ? square : weights[i]! * square
    }
  })
  return total
}
