import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { clamp } from './rounding.js'

/** Slots of the table, whatever the bits of an index. */
const CENTROIDS = 256

/** Packed here: centroids, bias [n], then an index a byte [n][k]. No work space. */
export function cbwGemmKernels(
  memory: LinearMemory,
): Pick<Kernels, 'cbw_gemm_pack' | 'cbw_gemm_packed_bytes' | 'f32_cbw_gemm' | 'f32_cbw_gemm_scratch_bytes'> {
  return {
    cbw_gemm_packed_bytes: (n, k) => 4 * (CENTROIDS + n) + n * k,
    f32_cbw_gemm_scratch_bytes: () => 0,

    cbw_gemm_pack(w, strideN, strideK, centroids, count, _bits, bias, packed, n, k) {
      const { f32, u8 } = memory
      const table = packed >>> 2
      f32.copyWithin(table, centroids >>> 2, (centroids >>> 2) + count)
      for (let j = 0; j < n; j++) f32[table + CENTROIDS + j] = bias === 0 ? 0 : f32[(bias >>> 2) + j]!
      let to = packed + 4 * (CENTROIDS + n)
      for (let j = 0; j < n; j++) {
        let from = w + j * strideN
        for (let p = 0; p < k; p++, from += strideK) u8[to++] = u8[from]!
      }
    },

    f32_cbw_gemm(a, lda, w, c, ldc, m, n, k, _bits, low, high) {
      const { f32, u8 } = memory
      const table = w >>> 2
      for (let i = 0; i < m; i++) {
        let column = w + 4 * (CENTROIDS + n)
        for (let j = 0; j < n; j++) {
          let sum = f32[table + CENTROIDS + j]!
          let from = (a >>> 2) + i * lda
          for (let p = 0; p < k; p++) {
            sum = Math.fround(sum + Math.fround(f32[from++]! * f32[table + u8[column++]!]!))
          }
          f32[(c >>> 2) + i * ldc + j] = clamp(sum, low, high)
        }
      }
    },
  }
}
