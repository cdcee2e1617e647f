import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { Status } from '../runtime/status.js'
import { roundHalfEven } from './rounding.js'

const MAX_F32 = 3.4028234663852886e38

export function quantizeKernels(
  memory: LinearMemory,
): Pick<Kernels, 'f32_range' | 'f32_qs8_quantize' | 'qs8_f32_dequantize'> {
  return {
    f32_range(x, min, max, outer, channels, inner) {
      const { f32 } = memory
      let status: number = Status.ok
      for (let c = 0; c < channels; c++) {
        let low = MAX_F32
        let high = -MAX_F32
        for (let o = 0; o < outer; o++) {
          const start = (x >>> 2) + (o * channels + c) * inner
          for (let i = start; i < start + inner; i++) {
            const v = f32[i]!
            if (!Number.isFinite(v)) status = Status.nonFinite
            low = Math.min(low, v)
            high = Math.max(high, v)
          }
        }
        // Adding 0 makes a negative zero positive.
        f32[(min >>> 2) + c] = low + 0
        f32[(max >>> 2) + c] = high + 0
      }
      return status
    },

    f32_qs8_quantize(x, scale, zeroPoint, y, outer, channels, inner, qmin) {
      const { f32, i8 } = memory
      let i = 0
      for (let o = 0; o < outer; o++) {
        for (let c = 0; c < channels; c++) {
          const s = f32[(scale >>> 2) + c]!
          const zero = i8[zeroPoint + c]!
          for (let k = 0; k < inner; k++, i++) {
            const quotient = Math.fround(f32[(x >>> 2) + i]! / s)
            i8[y + i] = roundHalfEven(Math.min(Math.max(quotient, qmin - zero), 127 - zero)) + zero
          }
        }
      }
    },

    qs8_f32_dequantize(q, scale, zeroPoint, y, outer, channels, inner) {
      const { f32, i8 } = memory
      let i = 0
      for (let o = 0; o < outer; o++) {
        for (let c = 0; c < channels; c++) {
          const s = f32[(scale >>> 2) + c]!
          const zero = i8[zeroPoint + c]!
          for (let k = 0; k < inner; k++, i++) f32[(y >>> 2) + i] = s * (i8[q + i]! - zero)
        }
      }
    },
  }
}
