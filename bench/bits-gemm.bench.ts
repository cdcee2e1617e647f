import { packBits } from '../bindings/formats/bits.js'
import { tensor } from '../bindings/formats/tensor.js'
import { bitMatmul } from '../bindings/ops/bit-matmul.js'
import { packWeights } from '../bindings/ops/matmul-operands.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { integerProduct } from '../tests/oracles/gemm.js'
import { Random } from '../tests/support/random.js'
import { gemmShape } from './goals.js'
import type { BenchCase, Prepared } from './harness.js'
import { SHAPES } from './shapes.js'

/** Both operands are bits; copying the rows in and the sums out is part of the time. Compare with qs8_i32_gemm. */
function prepare(runtime: Runtime, kind: 'binary' | 'ternary', m: number, k: number, n: number): Prepared {
  const random = new Random(m + k + n)
  const least = kind === 'binary' ? 0 : 0.4
  const signs = (length: number) =>
    Float32Array.from({ length }, () => (random.next() < least ? 0 : random.next() < 0.5 ? -1 : 1))
  const [x, w] = [signs(m * k), signs(n * k)]
  const a = packBits(tensor(x, [m, k]), { kind })
  const b = packWeights(packBits(tensor(w, [n, k]), { kind }), { runtime })
  const out = new Int32Array(m * n)
  return {
    run: () => bitMatmul(a, b, { out }),
    exact() {
      const row = { data: x.subarray((m - 1) * k), rows: 1, columns: k, stride: k }
      return integerProduct(row, [0], w, n).every((sum, j) => sum === out[(m - 1) * n + j])
    },
    dispose: () => b.dispose(),
  }
}

export const cases: BenchCase[] = (['binary', 'ternary'] as const).flatMap((kind) =>
  SHAPES.filter(([, k]) => k >= 500).map(([m, k, n]) => ({
    kernel: kind === 'binary' ? 'b1_i32_gemm' : 't2_i32_gemm',
    shape: gemmShape(m, k, n),
    unit: 'GOP/s',
    work: 2 * m * k * n,
    peak: 'int8',
    prepare: (runtime: Runtime) => prepare(runtime, kind, m, k, n),
  })),
)
