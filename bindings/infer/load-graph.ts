import { UnsupportedOpError } from '../errors.js'
import { qualifiedOp } from '../graph/attributes.js'
import type { ValueTypes } from '../graph/inference.js'
import type { ActivationRange, Graph, GraphNode } from '../graph/model.js'
import { RUNNABLE } from '../graph/runnable.js'
import { MAX_LOOP_TRIPS } from '../limits.js'
import type { ActivationMemory } from './arena.js'
import { branches, late, loop, type Trips } from './control.js'
import { codeDemands } from './demands.js'
import type { Program } from './executor.js'
import { evaluated, ofFloats } from './layers/evaluated.js'
import { LAYERS } from './layers/index.js'
import { UnsupportedVariant, type Layer, type LoadedNode, type Loader } from './loader.js'

const CONTROL = ['If', 'Loop']

/** Whether an operator, with its domain in front unless it is a standard one, can be run. */
export function canRun(op: string): boolean {
  return LAYERS.has(op) || RUNNABLE.get(op)?.evaluate !== undefined || CONTROL.includes(op)
}

type Named = readonly { readonly name: string }[]

/** Makes layers of the nodes of a model and of the graphs inside it. */
export class GraphLoader {
  readonly trips: Trips = { left: MAX_LOOP_TRIPS }
  readonly #demands = new Map<string, ActivationRange>()
  readonly #loader: Loader
  readonly #memory: ActivationMemory
  readonly #types: ValueTypes
  readonly #refused = new Map<string, string[]>()

  /** @param types of the weights, complete by the time of the first run */
  constructor(loader: Loader, memory: ActivationMemory, types: ValueTypes) {
    this.#loader = loader
    this.#memory = memory
    this.#types = types
  }

  /** Nodes with their layers, without those that cannot be made. */
  load(nodes: readonly GraphNode[]): LoadedNode[] {
    const loaded: LoadedNode[] = []
    for (const node of nodes) {
      const before = this.#loader.bytes
      try {
        loaded.push({ node, layer: this.#layer(node), weightBytes: this.#loader.bytes - before })
      } catch (error) {
        if (!(error instanceof UnsupportedVariant)) throw error
        this.#refused.set(error.message, [...(this.#refused.get(error.message) ?? []), node.name])
      }
    }
    return loaded
  }

  /** The nodes of a graph inside a node. */
  inner(graph: Graph): readonly LoadedNode[] {
    const nodes = this.load(graph.nodes)
    this.demand(graph.outputs, nodes)
    this.#loader.bind(graph.outputs.map(({ name }) => name))
    return nodes
  }

  /** Notes in which codes the nodes of a graph want its values. */
  demand(outputs: Named, nodes: readonly LoadedNode[]): void {
    const names = outputs.map(({ name }) => name)
    for (const [name, range] of codeDemands(names, nodes)) this.#demands.set(name, range)
  }

  program(inputs: Named, outputs: Named, nodes: readonly LoadedNode[]): Program {
    return {
      inputs: inputs.map(({ name }) => name),
      outputs: outputs.map(({ name }) => name),
      nodes,
      types: this.#types,
      demands: this.#demands,
      loader: this.#loader,
      memory: this.#memory,
    }
  }

  /** @throws UnsupportedOpError with all nodes that could not be made */
  checkRefused(): void {
    if (this.#refused.size === 0) return
    throw new UnsupportedOpError([...this.#refused].map(([op, nodes]) => ({ op, nodes })))
  }

  #layer(node: GraphNode): Layer {
    const loader = this.#loader
    const op = qualifiedOp(node)
    if (op === 'If') return branches(node, loader, this)
    if (op === 'Loop') return loop(node, loader, this)
    const factory = LAYERS.get(op)
    if (factory === undefined) return loader.make(evaluated, node)
    try {
      const layer = loader.make(factory, node)
      return layer.anyType === true ? layer : ofFloats(node, layer)
    } catch (error) {
      if (!(error instanceof UnsupportedVariant)) throw error
      // The evaluator of an operator takes over variants that its kernels do not have.
      if (RUNNABLE.get(op)?.evaluate !== undefined) return loader.make(evaluated, node)
      const layer = late(node, loader, factory)
      if (layer === undefined) throw error
      return layer
    }
  }
}
