import { checkInt4, type Int4Tensor } from '../formats/int4.js'
import { WINDOW_BYTES, writeWindow } from '../kernels/window.js'
import { MAX_INT8_DEPTH } from '../limits.js'
import { alignUp } from '../runtime/allocator.js'
import { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'
import { Status } from '../runtime/status.js'
import { checkOptions, checkTypedArray } from '../validate.js'
import {
  checkGeometry,
  CONV_KEYS,
  ConvWeights,
  packGroups,
  tapsFirst,
  type CheckedGeometry,
  type ConvGeometry,
  type ConvOptions,
} from './conv-weights.js'
import { eachRowChunk } from './gather.js'
import { int4CodesGemmAt, packInt4Weights, PackedInt4Weights } from './qb4w-gemm.js'
import { int8GemmAt, packInt8Weights, type Int8GemmOutput, type PackedInt8Weights } from './qs8-gemm.js'
import { addressOf, type Slot } from './slot.js'

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

/** The weights of one group of channels. */
type Part = PackedInt8Weights | PackedInt4Weights

/** Weights that are multiplied with int8 codes. */
export class Int8ConvWeights extends ConvWeights {
  readonly parts: readonly Part[]
  readonly depthwise: DepthwiseInt8Weights | undefined

  constructor(
    runtime: Runtime,
    geometry: CheckedGeometry,
    parts: readonly Part[],
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

/**
 * Packs weights of 4 bits, whose groups are of neighbouring input channels, for `qd8Conv`.
 *
 * @throws TypeError, RangeError for parts that do not fit each other, or if groups do not fill the channels where there
 * is more than one tap; CapacityError when memory is short
 */
export function packInt4Conv(runtime: Runtime, weights: Int4Tensor, conv: ConvGeometry): Int8ConvWeights {
  const geometry = checkGeometry(conv)
  const { outChannels, groupChannels, group, window } = geometry
  const { bias } = conv
  const { axis, groupSize, data, scale } = weights
  checkInt4('weights', weights)
  if (!int4ConvFits(weights)) {
    throw new RangeError(`"weights" expected groups that fill ${groupChannels} input channels`)
  }
  const n = outChannels / group
  const parts = packGroups(group, (index) => {
    const slice = <T extends Uint8Array | Float32Array>(values: T): T =>
      values.subarray((index * values.length) / group, ((index + 1) * values.length) / group) as T
    const matrix: Int4Tensor = {
      kind: 'int4',
      shape: [n, window.taps * groupChannels],
      axis,
      groupSize,
      data: slice(data),
      scale: slice(scale),
    }
    return packInt4Weights(runtime, matrix, bias && slice(bias))
  })
  return new Int8ConvWeights(runtime, geometry, parts, undefined)
}

/** Whether the rows of all taps are one row of whole groups: [Cout][kH][kW][Cin], as products read it. */
export function int4ConvFits({
  shape,
  axis,
  groupSize,
}: Pick<Int4Tensor, 'shape' | 'axis' | 'groupSize'>): boolean {
  const taps = shape.slice(2).reduce((product, size) => product * size, 1)
  return axis === 1 && (taps === 1 || shape[1]! % groupSize === 0)
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

/** Codes of images, with the addresses of their scale (f32) and zero point (i32). */
interface Codes {
  from: number
  scale: number
  zero: number
  /** 1 where every image, which then is one row of the product, has parameters of its own. */
  step: 0 | 1
}

/** The convolution of the fitted images; `to` is where their results begin. */
function convolve(
  weights: Int8ConvWeights,
  { from, scale, zero, step }: Codes,
  to: number,
  output: Int8GemmOutput,
  { min = -Infinity, max = Infinity }: ConvOptions,
): void {
  const { outChannels, parts, runtime } = weights
  const padding = runtime.memory.i32[zero >>> 2]!
  if (weights.depthwise !== undefined) {
    convolveDepthwise(weights, weights.depthwise, from, scale, zero, padding, to, output, min, max)
    return
  }
  const outBytes = output.kind === 'int8' ? 1 : 4
  const bounds = { ldc: outChannels, min, max }
  eachRowChunk(weights, from, 1, padding, (a, lda, group, first, m) => {
    const part = parts[group]!
    const target = to + (first * outChannels + group * part.n) * outBytes
    if (part instanceof PackedInt4Weights) {
      int4CodesGemmAt(part, a, lda, scale, zero, step, target, m, bounds)
    } else int8GemmAt(part, a, lda, scale, zero, step, target, m, output, bounds)
  })
}

function convolveDepthwise(
  { window, runtime }: Int8ConvWeights,
  { pointer: w, scaleOffset, biasOffset }: DepthwiseInt8Weights,
  from: number,
  scale: number,
  zero: number,
  fill: number,
  to: number,
  output: Int8GemmOutput,
  min: number,
  max: number,
): void {
  const { kernels, memory, scratch } = runtime
  const wScale = w + scaleOffset
  const bias = w + biasOffset
  const mark = scratch.mark()
  try {
    const pointer = scratch.take(WINDOW_BYTES)
    const padding = scratch.take(window.channels)
    writeWindow(memory, pointer, window)
    memory.i8.fill(fill, padding, padding + window.channels)
    // prettier-ignore
    switch (output.kind) {
      case 'int32':
        return kernels.qs8_i32_dwconv(pointer, from, zero, w, to, padding)
      case 'f32':
        return kernels.qd8_f32_qc8w_dwconv(
          pointer, from, scale, zero, w, wScale, bias, to, min, max, padding,
        )
      case 'int8':
        return kernels.qd8_qs8_qc8w_dwconv(
          pointer, from, scale, zero, w, wScale, bias, to, min, max, output.scale, output.zeroPoint, padding,
        )
    }
  } finally {
    scratch.release(mark)
  }
}

/**
 * Convolution of int8 codes [N, H, W, Cin] that share one scale and zero point; `output` says what is stored. Padding
 * is the real value 0. Takes no more memory once the scratch arena has grown.
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
  weights.checkSlots(input, 1, out, output.kind === 'int8' ? 1 : 4)
  const { batch, outPixels } = weights.window
  if (batch * outPixels === 0) return
  const { memory, scratch } = weights.runtime
  const mark = scratch.mark()
  try {
    const scale = scratch.take(4)
    const zero = scratch.take(4)
    memory.f32[scale >>> 2] = inputScale
    memory.i32[zero >>> 2] = inputZeroPoint
    const codes: Codes = { from: addressOf(input), scale, zero, step: 0 }
    convolve(weights, codes, addressOf(out), output, options)
  } finally {
    scratch.release(mark)
  }
}

const REAL: Int8GemmOutput = { kind: 'f32' }
const DEFAULTS: ConvOptions = {}

/**
 * The convolution of f32 images with int8 weights: every image is quantized to int8 by its own range, so that a result
 * does not depend on its neighbours in the batch. Takes no more memory once the scratch arena has grown.
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
  weights.checkSlots(input, 4, out, 4)
  const { window } = weights
  const { batch, outPixels } = window
  if (batch * outPixels === 0) return
  const length = window.height * window.width * window.channels
  const { kernels, scratch } = weights.runtime
  const mark = scratch.mark()
  try {
    const from = scratch.take(batch * length)
    const scale = scratch.take(batch * 4)
    const zero = scratch.take(batch * 4)
    const status = kernels.f32_qd8_quantize(addressOf(input), length, from, scale, zero, batch, length)
    if (status === Status.nonFinite) {
      throw new RangeError('"input" expected finite values, got NaN or an infinity')
    }
    const to = addressOf(out)
    const codes: Codes = { from, scale, zero, step: 1 }
    if (weights.rowStride === length && weights.depthwise === undefined) {
      convolve(weights, codes, to, REAL, options)
      return
    }
    codes.step = 0
    window.batch = 1
    for (let image = 0; image < batch; image++) {
      convolve(weights, codes, to + image * outPixels * weights.outChannels * 4, REAL, options)
      codes.from += length
      codes.scale += 4
      codes.zero += 4
    }
  } finally {
    scratch.release(mark)
  }
}
