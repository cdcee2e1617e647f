import { WINDOW_BYTES, writeWindow } from '../kernels/window.js'
import { MAX_INT8_DEPTH } from '../limits.js'
import { alignUp } from '../runtime/allocator.js'
import { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'
import { Status } from '../runtime/status.js'
import { checkOptions, checkTypedArray } from '../validate.js'
import {
  checkGeometry,
  chunkRows,
  CONV_KEYS,
  ConvWeights,
  packGroups,
  tapsFirst,
  type CheckedGeometry,
  type ConvGeometry,
  type ConvOptions,
} from './conv.js'
import { packInt8Weights, type Int8GemmOutput, type PackedInt8Weights } from './qs8-gemm.js'
import { addressOf, checkSlot, type Slot } from './slot.js'

export interface Int8Conv extends ConvGeometry {
  /** Symmetric codes (zero point 0) in the order of `shape`. */
  readonly data: Int8Array
  /** One scale an output channel, or one for all. */
  readonly scale: Float32Array
}

export interface Qs8ConvOptions extends ConvOptions {
  /** `real = inputScale * (q - inputZeroPoint)` */
  inputScale: number
  inputZeroPoint: number
  output: Int8GemmOutput
}

/** The kernels read eight scales and biases at a time. */
const CHANNELS_AT_ONCE = 8

/** int8 depthwise weights with their scales and bias. */
class DepthwiseInt8Weights extends Handle {
  readonly scaleOffset: number
  readonly biasOffset: number

  constructor(runtime: Runtime, packedBytes: number, channels: number) {
    const perChannel = Math.ceil(channels / CHANNELS_AT_ONCE) * CHANNELS_AT_ONCE * 4
    super(runtime, alignUp(packedBytes) + alignUp(perChannel) + perChannel)
    this.scaleOffset = alignUp(packedBytes)
    this.biasOffset = this.scaleOffset + alignUp(perChannel)
  }
}

export class Int8ConvWeights extends ConvWeights {
  readonly parts: readonly PackedInt8Weights[]
  readonly depthwise: DepthwiseInt8Weights | undefined

  constructor(
    runtime: Runtime,
    geometry: CheckedGeometry,
    parts: readonly PackedInt8Weights[],
    depthwise: DepthwiseInt8Weights | undefined,
  ) {
    super(runtime, geometry, depthwise === undefined ? parts : [depthwise])
    this.parts = parts
    this.depthwise = depthwise
  }
}

/**
 * Packs the weights of an int8 convolution once for many calls.
 *
 * @throws TypeError, RangeError for parts that do not fit each other; CapacityError when memory is short
 * @see ONNX QLinearConv, ConvInteger
 */
export function packInt8Conv(runtime: Runtime, conv: Int8Conv): Int8ConvWeights {
  checkOptions('conv', conv, [...CONV_KEYS, 'scale'])
  const geometry = checkGeometry(conv)
  const { data, scale, bias } = conv
  const { outChannels, groupChannels, group, window, depthwise } = geometry
  const depth = window.taps * groupChannels
  checkTypedArray('data', data, 'Int8Array', outChannels * depth)
  checkTypedArray('scale', scale, 'Float32Array')
  if (scale.length !== 1) checkTypedArray('scale', scale, 'Float32Array', outChannels)
  if (depth > MAX_INT8_DEPTH) {
    throw new RangeError(`"shape" expected at most ${MAX_INT8_DEPTH} products in a sum, got ${depth}`)
  }
  if (depthwise) {
    return new Int8ConvWeights(runtime, geometry, [], packDepthwise(runtime, conv, window.taps))
  }
  const n = outChannels / group
  const parts = packGroups(group, (index) =>
    packInt8Weights(runtime, {
      data: tapsFirst(data, geometry, index),
      n,
      k: depth,
      layout: 'nk',
      scale: scale.length === 1 ? scale : scale.subarray(index * n, (index + 1) * n),
      bias: bias?.subarray(index * n, (index + 1) * n),
    }),
  )
  return new Int8ConvWeights(runtime, geometry, parts, undefined)
}

function packDepthwise(
  runtime: Runtime,
  { data, scale, bias }: Int8Conv,
  taps: number,
): DepthwiseInt8Weights {
  const { kernels, memory, scratch } = runtime
  const channels = data.length / taps
  const mark = scratch.mark()
  try {
    const source = scratch.take(data.length)
    const packed = new DepthwiseInt8Weights(
      runtime,
      kernels.qs8_dwconv_packed_bytes(channels, taps),
      channels,
    )
    const { f32, i8, u8 } = memory
    i8.set(data, source)
    u8.fill(0, packed.pointer + packed.scaleOffset, packed.pointer + packed.bytes)
    const scaleStart = (packed.pointer + packed.scaleOffset) >>> 2
    if (scale.length === 1) f32.fill(scale[0]!, scaleStart, scaleStart + channels)
    else f32.set(scale, scaleStart)
    if (bias !== undefined) f32.set(bias, (packed.pointer + packed.biasOffset) >>> 2)
    kernels.qs8_dwconv_pack(source, packed.pointer, channels, taps)
    return packed
  } finally {
    scratch.release(mark)
  }
}

/**
 * The convolution of `images` images at `from`. Scale and zero point of the codes are at `scale` and `zero`; with
 * `perImage` 1 each image, which is then one row of the product, has its own.
 */
function convolve(
  weights: Int8ConvWeights,
  images: number,
  from: number,
  scale: number,
  zero: number,
  perImage: 0 | 1,
  to: number,
  output: Int8GemmOutput,
  { min = -Infinity, max = Infinity }: ConvOptions,
): void {
  const { window, group, groupChannels, outChannels, rowStride } = weights
  const { channels } = window
  const { kernels, memory, scratch } = weights.runtime
  const fill = memory.i32[zero >>> 2]!
  window.batch = images
  const mark = scratch.mark()
  try {
    const pointer = scratch.take(WINDOW_BYTES)
    if (weights.depthwise !== undefined) {
      const w = weights.depthwise.pointer
      const wScale = w + weights.depthwise.scaleOffset
      const bias = w + weights.depthwise.biasOffset
      const padding = scratch.take(channels)
      writeWindow(memory, pointer, window)
      memory.i8.fill(fill, padding, padding + channels)
      if (output.kind === 'int32') {
        kernels.qs8_i32_dwconv(pointer, from, zero, w, to, padding)
      } else if (output.kind === 'f32') {
        kernels.qd8_f32_qc8w_dwconv(pointer, from, scale, zero, w, wScale, bias, to, min, max, padding)
      } else {
        const { scale: outScale, zeroPoint } = output
        kernels.qd8_qs8_qc8w_dwconv(
          pointer,
          from,
          scale,
          zero,
          w,
          wScale,
          bias,
          to,
          min,
          max,
          outScale,
          zeroPoint,
          padding,
        )
      }
      return
    }
    const pixels = images * window.outPixels
    const n = outChannels / group
    const depth = window.taps * groupChannels
    const rows = rowStride > 0 ? pixels : chunkRows(depth, pixels)
    const work = scratch.take(kernels.qs8_gemm_scratch_bytes(rows, depth))
    const gathered = rowStride > 0 ? 0 : scratch.take(rows * depth)
    const outBytes = output.kind === 'int8' ? 1 : 4
    writeWindow(memory, pointer, window)
    for (let g = 0; g < group; g++) {
      const slice = from + g * groupChannels
      const part = weights.parts[g]!
      const w = part.pointer
      const { scalePointer, biasPointer } = part
      for (let first = 0; first < pixels; first += rows) {
        const m = Math.min(rows, pixels - first)
        const target = to + (first * outChannels + g * n) * outBytes
        if (rowStride === 0) {
          kernels.x8_im2col(pointer, slice, channels, groupChannels, fill, first, m, gathered)
        }
        const a = rowStride === 0 ? gathered : slice
        const lda = rowStride === 0 ? depth : rowStride
        if (output.kind === 'int32') {
          kernels.qs8_i32_gemm(a, lda, zero, w, target, outChannels, m, n, depth, work)
        } else if (output.kind === 'f32') {
          kernels.qd8_f32_qc8w_gemm(
            a,
            lda,
            scale,
            zero,
            perImage,
            w,
            scalePointer,
            biasPointer,
            target,
            outChannels,
            m,
            n,
            depth,
            min,
            max,
            work,
          )
        } else {
          const { scale: outScale, zeroPoint } = output
          kernels.qd8_qs8_qc8w_gemm(
            a,
            lda,
            scale,
            zero,
            perImage,
            w,
            scalePointer,
            biasPointer,
            target,
            outChannels,
            m,
            n,
            depth,
            min,
            max,
            outScale,
            zeroPoint,
            work,
          )
        }
      }
    }
  } finally {
    scratch.release(mark)
  }
}

/** Bytes of one input image as int8. */
function imageBytes({ window }: Int8ConvWeights): number {
  return window.height * window.width * window.channels
}

/**
 * Convolution of int8 codes [N, H, W, Cin] that share one scale and zero point; `output` says what is stored. Padding
 * is the real value 0. Allocates nothing once the scratch arena has grown.
 *
 * @throws RangeError if the shape does not fit the weights or a slot
 */
export function qs8Conv(
  weights: Int8ConvWeights,
  input: Slot,
  inputShape: readonly number[],
  out: Slot,
  options: Qs8ConvOptions,
): void {
  const { inputScale, inputZeroPoint, output } = options
  weights.fit(inputShape)
  const { batch, outPixels } = weights.window
  checkSlot('input', input, batch * imageBytes(weights))
  checkSlot('out', out, batch * outPixels * weights.outChannels * (output.kind === 'int8' ? 1 : 4))
  if (batch * outPixels === 0) return
  const { memory, scratch } = weights.runtime
  const mark = scratch.mark()
  try {
    const scale = scratch.take(4)
    const zero = scratch.take(4)
    memory.f32[scale >>> 2] = inputScale
    memory.i32[zero >>> 2] = inputZeroPoint
    convolve(weights, batch, addressOf(input), scale, zero, 0, addressOf(out), output, options)
  } finally {
    scratch.release(mark)
  }
}

const REAL: Int8GemmOutput = { kind: 'f32' }
const DEFAULTS: ConvOptions = {}

/**
 * The convolution of f32 images with int8 weights: every image is quantized to int8 by its own range, so that a result
 * does not depend on its neighbours in the batch. Allocates nothing once the scratch arena has grown.
 *
 * @throws RangeError if `input` holds NaN or an infinity, or the shape does not fit the weights or a slot
 */
export function qd8Conv(
  weights: Int8ConvWeights,
  input: Slot,
  inputShape: readonly number[],
  out: Slot,
  options: ConvOptions = DEFAULTS,
): void {
  weights.fit(inputShape)
  const { batch, outPixels } = weights.window
  const length = imageBytes(weights)
  checkSlot('input', input, batch * length * 4)
  checkSlot('out', out, batch * outPixels * weights.outChannels * 4)
  if (batch * outPixels === 0) return
  const { kernels, scratch } = weights.runtime
  const mark = scratch.mark()
  try {
    const codes = scratch.take(batch * length)
    const scale = scratch.take(batch * 4)
    const zero = scratch.take(batch * 4)
    const status = kernels.f32_qd8_quantize(addressOf(input), length, codes, scale, zero, batch, length)
    if (status === Status.nonFinite) {
      throw new RangeError('"input" expected finite values, got NaN or an infinity')
    }
    const to = addressOf(out)
    if (outPixels === 1 && weights.rowStride === length && !weights.depthwise) {
      convolve(weights, batch, codes, scale, zero, 1, to, REAL, options)
      return
    }
    for (let image = 0; image < batch; image++) {
      const target = to + image * outPixels * weights.outChannels * 4
      convolve(
        weights,
        1,
        codes + image * length,
        scale + image * 4,
        zero + image * 4,
        0,
        target,
        REAL,
        options,
      )
    }
  } finally {
    scratch.release(mark)
  }
}
