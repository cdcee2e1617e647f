import { CapacityError, DisposedError } from '../errors.js'
import {
  checkElements,
  ELEMENT_ARRAYS,
  type ElementArrays,
  type ElementType,
  type Tensor,
} from '../formats/tensor.js'
import { countMacs } from '../graph/cost.js'
import type { ActivationRange, Model, ValueInfo } from '../graph/model.js'
import { inferTypes, type ValueTypes } from '../graph/inference.js'
import { RUNNABLE } from '../graph/runnable.js'
import { MAX_CACHED_PLANS } from '../limits.js'
import { readSlot, writeSlot } from '../ops/slot.js'
import type { Runtime, TargetName } from '../runtime/runtime.js'
import { checkOptions, checkShape } from '../validate.js'
import { Arena } from './arena.js'
import { codeDemands } from './demands.js'
import { checkInputs, type InputValue } from './inputs.js'
import type { Layer, Loader, StoredForm } from './loader.js'
import { Planner, type Operand, type Plan, type Step } from './plan.js'

export interface RunOptions {
  /** Arrays that receive outputs, by name; those not given are new. */
  out?: Readonly<Record<string, ElementArrays[ElementType]>>
}

/** What one node does and costs. */
export interface NodeReport {
  readonly name: string
  readonly op: string
  /** The kernels that one run calls, as assembly/README.md names them; none where the output is a view of the input. */
  readonly kernels: readonly string[]
  /** How its weights are held in memory. */
  readonly stored: StoredForm
  /** Bytes of linear memory that its weights take. */
  readonly weightBytes: number
  /** Multiply-accumulates of one run; pruned weights count like others. */
  readonly macs: number
  /** Shape of its first output. */
  readonly shape: readonly number[]
}

export interface SessionReport {
  readonly target: TargetName
  readonly weightBytes: number
  /** Bytes of linear memory for all activations of one run, inputs and outputs included. */
  readonly activationBytes: number
  readonly macs: number
  /** Steps of a run that only bring a value into another layout or precision. */
  readonly conversions: number
  readonly nodes: readonly NodeReport[]
}

export interface SessionStats {
  readonly weightBytes: number
  /** What the largest run so far needed. */
  readonly activationBytes: number
}

/** A layer with what is known of it since it was loaded. */
export interface LoadedLayer {
  readonly layer: Layer
  readonly weightBytes: number
}

interface ReadyPlan extends Plan {
  readonly inputs: readonly Operand[]
  readonly outputs: readonly Operand[]
  readonly types: ValueTypes
}

/** Everything that `loadModel` prepared. */
export interface SessionParts {
  /** Without the weights that layers have packed. */
  readonly model: Model
  /** Types of all weights. */
  readonly types: ValueTypes
  readonly outputs: readonly ValueInfo[]
  readonly layers: readonly LoadedLayer[]
  readonly loader: Loader
  readonly maxBytes: number
}

/**
 * A model that is loaded and can be run. Weights and activations lie in the linear memory of its runtime until
 * `dispose()`, or the end of a `using` block. Made by `loadModel`.
 */
export class Session {
  readonly inputs: readonly ValueInfo[]
  /** What `run` gives: the outputs of the model, then the further values that were asked for when it was loaded. */
  readonly outputs: readonly ValueInfo[]
  readonly #parts: SessionParts
  readonly #arena: Arena
  readonly #demands: ReadonlyMap<string, ActivationRange>
  readonly #uses = new Map<string, number>()
  /** Plans by the shapes of the inputs, the least recently used one first. */
  readonly #plans = new Map<string, ReadyPlan>()
  #disposed = false

