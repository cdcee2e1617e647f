import exported from 'eigen'
import { toCsr } from '../../bindings/formats/csr.js'
import { tensor } from '../../bindings/formats/tensor.js'
import { PEERS } from '../goals.js'
import type { Contender } from '../harness.js'
import { transpose, type SparseProblem } from '../problems.js'

// Its types wrap the namespace in `default` once more than its code does.
const eigen = exported as unknown as typeof exported.default
type SparseMatrix = InstanceType<typeof eigen.SparseMatrix>

await eigen.ready

/** Bound to JavaScript is only sparse times sparse, in f64: the samples go in as a full sparse matrix. */
export function eigenSparse({ m, n, k, a, weights, matches }: SparseProblem): Contender {
  const sparse = (rows: number, columns: number, data: Float32Array): SparseMatrix => {
    const entries = new eigen.TripletVector(data.length)
    data.forEach((value, i) => {
      if (value !== 0) entries.add(Math.floor(i / columns), i % columns, value)
    })
    return new eigen.SparseMatrix(rows, columns, entries)
  }
  const w = sparse(n, k, weights)
  const x = sparse(k, m, transpose(a, m, k))
  eigen.GC.pushException(w, x)
  let y: SparseMatrix | undefined
  return {
    name: PEERS.eigen,
    target: 'wasm',
    run: () => {
      eigen.GC.flush()
      y = w.matMul(x)
    },
    exact: () => {
      const result = new Float64Array(m * n)
      for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) result[i * n + j] = y!.get(j, i)
      return matches(result)
    },
    dispose: () => {
      eigen.GC.popException(w, x)
      eigen.GC.flush()
    },
  }
}

/** Row by row over flat arrays, in f32: what one writes without a library. */
export function plainCsr({ m, n, k, a, weights, matches }: SparseProblem): Contender {
  const { rowPtr, colIndices, values } = toCsr(tensor(weights, [n, k]))
  const x = transpose(a, m, k)
  const y = new Float32Array(n * m)
  return {
    name: PEERS.csr,
    target: 'js',
    run: () => {
      y.fill(0)
      for (let row = 0; row < n; row++) {
        const to = row * m
        for (let entry = rowPtr[row]!; entry < rowPtr[row + 1]!; entry++) {
          const value = values[entry]!
          const from = colIndices[entry]! * m
          for (let j = 0; j < m; j++) y[to + j] = y[to + j]! + value * x[from + j]!
        }
      }
    },
    exact: () => matches(transpose(y, n, m)),
  }
}
