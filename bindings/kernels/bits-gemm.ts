import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'

const BITS_OF = Uint8Array.from({ length: 256 }, (_, byte) => {
  let bits = 0
  for (let rest = byte; rest > 0; rest &= rest - 1) bits++
  return bits
})

export function bitsGemmKernels(memory: LinearMemory): Pick<Kernels, 'b1_i32_gemm' | 't2_i32_gemm'> {
  const rowBytes = (k: number): number => Math.ceil(k / 128) * 16

  return {
    b1_i32_gemm(a, w, c, ldc, m, n, k) {
      const { u8, i32 } = memory
      const bytes = rowBytes(k)
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let differ = 0
          for (let p = 0; p < bytes; p++) differ += BITS_OF[u8[a + i * bytes + p]! ^ u8[w + j * bytes + p]!]!
          i32[(c >>> 2) + i * ldc + j] = k - 2 * differ
        }
      }
    },

    t2_i32_gemm(aSigns, aOnes, wSigns, wOnes, c, ldc, m, n, k) {
      const { u8, i32 } = memory
      const bytes = rowBytes(k)
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0
          for (let p = 0; p < bytes; p++) {
            const both = u8[aOnes + i * bytes + p]! & u8[wOnes + j * bytes + p]!
            const differ = u8[aSigns + i * bytes + p]! ^ u8[wSigns + j * bytes + p]!
            sum += BITS_OF[both & ~differ]! - BITS_OF[both & differ]!
          }
          i32[(c >>> 2) + i * ldc + j] = sum
        }
      }
    },
  }
}
