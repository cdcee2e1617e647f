// Keras's layers on sequences and images, which have the channels last unless "data_format" says otherwise.
import { permuted } from '../../../formats/permute.js'
import type { Tensor } from '../../../formats/tensor.js'
import { toChannelsLast, type Attributes } from '../builder.js'
import { fail } from '../fields.js'
import { resizeAttributes, transposedPads } from '../images.js'
import { activate } from './activations.js'
import type { LayerCall, LayerConverter, NamedWeight } from './layer.js'

/** Runs what takes channels first on an image of `axes` spatial axes. */
function onImage(call: LayerCall, axes: number, x: string, run: (x: string) => string): string {
  return call.config.isChannelsFirst ? run(x) : call.to.onChannelsFirst(x, axes + 2, run)
}

/** How the windows of a layer are padded; `causal` looks only backwards. */
function padding(call: LayerCall, kernel: readonly number[], dilations: readonly number[]): Attributes {
  const kind = call.config.text('padding', 'valid').toLowerCase()
  if (kind === 'same') return { auto_pad: 'SAME_UPPER' }
  if (kind === 'valid') return {}
  if (kind !== 'causal' || kernel.length !== 1) fail(`${call.config}: padding ${JSON.stringify(kind)}`)
  return { pads: [(kernel[0]! - 1) * dilations[0]!, 0] }
}

/** A filter whose last two axes come first, swapped, as ONNX has it. */
function turnedFilter(call: LayerCall, { path, tensor }: NamedWeight, shape?: readonly number[]): string {
  const axes = tensor.shape.length - 2
  return call.to.derived(`${path}/first`, (): Tensor => {
    const spatial = Array.from({ length: axes }, (_, axis) => axis)
    if (shape === undefined) return permuted(tensor, [axes + 1, axes, ...spatial])
    return { ...permuted(tensor, [axes, axes + 1, ...spatial]), shape }
  })
}

/** Depthwise filters [...kernel, channels, multiplier] as those of as many groups as channels. */
function depthwiseFilter(
  call: LayerCall,
  axes: number,
): { filter: string; channels: number; kernel: number[] } {
  const weight = call.weight('depthwise_kernel', axes + 2)
  const { shape } = weight.tensor
  const [channels, multiplier] = shape.slice(-2) as [number, number]
  const kernel = shape.slice(0, axes)
  return { filter: turnedFilter(call, weight, [channels * multiplier, 1, ...kernel]), channels, kernel }
}

const windows = (call: LayerCall, axes: number, kernel: readonly number[]) => {
  const dilations = call.config.ints('dilation_rate', axes, 1)
  return { ...padding(call, kernel, dilations), strides: call.config.ints('strides', axes, 1), dilations }
}

const conv =
  (axes: number): LayerConverter =>
  (call) => {
    const weight = call.weight('kernel', axes + 2)
    const attributes = {
      ...windows(call, axes, weight.tensor.shape.slice(0, axes)),
      group: call.config.int('groups', 1),
    }
    const inputs = [turnedFilter(call, weight), ...call.bias()]
    const y = onImage(call, axes, call.x, (x) => call.to.emit('Conv', [x, ...inputs], attributes))
    return activate(call, y)
  }

const depthwiseConv =
  (axes: number): LayerConverter =>
  (call) => {
    const { filter, channels, kernel } = depthwiseFilter(call, axes)
    const attributes = { ...windows(call, axes, kernel), group: channels }
    const inputs = [filter, ...call.bias()]
    return activate(
      call,
      onImage(call, axes, call.x, (x) => call.to.emit('Conv', [x, ...inputs], attributes)),
    )
  }

const separableConv =
  (axes: number): LayerConverter =>
  (call) => {
    const { filter, channels, kernel } = depthwiseFilter(call, axes)
    const attributes = { ...windows(call, axes, kernel), group: channels }
    const pointwise = [turnedFilter(call, call.weight('pointwise_kernel', axes + 2)), ...call.bias()]
    const y = onImage(call, axes, call.x, (x) =>
      call.to.emit('Conv', [call.to.emit('Conv', [x, filter], attributes), ...pointwise]),
    )
    return activate(call, y)
  }

const convTranspose =
  (axes: number): LayerConverter =>
  (call) => {
    const { config, to } = call
    const weight = call.weight('kernel', axes + 2)
    const strides = config.ints('strides', axes, 1)
    if (config.ints('dilation_rate', axes, 1).some((dilation) => dilation !== 1)) call.refuse('dilations')
    const isSame = config.text('padding', 'valid').toLowerCase() === 'same'
    const given =
      config.get('output_padding') === undefined ? undefined : config.ints('output_padding', axes, 0)
    const pads = strides.map((stride, axis) => {
      const taps = weight.tensor.shape[axis]!
      const half = isSame ? Math.floor(taps / 2) : 0
      if (given !== undefined) return { begin: half, end: half, extra: given[axis]! }
      // The output is `stride` times the input, or with valid padding as much as the taps reach.
      return transposedPads(taps, stride, 1, isSame ? stride : Math.max(taps, stride))
    })
    const attributes = {
      strides,
      pads: [...pads.map(({ begin }) => begin), ...pads.map(({ end }) => end)],
      output_padding: pads.map(({ extra }) => extra),
    }
    const inputs = [turnedFilter(call, weight), ...call.bias()]
    const y = onImage(call, axes, call.x, (x) => to.emit('ConvTranspose', [x, ...inputs], attributes))
    return activate(call, y)
  }

