import type { Runtime } from '../bindings/runtime/runtime.js'
import { decodeContext } from '../tests/oracles/context.js'
import { Random } from '../tests/support/random.js'
import type { BenchCase, Prepared } from './harness.js'

/** A layer of a pruned network: a tenth is kept, of each column a share of its own, as indices into 16 centroids. */
const ROWS = 100
const COLUMNS = 784
const DISTANCE = 28
const ZERO = 8
const WIDTH = 4

function symbols(): Uint8Array {
  const random = new Random(1)
  const shares = Float64Array.from({ length: COLUMNS }, () => random.next() * random.next() * 0.4)
  return Uint8Array.from({ length: ROWS * COLUMNS }, (_, i) =>
    random.next() < shares[i % COLUMNS]!
      ? Math.min(Math.max(Math.round(random.normal() * 3 + ZERO), 0), 15)
      : ZERO,
  )
}

function prepare({ allocator, kernels, memory }: Runtime, isDecoding: boolean): Prepared {
  const x = symbols()
  const n = x.length
  const input = allocator.allocate(n)
  const output = allocator.allocate(n)
  const code = allocator.allocate(n)
  const state = allocator.allocate(kernels.u8_context_state_bytes(WIDTH))
  memory.u8.set(x, input)
  const run = (symbols: number, length: number, decoding: number) =>
    kernels.u8_context_code(symbols, code, state, n, length, COLUMNS, DISTANCE, ZERO, WIDTH, decoding)
  const bytes = run(input, n, 0)
  return {
    run: () => (isDecoding ? run(output, bytes, 1) : run(input, n, 0)),
    exact() {
      if (isDecoding) return Buffer.compare(memory.u8.subarray(output, output + n), x) === 0
      const leb = (value: number) => [(value & 127) | 128, ((value >> 7) & 127) | 128, value >> 14]
      const head = [...leb(n), ZERO, WIDTH, ...leb(COLUMNS), ...leb(DISTANCE)]
      const sequence = Uint8Array.of(...head, ...memory.u8.subarray(code, code + bytes))
      return Buffer.compare(Uint8Array.from(decodeContext(sequence)), x) === 0
    },
    dispose: () => [input, output, code, state].forEach((pointer) => allocator.release(pointer)),
  }
}

export const cases: BenchCase[] = ['encode', 'decode'].map((direction) => ({
  kernel: `u8_context_${direction}`,
  shape: `${ROWS}x${COLUMNS}, 16 centroids, 90 % zeros`,
  unit: 'MV/s',
  work: ROWS * COLUMNS,
  peak: 'copy',
  peakWork: ROWS * COLUMNS,
  prepare: (runtime) => prepare(runtime, direction === 'decode'),
}))
