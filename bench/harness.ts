import { Bench } from 'tinybench'
import type { Runtime } from '../bindings/runtime/runtime.js'
import type { Limit, Limits } from './peak.js'
import type { Row, Unit } from './rows.js'
import { whereabouts } from './where.js'

const PER_UNIT: Record<Exclude<Unit, '% over entropy'>, number> = {
  'GOP/s': 1e9,
  'GFLOP/s': 1e9,
  'GB/s': 1e9,
  'MV/s': 1e6,
}

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
  unit: keyof typeof PER_UNIT
  /** Operations, bytes or values of one call. */
  work: number
  /** The machine limit that counts: of operations, or of bytes that a copy moves. */
  peak?: 'int8' | 'f32' | 'copy'
  /** Operations or bytes of one call as that limit counts them; `work` unless given. */
  peakWork?: number
  prepare(runtime: Runtime): Prepared
}

/** One way to do the work of a case. */
export interface Contender extends Prepared {
  name: string
  target: string
}

export interface Rounds {
  rounds?: number
  roundMs?: number
}

/** The process as far as a clock needs it: a page has none. */
const { process } = globalThis as { process?: { cpuUsage?(): { user: number; system: number } } }

/**
 * Milliseconds. CPU time where the host tells it, so that other work on the machine, which interrupts the long calls of
 * one contender more often than the short ones of another, does not decide a comparison; else the time of day.
 */
function now(): number {
  const usage = process?.cpuUsage?.()
  return usage === undefined ? performance.now() : (usage.user + usage.system) / 1e3
}

let tick: number | undefined

/** The least step of the clock: a microsecond for CPU time, up to a millisecond in a page. */
function tickMs(): number {
  if (tick === undefined) {
    tick = Infinity
    for (let i = 0; i < 5; i++) {
      const start = now()
      let end = start
      while (end === start) end = now()
      tick = Math.min(tick, end - start)
    }
  }
  return tick
}

/** A sample is some calls in a row, as many as make it long beside the clock's step. */
interface Sample {
  run(): unknown
  calls: number
  ms: number
}

function elapsed(run: () => unknown): number {
  const start = now()
  run()
  return now() - start
}

/** Reading the clock costs up to some microseconds. */
const LEAST_SAMPLE_MS = 0.3

function sample(run: () => unknown): Sample {
  const enough = Math.max(LEAST_SAMPLE_MS, 20 * tickMs())
  for (let calls = 1; ; calls *= 2) {
    const repeated = (): void => {
      for (let i = 0; i < calls; i++) run()
    }
    // A second look: a time that is just long enough may be the machine doing something else.
    const first = elapsed(repeated)
    const ms = first < enough || first > 10 * enough ? first : Math.min(first, elapsed(repeated))
    if (ms >= enough) return { run: calls === 1 ? run : repeated, calls, ms }
  }
}

async function asyncSample(run: () => unknown): Promise<Sample> {
  const start = now()
  await run()
  return { run, calls: 1, ms: now() - start }
}

/**
 * Times one call in a round of about `roundMs`; returns median and minimum in milliseconds. A call that takes longer
 * than a round runs once more, without warm-up.
 */
export async function time(
  run: () => unknown,
  roundMs: number,
  async = false,
): Promise<{ medianMs: number; minMs: number }> {
  const { run: measured, calls, ms } = async ? await asyncSample(run) : sample(run)
  const long = ms > roundMs
  const bench = new Bench({
    now,
    time: roundMs,
    iterations: long ? 1 : 5,
    warmup: !long,
    warmupTime: roundMs / 2,
    warmupIterations: 2,
  })
  bench.add('run', measured, { async })
  const [task] = await bench.run()
  const result = task?.result
  if (result === undefined || !('latency' in result)) {
    throw new Error(`benchmark did not finish: ${String(result?.state)}`)
  }
  return { medianMs: result.latency.p50 / calls, minMs: result.latency.min / calls }
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
  limits?: Limits,
  { rounds = 5, roundMs = 60 }: Rounds = {},
): Promise<Row[]> {
  const { kernel, shape, unit, work, peak, peakWork = work } = benchCase
  const exact: boolean[] = []
  const async: boolean[] = []
  for (const contender of contenders) {
    const result = contender.run()
    async.push(result instanceof Promise)
    await result
    exact.push(await contender.exact())
  }
  const times = contenders.map(() => ({ medians: [] as number[], mins: [] as number[] }))
  // Limits are measured in the same rounds: the clock of a machine is not the same from one second to the next.
  const limitOf = contenders.map(
    ({ target }) => peak && limits?.[peak === 'int8' && target === 'relaxed' ? 'relaxed' : peak],
  )
  const limitTimes = new Map<Limit, number[]>()
  for (const limit of limitOf) if (limit !== undefined) limitTimes.set(limit, [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const { medianMs, minMs } = await time(() => contender.run(), roundMs, async[i])
      times[i]!.medians.push(medianMs)
      times[i]!.mins.push(minMs)
    }
    for (const [limit, medians] of limitTimes) medians.push((await time(limit.run, roundMs / 2)).medianMs)
  }
  const where = whereabouts()
  const rates = times.map(({ medians }) => work / (median(medians) / 1e3) / PER_UNIT[unit])
  contenders.forEach((contender) => contender.dispose?.())
  return contenders.map(({ name, target }, i) => {
    const limit = limitOf[i]
    const share = (limit: Limit): number =>
      peakWork / median(times[i]!.medians) / (limit.work / median(limitTimes.get(limit)!))
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
      peakShare: limit ? share(limit) : null,
      exact: exact[i]!,
      lowMs: Math.min(...times[i]!.medians),
      highMs: Math.max(...times[i]!.medians),
      ...where,
    }
  })
}

/** Runs one case of ours on every runtime; the ratio of each row is to itself. */
export async function measure(
  benchCase: BenchCase,
  runtimes: ReadonlyMap<string, Runtime>,
  limits?: Limits,
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
  const rows = await compare(benchCase, contenders, limits, rounds)
  return rows.map((row) => ({ ...row, ratio: 1 }))
}
