import { boundaryBetween } from '../bindings/formats/codebook.js'
import { kmeansCodebook } from '../bindings/ops/kmeans.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { nearest, squaredError } from '../tests/oracles/kmeans.js'
import { Random } from '../tests/support/random.js'
import type { BenchCase, Prepared } from './harness.js'

const LENGTH = 1_000_000
/** The oracle works in big integers: it looks at every so many values. */
const ORACLE_STEP = 97

const data = (): Float32Array => new Random(1).floats(LENGTH, 0.05)

function assignCase(k: number): BenchCase {
  return {
    kernel: 'f32_kmeans_assign',
    shape: `10^6 values, k=${k}`,
    unit: 'MV/s',
    work: LENGTH,
    peak: 'copy',
    peakWork: 4 * LENGTH,
    prepare({ allocator, kernels, memory }: Runtime): Prepared {
      const x = data()
      const { centroids } = kmeansCodebook(x, { k })
      const xp = allocator.allocate(4 * LENGTH)
      const bp = allocator.allocate(4 * k)
      const yp = allocator.allocate(LENGTH)
      const { f32, u8 } = memory
      f32.set(x, xp >>> 2)
      for (let i = 0; i + 1 < k; i++) f32[(bp >>> 2) + i] = boundaryBetween(centroids[i]!, centroids[i + 1]!)
      return {
        run: () => kernels.f32_kmeans_assign(xp, bp, k - 1, yp, LENGTH),
        exact: () => x.every((v, i) => i % ORACLE_STEP !== 0 || u8[yp + i] === nearest(v, centroids)),
        dispose: () => [xp, bp, yp].forEach((p) => allocator.release(p)),
      }
    },
  }
}

function expandCase(k: number): BenchCase {
  return {
    kernel: 'u8_f32_codebook_expand',
    shape: `10^6 values, k=${k}`,
    unit: 'MV/s',
    work: LENGTH,
    peak: 'copy',
    peakWork: 4 * LENGTH,
    prepare({ allocator, kernels, memory }: Runtime): Prepared {
      const random = new Random(2)
      const centroids = random.floats(k)
      const indices = Uint8Array.from({ length: LENGTH }, () => random.integer(0, k - 1))
      const ip = allocator.allocate(LENGTH)
      const cp = allocator.allocate(4 * k)
      const yp = allocator.allocate(4 * LENGTH)
      const { f32, u8 } = memory
      u8.set(indices, ip)
      f32.set(centroids, cp >>> 2)
      return {
        run: () => kernels.u8_f32_codebook_expand(ip, cp, yp, LENGTH),
        exact: () => indices.every((index, i) => f32[(yp >>> 2) + i] === centroids[index]),
        dispose: () => [ip, cp, yp].forEach((p) => allocator.release(p)),
      }
    },
  }
}

/** Training runs in JavaScript on every target; timed once, on whatever runtime comes. */
function trainCase(k: number): BenchCase {
  return {
    kernel: 'f32_kmeans_train',
    shape: `10^6 values, k=${k}, 300 rounds at most`,
    unit: 'MV/s',
    work: LENGTH,
    peak: 'copy',
    peakWork: 4 * LENGTH,
    prepare(): Prepared {
      const x = data()
      let result = kmeansCodebook(x, { k, iterations: 0 })
      return {
        run: () => (result = kmeansCodebook(x, { k, init: 'kmeans++' })),
        exact: () => {
          const expected = squaredError(x, result.centroids, () => 1)
          return Math.abs(result.squaredError - expected) <= 1e-9 * expected
        },
      }
    },
  }
}

export const cases: BenchCase[] = [
  ...[16, 32, 64, 256].map(assignCase),
  ...[16, 256].map(expandCase),
  ...[16, 256].map(trainCase),
]
