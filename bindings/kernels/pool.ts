import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { forEachPixel, forEachTap, readWindow } from './window.js'

export function poolKernels(
  memory: LinearMemory,
): Pick<Kernels, 'f32_maxpool' | 'qs8_maxpool' | 'f32_avgpool'> {
  function maxPool(
    window: number,
    values: Float32Array | Int8Array,
    x: number,
    y: number,
    least: number,
  ): void {
    const w = readWindow(memory, window)
    forEachPixel(w, (image, pixel, top, left) => {
      const to = y + pixel * w.channels
      values.fill(least, to, to + w.channels)
      forEachTap(w, image, top, left, (_, from) => {
        if (from < 0) return
        const start = x + from * w.channels
        for (let c = 0; c < w.channels; c++) {
          const value = values[start + c]!
          if (values[to + c]! < value || Number.isNaN(value)) values[to + c] = value
        }
      })
    })
  }

  return {
    f32_maxpool(window, x, y) {
      maxPool(window, memory.f32, x >>> 2, y >>> 2, -Infinity)
    },

    qs8_maxpool(window, x, y) {
      maxPool(window, memory.i8, x, y, -128)
    },

    f32_avgpool(window, x, y, countPadding) {
      const { f32 } = memory
      const w = readWindow(memory, window)
      forEachPixel(w, (image, pixel, top, left) => {
        const to = (y >>> 2) + pixel * w.channels
        f32.fill(0, to, to + w.channels)
        let count = 0
        forEachTap(w, image, top, left, (_, from, counted) => {
          if (from >= 0 || (counted && countPadding !== 0)) count++
          if (from < 0) return
          const start = (x >>> 2) + from * w.channels
          for (let c = 0; c < w.channels; c++) f32[to + c] = f32[to + c]! + f32[start + c]!
        })
        for (let c = 0; c < w.channels; c++) f32[to + c] = f32[to + c]! / Math.fround(count)
      })
    },
  }
}
