import type { QuantizedTensor } from '../../formats/quantized.js'
import { intAttribute, intsAttribute } from '../../graph/attributes.js'
import type { ActivationRange, Weight } from '../../graph/model.js'
import { windowsOf } from '../../graph/windows.js'
import { f32Conv, packF32Conv, type F32Conv } from '../../ops/conv.js'
import type { ConvGeometry, ConvWeights } from '../../ops/conv-weights.js'
import {
  int4ConvFits,
  packInt4Conv,
  packInt8Conv,
  qd8Conv,
  qs8Conv,
  type Int8ConvWeights,
} from '../../ops/qs8-conv.js'
import { convOrder, packSparseConv, sparseConv, type SparseConv } from '../../ops/sparse-conv.js'
import { fillSlot, type Slot } from '../../ops/slot.js'
import { x8CopyRows } from '../../ops/transpose.js'
import { UnsupportedVariant, type Layer, type LayerFactory, type Loader } from '../loader.js'
import { isSymmetric, kernelFor, partsOf, sparseFor } from '../weights.js'
import { Operand, shifted, type Planner } from '../plan.js'
import { fusedBounds, type Bounds } from './bounds.js'
import { imageShape, pair } from './image.js'
import { denseForm, staticKernel, staticOptions } from './matrix.js'
import { rearranged } from './rearrange.js'

/** Pixels of a result whose size is open. */
const SOME_PIXELS = 64

/** A convolution with constant weights. */
export interface Convolution {
  readonly weight: Weight
  readonly bias: Float32Array | undefined
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly group: number
  readonly bounds: Bounds
  /** int8 parameters of the input, when it was calibrated. */
  readonly range?: ActivationRange | undefined
  /** Pixels of the result, where the model declares them. */
  readonly samples?: number | undefined
}

/** Packed weights of a convolution, and how they are run. */
export interface LoadedConvolution extends Omit<Layer, 'plan'> {
  /** Appends the steps from `x`, in the codes that it wants or as float32, to `y`; both are [N, ...spatial, C] in memory. */
  plan(
    planner: Planner,
    x: Operand,
    padsBegin: readonly number[],
    padsEnd: readonly number[],
    y: Operand,
  ): void
}

/** Conv over one to three spatial axes. */
export const conv: LayerFactory = (node, loader): Layer => {
  const [input, name, biasName] = node.inputs as [string, string, string | undefined]
  const [output] = node.outputs as [string]
  const weight = loader.take(name)
  if (weight === undefined) throw new UnsupportedVariant('Conv with computed weights')
  const taps = weight.shape.slice(2)
  const ones = taps.map(() => 1)
  const loaded = loadConvolution(loader, {
    weight,
    bias: biasOf(loader, biasName),
    strides: intsAttribute(node, 'strides', ones),
    dilations: intsAttribute(node, 'dilations', ones),
    group: intAttribute(node, 'group', 1),
    bounds: fusedBounds(node),
    range: loader.range(input),
    samples: loader.samples(output, weight.shape[0] ?? 0),
  })
  const { wants } = loaded
  return {
    ...loaded,
    plan(planner) {
      const x = wants === undefined ? planner.float(input, 'last') : planner.codes(input, wants, 'last')
      const y = planner.create(output, 'last', wants && planner.demand(output))
      // Automatic padding depends on the size of the image.
      const { padsBegin, padsEnd } = windowsOf(node, x.shape.slice(2), taps)
      loaded.plan(planner, x, padsBegin, padsEnd, y)
    },
  }
}

/** Packs the weights of a convolution in the form that suits how they are stored. */
export function loadConvolution(loader: Loader, convolution: Convolution): LoadedConvolution {
  const { weight, bias, strides, dilations, group, bounds, range, samples = SOME_PIXELS } = convolution
  const [outChannels = 0, groupChannels = 0, ...taps] = weight.shape
  if (taps.length === 3) return overVolumes(loader, convolution)
  if (taps.length < 1 || taps.length > 3) {
    throw new UnsupportedVariant(`Conv over ${taps.length} spatial axes`)
  }
  const geometry = {
    shape: [outChannels, groupChannels, ...pair(taps, 1)],
    bias,
    strides: pair(strides, 1),
    dilations: pair(dilations, 1),
    group,
  }
  const { weights, callFor, ...layer } = packConv(loader, weight, geometry, bounds, range, samples)
  return {
    ...layer,
    plan(planner, x, padsBegin, padsEnd, y) {
      const { kernel, run } = callFor(y.coding)
      const shape = imageShape(x.shape)
      const pads = [...pair(padsBegin, 0), ...pair(padsEnd, 0)] as const
      planner.step(kernel, [x], [y], () => {
        weights.window.pad(pads)
        run(x, shape, y)
      })
    },
  }
}

/**
 * A convolution over depth, height and width: one over images, whose channels are those of all the slices that a window
 * meets. Sums run over (height, width, depth, channel).
 */
