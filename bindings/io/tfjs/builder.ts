import { ELEMENT_ARRAYS, type Tensor } from '../../formats/tensor.js'
import type { Attribute, Dimension, GraphNode, Model, ValueInfo } from '../../graph/model.js'
import { IR_OPSET } from '../../graph/opset.js'
import { MAX_IMPORTED_NODES } from '../../limits.js'
import { freshName } from '../../graph/uses.js'
import { rankOfOutput } from './ranks.js'

/** ONNX codes of the element types that TensorFlow.js has. */
export const ONNX_TYPE = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9 } as const
export type TfType = 'float32' | 'int32' | 'bool'

export type Attributes = Readonly<Record<string, Attribute>>

/** From TensorFlow's order of an image's axes to ONNX's, and back, for any number of spatial axes. */
export const toChannelsFirst = (rank: number): number[] => [
  0,
  rank - 1,
  ...Array.from({ length: rank - 2 }, (_, axis) => axis + 1),
]
export const toChannelsLast = (rank: number): number[] => [
  0,
  ...Array.from({ length: rank - 2 }, (_, axis) => axis + 2),
  1,
]

/** Collects the nodes and weights of a model that comes from another format. */
export class GraphBuilder {
  readonly inputs: ValueInfo[] = []
  readonly weights = new Map<string, Tensor>()
  readonly #names = new Set<string>([''])
  readonly #derived = new Map<string, string>()
  readonly #ranks = new Map<string, number>()
  #nodes: GraphNode[] = []
  #scope = ''

  /** The names of what follows begin with this one. */
  begin(name: string): void {
    this.#scope = name
  }

  /** A model input under its own name. */
  input(name: string, dtype: TfType, shape: readonly Dimension[] | undefined): string {
    this.#names.add(name)
    this.inputs.push({ name, dtype, shape })
    if (shape !== undefined) this.#ranks.set(name, shape.length)
    return name
  }

  /** Reserves names that only `name` may give away. */
  reserve(names: Iterable<string>): void {
    for (const name of names) this.#names.add(name)
  }

  /** Appends a node; returns its output. */
  emit(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.emitMany(op, inputs, 1, attributes)[0]!
  }

  /** Appends a node of several outputs. */
  emitMany(op: string, inputs: readonly string[], outputs: number, attributes: Attributes = {}): string[] {
    if (this.#nodes.length >= MAX_IMPORTED_NODES) {
      throw new RangeError(`the model expands to more than ${MAX_IMPORTED_NODES} nodes`)
    }
    const names = Array.from({ length: outputs }, () => freshName(this.#names, `${this.#scope}/${op}`))
    this.#nodes.push({ name: names[0]!, op, domain: '', inputs, outputs: names, attributes })
    const operands = inputs.map((input) => ({
      rank: this.rankOf(input),
      length: this.weights.get(input)?.data.length,
    }))
    const rank = rankOfOutput(op, operands, attributes)
    if (rank !== undefined) for (const output of names) this.#ranks.set(output, rank)
    return names
  }

  /** The number of axes of a value, where it follows from the nodes before it. */
  rankOf(value: string): number | undefined {
    return this.#ranks.get(value) ?? this.weights.get(value)?.shape.length
  }

  /** Gives the value that the latest nodes made the name that it has in the file. */
  rename(value: string, name: string): string {
    this.#names.add(name)
    const rank = this.rankOf(value)
    if (rank !== undefined) this.#ranks.set(name, rank)
    const at = this.#nodes.findLastIndex(({ outputs }) => outputs.includes(value))
    const swap = (other: string): string => (other === value ? name : other)
    for (let i = at; i < this.#nodes.length; i++) {
      const node = this.#nodes[i]!
      this.#nodes[i] = {
        ...node,
        name: i === at && node.name === value ? name : node.name,
        inputs: node.inputs.map(swap),
        outputs: node.outputs.map(swap),
      }
    }
    return name
  }

  /** Whether no value has this name. */
  isFree(name: string): boolean {
    return !this.#names.has(name)
  }

  get nodeCount(): number {
    return this.#nodes.length
  }

  /** Whether a node at or after this position makes the value. */
  isMadeSince(position: number, value: string): boolean {
    return this.#nodes.slice(position).some(({ outputs }) => outputs.includes(value))
  }

  /** A weight under a name close to `name`. */
  constant(name: string, tensor: Tensor): string {
    const fresh = freshName(this.#names, name)
    this.weights.set(fresh, tensor)
    return fresh
  }

  /** A weight made from another one, once for each `key`. */
  derived(key: string, make: () => Tensor): string {
    let name = this.#derived.get(key)
    if (name === undefined) this.#derived.set(key, (name = this.constant(key, make())))
    return name
  }

  /** A vector of int64, which ONNX's operators on shapes take. */
  ints(values: readonly number[]): string {
    return this.derived(`ints(${values.join()})`, () => ({
      kind: 'dense',
      dtype: 'int64',
      shape: [values.length],
      data: BigInt64Array.from(values, BigInt),
    }))
  }

  /** A vector of float32. */
  floats(values: readonly number[]): string {
    return this.derived(`floats(${values.join()})`, () => {
      return { kind: 'dense', dtype: 'float32', shape: [values.length], data: Float32Array.from(values) }
    })
  }

  /** A number of no dimension. */
  scalar(value: number, dtype: TfType = 'float32'): string {
    return this.derived(`${dtype}(${value})`, () => {
      const data = new ELEMENT_ARRAYS[dtype](1)
      data[0] = value
      return { kind: 'dense', dtype, shape: [], data } as Tensor
    })
  }

  cast(x: string, to: keyof typeof ONNX_TYPE): string {
    return this.emit('Cast', [x], { to: ONNX_TYPE[to] })
  }

  transpose(x: string, perm: readonly number[]): string {
    return this.emit('Transpose', [x], { perm })
  }

  /** Runs an operator that wants channels first on a value of `rank` axes that has them last. */
  onChannelsFirst(x: string, rank: number, run: (x: string) => string): string {
    return this.transpose(run(this.transpose(x, toChannelsFirst(rank))), toChannelsLast(rank))
  }

  /** @param outputs values by the name that the model gives them */
  model(
    name: string,
    outputs: readonly (readonly [string, string, TfType])[],
    metadata: Model['metadata'],
  ): Model {
    const made = new Set<string>()
    const infos = outputs.map(([output, value, dtype]): ValueInfo => {
      if (value !== output && !made.has(output)) {
        this.#nodes.push({
          name: output,
          op: 'Identity',
          domain: '',
          inputs: [value],
          outputs: [output],
          attributes: {},
        })
      }
      made.add(output)
      return { name: output, dtype, shape: undefined }
    })
    const { inputs, weights } = this
    return { name, opset: IR_OPSET, metadata, inputs, outputs: infos, nodes: this.#nodes, weights }
  }
}
