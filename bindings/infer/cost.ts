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

/** A form that stores nearly all elements saves nothing, whatever the model says of a matrix smaller than the measured ones. */
const MOST_ENTRIES = 3 / 4

/** What the time of a call goes with: all entries, those that come from further away than the cache, rows and columns. */
export function termsOf(entries: number, lines: number): Rate {
  return [entries, Math.max(entries - NEAR_ENTRIES, 0), lines]
}

/** Samples of the calls that were measured. */
export const BATCHES = [1, 4, 8, 16, 64] as const

/**
 * The rates of each kernel for each of `BATCHES`, fitted to the times in bench/cost/times.json by
 * `npm run bench:cost`. See bench/README.md#cost-model.
 */
export const RATES = {
  f32_gemm: [
    [0.0578, 0.0968, 0.473],
    [0.18, 0.045, 0.748],
    [0.363, 0.0447, 0.809],
    [0.719, 0.0508, 2.24],
    [3.03, 0.219, 0],
  ],
  f32_spmm_csr: [
    [0.272, 0.0712, 0.727],
    [0.647, 0.16, 1.61],
    [0.652, 0.151, 1.76],
    [0.916, 0.159, 3.42],
    [3.18, 0.169, 14.1],
  ],
  f32_cb8w_spmm_csr: [
    [0.426, 0.00701, 0.867],
    [0.728, 0.00403, 1.87],
    [0.732, 0, 1.93],
    [1.01, 0, 3.47],
    [3.31, 0.0288, 15.2],
  ],
  f32_cbw_gemm: [
    [0.294, 0, 1.56],
    [0.4, 0, 3.91],
    [0.574, 0, 5.49],
    [0.927, 0, 8.19],
    [3.08, 0, 19.5],
  ],
  f32_spmm_bsr: [
    [0.0939, 0.0995, 0.452],
    [0.372, 0.131, 1.36],
    [0.374, 0.127, 1.61],
    [0.739, 0.302, 2.89],
    [3.01, 1.24, 9.03],
  ],
  f32_spmm_nm: [
    [0.138, 0.06, 2.21],
    [0.62, 0.0995, 2.01],
    [0.623, 0.109, 1.99],
    [1.25, 0.27, 3.37],
    [5.07, 1.07, 13.3],
  ],
  qd8_f32_qc8w_gemm: [
    [0.031, 0.00444, 1.18],
    [0.12, 0.00524, 2.67],
    [0.21, 0.00704, 3.91],
    [0.4, 0, 6.04],
    [1.38, 0.0255, 31.7],
  ],
  qd8_f32_qc8w_spmm_csr: [
    [0.21, 0.0171, 0.85],
    [0.411, 0.0402, 1.87],
    [0.415, 0.0356, 1.94],
    [0.834, 0.0873, 3.48],
    [2.46, 0, 10.1],
  ],
} satisfies Record<string, readonly Rate[]>

/** Those of the relaxed module, where they are others. */
export const RELAXED_RATES: Partial<Record<MatrixKernel, readonly Rate[]>> = {
  qd8_f32_qc8w_gemm: [
    [0.0102, 0.00487, 1.02],
    [0.0457, 0.0045, 1.91],
    [0.0737, 0.00793, 2.58],
    [0.15, 0.00628, 4.52],
    [0.571, 0, 13.9],
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
  // Sparse kernels take a vector, or slabs of 8 samples and more.
  if (samples > 1 && !kernel.endsWith('gemm')) samples = 8 * Math.ceil(samples / 8)
  samples = Math.max(samples, 1)
  let at = 1
  while (at < BATCHES.length && BATCHES[at]! < samples) at++
  if (at === BATCHES.length) return (ns(at - 1) * samples) / BATCHES[at - 1]!
  const [low, high] = [BATCHES[at - 1]!, BATCHES[at]!]
  return ns(at - 1) + ((ns(at) - ns(at - 1)) * (samples - low)) / (high - low)
}

/**
 * Of the first candidate, and the others that store at most three quarters of its entries, the one whose time is nearest
 * to the best in the batch where it is furthest from it. One batch: the fastest. Several, when it is not known how many
 * samples will come: the one that is nowhere much slower than another would be.
 */
export function leastRegret<C extends Candidate>(
  candidates: readonly [C, ...C[]],
  lines: number,
  batches: readonly number[],
  target: TargetName,
): C {
  const [whole] = candidates
  const light = candidates.filter(
    (candidate) => candidate === whole || candidate.entries <= MOST_ENTRIES * whole.entries,
  )
  let chosen: C = whole
  let least = Infinity
  const best = batches.map((samples) =>
    Math.min(...light.map((candidate) => predictedNs(candidate, lines, samples, target))),
  )
  for (const candidate of light) {
    const regret = Math.max(
      ...batches.map((samples, i) => predictedNs(candidate, lines, samples, target) / best[i]!),
    )
    if (regret < least) [chosen, least] = [candidate, regret]
  }
  return chosen
}
