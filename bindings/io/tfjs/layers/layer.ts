import type { Tensor } from '../../../formats/tensor.js'
import type { Json, JsonObject } from '../../json.js'
import type { GraphBuilder } from '../builder.js'
import { fail, flagOf, integerOf, integersOf, numberOf, textOf } from '../fields.js'
import { Unsupported } from '../node.js'

/** The settings of a Keras layer. */
export class Config {
  readonly #fields: JsonObject
  readonly #what: string

  /** @param what the layer, for messages */
  constructor(fields: JsonObject, what: string) {
    this.#fields = fields
    this.#what = what
  }

  toString(): string {
    return this.#what
  }

  /** A setting as it is; null counts as absent. */
  get(key: string): Json | undefined {
    return this.#fields.get(key) ?? undefined
  }

  #read<T>(key: string, fallback: T, read: (what: string, value: Json) => T): T {
    const value = this.get(key)
    return value === undefined ? fallback : read(`${this.#what}: "${key}"`, value)
  }

  int(key: string, fallback: number): number {
    return this.#read(key, fallback, integerOf)
  }

  float(key: string, fallback: number): number {
    return this.#read(key, fallback, numberOf)
  }

  flag(key: string, fallback: boolean): boolean {
    return this.#read(key, fallback, flagOf)
  }

  text(key: string, fallback: string): string {
    return this.#read(key, fallback, textOf)
  }

  /** A list of `length` integers, which one integer may stand for. */
  ints(key: string, length: number, fallback: number): number[] {
    const values = this.#read<number[]>(key, new Array<number>(length).fill(fallback), (what, value) =>
      Array.isArray(value) ? integersOf(what, value) : new Array<number>(length).fill(integerOf(what, value)),
    )
    return values.length === length ? values : fail(`${this.#what}: "${key}" has ${values.length} numbers`)
  }

  get isChannelsFirst(): boolean {
    return this.text('data_format', 'channels_last') === 'channels_first'
  }

  /** The name of an activation in lower case without underscores: as it is, or that of a serialized object. */
  activation(key: string, fallback = 'linear'): string {
    const value = this.get(key)
    const name = value instanceof Map ? (value.get('class_name') ?? '') : (value ?? fallback)
    return textOf(`${this.#what}: "${key}"`, name).replace(/_/g, '').toLowerCase()
  }
}

/** One use of a layer: what it is applied to, and what its conversion needs. */
export class LayerCall {
  readonly kind: string
  readonly config: Config
  readonly to: GraphBuilder
  readonly inputs: readonly string[]
  readonly #weights: ReadonlyMap<string, readonly NamedWeight[]>
  readonly #part: string | undefined

  /**
   * @param weights those of the layer by their last name
   * @param part of a path that its weights have in common, for a layer inside another one
   */
  constructor(
    kind: string,
    config: Config,
    to: GraphBuilder,
    inputs: readonly string[],
    weights: ReadonlyMap<string, readonly NamedWeight[]>,
    part?: string,
  ) {
    this.kind = kind
    this.config = config
    this.to = to
    this.inputs = inputs
    this.#weights = weights
    this.#part = part
  }

  /** The only input of most layers. */
  get x(): string {
    return this.inputs[0] ?? fail(`${this.config} has no input`)
  }

  /** The rank of an input, which some layers cannot do without. */
  rank(): number {
    return this.to.rankOf(this.x) ?? this.refuse('an input whose rank is not known')
  }

  optionalWeight(name: string): NamedWeight | undefined {
    const all = this.#weights.get(name) ?? []
    const found = this.#part === undefined ? all : all.filter(({ path }) => path.includes(`/${this.#part}`))
    if (found.length > 1) fail(`${this.config} has ${found.length} weights named ${JSON.stringify(name)}`)
    return found[0]
  }

  weight(name: string, rank: number): NamedWeight {
    const weight = this.optionalWeight(name) ?? fail(`${this.config} has no weight ${JSON.stringify(name)}`)
    if (weight.tensor.dtype !== 'float32' || weight.tensor.shape.length !== rank) {
      fail(`${this.config}: ${name} is ${weight.tensor.dtype} [${weight.tensor.shape.join(', ')}]`)
    }
    return weight
  }

  /** The bias under its name, if the layer has one. */
  bias(): string[] {
    return this.config.flag('use_bias', true) ? [this.value(this.weight('bias', 1))] : []
  }

  /** A weight as a value of the graph. */
  value({ path, tensor }: NamedWeight): string {
    this.to.weights.set(path, tensor)
    return path
  }

  /** The same call for a layer inside this one, whose weights have `part` in their paths. */
  within(kind: string, config: Config, part?: string): LayerCall {
    return new LayerCall(kind, config, this.to, this.inputs, this.#weights, part)
  }

  refuse(what: string): never {
    throw new Unsupported(`${this.kind} with ${what}`)
  }
}

export interface NamedWeight {
  /** As the manifest has it. */
  readonly path: string
  readonly tensor: Tensor
}

/** Appends what computes a layer; gives its outputs, in order. */
export type LayerConverter = (call: LayerCall) => string | readonly string[]
