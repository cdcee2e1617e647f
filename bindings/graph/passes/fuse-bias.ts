import { elementCount } from '../../formats/tensor.js'
import { intAttribute } from '../attributes.js'
import { broadcastShapes } from '../broadcast.js'
import type { GraphNode, Model } from '../model.js'
import { inferRanks } from '../ranks.js'
import { isClamped, type Keep, mergeIntoProducers, type Weights } from './rewrite.js'

/**
 * Takes the addition of a constant bias into the operator before it: MatMul of matrices becomes Gemm, Gemm and Conv
 * without a bias gain one, and so does MatMul of more axes, as a third input that ONNX's has not.
 */
export function fuseBias(model: Model, keep: Keep): Model {
  const ranks = inferRanks(model)
  return mergeIntoProducers(model, keep, (producer, node, position, weights) => {
    if (node.op !== 'Add' || node.domain !== '' || producer.domain !== '' || isClamped(producer))
      return undefined
    const name = node.inputs[1 - position]
    const bias = weights.floats(name)
    const weight = weights.get(producer.inputs[1] ?? '')
    if (name === undefined || bias === undefined || weight === undefined || producer.inputs[2])
      return undefined
    const { op, inputs } = producer
    const [x, w] = inputs as [string, string]
    const outputs = node.outputs

    if (op === 'Conv') {
      // [C, 1, 1] or [1, C, 1, 1]: one value a channel.
      const perChannel = [1, weight.shape[0]!, ...weight.shape.slice(2).map(() => 1)]
      const fits = String(broadcastShapes(bias.shape, perChannel)) === String(perChannel)
      if (!fits || elementCount(bias.shape) !== weight.shape[0]) return undefined
      const flat = weights.add(`${producer.name}.bias`, { ...bias, shape: [weight.shape[0]] })
      return { ...producer, inputs: [x, w, flat], outputs }
    }
    const rank = ranks.get(x)?.rank ?? 0
    if (!(op === 'Gemm' || (op === 'MatMul' && rank >= 2)) || weight.shape.length !== 2) return undefined
    const columns = weight.shape[op === 'Gemm' && intAttribute(producer, 'transB', 0) !== 0 ? 0 : 1]
    const isRow = bias.shape.length <= 2 && (bias.shape[0] === 1 || bias.shape.length < 2)
    if (!isRow || elementCount(bias.shape) !== columns) return undefined
    const sum = { ...producer, inputs: [x, w, biasRow(name, weights)], outputs }
    if (op === 'MatMul' && rank > 2) return sum
    return { ...sum, op: 'Gemm', attributes: gemm(producer) }
  })
}

/** The bias as a vector, which is how layers want it. */
function biasRow(name: string, weights: Weights): string {
  const bias = weights.floats(name)!
  return bias.shape.length === 1 ? name : weights.add(name, { ...bias, shape: [bias.data.length] })
}

/** The bias counts once, whatever the product was scaled by. */
function gemm(producer: GraphNode): GraphNode['attributes'] {
  return { ...producer.attributes, beta: 1 }
}
