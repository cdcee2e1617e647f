import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'

// Contract: assembly/README.md#resample
export function resampleKernels(memory: LinearMemory): Pick<Kernels, 'f32_resample'> {
  return {
    f32_resample(x, y, indices, weights, outer, size, rows, taps, n) {
      const { f32, i32 } = memory
      let to = y >>> 2
      for (let image = 0; image < outer; image++) {
        for (let tap = 0; tap < rows * taps; tap += taps) {
          for (let i = 0; i < n; i++) {
            let sum = 0
            for (let t = 0; t < taps; t++) {
              const row = image * size + i32[(indices >>> 2) + tap + t]!
              const product = Math.fround(f32[(weights >>> 2) + tap + t]! * f32[(x >>> 2) + row * n + i]!)
              sum = t === 0 ? product : Math.fround(sum + product)
            }
            f32[to++] = sum
          }
        }
      }
    },
  }
}
