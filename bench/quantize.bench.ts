import type { Runtime } from '../bindings/runtime/runtime.js'
import { quantizeOne } from '../tests/oracles/quantize.js'
import { Random } from '../tests/support/random.js'
import type { BenchCase, Prepared } from './harness.js'

const LENGTH = 1024 * 1024

function prepare(runtime: Runtime): Prepared {
  const x = new Random(1).floats(LENGTH)
  const { allocator, kernels, memory } = runtime
  const xp = allocator.allocate(LENGTH * 4)
  const sp = allocator.allocate(4)
  const zp = allocator.allocate(1)
  const yp = allocator.allocate(LENGTH)
  memory.f32.set(x, xp / 4)
  memory.f32[sp / 4] = 1 / 32
  memory.i8[zp] = 3
  return {
    run: () => kernels.f32_qs8_quantize(xp, sp, zp, yp, 1, 1, LENGTH, -128),
    exact: () => x.every((v, i) => memory.i8[yp + i] === quantizeOne(v, 1 / 32, 3, -128)),
    dispose: () => [xp, sp, zp, yp].forEach((p) => allocator.release(p)),
  }
}

export const cases: BenchCase[] = [
  { kernel: 'f32_qs8_quantize', shape: '2^20 values', unit: 'GB/s', work: LENGTH * 5, peak: 'copy', prepare },
]
