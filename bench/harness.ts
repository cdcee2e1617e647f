import { Bench } from 'tinybench'
import type { Runtime } from '../bindings/runtime/runtime.js'
import type { Peaks } from './peak.js'

export type Unit = 'GOP/s' | 'GFLOP/s' | 'GB/s' | 'MV/s'

const PER_UNIT: Record<Unit, number> = { 'GOP/s': 1e9, 'GFLOP/s': 1e9, 'GB/s': 1e9, 'MV/s': 1e6 }

/** A prepared measurement: inputs packed and resident, ready to be called many times. */
export interface Prepared {
  run(): unknown
  /** Compares the result of `run` with an oracle that does not come from the library. */
  exact(): boolean | Promise<boolean>
  dispose?(): void
}

export interface BenchCase {
  /** Stem of the kernel, as in assembly/. */
  kernel: string
  /** For people: `256x256x256`, `1e6 values k=16`. */
  shape: string
  unit: Unit
  /** Operations, bytes or values of one call. */
  work: number
  /** The machine limit that the rate is a share of, where its unit is the same. */
  peak?: 'int8' | 'f32' | 'copy'
  prepare(runtime: Runtime): Prepared
}

/** One way to do the work of a case. */
export interface Contender extends Prepared {
  name: string
  target: string
}

/** One line of the table and of `--json`. */
export interface Row {
  kernel: string
  shape: string
  target: string
  contender: string
  medianMs: number
  minMs: number
  rate: number
  unit: Unit
  /** The first contender's rate over this one's; 1 in its own row. */
  ratio: number
  /** Share of the machine's own measured peak for this kind of work; null where no peak was measured. */
  peakShare: number | null
  exact: boolean
}

export interface Rounds {
  rounds?: number
  roundMs?: number
}

/** Times one call in a round of about `roundMs`; returns median and minimum in milliseconds. */
export async function time(
  run: () => unknown,
  roundMs: number,
): Promise<{ medianMs: number; minMs: number }> {
  const bench = new Bench({ time: roundMs, warmupTime: roundMs / 2, iterations: 5, warmupIterations: 2 })
  bench.add('run', run)
  const [task] = await bench.run()
  const result = task?.result
  if (result === undefined || !('latency' in result)) {
    throw new Error(`benchmark did not finish: ${String(result?.state)}`)
  }
  return { medianMs: result.latency.p50, minMs: result.latency.min }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]!
}

/**
 * Runs the contenders of one case, rounds interleaved so that a slow spell of the machine hits all of them; each
 * result is compared with the oracle before it is timed.
 */
export async function compare(
  benchCase: Omit<BenchCase, 'prepare'>,
  contenders: readonly Contender[],
  peaks?: Peaks,
  { rounds = 5, roundMs = 60 }: Rounds = {},
): Promise<Row[]> {
  const { kernel, shape, unit, work, peak } = benchCase
  const exact: boolean[] = []
  for (const contender of contenders) {
    await contender.run()
    exact.push(await contender.exact())
  }
  const times = contenders.map(() => ({ medians: [] as number[], mins: [] as number[] }))
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const { medianMs, minMs } = await time(() => contender.run(), roundMs)
      times[i]!.medians.push(medianMs)
      times[i]!.mins.push(minMs)
    }
  }
  const rates = times.map(({ medians }) => work / (median(medians) / 1e3) / PER_UNIT[unit])
  return contenders.map(({ name, target, dispose }, i) => {
    dispose?.()
    const limit = peak && peaks?.[peak === 'int8' && target === 'relaxed' ? 'relaxed' : peak]
    return {
      kernel,
      shape,
      target,
      contender: name,
      medianMs: median(times[i]!.medians),
      minMs: Math.min(...times[i]!.mins),
      rate: rates[i]!,
      unit,
      ratio: rates[0]! / rates[i]!,
      peakShare: limit ? rates[i]! / limit : null,
      exact: exact[i]!,
    }
  })
}

/** Runs one case of ours on every runtime; the ratio of each row is to itself. */
export async function measure(
  benchCase: BenchCase,
  runtimes: ReadonlyMap<string, Runtime>,
  peaks?: Peaks,
  rounds?: Rounds,
): Promise<Row[]> {
  const contenders = [...runtimes].map(([target, runtime]) => {
    const prepared = benchCase.prepare(runtime)
    return {
      name: 'mcompress',
      target,
      run: () => prepared.run(),
      exact: () => prepared.exact(),
      dispose: () => prepared.dispose?.(),
    }
  })
  const rows = await compare(benchCase, contenders, peaks, rounds)
  return rows.map((row) => ({ ...row, ratio: 1 }))
}
