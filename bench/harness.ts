import { Bench } from 'tinybench'
import type { Runtime } from '../bindings/runtime/runtime.js'

export type Unit = 'GOP/s' | 'GFLOP/s' | 'GB/s' | 'MV/s'

const PER_UNIT: Record<Unit, number> = { 'GOP/s': 1e9, 'GFLOP/s': 1e9, 'GB/s': 1e9, 'MV/s': 1e6 }

/** A prepared measurement: inputs packed and resident, ready to be called many times. */
export interface Prepared {
  run(): unknown
  /** Compares the result of `run` with an oracle that does not come from the library. */
  exact(): boolean
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
  prepare(runtime: Runtime): Prepared
}

export interface Row {
  kernel: string
  shape: string
  target: string
  contender: string
  medianMs: number
  minMs: number
  rate: number
  unit: Unit
  /** Rate of ours over this contender's; 1 in our own rows. */
  ratio: number
  /** Share of the machine's own measured peak for this kind of work; null where no peak was measured. */
  peakShare: number | null
  exact: boolean
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
  if (result === undefined || !('latency' in result))
    throw new Error(`benchmark did not finish: ${String(result?.state)}`)
  return { medianMs: result.latency.p50, minMs: result.latency.min }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]!
}

/** Runs one case on every runtime, rounds interleaved; the result is compared with the oracle before it is timed. */
export async function measure(
  benchCase: BenchCase,
  runtimes: ReadonlyMap<string, Runtime>,
  { rounds = 5, roundMs = 60 } = {},
): Promise<Row[]> {
  const contenders = [...runtimes].map(([target, runtime]) => {
    const prepared = benchCase.prepare(runtime)
    prepared.run()
    return { target, prepared, exact: prepared.exact(), medians: [] as number[], mins: [] as number[] }
  })
  for (let round = 0; round < rounds; round++) {
    for (const { prepared, medians, mins } of contenders) {
      const { medianMs, minMs } = await time(() => prepared.run(), roundMs)
      medians.push(medianMs)
      mins.push(minMs)
    }
  }
  return contenders.map(({ target, prepared, exact, medians, mins }) => {
    prepared.dispose?.()
    const medianMs = median(medians)
    return {
      kernel: benchCase.kernel,
      shape: benchCase.shape,
      target,
      contender: 'mcompress',
      medianMs,
      minMs: Math.min(...mins),
      rate: benchCase.work / (medianMs / 1e3) / PER_UNIT[benchCase.unit],
      unit: benchCase.unit,
      ratio: 1,
      peakShare: null,
      exact,
    }
  })
}
