import { MAX_CENTROIDS, type Codebook } from '../formats/codebook.js'
import { checkShape, checkChoice, checkInteger, checkOptions, checkTypedArray } from '../validate.js'
import type { Tensor } from '../formats/tensor.js'
import { MAX_KMEANS_ITERATIONS } from '../limits.js'
import { generator } from './random.js'
import { sortFloats } from './sort.js'

export interface KmeansOptions {
  /** Centroids wanted, 1..256. */
  k: number
  /**
   * Where the centroids start. `linear` (default): evenly from the least to the greatest value, which serves pruned
   * networks best (Han et al. 2016). `density`: at evenly spaced quantiles. `kmeans++`: drawn with probability
   * proportional to the squared distance from those drawn before (Arthur and Vassilvitskii 2007).
   */
  init?: 'linear' | 'density' | 'kmeans++'
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
  checkChoice('init', init, ['linear', 'density', 'kmeans++'])
  checkInteger('seed', seed, 0, 2 ** 32 - 1)
  checkInteger('iterations', iterations, 0, MAX_KMEANS_ITERATIONS)
  const samples = prepare(floatsOf('data', data), options)
  const free = k - (reserveZero ? 1 : 0)
  let centroids = withZero(samples.values.length === 0 ? [] : INITIAL[init](samples, free, seed), reserveZero)
  centroids = refill(samples, centroids, k)
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

/** The data of a vector or tensor of floats, checked. */
export function floatsOf(name: string, data: Float32Array | Tensor<'float32'>): Float32Array {
  const isTensor = typeof data === 'object' && data !== null && 'shape' in data
  const values = isTensor ? data.data : data
  checkTypedArray(
    name,
    values,
    'Float32Array',
    isTensor ? checkShape(`${name}.shape`, data.shape) : undefined,
  )
  return values
}

/** Training values in ascending order, with what a range of them needs. */
interface Samples {
  readonly values: Float32Array
  readonly weights: Float32Array | undefined
  /** Sums of weight, and of weight * value, over the first i values; n + 1 long. Weights are 1 where none are given. */
  readonly weightSums: Float64Array | undefined
  readonly valueSums: Float64Array
}

function prepare(data: Float32Array, { weights, ignoreZeros, reserveZero }: KmeansOptions): Samples {
  for (let i = 0; i < data.length; i++) {
    if (data[i]! - data[i]! !== 0)
      throw new RangeError(`"data" expected finite values, got ${data[i]} at index ${i}`)
  }
  let used = data
  let usedWeights = weights
  if (weights !== undefined) {
    checkTypedArray('weights', weights, 'Float32Array', data.length)
    const bad = weights.findIndex((weight) => !(weight >= 0 && weight < Infinity))
    if (bad >= 0) throw new RangeError(`"weights" expected 0 or more, got ${weights[bad]} at index ${bad}`)
  }
  // A value of weight 0 has no say; without it every range of values has a mean.
  const skipZeros = ignoreZeros === true || reserveZero === true
  if (skipZeros || weights !== undefined) {
    const isUsed = (_: number, i: number): boolean => !(skipZeros && data[i] === 0) && weights?.[i] !== 0
    used = data.filter(isUsed)
    usedWeights = weights?.filter(isUsed)
  }
  const sorted = sortFloats(used, usedWeights)
  const n = used.length
  const valueSums = new Float64Array(n + 1)
  const weightSums = sorted.weights && new Float64Array(n + 1)
  for (let i = 0; i < n; i++) {
    const weight = sorted.weights?.[i] ?? 1
    valueSums[i + 1] = valueSums[i]! + weight * sorted.values[i]!
    if (weightSums !== undefined) weightSums[i + 1] = weightSums[i]! + weight
  }
  return { ...sorted, valueSums, weightSums }
}

const INITIAL = {
  linear({ values }: Samples, k: number): number[] {
    const low = values[0]!
    const high = values.at(-1)!
    if (k === 1) return [(low + high) / 2]
    return Array.from({ length: k }, (_, i) => low + ((high - low) * i) / (k - 1))
  },

  density({ values, weightSums }: Samples, k: number): number[] {
    const total = weightSums?.at(-1) ?? values.length
    let at = 0
    return Array.from({ length: k }, (_, i) => {
      const rank = (total * (i + 0.5)) / k
      while (at + 1 < values.length && (weightSums?.[at + 1] ?? at + 1) <= rank) at++
      return values[at]!
    })
  },

  'kmeans++'(samples: Samples, k: number, seed: number): number[] {
    const { values, weights } = thin(samples)
    const distance = new Float64Array(values.length).fill(1)
    const random = generator(seed)
    const drawn: number[] = []
    while (drawn.length < k) {
      let total = 0
      for (let i = 0; i < values.length; i++) total += (weights?.[i] ?? 1) * distance[i]!
      if (!(total > 0)) break
      let rest = random() * total
      let pick = 0
      for (let i = 0; i < values.length && rest >= 0; i++) {
        const share = (weights?.[i] ?? 1) * distance[i]!
        rest -= share
        if (share > 0) pick = i
      }
      const centroid = values[pick]!
      for (let i = 0; i < values.length; i++) {
        const square = (values[i]! - centroid) ** 2
        distance[i] = drawn.length === 0 ? square : Math.min(distance[i]!, square)
      }
      drawn.push(centroid)
    }
    return drawn
  },
} satisfies Record<string, (samples: Samples, k: number, seed: number) => number[]>

/** kmeans++ needs a pass a centroid; above this many values it draws from evenly spaced quantiles. */
const MOST_DRAWN_FROM = 1 << 14

function thin({ values, weights }: Samples): Pick<Samples, 'values' | 'weights'> {
  const step = values.length / MOST_DRAWN_FROM
  if (step <= 1) return { values, weights }
  const pick = (from: Float32Array): Float32Array =>
    Float32Array.from({ length: MOST_DRAWN_FROM }, (_, i) => from[Math.floor((i + 0.5) * step)]!)
  return { values: pick(values), weights: weights && pick(weights) }
}

/** f32 centroids in ascending order, none twice, 0 among them if it is reserved. */
function withZero(centroids: readonly number[], reserveZero: boolean): number[] {
  const all = centroids.map((centroid) => Math.fround(centroid) + 0)
  if (reserveZero) all.push(0)
  return all.sort((a, b) => a - b).filter((centroid, i, sorted) => i === 0 || centroid !== sorted[i - 1])
}

const word = new Uint32Array(1)
const float = new Float32Array(word.buffer)

/** The next float below a finite one other than the least. */
function floatBelow(x: number): number {
  float[0] = x
  if (x === 0) word[0] = 0x80000001
  else word[0]! += x > 0 ? -1 : 1
  return float[0]
}

/**
 * The greatest f32 value that belongs to the lower of two centroids: that at or below the midpoint, in exact
 * arithmetic. The sum of two floats need not fit an f64; the error of the sum (Knuth, TwoSum) tells on which side of
 * the rounded midpoint the true one lies.
 */
export function boundaryBetween(low: number, high: number): number {
  const sum = low + high
  const highPart = sum - low
  const error = low - (sum - highPart) + (high - highPart)
  const middle = Math.fround(sum / 2)
  return middle > sum / 2 || (middle === sum / 2 && error < 0) ? floatBelow(middle) : middle
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
    for (; i < end; i++) total += (weights?.[i] ?? 1) * (values[i]! - centroids[c]!) ** 2
  })
  return total
}
