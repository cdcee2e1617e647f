import { toBlockSparse } from '../bindings/formats/block-sparse.js'
import { toCsr } from '../bindings/formats/csr.js'
import { toNmSparse } from '../bindings/formats/nm-sparse.js'
import { tensor } from '../bindings/formats/tensor.js'
import { pruneMagnitude } from '../bindings/ops/prune.js'
import { readSlot, writeSlot } from '../bindings/ops/slot.js'
import { f32Spmm, packSparse, type SampleLayout, type SparseMatrix } from '../bindings/ops/spmm.js'
import { Handle } from '../bindings/runtime/handle.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { denseMatmul, transpose } from '../tests/oracles/sparse.js'
import { Random } from '../tests/support/random.js'
import type { BenchCase, Prepared } from './harness.js'

const SIZE = 1024

const CENTROIDS = Float32Array.from({ length: 32 }, (_, i) => (i - 16) / 8)

/** Values rounded to the 32 of a codebook, and where they lie in it. */
function share(values: Float32Array): { w: Float32Array; matrix: SparseMatrix } {
  const indices = Uint8Array.from(values, (v) => Math.min(Math.max(Math.round(8 * v) + 16, 0), 31))
  const codebook = { centroids: CENTROIDS }
  return {
    w: Float32Array.from(indices, (index) => CENTROIDS[index]!),
    matrix: toCsr({ kind: 'codebook', shape: [SIZE, SIZE], indices, codebook }),
  }
}

type Form = 'f32_csr' | 'f32_cb8w_csr' | 'f32_bsr' | 'f32_nm'

/** Gaussian weights, pruned in the pattern that the form is for. */
function weightsOf(zeros: number, form: Form): { w: Float32Array; matrix: SparseMatrix } {
  const random = new Random(zeros)
  const shape = [SIZE, SIZE]
  const dense = tensor(random.floats(SIZE * SIZE), shape)
  if (form === 'f32_bsr') {
    const { data: w } = pruneMagnitude(dense, { pattern: '4x1', sparsity: zeros / 100 })
    return { w, matrix: toBlockSparse(tensor(w, shape)) }
  }
  if (form === 'f32_nm') {
    const n = zeros === 75 ? 1 : 2
    const { data: w } = pruneMagnitude(dense, { pattern: `${n}:4` })
    return { w, matrix: toNmSparse(tensor(w, shape), n) }
  }
  const w = dense.data.map((v) => (random.next() * 100 < zeros ? 0 : v))
  return form === 'f32_csr' ? { w, matrix: toCsr(tensor(w, shape)) } : share(w)
}

/** Useful operations only: two for each entry that is stored and each sample. */
function sparseCase(zeros: number, n: number, layout: SampleLayout, form: Form): BenchCase {
  const { w, matrix } = weightsOf(zeros, form)
  const x = new Random(n).floats(SIZE * n)
  return {
    kernel: form.replace(/_([a-z]+)$/, n === 1 ? '_spmv_$1' : '_spmm_$1'),
    shape: `${SIZE}x${SIZE}x${n} ${zeros} % zeros${n === 1 ? '' : `, samples are ${layout}`}`,
    unit: 'GFLOP/s',
    work: 2 * matrix.values.length * n,
    peak: 'f32',
    prepare(runtime: Runtime): Prepared {
      const weights = packSparse(runtime, matrix)
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

export const cases: BenchCase[] = [
  ...[80, 90, 95].flatMap((zeros) => [
    sparseCase(zeros, 1, 'columns', 'f32_csr'),
    sparseCase(zeros, 64, 'columns', 'f32_csr'),
    sparseCase(zeros, 64, 'rows', 'f32_csr'),
    sparseCase(zeros, 256, 'columns', 'f32_csr'),
    sparseCase(zeros, 1, 'columns', 'f32_cb8w_csr'),
    sparseCase(zeros, 64, 'columns', 'f32_cb8w_csr'),
    sparseCase(zeros, 1, 'columns', 'f32_bsr'),
    sparseCase(zeros, 64, 'columns', 'f32_bsr'),
  ]),
  ...[50, 75].flatMap((zeros) => [
    sparseCase(zeros, 1, 'columns', 'f32_nm'),
    sparseCase(zeros, 64, 'columns', 'f32_nm'),
  ]),
]
