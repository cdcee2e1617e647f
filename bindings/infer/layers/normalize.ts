import { elementCount } from '../../formats/tensor.js'
import { floatAttribute, intAttribute } from '../../graph/attributes.js'
import { planBroadcast } from '../../ops/broadcast.js'
import { f32Add, f32Mul } from '../../ops/elementwise.js'
import { f32LayerNorm } from '../../ops/reduce.js'
import { UnsupportedVariant, type LayerFactory } from '../loader.js'
import { physicalShape, type Operand } from '../plan.js'
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

/** LayerNormalization and RMSNormalization over the axes from one on. */
export const layerNormalization: LayerFactory = (node, loader) => {
  const epsilon = floatAttribute(node, 'epsilon', 1e-5)
  const [input, scaleName, shiftName] = node.inputs as [string, string, string?]
  const [output, meanName, inverseName] = node.outputs as [string, string?, string?]
  const one = loader.weight(scaleName)
  const isOne = one?.kind === 'dense' && one.data.length === 1 && one.data[0] === 1
  return {
    stored: 'float32',
    plan(planner) {
      const x = planner.float(input, 'first')
      const axis = intAttribute(node, 'axis', -1)
      const normalized = x.shape.slice(axis)
      const n = elementCount(normalized)
      const rows = elementCount(x.shape.slice(0, axis))
      const parameter = (name: string | undefined) => (name ? planner.float(name, 'first') : undefined)
      const scale = isOne ? undefined : parameter(scaleName)
      const shift = parameter(shiftName)
      const statistic = (name: string | undefined) =>
        name ? planner.create(name) : planner.temporary([rows])
      const inverse = statistic(inverseName)
      const mean = node.op === 'LayerNormalization' ? statistic(meanName) : undefined
      const y = planner.overwrite(output, x)
      // Parameters that repeat along an axis are a matter of their own.
      const isWhole = (parameter: Operand | undefined) => parameter === undefined || parameter.elements === n
      const own = {
        scale: isWhole(scale) ? scale : undefined,
        shift: isWhole(scale) && isWhole(shift) ? shift : undefined,
      }
      const given = [x, own.scale, own.shift].filter((operand) => operand !== undefined)
      const made = [y, inverse, mean].filter((operand) => operand !== undefined)
      planner.step('f32_layer_norm', given, made, () =>
        f32LayerNorm(x, y, { ...own, mean, inverse }, rows, n, epsilon),
      )
      const further = (operand: Operand | undefined, run: typeof f32Mul) => {
        if (operand === undefined) return
        const plan = planBroadcast(y.shape, operand.shape)
        planner.step('f32_binary', [y, operand], [y], () => run(plan, y, operand, y))
      }
      if (own.scale === undefined) further(scale, f32Mul)
      if (own.shift === undefined) further(shift, f32Add)
    },
  }
}
