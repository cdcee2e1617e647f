import type { Tensor } from '../../formats/tensor.js'
import { attribute, subgraphsOf } from '../attributes.js'
import type { GraphNode, Model, Weight } from '../model.js'
import { capturedBy, consumers, freshName, namesOf } from '../uses.js'

/** Value names that a caller asks for beyond the outputs; no pass removes them. */
export type Keep = ReadonlySet<string>

/** Names that must go on to exist: outputs, what the caller keeps, what branches and bodies read from outside. */
export function pinnedNames(model: Model, keep: Keep): Set<string> {
  const pinned = new Set([...keep, ...model.outputs.map((output) => output.name)])
  for (const node of model.nodes) {
    for (const graph of subgraphsOf(node)) for (const name of capturedBy(graph)) pinned.add(name)
  }
  return pinned
}

/** Whether a clamp was fused into a node: nothing linear can be folded into it any more. */
export function isClamped(node: GraphNode): boolean {
  return (attribute(node, 'mcompress.min') ?? attribute(node, 'mcompress.max')) !== undefined
}

/** The weights of a model while a pass changes them. */
export class Weights {
  readonly #weights: Map<string, Weight>
  readonly #names: Set<string>
  readonly #pinned: Set<string>
  readonly #readers: Map<string, GraphNode[]>

  constructor(model: Model, keep: Keep) {
    this.#weights = new Map(model.weights)
    this.#names = namesOf(model)
    this.#pinned = pinnedNames(model, keep)
    this.#readers = consumers(model)
  }

  /** A dense float32 weight; undefined for an activation, another form or another type. */
  floats(name: string | undefined): Tensor<'float32'> | undefined {
    const weight = name === undefined ? undefined : this.#weights.get(name)
    return weight?.kind === 'dense' && weight.dtype === 'float32' ? (weight as Tensor<'float32'>) : undefined
  }

  get(name: string): Weight | undefined {
    return this.#weights.get(name)
  }

  /** A value name that nothing has yet, close to `name`. */
  reserve(name: string): string {
    return freshName(this.#names, name)
  }

  /** Adds a weight under a new name, which it returns. */
  add(name: string, tensor: Tensor): string {
    const fresh = this.reserve(name)
    this.#weights.set(fresh, tensor)
    return fresh
  }

  /** Changes a weight for one node: under its own name if nobody else reads it, else under a new one. */
  replace(name: string, tensor: Tensor): string {
    const isShared = (this.#readers.get(name)?.length ?? 0) > 1 || this.#pinned.has(name)
    if (isShared) return this.add(name, tensor)
    this.#weights.set(name, tensor)
    return name
  }

  all(): ReadonlyMap<string, Weight> {
    return this.#weights
  }
}

/**
 * Goes through the nodes in order and merges each into the node that makes one of its inputs, where `merge` can. It is
 * asked only if nothing else needs the value between the two.
 *
 * @param merge gives the node that replaces both, or undefined; `position` is the input that `producer` makes
 */
export function mergeIntoProducers(
  model: Model,
  keep: Keep,
  merge: (producer: GraphNode, node: GraphNode, position: number, weights: Weights) => GraphNode | undefined,
): Model {
  const pinned = pinnedNames(model, keep)
  const readers = consumers(model)
  const weights = new Weights(model, keep)
  const nodes: GraphNode[] = []
  const makers = new Map<string, number>()
  const tryMerge = (node: GraphNode): boolean =>
    node.inputs.some((name, position) => {
      const maker = makers.get(name)
      if (maker === undefined || pinned.has(name) || readers.get(name)!.length > 1) return false
      const producer = nodes[maker]!
      if (producer.outputs.length !== 1 || node.outputs.length !== 1) return false
      const merged = merge(producer, node, position, weights)
      if (merged === undefined) return false
      nodes[maker] = merged
      makers.delete(name)
      makers.set(merged.outputs[0]!, maker)
      return true
    })
  for (const node of model.nodes) {
    if (tryMerge(node)) continue
    node.outputs.forEach((name) => makers.set(name, nodes.length))
    nodes.push(node)
  }
  return { ...model, nodes, weights: weights.all() }
}
