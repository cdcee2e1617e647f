import type { Samples } from './kmeans-samples.js'
import { generator } from './random.js'

/** Evenly from the least to the greatest value. */
export function linearCentroids({ values }: Samples, k: number): number[] {
  const low = values[0]!
  const high = values.at(-1)!
  if (k === 1) return [(low + high) / 2]
  return Array.from({ length: k }, (_, i) => low + ((high - low) * i) / (k - 1))
}

/** The values at evenly spaced quantiles. */
export function densityCentroids({ values, weightSums }: Samples, k: number): number[] {
  const total = weightSums?.at(-1) ?? values.length
  let at = 0
  return Array.from({ length: k }, (_, i) => {
    const rank = (total * (i + 0.5)) / k
    while (at + 1 < values.length && (weightSums?.[at + 1] ?? at + 1) <= rank) at++
    return values[at]!
  })
}

/** kmeans++ needs a pass a centroid; above this many values it draws from evenly spaced quantiles. */
const MOST_DRAWN_FROM = 1 << 14

/** Values drawn with probability proportional to weight times squared distance from those drawn before. */
export function drawnCentroids(samples: Samples, k: number, seed: number): number[] {
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
      const offset = values[i]! - centroid
      const square = offset * offset
      distance[i] = drawn.length === 0 ? square : Math.min(distance[i]!, square)
    }
    drawn.push(centroid)
  }
  return drawn
}

function thin({ values, weights }: Samples): Pick<Samples, 'values' | 'weights'> {
  const step = values.length / MOST_DRAWN_FROM
  if (step <= 1) return { values, weights }
  const pick = (from: Float32Array): Float32Array =>
    Float32Array.from({ length: MOST_DRAWN_FROM }, (_, i) => from[Math.floor((i + 0.5) * step)]!)
  return { values: pick(values), weights: weights && pick(weights) }
}
