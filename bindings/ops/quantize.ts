import type { Granularity, QuantizedTensor } from '../formats/quantized.js'
import { elementCount, type Tensor } from '../formats/tensor.js'
import { roundHalfEven } from '../kernels/rounding.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Runtime } from '../runtime/runtime.js'
import { Status } from '../runtime/status.js'
import {
  checkChoice,
  checkInteger,
  checkOptions,
  checkShape,
  checkTypedArray,
  describe,
} from '../validate.js'

export interface QuantizeOptions {
  /** Dimensions of `x`; one dimension of all of it unless given. */
  shape?: readonly number[]
  /** `symmetric`: zero point 0, codes -127..127. `affine`: codes -128..127, zero always exactly representable. */
  scheme?: 'symmetric' | 'affine'
  /** What shares a scale: the tensor (default), a slice along an axis, or `size` consecutive elements. */
  granularity?: Granularity
  /** Receives the codes; same length as `x`. */
  out?: Int8Array
  runtime?: Runtime
}

export interface DequantizeOptions {
  /** Receives the values; same length as the codes. */
  out?: Float32Array
  runtime?: Runtime
}

/** How kernels see a tensor: one scale a channel of `[outer, channels, inner]`. */
interface ChannelView {
  outer: number
  channels: number
  inner: number
}

/** Checks a granularity against a shape and returns the kernel's view of the tensor. */
function channelView(shape: readonly number[], granularity: Granularity): ChannelView {
  const elements = elementCount(shape)
  switch (granularity.per) {
    case 'tensor':
      return { outer: 1, channels: 1, inner: elements }
    case 'channel': {
      checkInteger('granularity.axis', granularity.axis, 0, shape.length - 1)
      const outer = elementCount(shape.slice(0, granularity.axis))
      const inner = elementCount(shape.slice(granularity.axis + 1))
      return { outer, channels: shape[granularity.axis]!, inner }
    }
    case 'group': {
      checkInteger('granularity.size', granularity.size, 1, Math.max(elements, 1))
      const last = shape.at(-1) ?? 1
      if (last % granularity.size !== 0) {
        throw new RangeError(
          `"granularity.size" expected a divisor of the last dimension ${last}, got ${granularity.size}`,
        )
      }
      return { outer: 1, channels: elements / granularity.size, inner: granularity.size }
    }
    default:
      throw new RangeError(
        `"granularity.per" expected one of tensor, channel, group, got ${describe((granularity as { per: unknown }).per)}`,
      )
  }
}

/** Scale and zero point from the range of a channel, in f64 and rounded once; a range of zero gets scale 1. */
export function scaleOf(
  min: number,
  max: number,
  scheme: 'symmetric' | 'affine',
): { scale: number; zeroPoint: number } {
  if (scheme === 'symmetric') {
    const scale = Math.fround(Math.max(-min, max, 0) / 127)
    return { scale: scale > 0 ? scale : 1, zeroPoint: 0 }
  }
  const low = Math.min(min, 0)
  const high = Math.max(max, 0)
  const scale = Math.fround((high - low) / 255)
  if (!(scale > 0)) return { scale: 1, zeroPoint: 0 }
  return { scale, zeroPoint: Math.min(Math.max(roundHalfEven(-128 - low / scale), -128), 127) }
}

/**
 * Quantizes to int8: `q = clamp(roundHalfEven(x / scale) + zeroPoint)`, with scales from the range of the data.
 *
 * @param x finite values in row-major order, or a float32 tensor
 * @returns plain data; `dequantizeInt8` inverts it to within half a scale
 * @throws TypeError, RangeError for arguments that do not fit; RangeError if `x` holds NaN or an infinity
 * @see ONNX QuantizeLinear
 */
