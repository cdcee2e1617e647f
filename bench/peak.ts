import { time } from './harness.js'
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

async function rate(work: number, run: () => unknown): Promise<number> {
  // The best round: a limit is what the machine can do, not what it did beside other work.
  let best = Infinity
  for (let round = 0; round < 8; round++) best = Math.min(best, (await time(run, 60)).minMs)
  return work / best / 1e6
}

/** Measures the limits of this engine on this machine, about two seconds. */
export async function measurePeaks(probes: Probes): Promise<Peaks> {
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
  let relaxed: number | undefined
  if (WebAssembly.validate(probes.relaxed)) {
    const { relaxed_dot } = instantiate(probes.relaxed) as {
      relaxed_dot(steps: number): number
    }
    relaxed = await rate(STEPS * 12 * 32, () => relaxed_dot(STEPS))
  }
  return {
    int8: await rate((DOT_BYTES / 32) * 8 * 16 * 8, () => {
      for (let i = 0; i < 8; i++) plain.dot_add(64 + DOT_BYTES)
    }),
    relaxed,
    f32: await rate(STEPS * 12 * 8, () => plain.mul_add(STEPS)),
    copy: await rate(COPY_BYTES * 64, () => {
      for (let i = 0; i < 64; i++) plain.copy(COPY_BYTES)
    }),
  }
}
