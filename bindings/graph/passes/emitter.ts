import type { Tensor } from '../../formats/tensor.js'
import type { GraphNode } from '../model.js'
import type { Weights } from './rewrite.js'

type Attributes = GraphNode['attributes']

/** Writes the nodes that take the place of one; the last of them gives its first output. */
export class Emitter {
  readonly node: GraphNode
  readonly weights: Weights
  readonly #nodes: GraphNode[] = []

  constructor(node: GraphNode, weights: Weights) {
    this.node = node
    this.weights = weights
  }

  /** Appends a node; gives the name of its output. */
  add(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = this.weights.reserve(`${this.node.name}.${op}`)
    this.#nodes.push({ name: output, op, domain: '', inputs, outputs: [output], attributes })
    return output
  }

  scalar(value: number): string {
    return this.floats(Float32Array.of(value), [])
  }

  floats(data: Float32Array, shape: readonly number[]): string {
    return this.weights.add(`${this.node.name}.constant`, { kind: 'dense', dtype: 'float32', shape, data })
  }

  ints(...values: readonly number[]): string {
    const tensor: Tensor<'int64'> = {
      ...{ kind: 'dense', dtype: 'int64', shape: [values.length] },
      data: BigInt64Array.from(values, BigInt),
    }
    return this.weights.add(`${this.node.name}.sizes`, tensor)
  }

  finish(): readonly GraphNode[] {
    const last = this.#nodes.at(-1)!
    return [
      ...this.#nodes.slice(0, -1),
      { ...last, name: this.node.name, outputs: this.node.outputs.slice(0, 1) },
    ]
  }
}
