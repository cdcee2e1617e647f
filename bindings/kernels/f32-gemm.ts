import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { clamp } from './rounding.js'

/** Packed here: bias [n], then the weights as [n][k]. */
export function f32GemmKernels(
  memory: LinearMemory,
): Pick<Kernels, 'f32_gemm' | 'f32_gemm_pack' | 'f32_gemm_packed_bytes'> {
  return {
    f32_gemm_packed_bytes: (n, k) => n * (k + 1) * 4,

    f32_gemm_pack(w, strideN, strideK, bias, packed, n, k) {
      const { f32 } = memory
      let to = packed >>> 2
      for (let j = 0; j < n; j++) f32[to++] = bias === 0 ? 0 : f32[(bias >>> 2) + j]!
      for (let j = 0; j < n; j++) {
        let from = (w >>> 2) + j * strideN
        for (let p = 0; p < k; p++, from += strideK) f32[to++] = f32[from]!
      }
    },

    f32_gemm(a, lda, w, c, ldc, m, n, k, low, high) {
      const { f32 } = memory
      for (let i = 0; i < m; i++) {
        let column = (w >>> 2) + n
        for (let j = 0; j < n; j++) {
          let sum = f32[(w >>> 2) + j]!
          let from = (a >>> 2) + i * lda
          for (let p = 0; p < k; p++) sum = Math.fround(sum + Math.fround(f32[from++]! * f32[column++]!))
          f32[(c >>> 2) + i * ldc + j] = clamp(sum, low, high)
        }
      }
    },
  }
}
