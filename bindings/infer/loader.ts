import type { CodebookTensor } from '../formats/codebook.js'
import { elementCount, type Tensor } from '../formats/tensor.js'
import { inferTypes, type ValueTypes } from '../graph/inference.js'
import type { ActivationRange, GraphNode, Model, Weight } from '../graph/model.js'
import { RUNNABLE } from '../graph/runnable.js'
import { writeSlot } from '../ops/slot.js'
import { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'
import { Operand, type Planner } from './plan.js'
import { floatsOf } from './weights.js'

/** How a node holds its weights in memory while it runs. */
export type StoredForm = 'none' | 'float32' | 'codebook' | 'int8' | 'int4' | 'sparse'

/** One node of a loaded model: options read and checked, weights packed, ready for inputs of any shape. */
export interface Layer {
  readonly stored?: StoredForm
  /** The codes that the first input is to come in. */
  readonly wants?: ActivationRange | undefined
  /** Codes of the first input come out as they went in: what the readers of the output want, the input may be. */
  readonly passesCodes?: boolean
  /** Whether it takes values of any element type, not float32 alone. */
  readonly anyType?: boolean
  /** Whether it gives the types of its outputs itself, by `planner.give` or `planner.inline`. */
  readonly givesTypes?: boolean
  /** Appends the node's steps for the shapes of a plan. What it needs to know is asked for before the first of them. */
  plan(planner: Planner): void
}

/** A node of a loaded model. */
export interface LoadedNode {
  readonly node: GraphNode
  readonly layer: Layer
  /** Bytes of linear memory that its weights take. */
  readonly weightBytes: number
}

export type LayerFactory = (node: GraphNode, loader: Loader) => Layer

/** Thrown by a factory for a variant of its operator that is not implemented; collected into UnsupportedOpError. */
export class UnsupportedVariant extends Error {
  override readonly name = 'UnsupportedVariant'
}

/** Packed weights: a handle, or several that belong together. */
export interface Owned {
  readonly bytes: number
  dispose(): void
}

/** What layers are made from, and the owner of all that they keep in linear memory. */
export class Loader {
  readonly runtime: Runtime
  /** Whether int8 weights compute in int8. Otherwise their real values compute in float32. */
  readonly integers: boolean
  readonly model: Model
  readonly #owned: Owned[] = []
  readonly #residents = new Map<string, Operand>()
  readonly #taken = new Set<string>()
  readonly #kept = new Set<string>()
  #types: ValueTypes | undefined
  #bytes = 0

  constructor(model: Model, runtime: Runtime, integers: boolean) {
    this.model = model
    this.runtime = runtime
    this.integers = integers
  }

  /** Keeps packed weights until the session ends. */
  own<T extends Owned>(packed: T): T {
    this.#owned.push(packed)
    this.#bytes += packed.bytes
    return packed
  }

  /** The weight behind an input of a node; undefined for an activation or an absent input. */
  weight(name: string | undefined): Weight | undefined {
    return name === undefined ? undefined : this.model.weights.get(name)
  }

  /** The same for a layer that keeps it in a form of its own. */
  take(name: string | undefined): Weight | undefined {
    if (name !== undefined) this.#taken.add(name)
    return this.weight(name)
  }

  /** The same for a layer that reads its elements in TypeScript while it runs. */
  keep(name: string): void {
    this.#taken.add(name)
    this.#kept.add(name)
  }

  keeps(name: string): boolean {
    return this.#kept.has(name)
  }

  /** Makes the layer of a node; inputs that it does not take are made resident, so that plans read them like activations. */
  make(factory: LayerFactory, node: GraphNode): Layer {
    this.#taken.clear()
    const layer = factory(node, this)
    this.bind(node.inputs.filter((name) => !this.#taken.has(name)))
    return layer
  }

  /** The real values of a weight. */
  floats(weight: Weight): Float32Array {
    const values = floatsOf(weight, this.runtime)
    if (values === undefined) throw new UnsupportedVariant('weights other than float32')
    return values
  }

  /** A weight of real numbers: as it is where it is dense or shares its values, else a dense one of its real values. */
  real(weight: Weight): Tensor<'float32'> | CodebookTensor {
    if (weight.kind === 'codebook') return weight
    return { kind: 'dense', dtype: 'float32', shape: weight.shape, data: this.floats(weight) }
  }

  /** How many samples of `size` elements a value holds in the shapes that the model declares; undefined where those are open. */
  samples(name: string, size: number): number | undefined {
    this.#types ??= declaredTypes(this.model)
    const type = this.#types.get(name)
    return type && elementCount(type.shape) / size
  }

  /** The int8 parameters of an activation, if it was calibrated. */
  range(name: string): ActivationRange | undefined {
    return this.model.activations?.get(name)
  }

  /** Values in memory as they are. */
  resident(shape: readonly number[], data: Float32Array): Operand {
    const place = { handle: this.own(new Handle(this.runtime, data.byteLength)), offset: 0 }
    writeSlot(place, data)
    return new Operand(shape, { layout: 'first', coding: undefined }, place)
  }

  get residents(): ReadonlyMap<string, Operand> {
    return this.#residents
  }

  /** Bytes of linear memory in all that is owned. */
  get bytes(): number {
    return this.#bytes
  }

  dispose(): void {
    for (const packed of this.#owned) packed.dispose()
  }

  /** Makes those of the names resident that are weights of real numbers, for plans to read like activations. */
  bind(names: readonly string[]): void {
    for (const name of names) {
      const weight = this.weight(name)
      if (weight === undefined || this.#residents.has(name)) continue
      // Integers are there for shapes, which are known by the time of a plan.
      const values = floatsOf(weight, this.runtime)
      if (values !== undefined) this.#residents.set(name, this.resident(weight.shape, values))
    }
  }
}

/** The types that follow from the declared inputs; none where a dimension is open, or shapes do not fit: a run will tell. */
function declaredTypes(model: Model): ValueTypes {
  try {
    return inferTypes(RUNNABLE, model, {})
  } catch {
    return new Map()
  }
}
