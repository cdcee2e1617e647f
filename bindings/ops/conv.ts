import { WINDOW_BYTES, writeWindow } from '../kernels/window.js'
import { MAX_DEPTHWISE_TAPS, MAX_TENSOR_ELEMENTS } from '../limits.js'
import { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkInteger, checkOptions, checkShape, checkTypedArray } from '../validate.js'
import { packF32Weights, type PackedF32Weights } from './f32-gemm.js'
import { addressOf, checkSlot, type Slot } from './slot.js'
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

export interface F32Conv extends ConvGeometry {
  /** Values in the order of `shape`. */
  readonly data: Float32Array
}

/** Bounds of the result; min 0 is a ReLU. */
export interface ConvOptions {
  min?: number
  max?: number
}

export const CONV_KEYS = ['data', 'shape', 'bias', 'strides', 'pads', 'dilations', 'group']

/** Rows of an im2col chunk together: what stays in a second-level cache, and well below a mebibyte. */
const CHUNK_BYTES = 256 * 1024
/** Chunks of whole row blocks of both products (64 and 96), or at least of whole tiles of both (4 and 6 rows). */
const ROW_BLOCKS = 192
const TILE_ROWS = 12

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
export function tapsFirst<T extends Float32Array | Int8Array>(
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

/** im2col rows of a chunk, for rows of `rowBytes` of which there are `pixels`. */
export function chunkRows(rowBytes: number, pixels: number): number {
  const fitting = Math.floor(CHUNK_BYTES / Math.max(rowBytes, 1))
  const unit = fitting >= ROW_BLOCKS ? ROW_BLOCKS : TILE_ROWS
  return Math.min(pixels, Math.max(Math.floor(fitting / unit), 1) * unit)
}

export class F32ConvWeights extends ConvWeights {
  readonly parts: readonly PackedF32Weights[]
  readonly depthwise: Handle | undefined

  constructor(
    runtime: Runtime,
    geometry: CheckedGeometry,
    parts: readonly PackedF32Weights[],
    depthwise: Handle | undefined,
  ) {
    super(runtime, geometry, depthwise === undefined ? parts : [depthwise])
    this.parts = parts
    this.depthwise = depthwise
  }
}

/**
 * Packs the weights of an f32 convolution once for many calls.
 *
 * @throws TypeError, RangeError for parts that do not fit each other; CapacityError when memory is short
 * @see ONNX Conv
 */
export function packF32Conv(runtime: Runtime, conv: F32Conv): F32ConvWeights {
  checkOptions('conv', conv, CONV_KEYS)
  const geometry = checkGeometry(conv)
  const { data, bias } = conv
  const { outChannels, groupChannels, group, window, depthwise } = geometry
  checkTypedArray('data', data, 'Float32Array', outChannels * groupChannels * window.taps)
  if (depthwise) {
    return new F32ConvWeights(runtime, geometry, [], packDepthwise(runtime, data, bias, outChannels))
  }
  const n = outChannels / group
  const parts = packGroups(group, (index) =>
    packF32Weights(runtime, {
      data: tapsFirst(data, geometry, index),
      n,
      k: window.taps * groupChannels,
      layout: 'nk',
      bias: bias?.subarray(index * n, (index + 1) * n),
    }),
  )
  return new F32ConvWeights(runtime, geometry, parts, undefined)
}

function packDepthwise(
  runtime: Runtime,
  data: Float32Array,
  bias: Float32Array | undefined,
  channels: number,
): Handle {
  const { kernels, memory, scratch } = runtime
  const taps = data.length / channels
  const mark = scratch.mark()
  try {
    const source = scratch.take(data.length * 4)
    const biasPointer = bias === undefined ? 0 : scratch.take(channels * 4)
    const packed = new Handle(runtime, kernels.f32_dwconv_packed_bytes(channels, taps))
    const { f32 } = memory
    f32.set(data, source >>> 2)
    if (bias !== undefined) f32.set(bias, biasPointer >>> 2)
    kernels.f32_dwconv_pack(source, biasPointer, packed.pointer, channels, taps)
    return packed
  } finally {
    scratch.release(mark)
  }
}

const DEFAULTS: ConvOptions = {}

/**
 * `out [N, oH, oW, Cout] = clamp(bias + conv(input [N, H, W, Cin]))`, both slots f32. Allocates nothing once the scratch
 * arena has grown.
 *
 * @throws RangeError if the shape does not fit the weights or a slot
 */
export function f32Conv(
  weights: F32ConvWeights,
  input: Slot,
  inputShape: readonly number[],
  out: Slot,
  options: ConvOptions = DEFAULTS,
): void {
  const { min = -Infinity, max = Infinity } = options
  const { window, runtime, group, groupChannels, outChannels } = weights
  weights.fit(inputShape)
  const { batch, channels } = window
  const pixels = batch * window.outPixels
  checkSlot('input', input, batch * window.height * window.width * channels * 4)
  checkSlot('out', out, pixels * outChannels * 4)
  if (pixels === 0) return
  const { kernels, memory, scratch } = runtime
  const from = addressOf(input)
  const to = addressOf(out)
  const mark = scratch.mark()
  try {
    if (weights.depthwise !== undefined) {
      const pointer = scratch.take(WINDOW_BYTES)
      const padding = scratch.take(channels * 4)
      writeWindow(memory, pointer, window)
      memory.f32.fill(0, padding >>> 2, (padding >>> 2) + channels)
      kernels.f32_dwconv(pointer, from, weights.depthwise.pointer, to, min, max, padding)
      return
    }
    const n = outChannels / group
    const depth = window.taps * groupChannels
    const { rowStride } = weights
    const rows = rowStride > 0 ? pixels : chunkRows(depth * 4, pixels)
    const pointer = scratch.take(WINDOW_BYTES)
    const gathered = rowStride > 0 ? 0 : scratch.take(rows * depth * 4)
    writeWindow(memory, pointer, window)
    for (let g = 0; g < group; g++) {
      const slice = from + g * groupChannels * 4
      const packed = weights.parts[g]!.pointer
      for (let first = 0; first < pixels; first += rows) {
        const m = Math.min(rows, pixels - first)
        const target = to + (first * outChannels + g * n) * 4
        if (rowStride === 0) {
          kernels.x8_im2col(pointer, slice, channels * 4, groupChannels * 4, 0, first, m, gathered)
        }
        const a = rowStride === 0 ? gathered : slice
        const lda = rowStride === 0 ? depth : rowStride
        kernels.f32_gemm(a, lda, packed, target, outChannels, m, n, depth, min, max)
      }
    }
  } finally {
    scratch.release(mark)
  }
}
