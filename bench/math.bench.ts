import type { Runtime } from '../bindings/runtime/runtime.js'
import { UNARY_OPS } from '../bindings/kernels/unary-ops.js'
import { references, ulp } from '../tests/oracles/math.js'
import { Random } from '../tests/support/random.js'
import type { BenchCase, Prepared } from './harness.js'

const LENGTH = 1024 * 64

function prepare(name: keyof typeof bounds, bound: number): (runtime: Runtime) => Prepared {
  return (runtime) => {
    const x = new Random(1).floats(LENGTH)
    const { allocator, kernels, memory } = runtime
    const xp = allocator.allocate(LENGTH * 4)
    const yp = allocator.allocate(LENGTH * 4)
    memory.f32.set(x, xp / 4)
    const op = UNARY_OPS.indexOf(name)
    return {
      run: () => kernels.f32_unary(op, xp, yp, LENGTH, 1, 0),
      exact: () =>
        x.every((v, i) => {
          const exact = references[name](v)
          return Math.abs(memory.f32[yp / 4 + i]! - exact) <= bound * ulp(exact)
        }),
      dispose: () => [xp, yp].forEach((p) => allocator.release(p)),
    }
  }
}

const bounds = { Exp: 1.02, Sigmoid: 2.41, Tanh: 2.5, Log: 0.84, Erf: 1.22, Sin: 1.57 } as const

export const cases: BenchCase[] = Object.entries(bounds).map(([name, bound]) => ({
  kernel: `f32_unary ${name}`,
  shape: '2^16 values',
  unit: 'MV/s',
  work: LENGTH,
  peak: 'copy',
  peakWork: 8 * LENGTH,
  prepare: prepare(name as keyof typeof bounds, bound),
}))
