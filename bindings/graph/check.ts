import { FormatError } from '../errors.js'
import { elementCount } from '../formats/tensor.js'
import { MAX_GRAPH_DEPTH } from '../limits.js'
import { describeNode, subgraphsOf } from './attributes.js'
import type { Graph, GraphNode, Model, Weight } from './model.js'
import { MAX_OPSET, MIN_OPSET } from './opset.js'
import { readsOf } from './uses.js'

/**
 * Nodes in an order in which every value is made before it is read; the same array if they are so already.
 *
 * @throws FormatError that names the nodes of a cycle
 */
export function sortNodes(nodes: readonly GraphNode[]): readonly GraphNode[] {
  const producer = new Map<string, number>()
  nodes.forEach((node, index) => node.outputs.forEach((name) => name !== '' && producer.set(name, index)))
  const needs = nodes.map((node) => {
    const indices = readsOf(node).map((name) => producer.get(name))
    return new Set(indices.filter((index) => index !== undefined))
  })
  if (needs.every((need, index) => [...need].every((other) => other < index))) return nodes

  const users: number[][] = nodes.map(() => [])
  needs.forEach((need, index) => need.forEach((other) => users[other]!.push(index)))
  const order = nodes.map((_, index) => index).filter((index) => needs[index]!.size === 0)
  for (let at = 0; at < order.length; at++) {
    for (const user of users[order[at]!]!) {
      needs[user]!.delete(order[at]!)
      if (needs[user]!.size === 0) order.push(user)
    }
  }
  if (order.length < nodes.length) {
    throw new FormatError('cycle', `nodes depend on each other: ${describeCycle(nodes, needs)}`)
  }
  return order.map((index) => nodes[index]!)
}

/** Walks from a node that is never ready along unmet needs until it meets itself. */
function describeCycle(nodes: readonly GraphNode[], needs: readonly Set<number>[]): string {
  const seen = new Set<number>()
  let index = needs.findIndex((need) => need.size > 0)
  while (!seen.has(index)) {
    seen.add(index)
    index = needs[index]!.values().next().value!
  }
  const path = [...seen]
  const cycle = path.slice(path.indexOf(index)).reverse()
  const shown = cycle.slice(0, 8).map((at) => describeNode(nodes[at]!))
  return shown.join(' -> ') + (cycle.length > 8 ? ` and ${cycle.length - 8} more` : '')
}

/**
 * Checks that a model holds together: every name defined once and before it is read, nodes named apart, outputs
 * there, weights as long as their shape says.
 *
 * @throws FormatError
 */
export function checkModel(model: Model): void {
  if (!Number.isInteger(model.opset) || model.opset < MIN_OPSET || model.opset > MAX_OPSET) {
    throw new FormatError(
      'opset',
      `operator set expected in ${MIN_OPSET}..${MAX_OPSET}, got ${String(model.opset)}`,
    )
  }
  checkGraph(model, () => false, 0)
}

function fail(message: string): never {
  throw new FormatError('graph', message)
}

function checkGraph(graph: Graph, isOuter: (name: string) => boolean, depth: number): void {
  if (depth > MAX_GRAPH_DEPTH) fail(`graphs are nested more than ${MAX_GRAPH_DEPTH} deep`)
  const defined = new Set<string>()
  const define = (name: string, what: string) => {
    if (name === '') fail(`${what} has no name`)
    if (defined.has(name)) fail(`value ${JSON.stringify(name)} is defined twice`)
    defined.add(name)
  }
  const isDefined = (name: string) => defined.has(name) || isOuter(name)
  for (const input of graph.inputs) define(input.name, 'an input')
  for (const [name, weight] of graph.weights) {
    define(name, 'a weight')
    checkWeight(name, weight)
  }
  const nodeNames = new Set<string>()
  for (const node of graph.nodes) {
    if (node.name === '') fail(`a node of ${node.op} has no name`)
    if (nodeNames.has(node.name)) fail(`two nodes are named ${JSON.stringify(node.name)}`)
    nodeNames.add(node.name)
    for (const name of node.inputs) {
      if (name !== '' && !isDefined(name)) {
        fail(`${describeNode(node)} reads ${JSON.stringify(name)}, which is not defined before it`)
      }
    }
    for (const subgraph of subgraphsOf(node)) checkGraph(subgraph, isDefined, depth + 1)
    for (const name of node.outputs) if (name !== '') define(name, describeNode(node))
  }
  for (const output of graph.outputs) {
    if (!isDefined(output.name)) fail(`output ${JSON.stringify(output.name)} is not defined`)
  }
}

function checkWeight(name: string, weight: Weight): void {
  // Its bytes hold two elements each, and more; checked where they are read.
  if (weight.kind === 'int4') return
  const data = weight.kind === 'codebook' ? weight.indices : weight.data
  if (data.length !== elementCount(weight.shape)) {
    fail(`weight ${JSON.stringify(name)} of [${weight.shape.join(', ')}] holds ${data.length} elements`)
  }
}
