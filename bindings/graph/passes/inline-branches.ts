import { attribute } from '../attributes.js'
import type { Graph, GraphNode, Model } from '../model.js'

/** The branch of an If that a constant chooses. */
function chosen(node: GraphNode, model: Model): Graph | undefined {
  if (node.op !== 'If' || node.domain !== '') return undefined
  const condition = model.weights.get(node.inputs[0] ?? '')
  if (condition?.kind !== 'dense' || condition.data.length !== 1) return undefined
  const branch = attribute(node, condition.data[0] ? 'then_branch' : 'else_branch')
  return typeof branch === 'object' && 'nodes' in branch ? branch : undefined
}

/** Puts the nodes of a branch in the place of an If whose condition is constant. Names must be unique in all graphs. */
export function inlineBranches(model: Model): Model {
  const inline = (nodes: readonly GraphNode[]): readonly GraphNode[] =>
    nodes.flatMap((node) => {
      const branch = chosen(node, model)
      if (branch === undefined) return [node]
      const results = node.outputs.map((output, i): GraphNode => ({
        name: `${node.name}.${output}`,
        op: 'Identity',
        domain: '',
        inputs: [branch.outputs[i]?.name ?? ''],
        outputs: [output],
        attributes: {},
      }))
      return [...inline(branch.nodes), ...results.filter(({ outputs }) => outputs[0] !== '')]
    })
  return { ...model, nodes: inline(model.nodes) }
}
