import type { TargetName } from '../runtime/runtime.js'

/** A kernel that multiplies samples by a matrix, and what it reads of the matrix: all elements or the entries it stores. */
export interface Candidate {
  readonly kernel: MatrixKernel
  readonly entries: number
}

export type MatrixKernel = keyof typeof RATES

/** Nanoseconds of a call for each of `termsOf`. */
export type Rate = readonly [entry: number, far: number, line: number]

/** Entries that a second-level cache holds. */
const NEAR_ENTRIES = 2 ** 18

/** What the time of a call goes with: all entries, those that come from further away than the cache, rows and columns. */
export function termsOf(entries: number, lines: number): Rate {
  return [entries, Math.max(entries - NEAR_ENTRIES, 0), lines]
}

/** Samples of the calls that were measured. */
export const BATCHES = [1, 4, 16, 64] as const

/**
 * The rates of each kernel for each of `BATCHES`, fitted to the times in bench/cost/times.json by
 * `npm run bench:cost`. See bench/README.md#cost-model.
 */
export const RATES = {
  f32_gemm: [
    [0.0566, 0.0955, 0.633],
    [0.174, 0.058, 1.66],
    [0.692, 0.139, 7.34],
    [2.9, 0.652, 16.4],
  ],
  f32_spmm_csr: [
    [0.282, 0.0709, 0.696],
    [0.663, 0.162, 1.59],
    [0.924, 0.19, 3.76],
    [3.21, 0.344, 15.7],
  ],
  f32_cb8w_spmm_csr: [
    [0.437, 0.0469, 0.796],
    [0.74, 0.0769, 1.82],
    [1.02, 0.108, 3.81],
    [3.29, 0.392, 16],
  ],
  f32_cbw_gemm: [
    [0.299, 0.0108, 0.122],
    [0.406, 0.0165, 1.35],
    [0.93, 0.0787, 4.08],
    [3.07, 0.29, 10.1],
  ],
  qd8_f32_qc8w_gemm: [
    [0.0316, 0.0057, 1.06],
    [0.121, 0.0161, 2.16],
    [0.394, 0.0411, 6.59],
    [1.49, 0.178, 22.6],
  ],
  qd8_f32_qc8w_spmm_csr: [
    [0.214, 0.0258, 0.885],
    [0.415, 0.0606, 1.89],
    [0.842, 0.105, 3.65],
    [2.48, 0.233, 11.3],
  ],
} satisfies Record<string, readonly Rate[]>

/** Those of the relaxed module, where they are others. */
export const RELAXED_RATES: Partial<Record<MatrixKernel, readonly Rate[]>> = {
  qd8_f32_qc8w_gemm: [
    [0.011, 0.00475, 0.804],
    [0.0453, 0.00925, 1.77],
    [0.149, 0.0204, 4.44],
    [0.562, 0.0598, 15.1],
  ],
}

/** The time of a call in nanoseconds, on a straight line between measured batches. */
export function predictedNs(
  { kernel, entries }: Candidate,
  lines: number,
  samples: number,
  target: TargetName,
): number {
  const rates: readonly Rate[] = (target === 'relaxed' && RELAXED_RATES[kernel]) || RATES[kernel]
  const terms = termsOf(entries, lines)
  const ns = (batch: number): number => rates[batch]!.reduce((sum, rate, i) => sum + rate * terms[i]!, 0)
  samples = Math.max(samples, 1)
  let at = 1
  while (at < BATCHES.length && BATCHES[at]! < samples) at++
  if (at === BATCHES.length) return (ns(at - 1) * samples) / BATCHES[at - 1]!
  const [low, high] = [BATCHES[at - 1]!, BATCHES[at]!]
  return ns(at - 1) + ((ns(at) - ns(at - 1)) * (samples - low)) / (high - low)
}

/**
 * The candidate whose time is nearest to the best in the batch where it is furthest from it. One batch: the fastest. Several,
 * when it is not known how many samples will come: the one that is nowhere much slower than another would be.
 */
export function leastRegret<C extends Candidate>(
  candidates: readonly [C, ...C[]],
  lines: number,
  batches: readonly number[],
  target: TargetName,
): C {
  let chosen = candidates[0]
  let least = Infinity
  const best = batches.map((samples) =>
    Math.min(...candidates.map((candidate) => predictedNs(candidate, lines, samples, target))),
  )
  for (const candidate of candidates) {
    const regret = Math.max(
      ...batches.map((samples, i) => predictedNs(candidate, lines, samples, target) / best[i]!),
    )
    if (regret < least) [chosen, least] = [candidate, regret]
  }
  return chosen
}
