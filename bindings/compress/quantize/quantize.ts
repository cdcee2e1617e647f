import type { ActivationRange, Model, Weight } from '../../graph/model.js'
import { quantizeInt4 } from '../../ops/int4.js'
import { int4ConvFits } from '../../ops/qs8-conv.js'
import { quantizeInt8, scaleOf } from '../../ops/quantize.js'
import { calibrationOf, capture, type Context } from '../context.js'
import { matrixOf, outputAxis, replaceWeights, storedOrder } from '../layers.js'
import type { QuantizeStage } from '../recipe.js'

/**
 * Quantizes weights to int8 with zero point 0 or to int4 in groups, and finds the ranges of what goes into the layers if activations are
 * to be static.
 *
 * @see Jacob et al. 2018, Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
 * Inference
 */
export function quantize(context: Context, model: Model, stage: Required<QuantizeStage>): Model {
  const { layers, runtime } = context
  const quantized = layers.map((layer, i): [string, Weight] => {
    context.progress(layer.node.name, i, layers.length)
    const granularity =
      stage.granularity === 'tensor'
        ? ({ per: 'tensor' } as const)
        : ({ per: 'channel', axis: outputAxis(layer) } as const)
    const data = storedOrder(layer, matrixOf(model, layer))
    const { shape } = layer
    // Groups run along the inputs; for a convolution those are the channels.
    const axis = 1 - outputAxis(layer)
    const { groupSize } = stage
    if (stage.bits === 4 && (shape.length === 2 || int4ConvFits({ shape, axis, groupSize }))) {
      return [layer.weight, quantizeInt4(data, { shape, axis, groupSize })]
    }
    return [layer.weight, quantizeInt8(data, { shape, granularity, runtime })]
  })
  const result = replaceWeights(model, quantized)
  const activations = stage.activations === 'static' ? rangesOf(context, model) : undefined
  context.progress('', layers.length, layers.length)
  return activations === undefined ? result : { ...result, activations }
}

/** int8 parameters of the inputs of all layers, from the least and the greatest value over the samples. */
function rangesOf(context: Context, model: Model): Map<string, ActivationRange> {
  const names = [...new Set(context.layers.map(({ input }) => input))]
  const bounds = new Map(names.map((name) => [name, { min: Infinity, max: -Infinity }]))
  const { learn, judge } = calibrationOf(context)
  capture(context.runtime, model, names, [...learn, ...judge], (values) => {
    for (const [name, bound] of bounds) {
      const { data } = values[name]!
      for (let i = 0; i < data.length; i++) {
        if (data[i]! < bound.min) bound.min = data[i]!
        if (data[i]! > bound.max) bound.max = data[i]!
      }
    }
  })
  return new Map(Array.from(bounds, ([name, { min, max }]) => [name, scaleOf(min, max, 'affine')]))
}
