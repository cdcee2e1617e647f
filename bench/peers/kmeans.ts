import { kmeans } from 'ml-kmeans'
import { PEERS } from '../goals.js'
import type { Contender } from '../harness.js'
import type { AssignProblem } from '../problems.js'

function mlKmeans({ values, centroids, matches }: AssignProblem): Contender {
  const points = Array.from(values, (value) => [value])
  const fitted = kmeans(points.slice(0, 1000), centroids.length, {
    initialization: Array.from(centroids, (centroid) => [centroid]),
    maxIterations: 0,
  })
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

function sortedBoundaries({ values, centroids, matches }: AssignProblem): Contender {
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

export function assigners(problem: AssignProblem): Contender[] {
  return [mlKmeans(problem), sortedBoundaries(problem)]
}
