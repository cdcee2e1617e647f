import { MAX_DEPTHWISE_TAPS, MAX_TENSOR_ELEMENTS } from '../limits.js'
import type { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkInteger, checkShape, checkTypedArray } from '../validate.js'
import { checkSlot, type Slot } from './slot.js'
import { SlidingWindow } from './window.js'

export interface ConvGeometry {
  /** [Cout, Cin / group, kH, kW], as ONNX Conv has it. */
  readonly shape: readonly number[]
  /** In real units, one value an output channel; zero unless given. */
  readonly bias?: Float32Array | undefined
  readonly strides?: readonly [height: number, width: number] | undefined
  readonly pads?: readonly [top: number, left: number, bottom: number, right: number] | undefined
  readonly dilations?: readonly [height: number, width: number] | undefined
  readonly group?: number | undefined
}

/** Bounds of the result; min 0 is a ReLU. */
export interface ConvOptions {
  min?: number
  max?: number
}

export const GEOMETRY_KEYS = ['shape', 'bias', 'strides', 'pads', 'dilations', 'group']
export const CONV_KEYS = ['data', ...GEOMETRY_KEYS]

/** The weights of a convolution as kernels read them, one product a group or one depthwise region. */
export class ConvWeights {
  readonly runtime: Runtime
  readonly window: SlidingWindow
  readonly group: number
  /** Input channels of one group. */
  readonly groupChannels: number
  readonly outChannels: number
  readonly #handles: readonly Handle[]

  constructor(runtime: Runtime, geometry: CheckedGeometry, handles: readonly Handle[]) {
    this.runtime = runtime
    this.window = geometry.window
    this.group = geometry.group
    this.groupChannels = geometry.groupChannels
    this.outChannels = geometry.outChannels
    this.#handles = handles
  }

  /** Size in linear memory. */
  get bytes(): number {
    return this.#handles.reduce((sum, handle) => sum + handle.bytes, 0)
  }

  /** Products of one sum. */
  get depth(): number {
    return this.window.taps * this.groupChannels
  }

  /** Sets the sizes of one call and checks them against the weights. */
  fit(inputShape: readonly number[]): void {
    this.window.fit(inputShape)
    const channels = this.group * this.groupChannels
    if (this.window.channels !== channels) {
      throw new RangeError(
        `"inputShape" expected ${channels} channels in the last place, got [${inputShape.join(', ')}]`,
      )
    }
    const { batch, outPixels } = this.window
    if (batch * outPixels * this.outChannels > MAX_TENSOR_ELEMENTS) {
      throw new RangeError(
        `"inputShape" expected a result of at most ${MAX_TENSOR_ELEMENTS} elements, got [${inputShape.join(', ')}]`,
      )
    }
  }

  /** Checks that the fitted images and their result fit two slots. */
  checkSlots(input: Slot, inputBytes: number, out: Slot, outBytes: number): void {
    const { batch, height, width, channels, outPixels } = this.window
    checkSlot('input', input, batch * height * width * channels * inputBytes)
    checkSlot('out', out, batch * outPixels * this.outChannels * outBytes)
  }

  /**
   * Elements between im2col rows where those lie in the image as they are: a pixel a row, or a whole image a row.
   * 0: they have to be gathered.
   */
  get rowStride(): number {
    const { window, group } = this
    const { strideHeight, strideWidth, dilationHeight, dilationWidth } = window
    if (window.padded) return 0
    if (window.taps === 1 && strideHeight === 1 && strideWidth === 1) return window.channels
    const dense = dilationHeight === 1 && dilationWidth === 1 && group === 1
    const whole = window.kernelHeight === window.height && window.kernelWidth === window.width
    return dense && whole ? window.height * window.width * window.channels : 0
  }

  dispose(): void {
    for (const handle of this.#handles) handle.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** Shape [N, H, W, C] of the result of a convolution. */
export function convOutputShape(weights: ConvWeights, inputShape: readonly number[]): number[] {
  weights.fit(inputShape)
  const { batch, outHeight, outWidth } = weights.window
  return [batch, outHeight, outWidth, weights.outChannels]
}

export interface CheckedGeometry {
  readonly window: SlidingWindow
  readonly outChannels: number
  readonly groupChannels: number
  readonly group: number
  readonly depthwise: boolean
}

/** Checks everything but the values of the weights. */
export function checkGeometry(geometry: ConvGeometry): CheckedGeometry {
  checkShape('shape', geometry.shape)
  const { shape, bias, group = 1, strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1] } = geometry
  if (shape.length !== 4) {
    throw new RangeError(`"shape" expected [Cout, Cin / group, kH, kW], got [${shape.join(', ')}]`)
  }
  const [outChannels, groupChannels, kernelHeight, kernelWidth] = shape as [number, number, number, number]
  checkInteger('group', group, 1, Math.max(outChannels, 1))
  if (outChannels % group !== 0) {
    throw new RangeError(`"group" expected a divisor of ${outChannels} output channels, got ${group}`)
  }
  if (bias !== undefined) checkTypedArray('bias', bias, 'Float32Array', outChannels)
  const window = new SlidingWindow({ kernel: [kernelHeight, kernelWidth], strides, pads, dilations })
  const depthwise =
    group > 1 && groupChannels === 1 && outChannels === group && window.taps <= MAX_DEPTHWISE_TAPS
  return { window, outChannels, groupChannels, group, depthwise }
}

/** Weights [Cout, Cin / group, kH, kW] of one group as a matrix [Cout / group, (kH, kW, Cin / group)]. */
export function tapsFirst<T extends Float32Array | Int8Array | Uint8Array>(
  data: T,
  { outChannels, groupChannels, group, window: { taps } }: CheckedGeometry,
  index: number,
): T {
  const rows = outChannels / group
  const size = rows * groupChannels * taps
  const from = data.subarray(index * size, (index + 1) * size)
  const matrix = data.slice(index * size, (index + 1) * size) as T
  for (let row = 0; row < rows; row++) {
    const start = row * groupChannels * taps
    for (let c = 0; c < groupChannels; c++) {
      for (let t = 0; t < taps; t++) {
        matrix[start + t * groupChannels + c] = from[start + c * taps + t]!
      }
    }
  }
  return matrix
}

/** Makes one handle a group; if one fails, those before it are freed. */
export function packGroups<T extends Handle>(group: number, pack: (index: number) => T): T[] {
  const parts: T[] = []
  try {
    for (let index = 0; index < group; index++) parts.push(pack(index))
  } catch (error) {
    for (const part of parts) part.dispose()
    throw error
  }
  return parts
}
