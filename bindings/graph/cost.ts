import { elementCount } from '../formats/tensor.js'
import { intAttribute } from './attributes.js'
import type { GraphNode, Model } from './model.js'
import type { ValueTypes } from './inference.js'

export interface NodeCost {
  readonly name: string
  readonly op: string
  /** Multiply-accumulates of one run; additions of a bias do not count, nor do pruned weights count as zero. */
  readonly macs: number
  /** Real numbers in the weights that this node is the first to read. */
  readonly parameters: number
}

export interface ModelCost {
  readonly macs: number
  readonly parameters: number
  /** In the order of the nodes. */
  readonly nodes: readonly NodeCost[]
}

/** Multiply-accumulates and parameters of a model for the shapes that `inferShapes` found. */
export function countMacs(model: Model, types: ValueTypes): ModelCost {
  const counted = new Set<string>()
  const nodes = model.nodes.map((node): NodeCost => {
    let parameters = 0
    for (const name of node.inputs) {
      const weight = counted.has(name) ? undefined : model.weights.get(name)
      const isReal = weight !== undefined && (weight.kind !== 'dense' || weight.dtype.startsWith('float'))
      if (isReal) parameters += elementCount(weight.shape)
      counted.add(name)
    }
    return { name: node.name, op: node.op, macs: macsOf(node, types), parameters }
  })
  const total = (key: 'macs' | 'parameters') => nodes.reduce((sum, node) => sum + node[key], 0)
  return { macs: total('macs'), parameters: total('parameters'), nodes }
}

function macsOf(node: GraphNode, types: ValueTypes): number {
  if (node.domain !== '') return 0
  const shape = (name: string | undefined) => types.get(name ?? '')?.shape ?? []
  const outputs = elementCount(shape(node.outputs[0]))
  const [first, second] = [shape(node.inputs[0]), shape(node.inputs[1])]
  switch (node.op) {
    case 'Conv':
      return outputs * elementCount(second.slice(1))
    case 'ConvTranspose':
      return elementCount(first) * elementCount(second.slice(1))
    case 'Gemm':
      return outputs * first[intAttribute(node, 'transA', 0) !== 0 ? 0 : 1]!
    case 'MatMul':
      return outputs * (first.at(-1) ?? 0)
    case 'LSTM':
    case 'GRU':
    case 'RNN': {
      // Every step multiplies W [directions, gates * hidden, input] and R [directions, gates * hidden, hidden].
      const [steps = 0, batch = 0] = first
      return steps * batch * (elementCount(second) + elementCount(shape(node.inputs[2])))
    }
    default:
      return 0
  }
}
