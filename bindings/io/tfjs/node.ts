import type { Tensor } from '../../formats/tensor.js'
import type { Json, JsonObject } from '../json.js'
import type { GraphBuilder, TfType } from './builder.js'
import { fail, flagOf, integersOf, listOf, numberOf, objectOf, textOf } from './fields.js'

/** A variant of an operator that cannot be expressed; the message says which. Collected into UnsupportedOpError. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported'
}

/** tensorflow.DataType by name and number, and what TensorFlow.js makes of it: all integers are int32. */
const TYPES: ReadonlyMap<Json, TfType> = new Map<Json, TfType>([
  ...['DT_FLOAT', 'DT_DOUBLE', 'DT_HALF', 1, 2, 19].map((type) => [type, 'float32'] as const),
  ...['DT_INT32', 'DT_UINT8', 'DT_INT16', 'DT_INT8', 'DT_INT64', 3, 4, 5, 6, 9].map(
    (type) => [type, 'int32'] as const,
  ),
  ...['DT_BOOL', 10].map((type) => [type, 'bool'] as const),
])

export function typeOf(what: string, value: Json | undefined): TfType {
  return TYPES.get(value ?? null) ?? fail(`${what} is ${JSON.stringify(value ?? null)}`)
}

/** A string attribute: bytes in base64, or their codes. */
function decodeText(what: string, value: Json | undefined): string {
  if (Array.isArray(value)) return String.fromCharCode(...integersOf(what, value).slice(0, 256))
  const text = textOf(what, value)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  let [decoded, bits, held] = ['', 0, 0]
  for (const character of text.replace(/=+$/, '').slice(0, 512)) {
    const code = alphabet.indexOf(character)
    if (code < 0) fail(`${what} is not base64: ${JSON.stringify(text.slice(0, 40))}`)
    bits = ((bits << 6) | code) & 0xffff
    held += 6
    if (held >= 8) decoded += String.fromCharCode((bits >> (held -= 8)) & 255)
  }
  return decoded
}

/** A NodeDef of a graph model. */
export class TfNode {
  readonly name: string
  readonly op: string
  /** Data inputs, as `node` or `node:output`; control inputs are left out. */
  readonly inputs: readonly string[]
  readonly #attributes: JsonObject

  constructor(json: Json) {
    const node = objectOf('a node', json)
    this.name = textOf('the name of a node', node.get('name'))
    this.op = textOf(`"op" of ${JSON.stringify(this.name)}`, node.get('op'))
    const inputs = listOf(`"input" of ${this}`, node.get('input') ?? [])
    this.inputs = inputs
      .map((input) => textOf(`an input of ${this}`, input))
      .filter((input) => !input.startsWith('^'))
      .map((input) => input.replace(/:0$/, ''))
    this.#attributes = objectOf(`"attr" of ${this}`, node.get('attr') ?? new Map())
  }

  toString(): string {
    return `${this.op} ${JSON.stringify(this.name)}`
  }

  has(key: string): boolean {
    return this.#attributes.has(key)
  }

  /** One field of an attribute's AttrValue; undefined where there is no such attribute or field. */
  #field(key: string, field: string): Json | undefined {
    const value = this.#attributes.get(key)
    return value === undefined ? undefined : objectOf(this.#label(key), value).get(field)
  }

