import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'

export function kmeansKernels(
  memory: LinearMemory,
): Pick<Kernels, 'f32_kmeans_assign' | 'u8_f32_codebook_expand'> {
  return {
    f32_kmeans_assign(x, boundaries, y, n, levels) {
      const { f32, u8 } = memory
      for (let i = 0; i < n; i++) {
        const v = f32[x / 4 + i]!
        let at = 0
        for (let step = (1 << levels) >> 1; step > 0; step >>= 1) {
          if (f32[boundaries / 4 + at + step - 1]! < v) at += step
        }
        u8[y + i] = at
      }
    },

    u8_f32_codebook_expand(indices, centroids, y, n) {
      const { f32, u8 } = memory
      for (let i = 0; i < n; i++) f32[y / 4 + i] = f32[centroids / 4 + u8[indices + i]!]!
    },
  }
}
