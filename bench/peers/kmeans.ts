import { kmeans } from 'ml-kmeans'
import { ckmeans } from 'simple-statistics'
import type { Contender } from '../harness.js'

/** Assignment of values to given centroids; `expected` are the indices of the nearest. */
export interface AssignProblem {
  values: Float32Array
  centroids: Float32Array
  expected: Uint8Array
}

function same(a: ArrayLike<number> | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && b.every((value, i) => a[i] === value)
}

export function assigners({ values, centroids, expected }: AssignProblem): Contender[] {
  const points = Array.from(values, (value) => [value])
  const fitted = kmeans(points.slice(0, 1000), centroids.length, {
    initialization: Array.from(centroids, (centroid) => [centroid]),
    maxIterations: 0,
  })
  let nearest: ArrayLike<number> | undefined
  const boundaries = Float64Array.from(
    { length: centroids.length - 1 },
    (_, i) => (centroids[i]! + centroids[i + 1]!) / 2,
  )
  const indices = new Uint8Array(values.length)
  return [
    {
      name: 'ml-kmeans',
      target: 'js',
      run: () => {
        nearest = fitted.nearest(points)
      },
      exact: () => same(nearest, expected),
    },
    {
      name: 'plain JS, sorted boundaries',
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
      exact: () => same(indices, expected),
    },
  ]
}

/** The optimal one-dimensional clustering, by dynamic programming. */
export function optimal(values: Float32Array, k: number): Contender {
  const numbers = Array.from(values)
  let clusters: number[][] | undefined
  return {
    name: 'simple-statistics ckmeans',
    target: 'js',
    run: () => {
      clusters = ckmeans(numbers, k)
    },
    exact: () => clusters !== undefined && clusters.length === k,
  }
}
