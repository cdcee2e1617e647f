import { floatAttribute } from '../../graph/attributes.js'
import { planBroadcast } from '../../ops/broadcast.js'
import { f32Add, f32Mul } from '../../ops/elementwise.js'
import { UnsupportedVariant, type LayerFactory } from '../loader.js'
import { physicalShape } from '../plan.js'
import { fusedBounds } from './bounds.js'
import { clampInPlace } from './elementwise.js'

/** BatchNormalization that no pass could fold into a convolution: `x * factor + shift`, two numbers a channel. */
export const batchNormalization: LayerFactory = (node, loader) => {
  const [scale, bias, mean, variance] = node.inputs.slice(1).map((name) => {
    const weight = loader.take(name)
    if (weight === undefined) throw new UnsupportedVariant('BatchNormalization with computed parameters')
    return loader.floats(weight)
  }) as [Float32Array, Float32Array, Float32Array, Float32Array]
  const epsilon = floatAttribute(node, 'epsilon', 1e-5)
  const factors = scale.map((value, c) => value / Math.sqrt(variance[c]! + epsilon))
  const channels = factors.length
  const factor = loader.resident([channels], factors)
  const shift = loader.resident(
    [channels],
    factors.map((value, c) => bias[c]! - mean[c]! * value),
  )
  const bounds = fusedBounds(node)
  return {
    stored: 'float32',
    plan(planner) {
      const x = planner.float(node.inputs[0]!)
      const shape = physicalShape(x.shape, x.layout)
      const channelsLast = x.layout === 'last' || shape.length === 2
      const pixels = channelsLast ? [] : shape.slice(2).map(() => 1)
      const plan = planBroadcast(shape, [channels, ...pixels])
      const y = planner.overwrite(node.outputs[0]!, x)
      planner.step('f32_binary', [x], [y], () => f32Mul(plan, x, factor, y))
      planner.step('f32_binary', [y], [y], () => f32Add(plan, y, shift, y))
      clampInPlace(planner, y, bounds)
    },
  }
}