export function quantizeInt8(
  x: Float32Array | Tensor<'float32'>,
  options: QuantizeOptions = {},
): QuantizedTensor {
  checkOptions('options', options, ['shape', 'scheme', 'granularity', 'out', 'runtime'])
  const isTensor = typeof x === 'object' && x !== null && 'shape' in x
  const data = isTensor ? x.data : x
  checkTypedArray('x', data, 'Float32Array')
  const { scheme = 'symmetric', granularity = { per: 'tensor' } } = options
  const shape = options.shape ?? (isTensor ? x.shape : [data.length])
  checkTypedArray('x', data, 'Float32Array', checkShape('shape', shape))
  checkChoice('scheme', scheme, ['symmetric', 'affine'])
  const out = options.out ?? new Int8Array(data.length)
  checkTypedArray('out', out, 'Int8Array', data.length)
  const { outer, channels, inner } = channelView(shape, granularity)

  const { kernels, memory, scratch } = options.runtime ?? defaultRuntime()
  const scales = new Float32Array(channels)
  const zeroPoints = new Int8Array(channels)
  const mark = scratch.mark()
  try {
    const xPointer = scratch.take(data.length * 4)
    const minPointer = scratch.take(channels * 4)
    const maxPointer = scratch.take(channels * 4)
    const zeroPointer = scratch.take(channels)
    const outPointer = scratch.take(data.length)
    const { f32, i8 } = memory
    f32.set(data, xPointer >> 2)
    if (kernels.f32_range(xPointer, minPointer, maxPointer, outer, channels, inner) === Status.nonFinite) {
      throw new RangeError(`"x" expected finite values, got ${describeNonFinite(data)}`)
    }
    for (let c = 0; c < channels; c++) {
      const { scale, zeroPoint } = scaleOf(f32[(minPointer >> 2) + c]!, f32[(maxPointer >> 2) + c]!, scheme)
      scales[c] = scale
      zeroPoints[c] = zeroPoint
    }
    f32.set(scales, minPointer >> 2)
    i8.set(zeroPoints, zeroPointer)
    const qmin = scheme === 'symmetric' ? -127 : -128
    kernels.f32_qs8_quantize(xPointer, minPointer, zeroPointer, outPointer, outer, channels, inner, qmin)
    out.set(i8.subarray(outPointer, outPointer + data.length))
  } finally {
    scratch.release(mark)
  }
  return {
    kind: 'quantized',
    bits: 8,
    shape: [...shape],
    data: out,
    scale: scales,
    zeroPoint: zeroPoints,
    granularity,
  }
}

function describeNonFinite(data: Float32Array): string {
  const index = data.findIndex((value) => !Number.isFinite(value))
  return `${data[index]} at index ${index}`
}

/** Checks the parts of a quantized tensor against each other and returns the kernel's view of it. */
export function checkQuantized(name: string, q: QuantizedTensor): ChannelView {
  if (typeof q !== 'object' || q === null || q.kind !== 'quantized') {
    throw new TypeError(`"${name}" expected a QuantizedTensor, got ${describe(q)}`)
  }
  checkTypedArray(`${name}.data`, q.data, 'Int8Array', checkShape(`${name}.shape`, q.shape))
  const view = channelView(q.shape, q.granularity)
  checkTypedArray(`${name}.scale`, q.scale, 'Float32Array', view.channels)
  checkTypedArray(`${name}.zeroPoint`, q.zeroPoint, 'Int8Array', view.channels)
  const bad = q.scale.findIndex((scale) => !(scale > 0 && scale < Infinity))
  if (bad >= 0)
    throw new RangeError(`"${name}.scale" expected positive finite scales, got ${q.scale[bad]} at ${bad}`)
  return view
}

/**
 * The real values of a quantized tensor: `scale * (q - zeroPoint)`.
 *
 * @throws TypeError, RangeError when the parts of `q` do not fit each other
 * @see ONNX DequantizeLinear
 */
export function dequantizeInt8(q: QuantizedTensor, options: DequantizeOptions = {}): Float32Array {
  checkOptions('options', options, ['out', 'runtime'])
  const { outer, channels, inner } = checkQuantized('q', q)
  const length = q.data.length
  const out = options.out ?? new Float32Array(length)
  checkTypedArray('out', out, 'Float32Array', length)

  const { kernels, memory, scratch } = options.runtime ?? defaultRuntime()
  const mark = scratch.mark()
  try {
    const qPointer = scratch.take(length)
    const scalePointer = scratch.take(channels * 4)
    const zeroPointer = scratch.take(channels)
    const outPointer = scratch.take(length * 4)
    const { f32, i8 } = memory
    i8.set(q.data, qPointer)
    f32.set(q.scale, scalePointer >> 2)
    i8.set(q.zeroPoint, zeroPointer)
    kernels.qs8_f32_dequantize(qPointer, scalePointer, zeroPointer, outPointer, outer, channels, inner)
    out.set(f32.subarray(outPointer >> 2, (outPointer >> 2) + length))
  } finally {
    scratch.release(mark)
  }
  return out
}
