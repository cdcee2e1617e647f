import type { Window } from '../kernels/window.js'
import { MAX_TENSOR_ELEMENTS, MAX_WINDOW } from '../limits.js'
import { checkBoolean, checkInteger, checkOptions, describe } from '../validate.js'

export interface WindowOptions {
  /** Height and width in taps. */
  kernel: readonly [height: number, width: number]
  strides?: readonly [height: number, width: number]
  /** Rows and columns around the image that are not there. */
  pads?: readonly [top: number, left: number, bottom: number, right: number]
  dilations?: readonly [height: number, width: number]
  /** Rounds the size of the output up: the last window may pass the end, but not begin behind it. */
  ceilMode?: boolean
}

function checkNumbers(name: string, value: unknown, length: number, min: number): readonly number[] {
  if (!Array.isArray(value) || value.length !== length) {
    throw new TypeError(`"${name}" expected an array of ${length} integers, got ${describe(value)}`)
  }
  for (const number of value as unknown[]) checkInteger(name, number, min, MAX_WINDOW)
  return value as number[]
}

/**
 * How a window slides over images [N, H, W, C], as ONNX Conv, MaxPool and AveragePool define it. Made once; `fit` sets
 * the sizes of one call, so that a call allocates nothing.
 */
export class SlidingWindow implements Window {
  batch = 0
  height = 0
  width = 0
  channels = 0
  outHeight = 0
  outWidth = 0
  kernelHeight: number
  kernelWidth: number
  readonly strideHeight: number
  readonly strideWidth: number
  readonly dilationHeight: number
  readonly dilationWidth: number
  padTop: number
  padLeft: number
  padBottom: number
  padRight: number
  readonly ceilMode: boolean

  constructor(options: WindowOptions) {
    checkOptions('options', options, ['kernel', 'strides', 'pads', 'dilations', 'ceilMode'])
    const { kernel, strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1], ceilMode = false } = options
    checkNumbers('kernel', kernel, 2, 1)
    checkNumbers('strides', strides, 2, 1)
    checkNumbers('pads', pads, 4, 0)
    checkNumbers('dilations', dilations, 2, 1)
    checkBoolean('ceilMode', ceilMode)
    ;[this.kernelHeight, this.kernelWidth] = kernel
    ;[this.strideHeight, this.strideWidth] = strides
    ;[this.padTop, this.padLeft, this.padBottom, this.padRight] = pads
    ;[this.dilationHeight, this.dilationWidth] = dilations
    this.ceilMode = ceilMode
    if (this.taps > MAX_WINDOW) {
      throw new RangeError(`"kernel" expected at most ${MAX_WINDOW} taps, got ${kernel.join(' x ')}`)
    }
  }

  get taps(): number {
    return this.kernelHeight * this.kernelWidth
  }

  get outPixels(): number {
    return this.outHeight * this.outWidth
  }

  get padded(): boolean {
    return (this.padTop | this.padLeft | this.padBottom | this.padRight) !== 0
  }

  /** Changes the padding, which ONNX's auto_pad derives from the size of the image. */
  pad(pads: readonly [top: number, left: number, bottom: number, right: number]): void {
    ;[this.padTop, this.padLeft, this.padBottom, this.padRight] = pads
  }

  /** Sets the sizes of input and output. Throws RangeError when the padded image is smaller than the window. */
  fit(inputShape: readonly number[]): void {
    if (inputShape.length !== 4) {
      throw new RangeError(`"inputShape" expected [N, H, W, C], got [${inputShape.join(', ')}]`)
    }
    let elements = 1
    for (const size of inputShape) {
      checkInteger('inputShape', size, 0, MAX_TENSOR_ELEMENTS)
      elements *= size
    }
    this.batch = inputShape[0]!
    this.height = inputShape[1]!
    this.width = inputShape[2]!
    this.channels = inputShape[3]!
    this.outHeight = this.#outSize(
      this.height,
      this.kernelHeight,
      this.strideHeight,
      this.dilationHeight,
      this.padTop,
      this.padBottom,
    )
    this.outWidth = this.#outSize(
      this.width,
      this.kernelWidth,
      this.strideWidth,
      this.dilationWidth,
      this.padLeft,
      this.padRight,
    )
    const outElements = this.batch * this.outPixels * this.channels
    if (Math.max(elements, outElements) > MAX_TENSOR_ELEMENTS) {
      throw new RangeError(
        `"inputShape" expected at most ${MAX_TENSOR_ELEMENTS} elements in and out, got [${inputShape.join(', ')}]`,
      )
    }
  }

  #outSize(
    size: number,
    kernel: number,
    stride: number,
    dilation: number,
    before: number,
    after: number,
  ): number {
    const room = size + before + after - ((kernel - 1) * dilation + 1)
    if (room < 0) {
      throw new RangeError(
        `"inputShape" expected at least ${size - room} rows and columns, padding included ${before + after}, got ${size}`,
      )
    }
    const floor = Math.floor(room / stride)
    if (!this.ceilMode || room % stride === 0) return floor + 1
    return (floor + 1) * stride < size + before ? floor + 2 : floor + 1
  }
}
