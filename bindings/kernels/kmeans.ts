import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'

export function kmeansKernels(
  memory: LinearMemory,
): Pick<Kernels, 'f32_kmeans_assign' | 'u8_f32_codebook_expand'> {
  return {
    f32_kmeans_assign(x, boundaries, count, y, n) {
      const { f32, u8 } = memory
      for (let i = 0; i < n; i++) {
        const v = f32[(x >>> 2) + i]!
        let low = 0
        let high = count
        while (low < high) {
          const middle = (low + high) >>> 1
          if (f32[(boundaries >>> 2) + middle]! < v) low = middle + 1
          else high = middle
        }
        u8[y + i] = low
      }
    },

    u8_f32_codebook_expand(indices, centroids, y, n) {
      const { f32, u8 } = memory
      for (let i = 0; i < n; i++) f32[(y >>> 2) + i] = f32[(centroids >>> 2) + u8[indices + i]!]!
    },
  }
}
