import type { QuantizedTensor } from '../../formats/quantized.js'
import { elementCount } from '../../formats/tensor.js'
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
import { packSparseConv, sparseConv, type SparseConv } from '../../ops/sparse-conv.js'
import type { Slot } from '../../ops/slot.js'
import { UnsupportedVariant, type Layer, type LayerFactory, type Loader } from '../loader.js'
import { isSymmetric, kernelFor, partsOf } from '../weights.js'
import { fusedBounds, type Bounds } from './bounds.js'
import { imageShape, pair, windowOptions } from './image.js'
import { denseForm, staticKernel, staticOptions } from './matrix.js'

/** Pixels of a result whose size is open. */
const SOME_PIXELS = 64

/** Conv with constant weights over one or two spatial axes. */
export const conv: LayerFactory = (node, loader): Layer => {
  const [input, name, biasName] = node.inputs as [string, string, string | undefined]
  const [output] = node.outputs as [string]
  const weight = loader.take(name)
  if (weight === undefined) throw new UnsupportedVariant('Conv with computed weights')
  const [outChannels = 0, groupChannels = 0, ...taps] = weight.shape
  if (taps.length < 1 || taps.length > 2) {
    throw new UnsupportedVariant(`Conv over ${taps.length} spatial axes`)
  }
  const ones = taps.map(() => 1)
  const geometry = {
    shape: [outChannels, groupChannels, ...pair(taps, 1)],
    bias: biasOf(loader, biasName),
    strides: pair(intsAttribute(node, 'strides', ones), 1),
    dilations: pair(intsAttribute(node, 'dilations', ones), 1),
    group: intAttribute(node, 'group', 1),
  }
  const { weights, callFor, ...layer } = packConv(
    loader,
    weight,
    geometry,
    fusedBounds(node),
    loader.range(input),
    loader.samples(output, outChannels) ?? SOME_PIXELS,
  )
  return {
    ...layer,
    plan(planner) {
      const { wants } = layer
      const x = wants === undefined ? planner.float(input, 'last') : planner.codes(input, wants, 'last')
      const coding = wants && planner.demand(output)
      const y = planner.create(output, 'last', coding)
      const { kernel, run } = callFor(coding)
      const shape = imageShape(x.shape)
      // Automatic padding depends on the size of the image.
      const { pads } = windowOptions(windowsOf(node, x.shape.slice(2), taps))
      planner.step(kernel, [x], [y], () => {
        weights.window.pad(pads)
        run(x, shape, y)
      })
    },
  }
}

function biasOf(loader: Loader, name: string | undefined): Float32Array | undefined {
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
  const [n = 0, ...rest] = geometry.shape
  const size = [n, elementCount(rest)] as const
  const isDense =
    geometry.group !== 1 || kernelFor(real, size, pixels, loader.runtime.target.name).endsWith('gemm')
  return isDense
    ? packDense(loader, { ...geometry, ...partsOf(real) }, bounds)
    : packSparse(loader, { ...geometry, weight: real }, bounds)
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
