import { WINDOW_BYTES, writeWindow } from '../kernels/window.js'
import type { Kernels } from '../runtime/instantiate.js'
import { addressOf, checkSlot, type Slot } from './slot.js'
import { SlidingWindow } from './window.js'

type PoolCall = (kernels: Kernels, window: number, x: number, out: number) => void

/** Fits the window, checks both slots and hands the window's address to `call`. */
function withWindow(
  window: SlidingWindow,
  x: Slot,
  inputShape: readonly number[],
  out: Slot,
  elementBytes: number,
  call: PoolCall,
): void {
  window.fit(inputShape)
  const imageElements = window.height * window.width * window.channels
  checkSlot('x', x, window.batch * imageElements * elementBytes)
  checkSlot('out', out, window.batch * window.outPixels * window.channels * elementBytes)
  const { kernels, memory, scratch } = x.handle.runtime
  const mark = scratch.mark()
  try {
    const pointer = scratch.take(WINDOW_BYTES)
    writeWindow(memory, pointer, window)
    call(kernels, pointer, addressOf(x), addressOf(out))
  } finally {
    scratch.release(mark)
  }
}

const callF32MaxPool: PoolCall = (kernels, window, x, out) => kernels.f32_maxpool(window, x, out)
const callQs8MaxPool: PoolCall = (kernels, window, x, out) => kernels.qs8_maxpool(window, x, out)
const callAverage: PoolCall = (kernels, window, x, out) => kernels.f32_avgpool(window, x, out, 0)
const callPaddedAverage: PoolCall = (kernels, window, x, out) => kernels.f32_avgpool(window, x, out, 1)

/** Greatest f32 element of each window of images [N, H, W, C]; padding does not take part, NaN wins. */
export function f32MaxPool(window: SlidingWindow, x: Slot, inputShape: readonly number[], out: Slot): void {
  withWindow(window, x, inputShape, out, 4, callF32MaxPool)
}

/** Greatest int8 element of each window. */
export function qs8MaxPool(window: SlidingWindow, x: Slot, inputShape: readonly number[], out: Slot): void {
  withWindow(window, x, inputShape, out, 1, callQs8MaxPool)
}

/** Mean of each window; with `countPadding` the padded taps count as zeros (ONNX count_include_pad). */
export function f32AveragePool(
  window: SlidingWindow,
  x: Slot,
  inputShape: readonly number[],
  out: Slot,
  countPadding = false,
): void {
  withWindow(window, x, inputShape, out, 4, countPadding ? callPaddedAverage : callAverage)
}

const whole = new SlidingWindow({ kernel: [1, 1] })

/** One window over the whole image. */
function wholeImage(inputShape: readonly number[]): SlidingWindow {
  whole.kernelHeight = inputShape[1]!
  whole.kernelWidth = inputShape[2]!
  return whole
}

/** Greatest element of each channel of each image: [N, 1, 1, C]. */
export function f32GlobalMaxPool(x: Slot, inputShape: readonly number[], out: Slot): void {
  f32MaxPool(wholeImage(inputShape), x, inputShape, out)
}

/** Mean of each channel of each image: [N, 1, 1, C]. */
export function f32GlobalAveragePool(x: Slot, inputShape: readonly number[], out: Slot): void {
  f32AveragePool(wholeImage(inputShape), x, inputShape, out)
}
