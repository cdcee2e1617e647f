import type { Tensor } from '../../formats/tensor.js'
import { floatAttribute, intAttribute } from '../attributes.js'
import type { GraphNode, Model } from '../model.js'
import { inferRanks } from '../ranks.js'
import { isClamped, type Keep, mergeIntoProducers, Weights } from './rewrite.js'

/** What a BatchNormalization does to channel c in inference: `y = factor[c] * x + shift[c]`, in float64. */
interface Affine {
  readonly factor: Float64Array
  readonly shift: Float64Array
}

/**
 * Folds BatchNormalization into the Conv or Gemm before it; one that stands alone becomes Mul and Add. New weights are
 * computed in float64 by operations that IEEE 754 rounds correctly, and rounded once: the same bits everywhere.
 */
export function foldBatchNorm(model: Model, keep: Keep): Model {
  const merged = mergeIntoProducers(model, keep, (producer, node, position, weights) => {
    const affine = position === 0 ? affineOf(node, weights) : undefined
    if (affine === undefined || producer.domain !== '' || isClamped(producer)) return undefined
    if (producer.op === 'Conv') return intoConv(producer, node, affine, weights)
    return producer.op === 'Gemm' ? intoGemm(producer, node, affine, weights) : undefined
  })
  return standAlone(merged, keep)
}

function affineOf(node: GraphNode, weights: Weights): Affine | undefined {
  if (node.op !== 'BatchNormalization' || node.domain !== '' || node.outputs.length > 1) return undefined
  if (intAttribute(node, 'training_mode', 0) !== 0) return undefined
  const [scale, bias, mean, variance] = node.inputs.slice(1).map((name) => weights.floats(name))
  if (!scale || !bias || !mean || !variance) return undefined
  const channels = scale.data.length
  if ([bias, mean, variance].some(({ data }) => data.length !== channels)) return undefined
  const epsilon = floatAttribute(node, 'epsilon', Math.fround(1e-5))
  const factor = Float64Array.from(scale.data, (s, c) => s / Math.sqrt(variance.data[c]! + epsilon))
  const shift = Float64Array.from(bias.data, (b, c) => b - mean.data[c]! * factor[c]!)
  return { factor, shift }
}

function intoConv(conv: GraphNode, node: GraphNode, affine: Affine, weights: Weights): GraphNode | undefined {
  const [x, weightName, biasName = ''] = conv.inputs as [string, string, string?]
  const weight = weights.floats(weightName)
  const bias = weights.floats(biasName)
  const { factor } = affine
  if (weight?.shape[0] !== factor.length || (biasName !== '' && bias?.data.length !== factor.length)) {
    return undefined
  }
  const run = weight.data.length / factor.length
  const scaled = weight.data.map((value, i) => value * factor[Math.floor(i / run)]!)
  const w = weights.replace(weightName, { ...weight, data: scaled })
  return { ...conv, inputs: [x, w, newBias(conv, biasName, bias, 1, affine, weights)], outputs: node.outputs }
}

function intoGemm(gemm: GraphNode, node: GraphNode, affine: Affine, weights: Weights): GraphNode | undefined {
  const [x, weightName, biasName = ''] = gemm.inputs as [string, string, string?]
  const weight = weights.floats(weightName)
  const bias = weights.floats(biasName)
  const { factor } = affine
  const channels = factor.length
  const transposed = intAttribute(gemm, 'transB', 0) !== 0
  if (weight?.shape.length !== 2 || weight.shape[transposed ? 0 : 1] !== channels) return undefined
  const isRow = bias !== undefined && bias.data.length === channels && bias.shape.at(-1) === channels
  if (biasName !== '' && !isRow) return undefined
  const inner = weight.shape[1]!
  const scaled = weight.data.map(
    (value, i) => value * factor[transposed ? Math.floor(i / inner) : i % channels]!,
  )
  const w = weights.replace(weightName, { ...weight, data: scaled })
  const c = newBias(gemm, biasName, bias, floatAttribute(gemm, 'beta', 1), affine, weights)
  return { ...gemm, inputs: [x, w, c], outputs: node.outputs, attributes: { ...gemm.attributes, beta: 1 } }
}

/** `factor * (beta * bias) + shift` under the old bias's name, or a new one. */
function newBias(
  layer: GraphNode,
  name: string,
  bias: Tensor<'float32'> | undefined,
  beta: number,
  { factor, shift }: Affine,
  weights: Weights,
): string {
  const data = Float32Array.from(shift, (s, c) => (bias?.data[c] ?? 0) * beta * factor[c]! + s)
  const folded: Tensor<'float32'> = { kind: 'dense', dtype: 'float32', shape: [data.length], data }
  return bias === undefined ? weights.add(`${layer.name}.bias`, folded) : weights.replace(name, folded)
}

/** Writes what is left of BatchNormalization as a product and a sum, where the rank of its input is known. */
function standAlone(model: Model, keep: Keep): Model {
  if (!model.nodes.some((node) => node.op === 'BatchNormalization')) return model
  const ranks = inferRanks(model)
  const weights = new Weights(model, keep)
  const nodes = model.nodes.flatMap((node) => {
    const affine = affineOf(node, weights)
    const rank = ranks.get(node.inputs[0] ?? '')?.rank
    if (affine === undefined || rank === undefined || rank < 2) return [node]
    const perChannel = (name: string, values: Float64Array) => {
      const shape = [values.length, ...new Array<number>(rank - 2).fill(1)]
      const data = Float32Array.from(values)
      return weights.add(`${node.name}.${name}`, { kind: 'dense', dtype: 'float32', shape, data })
    }
    const scaled = weights.reserve(`${node.name}.scaled`)
    const make = (op: string, name: string, inputs: string[], outputs: readonly string[]): GraphNode => ({
      ...{ name, op, domain: '', inputs, outputs },
      attributes: {},
    })
    return [
      make('Mul', scaled, [node.inputs[0]!, perChannel('factor', affine.factor)], [scaled]),
      make('Add', node.name, [scaled, perChannel('shift', affine.shift)], node.outputs),
    ]
  })
  return { ...model, nodes, weights: weights.all() }
}
