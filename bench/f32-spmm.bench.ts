import { toCsr, type CsrMatrix } from '../bindings/formats/csr.js'
import { tensor } from '../bindings/formats/tensor.js'
import { readSlot, writeSlot } from '../bindings/ops/slot.js'
import { f32Spmm, packSparse, type SampleLayout } from '../bindings/ops/spmm.js'
import { Handle } from '../bindings/runtime/handle.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { denseMatmul, transpose } from '../tests/oracles/sparse.js'
import { Random } from '../tests/support/random.js'
import type { BenchCase, Prepared } from './harness.js'

const SIZE = 1024

const CENTROIDS = Float32Array.from({ length: 32 }, (_, i) => (i - 16) / 8)

/** Values rounded to the 32 of a codebook, and where they lie in it. */
function share(values: Float32Array): { values: Float32Array; csr: CsrMatrix } {
  const indices = Uint8Array.from(values, (v) => Math.min(Math.max(Math.round(8 * v) + 16, 0), 31))
  const codebook = { centroids: CENTROIDS }
  return {
    values: Float32Array.from(indices, (index) => CENTROIDS[index]!),
    csr: toCsr({ kind: 'codebook', shape: [SIZE, SIZE], indices, codebook }),
  }
}

/** Useful operations only: two for each entry that is stored and each sample. */
function sparseCase(zeros: number, n: number, layout: SampleLayout, form: 'f32' | 'f32_cb8w'): BenchCase {
  const random = new Random(zeros)
  const dense = random.floats(SIZE * SIZE).map((v) => (random.next() * 100 < zeros ? 0 : v))
  const x = random.floats(SIZE * n)
  const { values: w, csr } =
    form === 'f32' ? { values: dense, csr: toCsr(tensor(dense, [SIZE, SIZE])) } : share(dense)
  return {
    kernel: `${form}_${n === 1 ? 'spmv' : 'spmm'}_csr`,
    shape: `${SIZE}x${SIZE}x${n} ${zeros} % zeros${n === 1 ? '' : `, samples are ${layout}`}`,
    unit: 'GFLOP/s',
    work: 2 * csr.values.length * n,
    prepare(runtime: Runtime): Prepared {
      const weights = packSparse(runtime, csr)
      const input = { handle: new Handle(runtime, 4 * x.length), offset: 0 }
      const output = { handle: new Handle(runtime, 4 * SIZE * n), offset: 0 }
      writeSlot(input, layout === 'rows' ? transpose(x, SIZE, n) : x)
      return {
        run: () => f32Spmm(weights, input, output, n, { layout }),
        exact() {
          const y = readSlot(output, new Float32Array(SIZE * n))
          const found = layout === 'rows' ? transpose(y, n, SIZE) : y
          return denseMatmul(w, SIZE, SIZE, x, n, undefined, -Infinity, Infinity).every(
            (v, i) => v === found[i],
          )
        },
        dispose: () => [weights, input.handle, output.handle].forEach((handle) => handle.dispose()),
      }
    },
  }
}

export const cases: BenchCase[] = [80, 90, 95].flatMap((zeros) => [
  sparseCase(zeros, 1, 'columns', 'f32'),
  sparseCase(zeros, 64, 'columns', 'f32'),
  sparseCase(zeros, 64, 'rows', 'f32'),
  sparseCase(zeros, 256, 'columns', 'f32'),
  sparseCase(zeros, 1, 'columns', 'f32_cb8w'),
  sparseCase(zeros, 64, 'columns', 'f32_cb8w'),
])
