// TensorFlow's operators on images, which it holds with the channels last.
import { permuted } from '../../formats/permute.js'
import type { Tensor } from '../../formats/tensor.js'
import type { Attributes } from './builder.js'
import { fused } from './elementwise.js'
import { fail } from './fields.js'
import type { Converter, TfCall } from './node.js'

const isChannelsFirst = (call: TfCall): boolean => call.node.text('data_format', 'NHWC') === 'NCHW'

/** Sizes along height and width of an attribute that has one for each of the four axes. */
function spatial(call: TfCall, key: string): number[] {
  const values = call.node.ints(key)
  if (values.length === 0) return [1, 1]
  if (values.length !== 4) fail(`${call.node}: "${key}" expected 4 numbers, got ${values.length}`)
  return isChannelsFirst(call) ? values.slice(2) : values.slice(1, 3)
}

/** How windows are padded, as ONNX says it. */
function padding(call: TfCall): Attributes {
  const kind = call.node.text('padding', 'VALID')
  if (kind === 'SAME') return { auto_pad: 'SAME_UPPER' }
  if (kind === 'VALID') return {}
  const pads = call.node.ints('explicit_paddings')
  if (kind !== 'EXPLICIT' || pads.length !== 8) {
    fail(`${call.node}: padding ${JSON.stringify(kind)} with ${pads.length} numbers`)
  }
  const at = isChannelsFirst(call) ? 4 : 2
  return { pads: [pads[at]!, pads[at + 2]!, pads[at + 1]!, pads[at + 3]!] }
}

/** Runs what takes channels first on an image of the node. */
function onImage(call: TfCall, run: (x: string) => string, position = 0): string {
  const x = call.x(position)
  return isChannelsFirst(call) ? run(x) : call.to.onChannelsFirst(x, 4, run)
}

/** The filter of a node, which has four axes. */
function filterOf(call: TfCall): Tensor {
  const filter = call.constant(1, 'filters')
  return filter.shape.length === 4
    ? filter
    : fail(`${call.node}: the filter has ${filter.shape.length} dimensions`)
}

function convolution(call: TfCall, filter: string, group: number): string {
  const steps = call.node.texts('fused_ops')
  const [strides, dilations] = [spatial(call, 'strides'), spatial(call, 'dilations')]
  if (steps.length > 0 && isChannelsFirst(call)) call.refuse('channels first')
  const hasBias = steps[0] === 'BiasAdd' && call.weight(2)?.shape.length === 1
  const bias = hasBias ? [call.x(2)] : []
  const attributes = { ...padding(call), group, strides, dilations }
  const y = onImage(call, (x) => call.to.emit('Conv', [x, filter, ...bias], attributes))
  return fused(call, y, 2 + bias.length, steps.slice(bias.length))
}

/** The filter is [height, width, inputs, outputs]. */
const conv: Converter = (call) => {
  const filter = filterOf(call)
  return convolution(
    call,
    call.to.derived(`${call.name(1)}/oihw`, () => permuted(filter, [3, 2, 0, 1])),
    1,
  )
}

/** The filter is [height, width, channels, multiplier]; its outputs follow one another by channel. */
const depthwise: Converter = (call) => {
  const filter = filterOf(call)
  const [height, width, channels, multiplier] = filter.shape as [number, number, number, number]
  const turned = call.to.derived(`${call.name(1)}/depthwise`, () => ({
    ...permuted(filter, [2, 3, 0, 1]),
    shape: [channels * multiplier, 1, height, width],
  }))
  return convolution(call, turned, channels)
}

/**
 * Pads and output padding of a transposed convolution along one axis, which turns `input` pixels into `output`: TensorFlow
 * pads as the convolution that goes the other way.
 */
export function transposedPads(
  kernel: number,
  stride: number,
  input: number,
  output: number,
): { begin: number; end: number; extra: number } {
  const covered = (input - 1) * stride + kernel
  const total = Math.max(covered - output, 0)
  const begin = Math.floor(total / 2)
  return { begin, end: total - begin, extra: Math.max(output - covered, 0) }
}

