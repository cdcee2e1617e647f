import type { LinearMemory } from '../runtime/memory.js'

/** How a window slides over images [batch, height, width, channels], as assembly/common/window.ts lays it out. */
export interface Window {
  batch: number
  height: number
  width: number
  channels: number
  outHeight: number
  outWidth: number
  kernelHeight: number
  kernelWidth: number
  strideHeight: number
  strideWidth: number
  dilationHeight: number
  dilationWidth: number
  padTop: number
  padLeft: number
  padBottom: number
  padRight: number
}

const FIELDS: readonly (keyof Window)[] = [
  'batch',
  'height',
  'width',
  'channels',
  'outHeight',
  'outWidth',
  'kernelHeight',
  'kernelWidth',
  'strideHeight',
  'strideWidth',
  'dilationHeight',
  'dilationWidth',
  'padTop',
  'padLeft',
  'padBottom',
  'padRight',
]

export const WINDOW_BYTES = FIELDS.length * 4

export function writeWindow(memory: LinearMemory, pointer: number, window: Readonly<Window>): void {
  const { i32 } = memory
  for (let i = 0; i < FIELDS.length; i++) i32[(pointer >>> 2) + i] = window[FIELDS[i]!]
}

export function readWindow(memory: LinearMemory, pointer: number): Window {
  const start = pointer >>> 2
  return Object.fromEntries(FIELDS.map((field, i) => [field, memory.i32[start + i]!])) as unknown as Window
}

/** Calls `visit` for output pixels `first` to `end` in row-major order, with their image and their window's top left corner. */
export function forEachPixel(
  w: Window,
  visit: (image: number, pixel: number, top: number, left: number) => void,
  first = 0,
  end = w.batch * w.outHeight * w.outWidth,
): void {
  for (let pixel = first; pixel < end; pixel++) {
    const line = Math.floor(pixel / w.outWidth)
    const top = (line % w.outHeight) * w.strideHeight - w.padTop
    visit(Math.floor(line / w.outHeight), pixel, top, (pixel % w.outWidth) * w.strideWidth - w.padLeft)
  }
}

/**
 * Calls `visit` for every tap in the order (kh, kw) with the number of the pixel of `image` that it meets, or -1 in the
 * padding, and whether it lies within height + padBottom and width + padRight.
 */
export function forEachTap(
  w: Window,
  image: number,
  top: number,
  left: number,
  visit: (tap: number, pixel: number, counted: boolean) => void,
): void {
  let tap = 0
  for (let i = 0; i < w.kernelHeight; i++) {
    const y = top + i * w.dilationHeight
    for (let j = 0; j < w.kernelWidth; j++) {
      const x = left + j * w.dilationWidth
      const inside = y >= 0 && y < w.height && x >= 0 && x < w.width
      const pixel = inside ? (image * w.height + y) * w.width + x : -1
      visit(tap++, pixel, y < w.height + w.padBottom && x < w.width + w.padRight)
    }
  }
}
