import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { Status } from '../runtime/status.js'

export function gapKernels(
  memory: LinearMemory,
): Pick<Kernels, 'u8_gap_encode' | 'u8_gap_count' | 'u8_gap_decode'> {
  return {
    u8_gap_encode(x, gaps, values, n, zero, bits) {
      const { u8 } = memory
      const filler = (1 << bits) - 1
      const start = gaps
      let gap = 0
      for (let i = x; i < x + n; i++) {
        if (u8[i] === zero) {
          gap++
          continue
        }
        for (; gap >= filler; gap -= filler) u8[gaps++] = filler
        u8[gaps++] = gap
        u8[values++] = u8[i]!
        gap = 0
      }
      return gaps - start
    },

    u8_gap_count(x, counts, n, zero) {
      const { u8, u32 } = memory
      const totals = u32.subarray(counts >>> 2, (counts >>> 2) + 7).fill(0)
      let gap = 0
      for (let i = x; i < x + n; i++) {
        if (u8[i] === zero) {
          gap++
          continue
        }
        totals[0]!++
        for (let bits = 3; bits <= 8; bits++) totals[bits - 2]! += 1 + Math.floor(gap / ((1 << bits) - 1))
        gap = 0
      }
    },

    u8_gap_decode(gaps, values, out, gapCount, valueCount, n, zero, bits) {
      const { u8 } = memory
      const filler = (1 << bits) - 1
      u8.fill(zero, out, out + n)
      let at = 0
      let pending = false
      for (let i = gaps; i < gaps + gapCount; i++) {
        const gap = u8[i]!
        if (gap > filler) return Status.corrupt
        at += gap
        if (at >= n) return Status.overflow
        pending = gap === filler
        if (pending) continue
        if (valueCount-- === 0) return Status.corrupt
        const value = u8[values++]!
        if (value === zero) return Status.corrupt
        u8[out + at++] = value
      }
      return pending || valueCount !== 0 ? Status.corrupt : Status.ok
    },
  }
}
