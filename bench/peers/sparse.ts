import exported from 'eigen'
import { toCsr, type CsrMatrix } from '../../bindings/formats/csr.js'
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

/**
 * What one writes without a library, at its best: four columns at a time, so that sums stay in registers (half the time
 * of a loop that adds to the output for each entry).
 */
function multiply(
  { rows, rowPtr, colIndices, values }: CsrMatrix<Float32Array>,
  x: Float32Array,
  y: Float32Array,
  m: number,
): void {
  const whole = m - (m % 4)
  for (let row = 0; row < rows; row++) {
    const start = rowPtr[row]!
    const end = rowPtr[row + 1]!
    for (let j = 0; j < whole; j += 4) {
      let sum0 = 0
      let sum1 = 0
      let sum2 = 0
      let sum3 = 0
      for (let entry = start; entry < end; entry++) {
        const value = values[entry]!
        const from = colIndices[entry]! * m + j
        sum0 += value * x[from]!
        sum1 += value * x[from + 1]!
        sum2 += value * x[from + 2]!
        sum3 += value * x[from + 3]!
      }
      const to = row * m + j
      y[to] = sum0
      y[to + 1] = sum1
      y[to + 2] = sum2
      y[to + 3] = sum3
    }
    for (let j = whole; j < m; j++) {
      let sum = 0
      for (let entry = start; entry < end; entry++) sum += values[entry]! * x[colIndices[entry]! * m + j]!
      y[row * m + j] = sum
    }
  }
}

export function plainCsr({ m, n, k, a, weights, matches }: SparseProblem): Contender {
  const csr = toCsr(tensor(weights, [n, k]))
  const x = transpose(a, m, k)
  const y = new Float32Array(n * m)
  return {
    name: PEERS.csr,
    target: 'js',
    run: () => multiply(csr, x, y, m),
    exact: () => matches(transpose(y, n, m)),
  }
}
