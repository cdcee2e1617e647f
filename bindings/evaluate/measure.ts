import { checkInteger, checkOptions } from '../validate.js'

export interface MeasureOptions {
  /** Timed runs; 20 unless given. */
  runs?: number
  /** Runs before the first timed one, in which the engine optimizes; 5 unless given. */
  warmup?: number
}

export interface Measurement {
  readonly medianMs: number
  readonly minMs: number
  readonly runs: number
}

/**
 * Latency of a call, as the median and the least of several runs: `measure(() => session.run(inputs))`. Figures of
 * different processes do not compare; measure both sides in one.
 */
export function measure(run: () => unknown, options: MeasureOptions = {}): Measurement {
  checkOptions('options', options, ['runs', 'warmup'])
  const { runs = 20, warmup = 5 } = options
  checkInteger('runs', runs, 1, 1_000_000)
  checkInteger('warmup', warmup, 0, 1_000_000)
  for (let i = 0; i < warmup; i++) run()
  const times = new Float64Array(runs)
  for (let i = 0; i < runs; i++) {
    const began = performance.now()
    run()
    times[i] = performance.now() - began
  }
  times.sort()
  return { medianMs: median(times), minMs: times[0]!, runs }
}

/** Median of ascending values; the mean of the middle two of an even number. */
function median(sorted: Float64Array): number {
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
