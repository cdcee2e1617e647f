import { subgraphsOf } from './attributes.js'
import type { Graph, GraphNode } from './model.js'

/** The values that a node needs: its inputs and what its subgraphs take from outside. Absent inputs are left out. */
export function readsOf(node: GraphNode): string[] {
  const reads = node.inputs.filter((name) => name !== '')
  for (const graph of subgraphsOf(node)) reads.push(...capturedBy(graph))
  return reads
}

/** Names that a graph reads and does not define. */
export function capturedBy(graph: Graph): Set<string> {
  const own = new Set([...graph.inputs.map((input) => input.name), ...graph.weights.keys()])
  for (const node of graph.nodes) for (const output of node.outputs) own.add(output)
  const captured = new Set<string>()
  const need = (name: string) => {
    if (!own.has(name)) captured.add(name)
  }
  for (const node of graph.nodes) readsOf(node).forEach(need)
  for (const output of graph.outputs) need(output.name)
  return captured
}

/** The node that makes each value. */
export function producers(graph: Graph): Map<string, GraphNode> {
  const map = new Map<string, GraphNode>()
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== '') map.set(output, node)
  }
  return map
}

/** The nodes that read each value, each once; graph outputs are no nodes. */
export function consumers(graph: Graph): Map<string, GraphNode[]> {
  const map = new Map<string, GraphNode[]>()
  for (const node of graph.nodes) {
    for (const name of new Set(readsOf(node))) {
      const nodes = map.get(name)
      if (nodes === undefined) map.set(name, [node])
      else nodes.push(node)
    }
  }
  return map
}

/** Every value name in use, so that new ones can be told from them. */
export function namesOf(graph: Graph): Set<string> {
  const names = new Set([...graph.inputs.map((input) => input.name), ...graph.weights.keys()])
  for (const node of graph.nodes) {
    for (const name of [...readsOf(node), ...node.outputs]) names.add(name)
  }
  return names
}

/** A name not in `taken`, which gains it: `base`, or `base` with a number. */
export function freshName(taken: Set<string>, base: string): string {
  let name = base
  for (let count = 2; taken.has(name); count++) name = `${base}_${count}`
  taken.add(name)
  return name
}