  #label(key: string): string {
    return `${this}: "${key}"`
  }

  #list(key: string, field: string): readonly Json[] {
    const list = this.#field(key, 'list')
    return list === undefined
      ? []
      : listOf(this.#label(key), objectOf(this.#label(key), list).get(field) ?? [])
  }

  int(key: string, fallback: number): number {
    const value = this.#field(key, 'i')
    const number = value === undefined ? fallback : numberOf(this.#label(key), value)
    return Number.isSafeInteger(number) ? number : fail(`${this.#label(key)} is ${number}`)
  }

  float(key: string, fallback: number): number {
    const value = this.#field(key, 'f')
    return value === undefined ? fallback : numberOf(this.#label(key), value)
  }

  flag(key: string, fallback = false): boolean {
    const value = this.#field(key, 'b')
    return value === undefined ? fallback : flagOf(this.#label(key), value)
  }

  text(key: string, fallback: string): string {
    const value = this.#field(key, 's')
    return value === undefined ? fallback : decodeText(this.#label(key), value)
  }

  ints(key: string): number[] {
    return integersOf(this.#label(key), [...this.#list(key, 'i')])
  }

  texts(key: string): string[] {
    return this.#list(key, 's').map((item) => decodeText(this.#label(key), item))
  }

  type(key: string, fallback: TfType = 'float32'): TfType {
    const value = this.#field(key, 'type')
    return value === undefined ? fallback : typeOf(this.#label(key), value)
  }

  /** A TensorShapeProto; undefined for an unknown rank. */
  shape(key: string): (number | null)[] | undefined {
    const value = this.#field(key, 'shape')
    if (value === undefined) return undefined
    const shape = objectOf(this.#label(key), value)
    if (shape.get('unknownRank') === true || shape.get('unknown_rank') === true) return undefined
    return listOf(this.#label(key), shape.get('dim') ?? []).map((dim) => {
      const size = numberOf(this.#label(key), objectOf(this.#label(key), dim).get('size') ?? -1)
      if (size === -1) return null
      return Number.isSafeInteger(size) && size >= 0
        ? size
        : fail(`${this.#label(key)} has a dimension of ${size}`)
    })
  }
}

/** A node whose inputs are converted, and what its own conversion needs. */
export class TfCall {
  readonly node: TfNode
  readonly to: GraphBuilder
  readonly #inputs: readonly string[]
  readonly #weights: ReadonlyMap<string, Tensor>

  /** @param inputs values of the builder, or names of weights, which join it when they are read as values */
  constructor(
    node: TfNode,
    to: GraphBuilder,
    inputs: readonly string[],
    weights: ReadonlyMap<string, Tensor>,
  ) {
    this.node = node
    this.to = to
    this.#inputs = inputs
    this.#weights = weights
  }

  get count(): number {
    return this.#inputs.length
  }

  #input(position: number): string {
    return this.#inputs[position] ?? fail(`${this.node} has no input ${position}`)
  }

  /** An input as a value. */
  x(position: number): string {
    const name = this.#input(position)
    const weight = this.#weights.get(name)
    if (weight !== undefined) this.to.weights.set(name, weight)
    return name
  }

  all(from = 0, until = this.count): string[] {
    return Array.from({ length: until - from }, (_, i) => this.x(from + i))
  }

  /** The elements of an input that is a weight. */
  weight(position: number): Tensor | undefined {
    return this.#weights.get(this.#input(position))
  }

  /** The name of an input, for what is made from it. */
  name(position: number): string {
    return this.#input(position)
  }

  /** The same where there must be one. */
  constant(position: number, what: string): Tensor {
    return this.weight(position) ?? this.refuse(`computed ${what}`)
  }

  /** Integers of a weight, which decide about the form of the nodes. */
  ints(position: number, what: string): number[] {
    return Array.from(this.constant(position, what).data, Number)
  }

  int(position: number, what: string): number {
    const values = this.ints(position, what)
    return values.length === 1 ? values[0]! : fail(`${this.node}: ${what} has ${values.length} elements`)
  }

  /** An input that ONNX wants as a vector of int64. */
  sizes(position: number): string {
    const weight = this.weight(position)
    return weight === undefined
      ? this.to.cast(this.x(position), 'int64')
      : this.to.ints(Array.from(weight.data, Number))
  }

  /** An input of integers as int64, in its own shape. */
  int64(position: number): string {
    return this.to.cast(this.x(position), 'int64')
  }

  refuse(what: string): never {
    throw new Unsupported(`${this.node.op} with ${what}`)
  }
}

/** Appends what computes a node; gives its outputs, in order. */
export type Converter = (call: TfCall) => string | readonly string[]