function overVolumes(loader: Loader, convolution: Convolution): LoadedConvolution {
  const { weight, group, strides, dilations } = convolution
  const depth = weight.shape[2]!
  const { plan, ...layer } = loadConvolution(loader, {
    ...convolution,
    weight: depthInChannels(loader, weight),
    strides: strides.slice(1),
    dilations: dilations.slice(1),
    range: undefined,
  })
  const form = { layout: 'last', coding: undefined } as const
  return {
    ...layer,
    plan(planner, x, padsBegin, padsEnd, y) {
      const [batch, channels, slices, height, width] = x.shape as [number, number, number, number, number]
      const [, outChannels, outSlices, ...outSize] = y.shape as [number, number, number, number, number]
      const images = batch * outSlices
      const size = [channels * depth, height, width]
      const unfolded = new Operand([images, ...size], form, planner.temporary([images, ...size]).place)
      const [rows, rowBytes] = [height * width, (channels / group) * 4]
      const [from, to] = [channels * 4, channels * depth * 4]
      planner.step('x8_copy_rows', [x], [unfolded], () => {
        fillSlot(unfolded, unfolded.elements, 0)
        for (let image = 0; image < images; image++) {
          const first = (image % outSlices) * strides[0]! - padsBegin[0]!
          const volume = Math.floor(image / outSlices) * slices
          for (let i = 0; i < depth * group; i++) {
            const slice = first + (i % depth) * dilations[0]!
            if (slice < 0 || slice >= slices) continue
            const start = shifted(x, (volume + slice) * rows * from + Math.floor(i / depth) * rowBytes)
            x8CopyRows(start, from, shifted(unfolded, image * rows * to + i * rowBytes), to, rows, rowBytes)
          }
        }
      })
      const result = new Operand([images, outChannels, ...outSize], form, y.place)
      plan(planner, unfolded, padsBegin.slice(1), padsEnd.slice(1), result)
    },
  }
}

/** Weights [O, C, D, H, W] as [O, D * C, H, W]. */
function depthInChannels(loader: Loader, weight: Weight): Weight {
  const [outChannels, channels, depth, height, width] = weight.shape as [
    number,
    number,
    number,
    number,
    number,
  ]
  const pixels = height * width
  const row = channels * depth * pixels
  const order = Array.from({ length: outChannels * row }, (_, i) => {
    const slice = Math.floor((i % row) / pixels)
    const [d, c] = [Math.floor(slice / channels), slice % channels]
    return i - (i % row) + (c * depth + d) * pixels + (i % pixels)
  })
  return rearranged(loader, weight, 0, [outChannels, depth * channels, height, width], order)
}

/** The values of a constant bias. */
export function biasOf(loader: Loader, name: string | undefined): Float32Array | undefined {
  if (name === undefined || name === '') return undefined
  const weight = loader.take(name)
  if (weight === undefined) throw new UnsupportedVariant('Conv with a computed bias')
  return loader.floats(weight)
}

/** One kernel over an image [N, H, W, C]. */
interface ConvCall {
  readonly kernel: string
  run(x: Slot, shape: readonly number[], y: Slot): void
}

interface PackedConv extends Omit<Layer, 'plan'> {
  readonly weights: ConvWeights
  /** The call that leaves codes, or real values. */
  callFor(coding: ActivationRange | undefined): ConvCall
}

function packConv(
  loader: Loader,
  weight: Weight,
  geometry: ConvGeometry,
  bounds: Bounds,
  range: ActivationRange | undefined,
  pixels: number,
): PackedConv {
  if (loader.integers && isSymmetric(weight, 0)) return packInt8(loader, weight, geometry, bounds, range)
  if (loader.integers && weight.kind === 'int4' && int4ConvFits(weight)) {
    const weights = loader.own(packInt4Conv(loader.runtime, weight, geometry))
    return dynamic('int4', 'qd8_f32_qb4w_gemm', weights, bounds)
  }
  const real = loader.real(weight)
  const order = convOrder(geometry.shape)
  const kernel = kernelFor(real, order, pixels, loader.runtime.target.name)
  return geometry.group !== 1 || kernel.endsWith('gemm')
    ? packDense(loader, { ...geometry, ...partsOf(real) }, bounds)
    : packSparse(loader, { ...geometry, matrix: sparseFor(kernel, real, order) }, bounds)
}

function packDense(loader: Loader, conv: F32Conv, bounds: Bounds): PackedConv {
  const weights = loader.own(packF32Conv(loader.runtime, conv))
  const [part] = weights.parts
  const call: ConvCall = {
    kernel: part?.kernel ?? 'f32_dwconv',
    run: (x, shape, y) => f32Conv(weights, x, shape, y, bounds),
  }
  return { stored: part === undefined ? 'float32' : denseForm(part), weights, callFor: () => call }
}

function packSparse(loader: Loader, conv: SparseConv, bounds: Bounds): PackedConv {
  const weights = loader.own(packSparseConv(loader.runtime, conv))
  const call: ConvCall = {
    kernel: weights.matrix.kernel,
    run: (x, shape, y) => sparseConv(weights, x, shape, y, bounds),
  }
  return { stored: 'sparse', weights, callFor: () => call }
}

/** Images that are quantized as they come. */
function dynamic(
  stored: 'int8' | 'int4',
  kernel: string,
  weights: Int8ConvWeights,
  bounds: Bounds,
): PackedConv {
  const call: ConvCall = { kernel, run: (x, shape, y) => qd8Conv(weights, x, shape, y, bounds) }
  return { stored, weights, callFor: () => call }
}

function packInt8(
  loader: Loader,
  { data, scale }: QuantizedTensor,
  geometry: ConvGeometry,
  bounds: Bounds,
  range: ActivationRange | undefined,
): PackedConv {
  const weights = loader.own(packInt8Conv(loader.runtime, { ...geometry, data, scale }))
  const suffix = weights.depthwise === undefined ? 'gemm' : 'dwconv'
  if (range === undefined) {
    return dynamic('int8', `qd8_f32_qc8w_${suffix}`, weights, bounds)
  }
  return {
    stored: 'int8',
    wants: range,
    weights,
    callFor(coding) {
      const options = { ...bounds, ...staticOptions(range, coding) }
      return {
        kernel: staticKernel(suffix, coding),
        run: (x, shape, y) => qs8Conv(weights, x, shape, y, options),
      }
    },
  }
}
