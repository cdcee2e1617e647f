import { expandCodebook } from './codebook.js'
import type { Codebook } from '../formats/codebook.js'
import { WINDOW_BYTES, writeWindow } from '../kernels/window.js'
import { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'
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
import { f32GemmAt, packF32Weights, type PackedF32Weights } from './f32-gemm.js'
import { eachRowChunk } from './gather.js'
import { addressOf, type Slot } from './slot.js'

export interface F32Conv extends ConvGeometry {
  /** Values in the order of `shape`, or the indices of those that share the centroids of `codebook`. */
  readonly data: Float32Array | Uint8Array
  readonly codebook?: Codebook | undefined
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
  checkOptions('conv', conv, [...CONV_KEYS, 'codebook'])
  const geometry = checkGeometry(conv)
  const { data, codebook, bias } = conv
  const { outChannels, groupChannels, group, window, depthwise } = geometry
  const type = codebook === undefined ? 'Float32Array' : 'Uint8Array'
  checkTypedArray('data', data, type, outChannels * groupChannels * window.taps)
  if (depthwise) {
    // A tap or nine a channel: too few to be worth indices.
    const values = codebook === undefined ? data : expandCodebook(data as Uint8Array, codebook, { runtime })
    const packed = packDepthwise(runtime, values as Float32Array, bias, outChannels)
    return new F32ConvWeights(runtime, geometry, [], packed)
  }
  const n = outChannels / group
  const parts = packGroups(group, (index) =>
    packF32Weights(runtime, {
      data: tapsFirst(data, geometry, index),
      codebook,
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
 * `out [N, oH, oW, Cout] = clamp(bias + conv(input [N, H, W, Cin]))`, both slots f32. Takes no more memory once the scratch
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
  weights.fit(inputShape)
  weights.checkSlots(input, 4, out, 4)
  const { batch, outPixels } = weights.window
  if (batch * outPixels === 0) return
  const from = addressOf(input)
  const to = addressOf(out)
  const { min = -Infinity, max = Infinity } = options
  if (weights.depthwise !== undefined) {
    convolveDepthwise(weights, weights.depthwise, from, to, min, max)
    return
  }
  const { outChannels, parts } = weights
  const product = { lda: 0, ldc: outChannels, min, max }
  eachRowChunk(weights, from, 4, 0, (a, lda, group, first, m) => {
    const part = parts[group]!
    product.lda = lda
    f32GemmAt(part, a, to + (first * outChannels + group * part.n) * 4, m, product)
  })
}

function convolveDepthwise(
  { window, runtime }: F32ConvWeights,
  packed: Handle,
  from: number,
  to: number,
  min: number,
  max: number,
): void {
  const { kernels, memory, scratch } = runtime
  const mark = scratch.mark()
  try {
    const pointer = scratch.take(WINDOW_BYTES)
    const padding = scratch.take(window.channels * 4)
    writeWindow(memory, pointer, window)
    memory.f32.fill(0, padding >>> 2, (padding >>> 2) + window.channels)
    kernels.f32_dwconv(pointer, from, packed.pointer, to, min, max, padding)
  } finally {
    scratch.release(mark)
  }
}
