import { subgraphsOf } from './attributes.js'
import type { Attribute, Graph, GraphNode, Model, Weight } from './model.js'
import { freshName, namesOf } from './uses.js'

/** The attributes of a node with its graphs changed. */
export function mapGraphs(
  attributes: GraphNode['attributes'],
  change: (graph: Graph) => Graph,
): Readonly<Record<string, Attribute>> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      typeof value === 'object' && 'nodes' in value ? change(value) : value,
    ]),
  )
}

/**
 * The model with the weights of nested graphs among its own, and with names of values and nodes that no two graphs share:
 * branches can then take the place of their node. The same model if it nests nothing.
 */
export function mergeScopes(model: Model): Model {
  if (!model.nodes.some((node) => subgraphsOf(node).length > 0)) return model
  const names = namesOf(model)
  const nodeNames = new Set(model.nodes.map(({ name }) => name))
  const weights = new Map<string, Weight>(model.weights)

  const nest = (node: GraphNode, lookup: (name: string) => string): GraphNode => ({
    ...node,
    attributes: mapGraphs(node.attributes, (graph) => inner(graph, node.name, lookup)),
  })
  const inner = (graph: Graph, owner: string, outer: (name: string) => string): Graph => {
    const renamed = new Map<string, string>()
    const unique = (taken: Set<string>, name: string) =>
      freshName(taken, taken.has(name) ? `${owner}.${name}` : name)
    const define = (name: string) => {
      if (name !== '') renamed.set(name, unique(names, name))
    }
    const lookup = (name: string) => renamed.get(name) ?? outer(name)
    const rename = <T extends { readonly name: string }>(value: T): T => ({
      ...value,
      name: lookup(value.name),
    })
    graph.inputs.forEach(({ name }) => define(name))
    for (const [name, weight] of graph.weights) {
      define(name)
      weights.set(lookup(name), weight)
    }
    for (const { outputs } of graph.nodes) outputs.forEach(define)
    return {
      inputs: graph.inputs.map(rename),
      outputs: graph.outputs.map(rename),
      nodes: graph.nodes.map((node) => ({
        ...nest({ ...node, name: unique(nodeNames, node.name) }, lookup),
        inputs: node.inputs.map(lookup),
        outputs: node.outputs.map(lookup),
      })),
      weights: new Map(),
    }
  }
  return { ...model, nodes: model.nodes.map((node) => nest(node, (name) => name)), weights }
}