/** Inputs are the output's shape, the filter [height, width, outputs, inputs] and the image. */
const convTranspose: Converter = (call) => {
  const filter = filterOf(call)
  if (isChannelsFirst(call)) call.refuse('channels first')
  if (spatial(call, 'dilations').some((dilation) => dilation !== 1)) call.refuse('dilations')
  const strides = spatial(call, 'strides')
  const kernel = filter.shape.slice(0, 2)
  const kind = call.node.text('padding', 'VALID')
  if (kind !== 'SAME' && kind !== 'VALID') call.refuse('explicit padding')
  const output = call.ints(0, 'output shape').slice(1, 3)
  if (output.length !== 2) fail(`${call.node}: the output's shape has ${output.length + 1} dimensions`)
  const axes = output.map((size, axis) => {
    const [taps, stride] = [kernel[axis]!, strides[axis]!]
    if (kind === 'VALID') {
      const input = Math.max(Math.ceil((size - taps + 1) / stride), 0)
      return { begin: 0, end: 0, extra: size - ((input - 1) * stride + taps) }
    }
    return transposedPads(taps, stride, Math.ceil(size / stride), size)
  })
  const attributes = {
    strides,
    pads: [...axes.map(({ begin }) => begin), ...axes.map(({ end }) => end)],
    output_padding: axes.map(({ extra }) => extra),
  }
  const turned = call.to.derived(`${call.name(1)}/iohw`, () => permuted(filter, [3, 2, 0, 1]))
  return onImage(call, (x) => call.to.emit('ConvTranspose', [x, turned], attributes), 2)
}

const pool =
  (op: string): Converter =>
  (call) => {
    const attributes = {
      ...padding(call),
      kernel_shape: spatial(call, 'ksize'),
      strides: spatial(call, 'strides'),
    }
    return onImage(call, (x) => call.to.emit(op, [x], attributes))
  }

const batchNorm: Converter = (call) => {
  if (call.node.flag('is_training')) call.refuse('training on')
  const epsilon = call.node.float('epsilon', 1e-4)
  const parameters = call.all(1, 5)
  return onImage(call, (x) => call.to.emit('BatchNormalization', [x, ...parameters], { epsilon }))
}

/** Where the pixels of a resized image come from. */
export function resizeAttributes(
  kind: 'linear' | 'nearest',
  alignCorners: boolean,
  halfPixels: boolean,
): Attributes {
  return {
    mode: kind,
    coordinate_transformation_mode: alignCorners ? 'align_corners' : halfPixels ? 'half_pixel' : 'asymmetric',
    ...(kind === 'nearest'
      ? { nearest_mode: alignCorners || halfPixels ? 'round_prefer_ceil' : 'floor' }
      : {}),
  }
}

const resize =
  (kind: 'linear' | 'nearest'): Converter =>
  (call) => {
    const { node, to } = call
    const size = to.ints(call.ints(1, 'size'))
    const attributes = resizeAttributes(kind, node.flag('align_corners'), node.flag('half_pixel_centers'))
    return to.onChannelsFirst(call.x(0), 4, (x) => {
      const images = to.emit('Shape', [x], { start: 0, end: 2 })
      return to.emit('Resize', [x, '', '', to.emit('Concat', [images, size], { axis: 0 })], attributes)
    })
  }

const blocks =
  (op: string, attributes: Attributes): Converter =>
  (call) =>
    onImage(call, (x) => call.to.emit(op, [x], { blocksize: call.node.int('block_size', 1), ...attributes }))

export const IMAGES: readonly (readonly [string, Converter])[] = [
  ['AvgPool', pool('AveragePool')],
  ['Conv2D', conv],
  ['Conv2DBackpropInput', convTranspose],
  ['DepthToSpace', blocks('DepthToSpace', { mode: 'DCR' })],
  ['DepthwiseConv2dNative', depthwise],
  ['FusedBatchNorm', batchNorm],
  ['FusedBatchNormV2', batchNorm],
  ['FusedBatchNormV3', batchNorm],
  ['FusedDepthwiseConv2dNative', depthwise],
  ['MaxPool', pool('MaxPool')],
  ['ResizeBilinear', resize('linear')],
  ['ResizeNearestNeighbor', resize('nearest')],
  ['SpaceToDepth', blocks('SpaceToDepth', {})],
  ['_FusedConv2D', conv],
]
