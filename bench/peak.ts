import { median, time } from './harness.js'
import type { Probes } from './probes.js'

/** The machine's measured limits: 1e9 operations or bytes a second; relaxed is undefined where the engine lacks it. */
export interface Peaks {
  /** i32x4.dot_i16x8_s with its add. */
  int8: number
  /** relaxed dot product with accumulate. */
  relaxed: number | undefined
  /** f32 multiply and add. */
  f32: number
  /** Bytes copied inside the first-level cache, counted once. */
  copy: number
}

const STEPS = 10_000
/** Half of a first-level cache. */
const DOT_BYTES = 16 * 1024
const COPY_BYTES = 16 * 1024

/** A loop that does one thing as fast as the machine can: what a call of it does, in operations or bytes. */
export interface Limit {
  readonly work: number
  run(): unknown
}

export type Limits = { readonly [K in keyof Peaks]: undefined extends Peaks[K] ? Limit | undefined : Limit }

/** The limits of this engine on this machine. */
export function limitsOf(probes: Probes): Limits {
  const memory = new WebAssembly.Memory({ initial: 2 })
  new Uint8Array(memory.buffer).fill(3, 0, 16)
  new Float32Array(memory.buffer).fill(0.5, 4, 8)
  const instantiate = (bytes: Uint8Array<ArrayBuffer>): WebAssembly.Exports =>
    new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports
  const plain = instantiate(probes.plain) as {
    dot_add(end: number): number
    mul_add(steps: number): number
    copy(bytes: number): void
  }
  let relaxed: Limit | undefined
  if (WebAssembly.validate(probes.relaxed)) {
    const { relaxed_dot } = instantiate(probes.relaxed) as {
      relaxed_dot(steps: number): number
    }
    relaxed = { work: STEPS * 12 * 32, run: () => relaxed_dot(STEPS) }
  }
  return {
    int8: {
      work: (DOT_BYTES / 32) * 8 * 16 * 8,
      run() {
        for (let i = 0; i < 8; i++) plain.dot_add(64 + DOT_BYTES)
      },
    },
    relaxed,
    f32: { work: STEPS * 12 * 8, run: () => plain.mul_add(STEPS) },
    copy: {
      work: COPY_BYTES * 64,
      run() {
        for (let i = 0; i < 64; i++) plain.copy(COPY_BYTES)
      },
    },
  }
}

async function rate({ work, run }: Limit): Promise<number> {
  const medians: number[] = []
  for (let round = 0; round < 5; round++) medians.push((await time(run, 60)).medianMs)
  return work / median(medians) / 1e6
}

/** Measures the limits, about two seconds. */
export async function measurePeaks({ int8, relaxed, f32, copy }: Limits): Promise<Peaks> {
  return {
    int8: await rate(int8),
    relaxed: relaxed && (await rate(relaxed)),
    f32: await rate(f32),
    copy: await rate(copy),
  }
}