const pool =
  (op: string, axes: number): LayerConverter =>
  (call) => {
    const kernel = call.config.ints('pool_size', axes, 2)
    const strides = call.config.get('strides') === undefined ? kernel : call.config.ints('strides', axes, 1)
    const attributes = { ...padding(call, kernel, []), kernel_shape: kernel, strides }
    return onImage(call, axes, call.x, (x) => call.to.emit(op, [x], attributes))
  }

const globalPool =
  (op: string, axes: number): LayerConverter =>
  (call) => {
    const { to, config } = call
    const x = config.isChannelsFirst
      ? call.x
      : to.transpose(call.x, [0, axes + 1, ...Array.from({ length: axes }, (_, i) => i + 1)])
    const y = to.emit(op, [x])
    if (!config.flag('keepdims', false)) return to.emit('Flatten', [y], { axis: 1 })
    return config.isChannelsFirst ? y : to.transpose(y, toChannelsLast(axes + 2))
  }

const upSampling =
  (axes: number): LayerConverter =>
  (call) => {
    const size = call.config.ints('size', axes, 2)
    const kind = call.config.text('interpolation', 'nearest')
    if (kind !== 'nearest' && kind !== 'bilinear') call.refuse(`interpolation ${kind}`)
    const attributes = resizeAttributes(kind === 'nearest' ? 'nearest' : 'linear', false, false)
    const scales = call.to.floats([1, 1, ...size])
    return onImage(call, axes, call.x, (x) => call.to.emit('Resize', [x, '', scales], attributes))
  }

/** Begin and end along each spatial axis: one number for all, one an axis, or two an axis. */
function borders(call: LayerCall, key: string, axes: number): [begin: number, end: number][] {
  const value = call.config.get(key)
  if (axes === 1 && Array.isArray(value) && value.length === 2)
    return [call.config.ints(key, 2, 1) as [number, number]]
  if (!Array.isArray(value) || !Array.isArray(value[0])) {
    return call.config.ints(key, axes, 1).map((size) => [size, size])
  }
  const pairs = value.map((pair) => (Array.isArray(pair) && pair.length === 2 ? pair.map(Number) : [NaN]))
  if (pairs.length !== axes || pairs.flat().some((size) => !Number.isInteger(size))) {
    fail(`${call.config}: "${key}" is not two integers for each of ${axes} axes`)
  }
  return pairs as [number, number][]
}

/** The first spatial axis. */
const firstAxis = (call: LayerCall): number => (call.config.isChannelsFirst ? 2 : 1)

const zeroPadding =
  (axes: number): LayerConverter =>
  (call) => {
    const sides = borders(call, 'padding', axes)
    const first = firstAxis(call)
    const along = (side: 0 | 1) =>
      Array.from({ length: axes + 2 }, (_, axis) => sides[axis - first]?.[side] ?? 0)
    return call.to.emit('Pad', [call.x, call.to.ints([...along(0), ...along(1)])])
  }

const cropping =
  (axes: number): LayerConverter =>
  (call) => {
    const sides = borders(call, 'cropping', axes)
    const first = firstAxis(call)
    const ends = sides.map(([, end]) => (end === 0 ? 2 ** 31 - 1 : -end))
    const where = sides.map((_, axis) => first + axis)
    const begins = sides.map(([begin]) => begin)
    return call.to.emit('Slice', [call.x, ...[begins, ends, where].map((list) => call.to.ints(list))])
  }

const both = (name: (axes: number) => string, make: (axes: number) => LayerConverter) =>
  [1, 2].map((axes) => [name(axes), make(axes)] as const)

export const IMAGE_LAYERS: readonly (readonly [string, LayerConverter])[] = [
  ...both(
    (n) => `AveragePooling${n}D`,
    (n) => pool('AveragePool', n),
  ),
  ...both((n) => `Conv${n}D`, conv),
  ...both((n) => `Conv${n}DTranspose`, convTranspose),
  ...both((n) => `Cropping${n}D`, cropping),
  ...both((n) => `DepthwiseConv${n}D`, depthwiseConv),
  ...both(
    (n) => `GlobalAveragePooling${n}D`,
    (n) => globalPool('GlobalAveragePool', n),
  ),
  ...both(
    (n) => `GlobalMaxPooling${n}D`,
    (n) => globalPool('GlobalMaxPool', n),
  ),
  ...both(
    (n) => `MaxPooling${n}D`,
    (n) => pool('MaxPool', n),
  ),
  ...both((n) => `SeparableConv${n}D`, separableConv),
  ...both((n) => `UpSampling${n}D`, upSampling),
  ...both((n) => `ZeroPadding${n}D`, zeroPadding),
]
