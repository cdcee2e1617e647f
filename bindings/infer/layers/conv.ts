import { intAttribute, intsAttribute } from '../../graph/attributes.js'
import type { ActivationRange, Weight } from '../../graph/model.js'
import { windowsOf } from '../../graph/windows.js'
import { f32Conv, packF32Conv, type ConvGeometry, type ConvWeights } from '../../ops/conv.js'
import { packInt8Conv, qd8Conv, qs8Conv } from '../../ops/qs8-conv.js'
import type { Slot } from '../../ops/slot.js'
import { UnsupportedVariant, type Layer, type LayerFactory, type Loader } from '../loader.js'
import { isSymmetric } from '../weights.js'
import { fusedBounds, type Bounds } from './bounds.js'
import { imageShape, pair, windowOptions } from './image.js'

/** Conv with constant weights over one or two spatial axes. */
export const conv: LayerFactory = (node, loader): Layer => {
  const [input, name, biasName] = node.inputs as [string, string, string | undefined]
  const [output] = node.outputs as [string]
  const weight = loader.take(name)
  if (weight === undefined) throw new UnsupportedVariant('Conv with computed weights')
  const [outChannels = 0, groupChannels = 0, ...kernel] = weight.shape
  if (kernel.length < 1 || kernel.length > 2) {
    throw new UnsupportedVariant(`Conv over ${kernel.length} spatial axes`)
  }
  const ones = kernel.map(() => 1)
  const geometry = {
    shape: [outChannels, groupChannels, ...pair(kernel, 1)],
    bias: biasOf(loader, biasName),
    strides: pair(intsAttribute(node, 'strides', ones), 1),
    dilations: pair(intsAttribute(node, 'dilations', ones), 1),
    group: intAttribute(node, 'group', 1),
  }
  const { weights, run, ...layer } = packConv(
    loader,
    weight,
    geometry,
    fusedBounds(node),
    loader.range(input),
  )
  return {
    ...layer,
    plan(planner) {
      const { wants } = layer
      const x = wants === undefined ? planner.float(input, 'last') : planner.codes(input, wants, 'last')
      const coding = wants && planner.demand(output)
      const y = planner.create(output, 'last', coding)
      const shape = imageShape(x.shape)
      // Automatic padding depends on the size of the image.
      const { pads } = windowOptions(windowsOf(node, x.shape.slice(2), kernel))
      planner.step([x], [y], () => {
        weights.window.pad(pads)
        run(x, shape, y, coding)
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

interface PackedConv extends Omit<Layer, 'plan'> {
  readonly weights: ConvWeights
  run(x: Slot, shape: readonly number[], y: Slot, coding: ActivationRange | undefined): void
}

function packConv(
  loader: Loader,
  weight: Weight,
  geometry: ConvGeometry,
  bounds: Bounds,
  range: ActivationRange | undefined,
): PackedConv {
  const { runtime } = loader
  if (!loader.integers || !isSymmetric(weight, 0)) {
    const weights = loader.own(packF32Conv(runtime, { ...geometry, data: loader.floats(weight) }))
    return {
      kernel: weights.depthwise === undefined ? 'f32_gemm' : 'f32_dwconv',
      stored: 'float32',
      weights,
      run: (x, shape, y) => f32Conv(weights, x, shape, y, bounds),
    }
  }
  const { data, scale } = weight
  const weights = loader.own(packInt8Conv(runtime, { ...geometry, data, scale }))
  const suffix = weights.depthwise === undefined ? 'gemm' : 'dwconv'
  if (range === undefined) {
    return {
      kernel: `qd8_f32_qc8w_${suffix}`,
      stored: 'int8',
      weights,
      run: (x, shape, y) => qd8Conv(weights, x, shape, y, bounds),
    }
  }
  return {
    kernel: `qs8_qc8w_${suffix}`,
    stored: 'int8',
    wants: range,
    weights,
    run: (x, shape, y, coding) =>
      qs8Conv(weights, x, shape, y, {
        ...bounds,
        inputScale: range.scale,
        inputZeroPoint: range.zeroPoint,
        output: coding === undefined ? { kind: 'f32' } : { kind: 'int8', ...coding },
      }),
  }
}
