import type { Runtime } from '../bindings/runtime/runtime.js'
import { int4GemmContender } from './contenders.js'
import { gemmShape } from './goals.js'
import type { BenchCase } from './harness.js'
import { int4GemmProblem } from './problems.js'

/** [m, k, n, group]: the two shapes that peers are measured on, a layer of a transformer, and other group sizes. */
const SHAPES = [
  [1, 4096, 4096, 32],
  [1, 4096, 4096, 128],
  [1, 1024, 1024, 32],
  [16, 768, 3072, 32],
  [64, 512, 512, 32],
  [64, 512, 512, 128],
] as const

const KERNELS = { int8: 'qd8_f32_qb4w_gemm', float32: 'f32_qb4w_gemm' } as const

export const cases: BenchCase[] = (['int8', 'float32'] as const).flatMap((inputs) =>
  SHAPES.map(([m, k, n, group]) => ({
    kernel: KERNELS[inputs],
    shape: `${gemmShape(m, k, n)}, groups of ${group}`,
    unit: inputs === 'int8' ? 'GOP/s' : 'GFLOP/s',
    work: 2 * m * k * n,
    peak: inputs === 'int8' ? 'int8' : 'f32',
    prepare: (runtime: Runtime) => int4GemmContender(runtime, int4GemmProblem(m, k, n, group), inputs),
  })),
)