  constructor(parts: SessionParts) {
    const { model, outputs, layers, loader } = parts
    this.inputs = model.inputs
    this.outputs = outputs
    this.#parts = parts
    this.#arena = new Arena(loader.runtime)
    this.#demands = codeDemands(
      { ...model, outputs },
      layers.map(({ layer }) => layer),
    )
    const use = (name: string) => this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1)
    for (const { inputs } of model.nodes) inputs.forEach(use)
    for (const { name } of outputs) use(name)
  }

  get runtime(): Runtime {
    return this.#parts.loader.runtime
  }

  get stats(): SessionStats {
    return { weightBytes: this.#parts.loader.bytes, activationBytes: this.#arena.bytes }
  }

  /**
   * Runs the model.
   *
   * NaN and infinities go through float32 nodes as IEEE 754 has it; where they reach an int8 node, the run throws
   * RangeError.
   *
   * @typeParam T element type that the caller knows the outputs to have; it is not checked
   * @param inputs a tensor for each input, or its bare values where the declared shape leaves at most one dimension open
   * @returns a tensor for each output
   * @throws TypeError, RangeError for inputs that do not fit the model; CapacityError when memory is short;
   *   DisposedError
   */
  run<T extends ElementType = 'float32'>(
    inputs: Record<string, InputValue>,
    options: RunOptions = {},
  ): Record<string, Tensor<T>> {
    checkOptions('options', options, ['out'])
    const given = checkInputs(this.inputs, inputs)
    const out = this.#checkOut(options.out)
    this.#checkAlive()
    const plan = this.#plan(given)
    this.#reserve(plan)
    const targets = plan.outputs.map(({ dtype, shape, elements }, i) => {
      const { name } = this.outputs[i]!
      const data = out.get(name) ?? new ELEMENT_ARRAYS[dtype](elements)
      checkElements(`out.${name}`, data, dtype, elements)
      return { kind: 'dense', dtype, shape: [...shape], data } as unknown as Tensor<T>
    })
    given.forEach(({ data }, i) => writeSlot(plan.inputs[i]!, data))
    runSteps(plan.steps)
    return Object.fromEntries(
      targets.map((target, i) => {
        readSlot(plan.outputs[i]!, target.data)
        return [this.outputs[i]!.name, target]
      }),
    )
  }

  /**
   * What the session holds and what a run costs, node by node. Nothing is run.
   *
   * @param shapes shapes of inputs by name; where one is not given, open dimensions count as 1
   * @throws TypeError, RangeError for shapes that the model cannot take
   */
  describe(shapes: Readonly<Record<string, readonly number[]>> = {}): SessionReport {
    checkOptions(
      'shapes',
      shapes,
      this.inputs.map(({ name }) => name),
    )
    this.#checkAlive()
    const values = this.inputs.map(({ name, shape: declared = [] }) => {
      const shape =
        shapes[name] ?? declared.map((dimension) => (typeof dimension === 'number' ? dimension : 1))
      return { name, shape, elements: checkShape(`shapes.${name}`, shape) }
    })
    const plan = this.#plan(values)
    const { model, layers, loader } = this.#parts
    const cost = countMacs(model, plan.types)
    const kernels = new Map<string, string[]>()
    for (const { node, kernel } of plan.steps) {
      const called = kernels.get(node)
      if (called === undefined) kernels.set(node, [kernel])
      else called.push(kernel)
    }
    return {
      target: loader.runtime.target.name,
      weightBytes: loader.bytes,
      activationBytes: plan.bytes,
      macs: cost.macs,
      conversions: plan.conversions,
      nodes: model.nodes.map(({ name, op, outputs }, i) => ({
        name,
        op,
        kernels: kernels.get(name) ?? [],
        stored: layers[i]!.layer.stored ?? 'none',
        weightBytes: layers[i]!.weightBytes,
        macs: cost.nodes[i]!.macs,
        shape: plan.types.get(outputs[0]!)?.shape ?? [],
      })),
    }
  }

  /** Frees the memory of the session. Further calls do nothing. */
  dispose(): void {
    this.#disposed = true
    this.#plans.clear()
    this.#arena.dispose()
    this.#parts.loader.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #checkAlive(): void {
    if (this.#disposed || this.runtime.disposed) throw new DisposedError('Session')
  }

  /** A copy of the caller's `out`, so that what is checked is what is written to. */
  #checkOut(out: RunOptions['out'] = {}): ReadonlyMap<string, ElementArrays[ElementType]> {
    checkOptions(
      'out',
      out,
      this.outputs.map(({ name }) => name),
    )
    return new Map(Object.entries(out))
  }

  #plan(inputs: readonly { readonly name: string; readonly shape: readonly number[] }[]): ReadyPlan {
    const key = inputs.map(({ shape }) => shape.join('x')).join(',')
    const plan = this.#plans.get(key) ?? this.#makePlan(inputs)
    this.#plans.delete(key)
    this.#plans.set(key, plan)
    if (this.#plans.size > MAX_CACHED_PLANS) this.#plans.delete(this.#plans.keys().next().value!)
    return plan
  }

  #makePlan(inputs: readonly { readonly name: string; readonly shape: readonly number[] }[]): ReadyPlan {
    const { model, layers, loader, types: weightTypes } = this.#parts
    const types = inferTypes(
      RUNNABLE,
      model,
      Object.fromEntries(inputs.map(({ name, shape }) => [name, shape])),
      weightTypes,
    )
    const planner = new Planner({ arena: this.#arena, types, uses: this.#uses, demands: this.#demands })
    for (const [name, operand] of loader.residents) planner.bind(name, operand)
    const inputOperands = inputs.map(({ name }) => planner.input(name))
    model.nodes.forEach((node, i) => {
      planner.begin(node.name, node.inputs)
      // What follows from the shapes alone, such as the target of a Reshape, is not computed again.
      const known = node.outputs.every((name) => name === '' || types.get(name)?.value !== undefined)
      if (!known) layers[i]!.layer.plan(planner)
    })
    const outputs = this.outputs.map(({ name }) => planner.output(name))
    return { ...planner.finish(), inputs: inputOperands, outputs, types }
  }

  #reserve({ bytes }: Plan): void {
    const { loader, maxBytes } = this.#parts
    const available = maxBytes - loader.bytes
    if (bytes > available) throw new CapacityError('the activations of this run', bytes, available)
    this.#arena.reserve(bytes)
  }
}

/** Runs the steps of a plan; an error about values names the node. */
function runSteps(steps: readonly Step[]): void {
  let i = 0
  try {
    for (; i < steps.length; i++) steps[i]!.run()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RangeError(`node ${JSON.stringify(steps[i]!.node)}: ${error.message}`, { cause: error })
  }
}
