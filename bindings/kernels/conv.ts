import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { quantizedOf, realOf } from './requantize.js'
import { clamp } from './rounding.js'
import { forEachPixel, forEachTap, readWindow } from './window.js'

/** Packed depthwise weights here: [channels][taps] as they come; f32 ones with the bias [channels] before them. */
export function convKernels(
  memory: LinearMemory,
): Pick<
  Kernels,
  | 'x8_im2col'
  | 'f32_dwconv_packed_bytes'
  | 'f32_dwconv_pack'
  | 'f32_dwconv'
  | 'qs8_dwconv_packed_bytes'
  | 'qs8_dwconv_pack'
  | 'qs8_i32_dwconv'
  | 'qd8_f32_qc8w_dwconv'
  | 'qd8_qs8_qc8w_dwconv'
> {
  /** Exact sums, each handed to `put` with its channel and the index of its result. */
  function integerConv(
    [window, x, xZero, packed]: readonly number[],
    put: (channel: number, index: number, acc: number) => void,
  ): void {
    const { i8 } = memory
    const w = readWindow(memory, window!)
    const zero = memory.i32[xZero! >>> 2]!
    const taps = w.kernelHeight * w.kernelWidth
    forEachPixel(w, (image, pixel, top, left) => {
      for (let c = 0; c < w.channels; c++) {
        let acc = 0
        forEachTap(w, image, top, left, (tap, from) => {
          if (from >= 0) acc += (i8[x! + from * w.channels + c]! - zero) * i8[packed! + c * taps + tap]!
        })
        put(c, pixel * w.channels + c, acc)
      }
    })
  }

  function realConv(
    [window, x, xScale, xZero, packed, wScale, bias, low, high]: readonly number[],
    put: (index: number, real: number) => void,
  ): void {
    const { f32 } = memory
    integerConv([window!, x!, xZero!, packed!], (c, index, acc) => {
      const scale = Math.fround(f32[xScale! >>> 2]! * f32[(wScale! >>> 2) + c]!)
      put(index, realOf(acc, scale, f32[(bias! >>> 2) + c]!, low!, high!))
    })
  }

  return {
    x8_im2col(window, x, pixelBytes, sliceBytes, fill, firstPixel, pixels, y) {
      const { u8 } = memory
      const w = readWindow(memory, window)
      const copyWindow = (image: number, pixel: number, top: number, left: number): void => {
        const row = y + (pixel - firstPixel) * w.kernelHeight * w.kernelWidth * sliceBytes
        forEachTap(w, image, top, left, (tap, from) => {
          const to = row + tap * sliceBytes
          if (from < 0) u8.fill(fill, to, to + sliceBytes)
          else u8.copyWithin(to, x + from * pixelBytes, x + from * pixelBytes + sliceBytes)
        })
      }
      forEachPixel(w, copyWindow, firstPixel, firstPixel + pixels)
    },

    f32_dwconv_packed_bytes: (channels, taps) => channels * (taps + 1) * 4,

    f32_dwconv_pack(w, bias, packed, channels, taps) {
      const { f32 } = memory
      const to = packed >>> 2
      if (bias === 0) f32.fill(0, to, to + channels)
      else f32.copyWithin(to, bias >>> 2, (bias >>> 2) + channels)
      f32.copyWithin(to + channels, w >>> 2, (w >>> 2) + channels * taps)
    },

    f32_dwconv(window, x, packed, y, low, high) {
      const { f32 } = memory
      const w = readWindow(memory, window)
      const taps = w.kernelHeight * w.kernelWidth
      const bias = packed >>> 2
      forEachPixel(w, (image, pixel, top, left) => {
        for (let c = 0; c < w.channels; c++) {
          const weight = bias + w.channels + c * taps
          let sum = f32[bias + c]!
          forEachTap(w, image, top, left, (tap, from) => {
            const value = from < 0 ? 0 : f32[(x >>> 2) + from * w.channels + c]!
            sum = Math.fround(sum + Math.fround(value * f32[weight + tap]!))
          })
          f32[(y >>> 2) + pixel * w.channels + c] = clamp(sum, low, high)
        }
      })
    },

    qs8_dwconv_packed_bytes: (channels, taps) => channels * taps,

    qs8_dwconv_pack(w, packed, channels, taps) {
      memory.u8.copyWithin(packed, w, w + channels * taps)
    },

    qs8_i32_dwconv(window, x, xZero, packed, y) {
      const { i32 } = memory
      integerConv([window, x, xZero, packed], (_, index, acc) => {
        i32[(y >>> 2) + index] = acc
      })
    },

    qd8_f32_qc8w_dwconv(window, x, xScale, xZero, packed, wScale, bias, y, low, high) {
      const { f32 } = memory
      realConv([window, x, xScale, xZero, packed, wScale, bias, low, high], (index, real) => {
        f32[(y >>> 2) + index] = real
      })
    },

    qd8_qs8_qc8w_dwconv(window, x, xScale, xZero, packed, wScale, bias, y, low, high, yScale, yZero) {
      const { i8 } = memory
      realConv([window, x, xScale, xZero, packed, wScale, bias, low, high], (index, real) => {
        i8[y + index] = quantizedOf(real, yScale, yZero)
      })
    },
  }
}
