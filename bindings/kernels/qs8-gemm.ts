import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { Status } from '../runtime/status.js'
import { quantizeKernels } from './quantize.js'
import { quantizedOf, realOf } from './requantize.js'
import { roundHalfEven } from './rounding.js'

/** Packed here: sums of the columns i32 [n], then the weights as [n][k]. No work space. */
export function qs8GemmKernels(
  memory: LinearMemory,
): Pick<
  Kernels,
  | 'qs8_gemm_pack'
  | 'qs8_gemm_packed_bytes'
  | 'qs8_gemm_scratch_bytes'
  | 'qs8_i32_gemm'
  | 'qd8_f32_qc8w_gemm'
  | 'qd8_qs8_qc8w_gemm'
  | 'f32_qd8_quantize'
> {
  const { f32_range, f32_qs8_quantize } = quantizeKernels(memory)

  /** Element (i, j) of (a - aZero) * w, modulo 2^32 as in wasm. */
  function dot(a: number, w: number, n: number, k: number, j: number, zero: number): number {
    const { i8, i32 } = memory
    const column = w + 4 * n + j * k
    let sum = 0
    for (let p = 0; p < k; p++) sum = (sum + i8[a + p]! * i8[column + p]!) | 0
    return (sum - Math.imul(zero, i32[(w >>> 2) + j]!)) | 0
  }

  /** Real results, each handed to `put` with its row and column. */
  function realGemm(
    [a, lda, aScale, aZero, aStep, w, wScale, bias]: readonly number[],
    [m, n, k, low, high]: readonly number[],
    put: (i: number, j: number, real: number) => void,
  ): void {
    const { f32, i32 } = memory
    for (let i = 0; i < m!; i++) {
      const row = i * aStep!
      for (let j = 0; j < n!; j++) {
        const acc = dot(a! + i * lda!, w!, n!, k!, j, i32[(aZero! >>> 2) + row]!)
        const scale = Math.fround(f32[(aScale! >>> 2) + row]! * f32[(wScale! >>> 2) + j]!)
        put(i, j, realOf(acc, scale, f32[(bias! >>> 2) + j]!, low!, high!))
      }
    }
  }

  return {
    qs8_gemm_packed_bytes: (n, k) => n * (k + 4),
    qs8_gemm_scratch_bytes: () => 0,

    qs8_gemm_pack(w, strideN, strideK, packed, n, k) {
      const { i8, i32 } = memory
      let to = packed + 4 * n
      for (let j = 0; j < n; j++) {
        let from = w + j * strideN
        let sum = 0
        for (let p = 0; p < k; p++, from += strideK) {
          i8[to++] = i8[from]!
          sum += i8[from]!
        }
        i32[(packed >>> 2) + j] = sum
      }
    },

    qs8_i32_gemm(a, lda, aZero, w, c, ldc, m, n, k) {
      const { i32 } = memory
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          i32[(c >>> 2) + i * ldc + j] = dot(a + i * lda, w, n, k, j, i32[aZero >>> 2]!)
        }
      }
    },

    qd8_f32_qc8w_gemm(a, lda, aScale, aZero, aStep, w, wScale, bias, c, ldc, m, n, k, low, high) {
      const { f32 } = memory
      realGemm([a, lda, aScale, aZero, aStep, w, wScale, bias], [m, n, k, low, high], (i, j, real) => {
        f32[(c >>> 2) + i * ldc + j] = real
      })
    },

    qd8_qs8_qc8w_gemm(
      a,
      lda,
      aScale,
      aZero,
      aStep,
      w,
      wScale,
      bias,
      c,
      ldc,
      m,
      n,
      k,
      low,
      high,
      cScale,
      cZero,
    ) {
      const { i8 } = memory
      realGemm([a, lda, aScale, aZero, aStep, w, wScale, bias], [m, n, k, low, high], (i, j, real) => {
        i8[c + i * ldc + j] = quantizedOf(real, cScale, cZero)
      })
    },

    f32_qd8_quantize(x, ldx, y, scale, zero, m, k) {
      const { f32, i32 } = memory
      for (let i = 0; i < m; i++, x += 4 * ldx, y += k, scale += 4, zero += 4) {
        if (f32_range(x, scale, zero, 1, 1, k) === Status.nonFinite) return Status.nonFinite
        const low = Math.min(f32[scale >>> 2]!, 0)
        const high = Math.max(f32[zero >>> 2]!, 0)
        const step = Math.fround(Math.fround(high / 255) - Math.fround(low / 255))
        f32[scale >>> 2] = step > 0 ? step : 1
        const exactZero = Math.fround(-128 - Math.fround(low / f32[scale >>> 2]!))
        i32[zero >>> 2] = Math.min(Math.max(roundHalfEven(exactZero), -128), 127)
        f32_qs8_quantize(x, scale, zero, y, 1, 1, k, -128)
      }
      return Status.ok
    },
  }
}
