import { boundaryBetween } from '../bindings/formats/codebook.js'
import { toCsr } from '../bindings/formats/csr.js'
import { tensor } from '../bindings/formats/tensor.js'
import { assignCodebook } from '../bindings/ops/codebook.js'
import { f32Gemm, packF32Weights } from '../bindings/ops/f32-gemm.js'
import { int4Gemm, packInt4Weights } from '../bindings/ops/qb4w-gemm.js'
import { packInt8Weights, qs8Gemm } from '../bindings/ops/qs8-gemm.js'
import { addressOf, readSlot, writeSlot } from '../bindings/ops/slot.js'
import { f32Spmm, packSparse, type SampleLayout } from '../bindings/ops/spmm.js'
import { Handle } from '../bindings/runtime/handle.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import type { Contender } from './harness.js'
import {
  transpose,
  type AssignProblem,
  type CodebookGemmProblem,
  type GemmProblem,
  type Int4GemmProblem,
  type SparseProblem,
} from './problems.js'

/** f32 GEMM on resident operands, weights packed before. */
export function f32GemmContender(
  runtime: Runtime,
  problem: GemmProblem<Float32Array>,
  name = 'mcompress',
): Contender {
  const { m, n, k, a, b, equals } = problem
  const weights = packF32Weights(runtime, { data: b, n, k, layout: 'kn' })
  const region = new Handle(runtime, (m * k + m * n) * 4 + 64)
  const x = { handle: region, offset: 0 }
  const y = { handle: region, offset: Math.ceil((m * k * 4) / 64) * 64 }
  writeSlot(x, a)
  return {
    name,
    target: runtime.target.name,
    run: () => f32Gemm(weights, x, y, m),
    exact: () => equals(readSlot(y, new Float32Array(m * n))),
    dispose: () => [weights, region].forEach((handle) => handle.dispose()),
  }
}

/** The same product with weights that are indices into 16 or 256 centroids. */
export function codebookGemmContender(
  runtime: Runtime,
  { m, n, k, a, indices, codebook, equals }: CodebookGemmProblem,
): Contender {
  const weights = packF32Weights(runtime, { data: indices, codebook, n, k, layout: 'kn' })
  const x = { handle: new Handle(runtime, 4 * m * k), offset: 0 }
  const y = { handle: new Handle(runtime, 4 * m * n), offset: 0 }
  writeSlot(x, a)
  return {
    name: 'mcompress',
    target: runtime.target.name,
    run: () => f32Gemm(weights, x, y, m),
    exact: () => equals(readSlot(y, new Float32Array(m * n))),
    dispose: () => [weights, x.handle, y.handle].forEach((handle) => handle.dispose()),
  }
}

/** int8 GEMM to int32 on resident operands, weights packed before. */
export function int8GemmContender(runtime: Runtime, problem: GemmProblem<Int8Array>): Contender {
  const { m, n, k, a, b, matches } = problem
  const weights = packInt8Weights(runtime, { data: b, n, k, layout: 'kn', scale: Float32Array.of(1) })
  const region = new Handle(runtime, m * k + m * n * 4 + 64)
  const x = { handle: region, offset: 0 }
  const y = { handle: region, offset: Math.ceil((m * k) / 64) * 64 }
  writeSlot(x, a)
  const options = { inputScale: 1, inputZeroPoint: 0, output: { kind: 'int32' } } as const
  return {
    name: 'mcompress',
    target: runtime.target.name,
    run: () => qs8Gemm(weights, x, y, m, options),
    exact: () => matches(readSlot(y, new Int32Array(m * n))),
    dispose: () => [weights, region].forEach((handle) => handle.dispose()),
  }
}

/** Products with weights of 4 bits on resident operands, weights packed before; rows are quantized in the measured time. */
export function int4GemmContender(
  runtime: Runtime,
  { m, n, k, a, weights: stored, equals }: Int4GemmProblem,
  inputs: 'int8' | 'float32' = 'int8',
): Contender {
  const weights = packInt4Weights(runtime, stored)
  const x = { handle: new Handle(runtime, 4 * m * k), offset: 0 }
  const y = { handle: new Handle(runtime, 4 * m * n), offset: 0 }
  writeSlot(x, a)
  return {
    name: inputs === 'int8' ? 'mcompress' : 'mcompress, f32 inputs',
    target: runtime.target.name,
    run: () => int4Gemm(weights, x, y, m, { inputs }),
    exact: () => equals(readSlot(y, new Float32Array(m * n)), inputs),
    dispose: () => [weights, x.handle, y.handle].forEach((handle) => handle.dispose()),
  }
}

/** Sparse weights times resident samples, one a column (the matrix product) or one a row (as inference holds them). */
export function spmmContender(
  runtime: Runtime,
  { m, n, k, a, weights: dense, equals }: SparseProblem,
  layout: SampleLayout = 'columns',
): Contender {
  const weights = packSparse(runtime, toCsr(tensor(dense, [n, k])))
  const x = { handle: new Handle(runtime, 4 * m * k), offset: 0 }
  const y = { handle: new Handle(runtime, 4 * m * n), offset: 0 }
  const columns = layout === 'columns'
  writeSlot(x, columns ? transpose(a, m, k) : a)
  return {
    name: columns ? 'mcompress' : 'mcompress, samples are rows',
    target: runtime.target.name,
    run: () => f32Spmm(weights, x, y, m, { layout }),
    exact: () => {
      const result = readSlot(y, new Float32Array(m * n))
      return equals(columns ? transpose(result, n, m) : result)
    },
    dispose: () => [weights, x.handle, y.handle].forEach((handle) => handle.dispose()),
  }
}

/** Assignment of resident values. */
export function assignContender(runtime: Runtime, { values, centroids, matches }: AssignProblem): Contender {
  const { kernels, memory } = runtime
  const count = centroids.length - 1
  const x = { handle: new Handle(runtime, 4 * values.length), offset: 0 }
  const boundaries = { handle: new Handle(runtime, 4 * count), offset: 0 }
  const y = { handle: new Handle(runtime, values.length), offset: 0 }
  writeSlot(x, values)
  writeSlot(
    boundaries,
    Float32Array.from({ length: count }, (_, i) => boundaryBetween(centroids[i]!, centroids[i + 1]!)),
  )
  const [xp, bp, yp] = [x, boundaries, y].map(addressOf) as [number, number, number]
  return {
    name: 'mcompress',
    target: runtime.target.name,
    run: () => kernels.f32_kmeans_assign(xp, bp, count, yp, values.length),
    exact: () => matches(memory.u8.subarray(yp, yp + values.length)),
    dispose: () => [x, boundaries, y].forEach(({ handle }) => handle.dispose()),
  }
}

/** The public function: copies values in, checks them, copies indices out. */
export function assignCodebookContender(
  runtime: Runtime,
  { values, centroids, matches }: AssignProblem,
): Contender {
  const out = new Uint8Array(values.length)
  return {
    name: 'mcompress assignCodebook',
    target: runtime.target.name,
    run: () => assignCodebook(values, { centroids }, { out, runtime }),
    exact: () => matches(out),
  }
}
