import { UnsupportedOpError } from '../errors.js'
import type { ElementType, Tensor } from '../formats/tensor.js'
import { MAX_SHAPE_INPUT } from '../limits.js'
import { describeNode } from './attributes.js'
import { broadcastShapes } from './broadcast.js'
import type { GraphNode } from './model.js'

/** A shape depends on values that only a run gives. */
export class UnknownValues extends UnsupportedOpError {
  readonly names: readonly string[]

  constructor({ op, name }: GraphNode, names: readonly string[]) {
    super([{ op: `${op} with a shape that depends on the data`, nodes: [name] }])
    this.names = names
  }
}

/** What is known of a value before the model runs. */
export interface ValueType {
  readonly dtype: ElementType
  readonly shape: readonly number[]
  /** The elements, where they follow from weights and shapes alone. */
  readonly value?: Tensor
}

/** A node whose outputs are to be inferred, with what is known of its inputs. */
export class Call {
  readonly node: GraphNode
  /** Whether a run asks for values, which gets an answer where ONNX leaves it open and folding would leave the node. */
  readonly running: boolean
  readonly #inputs: readonly (ValueType | undefined)[]

  /** @param inputs by position; an absent optional input is undefined */
  constructor(node: GraphNode, inputs: readonly (ValueType | undefined)[], running = false) {
    this.node = node
    this.running = running
    this.#inputs = inputs
  }

  /** A required input. */
  input(position: number): ValueType {
    return this.#inputs[position] ?? this.fail(`input ${position} is missing`)
  }

  /** An input that may be absent. */
  optional(position: number): ValueType | undefined {
    return this.#inputs[position]
  }

  /** All inputs of an operator that takes any number. */
  inputs(): ValueType[] {
    return this.node.inputs.map((_, position) => this.input(position))
  }

  /** The elements of an input that decides about the output's shape. */
  known(position: number): Tensor['data'] {
    const { value } = this.input(position)
    if (value === undefined) throw new UnknownValues(this.node, [this.node.inputs[position]!])
    return value.data
  }

  /** Elements of an integer input that decides about the output's shape; undefined when it is absent. */
  optionalInts(position: number): number[] | undefined {
    const type = this.optional(position)
    if (type === undefined) return undefined
    const data = this.known(position)
    const numbers = data.length <= MAX_SHAPE_INPUT ? Array.from(data, Number) : []
    if (numbers.length < data.length || numbers.some((number) => !Number.isInteger(number))) {
      this.fail(`input ${position} expected at most ${MAX_SHAPE_INPUT} integers, got ${data.length} elements`)
    }
    return numbers
  }

  ints(position: number): number[] {
    return this.optionalInts(position) ?? this.fail(`input ${position} is missing`)
  }

  /** Brings an axis in -rank..limit - 1 to 0..limit - 1. */
  axis(axis: number, rank: number, limit = rank): number {
    if (!Number.isInteger(axis) || axis < -rank || axis >= limit) {
      this.fail(`axis ${axis} does not exist in ${rank} dimensions`)
    }
    return axis < 0 ? axis + rank : axis
  }

  /** The same for a list without repetitions. */
  axes(axes: readonly number[], rank: number): number[] {
    const resolved = axes.map((axis) => this.axis(axis, rank))
    if (new Set(resolved).size < resolved.length) this.fail(`axes [${axes.join(', ')}] repeat one`)
    return resolved
  }

  broadcast(...types: readonly ValueType[]): number[] {
    return types
      .map(({ shape }) => [...shape])
      .reduce(
        (a, b) =>
          broadcastShapes(a, b) ?? this.fail(`[${a.join(', ')}] and [${b.join(', ')}] do not broadcast`),
      )
  }

  /** The element type that all of these have. */
  sameType(...types: readonly ValueType[]): ElementType {
    const { dtype } = types[0]!
    const other = types.find((type) => type.dtype !== dtype)
    if (other !== undefined) this.fail(`inputs of ${dtype} and ${other.dtype} do not mix`)
    return dtype
  }

  /** Fails unless a shape is as expected; null in `expected` matches any size. */
  expectShape(what: string, { shape }: ValueType, expected: readonly (number | null)[]): void {
    const fits =
      shape.length === expected.length &&
      expected.every((size, axis) => size === null || size === shape[axis])
    if (!fits) {
      const wanted = expected.map((size) => size ?? '?').join(', ')
      this.fail(`${what} expected [${wanted}], got [${shape.join(', ')}]`)
    }
  }

  fail(message: string): never {
    throw new RangeError(`${describeNode(this.node)}: ${message}`)
  }
}

/** How messages show a shape. */
export const show = (shape: readonly number[]) => `[${shape.join(', ')}]`
