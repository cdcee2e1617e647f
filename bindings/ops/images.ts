import type { Tensor } from '../formats/tensor.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkBoolean, checkChoice, checkOptions, checkTypedArray } from '../validate.js'
import { f32Conv, packF32Conv } from './conv.js'
import { convOutputShape } from './conv-weights.js'
import { boundsOf, type Activation } from './matmul-operands.js'
import { f32AveragePool, f32MaxPool } from './pool.js'
import { readSlot, writeSlot, type Slot } from './slot.js'
import { checkTensor, withTemporaries } from './temporaries.js'
import { planTranspose, x32Transpose } from './transpose.js'
import { SlidingWindow, type WindowOptions } from './window.js'

/** Order of the axes of images: that of ONNX and PyTorch, or that of TensorFlow, in which the kernels work. */
export type ImageLayout = 'nchw' | 'nhwc'

export interface ImageOptions {
  /** Axes of `x` and of the result; `nchw` unless given. */
  layout?: ImageLayout
  /** Receives the result. */
  out?: Float32Array
  runtime?: Runtime
}

export interface Conv2dOptions extends ImageOptions {
  /** One value an output channel. */
  bias?: Float32Array
  strides?: readonly [height: number, width: number]
  pads?: readonly [top: number, left: number, bottom: number, right: number]
  dilations?: readonly [height: number, width: number]
  group?: number
  activation?: Activation
}

export type MaxPool2dOptions = ImageOptions & WindowOptions

export interface AveragePool2dOptions extends MaxPool2dOptions {
  /** Padding counts as zeros instead of being left out. */
  countPadding?: boolean
}

const IMAGE_KEYS = ['layout', 'out', 'runtime']
const WINDOW_KEYS = ['kernel', 'strides', 'pads', 'dilations', 'ceilMode']

const TO_NHWC = [0, 2, 3, 1]
const TO_NCHW = [0, 3, 1, 2]

/** Runs an operation on images [N, H, W, C] for images of either layout. */
function onImages(
  x: Tensor<'float32'>,
  { layout = 'nchw', out, runtime = defaultRuntime() }: ImageOptions,
  shapeOf: (inputShape: readonly number[]) => readonly number[],
  run: (from: Slot, inputShape: readonly number[], to: Slot) => void,
): Tensor<'float32'> {
  checkTensor('x', x, 4)
  checkChoice('layout', layout, ['nchw', 'nhwc'])
  const toNhwc = layout === 'nchw' ? planTranspose(x.shape, TO_NHWC) : undefined
  const inputShape = toNhwc?.shape ?? x.shape
  const outputShape = shapeOf(inputShape)
  const toNchw = layout === 'nchw' ? planTranspose(outputShape, TO_NCHW) : undefined
  const shape = toNchw?.shape ?? outputShape
  const length = shape.reduce((product, size) => product * size, 1)
  const data = out ?? new Float32Array(length)
  checkTypedArray('out', data, 'Float32Array', length)

  return withTemporaries(runtime, (slot) => {
    const given = slot(x.data.length)
    const from = toNhwc === undefined ? given : slot(x.data.length)
    const to = slot(length)
    const result = toNchw === undefined ? to : slot(length)
    writeSlot(given, x.data)
    if (toNhwc !== undefined) x32Transpose(toNhwc, given, from)
    run(from, inputShape, to)
    if (toNchw !== undefined) x32Transpose(toNchw, to, result)
    return { kind: 'dense', dtype: 'float32', shape: [...shape], data: readSlot(result, data) }
  })
}

/**
 * `activation(conv(x, w) + bias)` of images in f32; w [Cout, Cin / group, kH, kW] in either layout. Sums run over
 * (kH, kW, Cin) from the bias, each operation rounded to f32. Weights are packed anew at every call: a model that runs
 * many times belongs in a session.
 *
 * @throws TypeError, RangeError for arguments that do not fit; CapacityError when memory is short
 * @see ONNX Conv
 */
export function conv2d(
  x: Tensor<'float32'>,
  w: Tensor<'float32'>,
  options: Conv2dOptions = {},
): Tensor<'float32'> {
  const geometryKeys = ['bias', 'strides', 'pads', 'dilations', 'group', 'activation']
  checkOptions('options', options, [...IMAGE_KEYS, ...geometryKeys])
  checkTensor('w', w, 4)
  const bounds = boundsOf(options.activation)
  const { bias, strides, pads, dilations, group, runtime = defaultRuntime() } = options
  const conv = { data: w.data, shape: w.shape, bias, strides, pads, dilations, group }
  const weights = packF32Conv(runtime, conv)
  try {
    return onImages(
      x,
      options,
      (inputShape) => convOutputShape(weights, inputShape),
      (from, inputShape, to) => f32Conv(weights, from, inputShape, to, bounds),
    )
  } finally {
    weights.dispose()
  }
}

function pool(
  x: Tensor<'float32'>,
  options: MaxPool2dOptions,
  run: (window: SlidingWindow, from: Slot, inputShape: readonly number[], to: Slot) => void,
): Tensor<'float32'> {
  const chosen = Object.entries(options).filter(([key]) => WINDOW_KEYS.includes(key))
  const window = new SlidingWindow(Object.fromEntries(chosen) as unknown as WindowOptions)
  return onImages(
    x,
    options,
    (inputShape) => {
      window.fit(inputShape)
      return [window.batch, window.outHeight, window.outWidth, window.channels]
    },
    (from, inputShape, to) => run(window, from, inputShape, to),
  )
}

/**
 * Greatest element of each window, by channel; padding takes no part.
 *
 * @throws TypeError, RangeError for arguments that do not fit
 * @see ONNX MaxPool
 */
export function maxPool2d(x: Tensor<'float32'>, options: MaxPool2dOptions): Tensor<'float32'> {
  checkOptions('options', options, [...IMAGE_KEYS, ...WINDOW_KEYS])
  return pool(x, options, f32MaxPool)
}

/**
 * Mean of each window, by channel.
 *
 * @throws TypeError, RangeError for arguments that do not fit
 * @see ONNX AveragePool
 */
export function averagePool2d(x: Tensor<'float32'>, options: AveragePool2dOptions): Tensor<'float32'> {
  checkOptions('options', options, [...IMAGE_KEYS, ...WINDOW_KEYS, 'countPadding'])
  const { countPadding = false } = options
  checkBoolean('countPadding', countPadding)
  return pool(x, options, (window, from, inputShape, to) =>
    f32AveragePool(window, from, inputShape, to, countPadding),
  )
}
