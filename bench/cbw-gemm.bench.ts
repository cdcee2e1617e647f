import { codebookGemmContender } from './contenders.js'
import { gemmShape } from './goals.js'
import type { BenchCase } from './harness.js'
import { codebookGemmProblem } from './problems.js'

/** [m, k, n]: those of dense products at which the work of looking up is most, some and little of the whole. */
const SHAPES = [
  [1, 784, 300],
  [1, 1024, 1024],
  [4, 1024, 1024],
  [16, 768, 3072],
  [64, 512, 512],
  [512, 512, 512],
] as const

export const cases: BenchCase[] = [16, 256].flatMap((count) =>
  SHAPES.map(([m, k, n]): BenchCase => ({
    kernel: 'f32_cbw_gemm',
    shape: `${gemmShape(m, k, n)}, ${count} centroids`,
    unit: 'GFLOP/s',
    work: 2 * m * k * n,
    peak: 'f32',
    prepare: (runtime) => codebookGemmContender(runtime, codebookGemmProblem(m, k, n, count)),
  })),
)
