import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { realOf } from './requantize.js'
import { clamp } from './rounding.js'

const HEAD_BYTES = 8

/** Packed here, column by column: its sum, its bias, its scales f32, then its codes as they came. No work space. */
export function qb4wGemmKernels(
  memory: LinearMemory,
): Pick<
  Kernels,
  | 'qb4w_gemm_packed_bytes'
  | 'qb4w_gemm_scratch_bytes'
  | 'qb4w_gemm_pack'
  | 'qd8_f32_qb4w_gemm'
  | 'f32_qb4w_gemm'
  | 'f32_qb4w_gemm_scratch_bytes'
> {
  const codeBytes = (k: number): number => Math.ceil(k / 8) * 4
  const columnBytes = (k: number, group: number): number =>
    HEAD_BYTES + 4 * Math.ceil(k / group) + codeBytes(k)

  /** Code p of those from byte `codes` on. */
  const codeAt = (codes: number, p: number): number =>
    ((memory.u8[codes + (p >> 1)]! >> ((p & 1) << 2)) & 15) - 8

  return {
    qb4w_gemm_packed_bytes: (n, k, group) => n * columnBytes(k, group),
    qb4w_gemm_scratch_bytes: () => 0,

    qb4w_gemm_pack(w, scale, bias, packed, n, k, group) {
      const { u8, f32 } = memory
      const groups = Math.ceil(k / group)
      for (let j = 0; j < n; j++, w += codeBytes(k), scale += 4 * groups, packed += columnBytes(k, group)) {
        let total = 0
        for (let g = 0; g < groups; g++) {
          let sum = 0
          for (let p = g * group; p < Math.min((g + 1) * group, k); p++) sum += codeAt(w, p)
          total = Math.fround(total + Math.fround(f32[(scale >>> 2) + g]! * sum))
        }
        f32[packed >>> 2] = total
        f32[(packed >>> 2) + 1] = bias === 0 ? 0 : f32[(bias >>> 2) + j]!
        u8.copyWithin(packed + HEAD_BYTES, scale, scale + 4 * groups)
        u8.copyWithin(packed + HEAD_BYTES + 4 * groups, w, w + codeBytes(k))
      }
    },

    qd8_f32_qb4w_gemm(a, lda, aScale, aZero, aStep, w, c, ldc, m, n, k, group, low, high) {
      const { i8, i32, f32 } = memory
      const groups = Math.ceil(k / group)
      for (let i = 0; i < m; i++, a += lda, aScale += 4 * aStep, aZero += 4 * aStep) {
        for (let j = 0; j < n; j++) {
          const column = w + j * columnBytes(k, group)
          const codes = column + HEAD_BYTES + 4 * groups
          let sum = Math.fround((0 - i32[aZero >>> 2]!) * f32[column >>> 2]!)
          for (let g = 0; g < groups; g++) {
            let dot = 0
            for (let p = g * group; p < Math.min((g + 1) * group, k); p++)
              dot += i8[a + p]! * codeAt(codes, p)
            sum = Math.fround(sum + Math.fround(f32[((column + HEAD_BYTES) >>> 2) + g]! * dot))
          }
          f32[(c >>> 2) + i * ldc + j] = realOf(sum, f32[aScale >>> 2]!, f32[(column >>> 2) + 1]!, low, high)
        }
      }
    },

    f32_qb4w_gemm_scratch_bytes: () => 0,

    f32_qb4w_gemm(a, lda, w, c, ldc, m, n, k, group, low, high) {
      const { f32 } = memory
      const groups = Math.ceil(k / group)
      for (let i = 0; i < m; i++, a += 4 * lda) {
        for (let j = 0; j < n; j++) {
          const column = w + j * columnBytes(k, group)
          const codes = column + HEAD_BYTES + 4 * groups
          let sum = f32[(column >>> 2) + 1]!
          for (let p = 0; p < k; p++) {
            const scale = f32[((column + HEAD_BYTES) >>> 2) + Math.floor(p / group)]!
            const weight = Math.fround(scale * codeAt(codes, p))
            sum = Math.fround(sum + Math.fround(f32[(a >>> 2) + p]! * weight))
          }
          f32[(c >>> 2) + i * ldc + j] = clamp(sum, low, high)
        }
      }
    },
  }
}
