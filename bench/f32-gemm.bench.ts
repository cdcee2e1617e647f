import { f32GemmContender } from './contenders.js'
import { gemmShape } from './goals.js'
import type { BenchCase } from './harness.js'
import { f32GemmProblem } from './problems.js'
import { SHAPES } from './shapes.js'

export const cases: BenchCase[] = SHAPES.map(([m, k, n]) => ({
  kernel: 'f32_gemm',
  shape: gemmShape(m, k, n),
  unit: 'GFLOP/s',
  work: 2 * m * k * n,
  peak: 'f32',
  prepare: (runtime) => f32GemmContender(runtime, f32GemmProblem(m, k, n)),
}))
