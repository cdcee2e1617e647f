import { kmeans } from 'ml-kmeans'
import { kmeansCodebook } from '../../bindings/index.js'
import { Random } from '../../tests/support/random.js'
import { PEERS } from '../goals.js'
import type { Contender } from '../harness.js'
import type { AssignProblem } from '../problems.js'

function mlKmeans({ values, centroids, matches }: AssignProblem): Contender {
  const points = Array.from(values, (value) => [value])
  const centers = Array.from(centroids, (centroid) => [centroid])
  // Trained on the centroids alone: each stays where it is.
  const fitted = kmeans(centers, centers.length, { initialization: centers, maxIterations: 1 })
  let indices: ArrayLike<number> | undefined
  return {
    name: PEERS.mlKmeans,
    target: 'js',
    run: () => {
      indices = fitted.nearest(points)
    },
    exact: () => matches(indices),
  }
}

function binarySearch({ values, centroids, matches }: AssignProblem): Contender {
  const boundaries = Float64Array.from(
    { length: centroids.length - 1 },
    (_, i) => (centroids[i]! + centroids[i + 1]!) / 2,
  )
  const indices = new Uint8Array(values.length)
  return {
    name: PEERS.boundaries,
    target: 'js',
    run: () => {
      for (let i = 0; i < values.length; i++) {
        const value = values[i]!
        let low = 0
        let high = boundaries.length
        while (low < high) {
          const middle = (low + high) >> 1
          if (value > boundaries[middle]!) low = middle + 1
          else high = middle
        }
        indices[i] = low
      }
    },
    exact: () => matches(indices),
  }
}

/** The same search as arithmetic, which nothing can mispredict: a third of the time. */
function search(values: Float32Array, boundaries: Float64Array, half: number, indices: Uint8Array): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    let at = 0
    for (let step = half; step > 0; step >>= 1) at += step & -(value > boundaries[at + step - 1]!)
    indices[i] = at
  }
}

function searchWithoutBranches({ values, centroids, matches }: AssignProblem): Contender {
  const half = 2 ** Math.max(0, Math.ceil(Math.log2(centroids.length)) - 1)
  const boundaries = new Float64Array(2 * half).fill(Infinity)
  for (let i = 0; i + 1 < centroids.length; i++) boundaries[i] = (centroids[i]! + centroids[i + 1]!) / 2
  const indices = new Uint8Array(values.length)
  return {
    name: PEERS.branchless,
    target: 'js',
    run: () => search(values, boundaries, half, indices),
    exact: () => matches(indices),
  }
}

export function assigners(problem: AssignProblem): Contender[] {
  return [mlKmeans(problem), binarySearch(problem), searchWithoutBranches(problem)]
}

/** The first is ours, in JavaScript on every target; the other's groups are the exact optimum. */
export async function optimalContenders(n: number, k: number): Promise<Contender[]> {
  const { ckmeans } = await import('simple-statistics')
  const values = new Random(1).floats(n, 0.05)
  const list = Array.from(values)
  let error: number | undefined
  let groups: number[][] = []
  const errorOf = (group: readonly number[]): number => {
    const mean = group.reduce((sum, value) => sum + value, 0) / group.length
    return group.reduce((sum, value) => sum + (value - mean) * (value - mean), 0)
  }
  const least = (): number => groups.reduce((sum, group) => sum + errorOf(group), 0)
  return [
    {
      name: 'mcompress',
      target: 'js',
      run: () => {
        error = kmeansCodebook(values, { k, init: 'optimal' }).squaredError
      },
      exact: () => {
        groups = ckmeans(list, k)
        return error! <= 1.0001 * least()
      },
    },
    {
      name: PEERS.ckmeans,
      target: 'js',
      run: () => {
        groups = ckmeans(list, k)
      },
      exact: () => groups.length === k,
    },
  ]
}
