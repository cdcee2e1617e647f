import type { Tensor } from '../../formats/tensor.js'
import type { Attribute, Graph, GraphNode, ValueInfo, Weight } from '../../graph/model.js'

// A graph as JSON for the manifest, FORMAT.md#manifest. Tuples and left-out defaults keep it short: it stands in the
// header as a string inside a string, where every quote costs two bytes.

/** Values for JSON.stringify. */
export type Jsonable =
  null | boolean | number | string | readonly Jsonable[] | { readonly [key: string]: Jsonable }

/** What becomes of weights: stores one and returns its record. */
export interface WeightSink {
  weight(name: string, weight: Weight): Jsonable
  /** Stores a tensor that is an attribute; returns the name of its entry. */
  attribute(name: string, tensor: Tensor): string
}

interface Scope {
  readonly graph: Graph
  readonly records: Map<string, Jsonable>
}

/** Describes a graph; the sink is given weights in the order in which the nodes read them. */
export function describeGraph(graph: Graph, sink: WeightSink, outer: readonly Scope[] = []): Jsonable {
  const scope: Scope = { graph, records: new Map() }
  const scopes = [scope, ...outer]
  const nodes = graph.nodes.map((node) => {
    for (const name of node.inputs) storeWeight(name, scopes, sink)
    return describeNode(node, scopes, sink)
  })
  // Those that only outputs or nobody reads.
  for (const name of graph.weights.keys()) storeWeight(name, [scope], sink)
  return {
    inputs: graph.inputs.map(describeValue),
    outputs: graph.outputs.map(describeValue),
    nodes,
    weights: [...scope.records.values()],
  }
}

function storeWeight(name: string, scopes: readonly Scope[], sink: WeightSink): void {
  const scope = scopes.find(({ graph }) => graph.weights.has(name))
  if (scope === undefined || scope.records.has(name)) return
  scope.records.set(name, sink.weight(name, scope.graph.weights.get(name)!))
}

function describeValue({ name, dtype, shape }: ValueInfo): Jsonable {
  return shape === undefined ? [name, dtype] : [name, dtype, shape]
}

function describeNode(node: GraphNode, scopes: readonly Scope[], sink: WeightSink): Jsonable {
  const attributes = Object.entries(node.attributes).map(
    ([key, value]) => [key, describeAttribute(`${node.name}.${key}`, value, scopes, sink)] as const,
  )
  const parts: Jsonable[] = [node.op, node.name, node.inputs, node.outputs]
  if (attributes.length > 0 || node.domain !== '') parts.push(Object.fromEntries(attributes))
  if (node.domain !== '') parts.push(node.domain)
  return parts
}

function describeAttribute(
  name: string,
  value: Attribute,
  scopes: readonly Scope[],
  sink: WeightSink,
): Jsonable {
  if (typeof value === 'number') return describeNumber(value)
  if (typeof value === 'string') return value
  if (Array.isArray(value)) {
    return (value as readonly (number | string)[]).map((item) =>
      typeof item === 'number' ? describeNumber(item) : item,
    )
  }
  const compound = value as Tensor | Graph
  if ('nodes' in compound) return { graph: describeGraph(compound, sink, scopes) }
  return { tensor: sink.attribute(name, compound) }
}

function describeNumber(value: number): Jsonable {
  if (Object.is(value, -0)) return { number: '-0' }
  return Number.isFinite(value) ? value : { number: String(value) }
}
