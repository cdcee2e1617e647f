import { DisposedError } from '../errors.js'
import {
  BYTES_PER_ELEMENT,
  checkElements,
  ELEMENT_ARRAYS,
  elementCount,
  type ElementArrays,
  type ElementType,
  type Tensor,
} from '../formats/tensor.js'
import type { ValueType } from '../graph/call.js'
import { countMacs } from '../graph/cost.js'
import { bindInputs } from '../graph/inference.js'
import type { Model, ValueInfo } from '../graph/model.js'
import { MAX_LOOP_TRIPS, MAX_PROFILE_RUNS } from '../limits.js'
import { readSlot } from '../ops/slot.js'
import type { Runtime, TargetName } from '../runtime/runtime.js'
import { checkInteger, checkOptions, checkShape } from '../validate.js'
import type { Trips } from './control.js'
import { Executor, runSteps, type Program } from './executor.js'
import { checkInputs, type InputValue } from './inputs.js'
import type { StoredForm } from './loader.js'
import type { Step } from './plan.js'

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
  /** Bytes of the real values of its outputs. */
  readonly outputBytes: number
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

export interface ProfileOptions {
  /** Runs that are timed, after one that is not; 10 unless given. */
  runs?: number
}

export interface NodeProfile extends NodeReport {
  /** Median over the runs of the milliseconds in its kernels. */
  readonly ms: number
}

export interface SessionProfile extends SessionReport {
  readonly runs: number
  /** Median of the milliseconds of a whole run, what is done around the kernels included. */
  readonly ms: number
  readonly nodes: readonly NodeProfile[]
}

export interface SessionStats {
  readonly weightBytes: number
  /** What the largest run so far needed. */
  readonly activationBytes: number
}

/** Everything that `loadModel` prepared. */
export interface SessionParts {
  /** Without the weights that layers have packed. Its nested graphs share no names. */
  readonly model: Model
  readonly outputs: readonly ValueInfo[]
  readonly program: Program
  readonly trips: Trips
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
  readonly #executor: Executor
  #disposed = false

  constructor(parts: SessionParts) {
    this.inputs = parts.model.inputs
    this.outputs = parts.outputs
    this.#parts = parts
    this.#executor = new Executor(parts.program)
  }

  get runtime(): Runtime {
    return this.#parts.program.loader.runtime
  }

  get stats(): SessionStats {
    const { loader, memory } = this.#parts.program
    return { weightBytes: loader.bytes, activationBytes: memory.bytes }
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
    this.#parts.trips.left = MAX_LOOP_TRIPS
    return this.#executor.run(given, (outputs) => {
      const results = outputs.map((operand, i): [string, Tensor] => {
        const { dtype, shape, elements } = operand
        const { name } = this.outputs[i]!
        const data = out.get(name) ?? new ELEMENT_ARRAYS[dtype](elements)
        checkElements(`out.${name}`, data, dtype, elements)
        return [name, { kind: 'dense', dtype, shape: [...shape], data }]
      })
      results.forEach(([, { data }], i) => readSlot(outputs[i]!, data))
      return Object.fromEntries(results) as unknown as Record<string, Tensor<T>>
    })
  }

  /**
   * What the session holds and what a run costs, node by node. Nothing is run.
   *
   * Where nodes depend on values of a run, such as those of a branch, the report goes as far as the last run did.
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
    const full = this.inputs.map(({ name, shape: declared = [] }) => {
      const shape =
        shapes[name] ?? declared.map((dimension) => (typeof dimension === 'number' ? dimension : 1))
      checkShape(`shapes.${name}`, shape)
      return [name, shape] as const
    })
    bindInputs(this.inputs, Object.fromEntries(full), new Map())
    this.#parts.trips.left = MAX_LOOP_TRIPS
    const stages = this.#executor.stages(
      full.map(([, shape], i) => ({ dtype: this.inputs[i]!.dtype, shape })),
    )
    const { planner, at, ...last } = stages.at(-1)!
    const nodes = last.nodes.slice(0, at)
    const { model, program } = this.#parts
    const { loader } = program
    const cost = countMacs({ ...model, nodes: nodes.map(({ node }) => node) }, planner.types)
    const kernels = new Map<string, string[]>()
    for (const { node, kernel } of stages.flatMap(({ steps }) => steps)) {
      const called = kernels.get(node)
      if (called === undefined) kernels.set(node, [kernel])
      else called.push(kernel)
    }
    const sum = (key: 'bytes' | 'conversions') => stages.reduce((total, stage) => total + stage[key], 0)
    return {
      target: loader.runtime.target.name,
      weightBytes: loader.bytes,
      activationBytes: sum('bytes'),
      macs: cost.macs,
      conversions: sum('conversions'),
      nodes: nodes.map(({ node: { name, op, outputs }, layer, weightBytes }, i) => ({
        name,
        op,
        kernels: kernels.get(name) ?? [],
        stored: layer.stored ?? 'none',
        weightBytes,
        macs: cost.nodes[i]!.macs,
        shape: planner.types.get(outputs[0]!)?.shape ?? [],
        outputBytes: outputs.reduce((bytes, output) => bytes + sizeOf(planner.types.get(output)), 0),
      })),
    }
  }

  /**
   * Runs the model several times and tells where the time goes, beside what `describe` says. The clock of the host is read
   * around every kernel, so that a whole run takes a little longer than otherwise; in pages the clock is coarse, and more
   * runs help.
   *
   * @param inputs as for `run`
   * @throws as `run`
   */
  profile(inputs: Record<string, InputValue>, options: ProfileOptions = {}): SessionProfile {
    checkOptions('options', options, ['runs'])
    const { runs = 10 } = options
    checkInteger('runs', runs, 1, MAX_PROFILE_RUNS)
    const given = checkInputs(this.inputs, inputs)
    this.#checkAlive()
    const totals: number[] = []
    const times = new Map<string, number[]>()
    const runOnce = (run: number) => {
      this.#parts.trips.left = MAX_LOOP_TRIPS
      const start = performance.now()
      this.#executor.run(
        given,
        () => {},
        (steps) => timeSteps(steps, run, times),
      )
      totals[run] = performance.now() - start
    }
    for (let run = 0; run <= runs; run++) runOnce(run)
    const shapes = Object.fromEntries(given.map(({ name, shape }) => [name, shape]))
    const report = this.describe(shapes)
    // What was not called in a run took no time in it.
    const median = (all: readonly number[] = []) =>
      Array.from({ length: runs }, (_, i) => all[i + 1] ?? 0).sort((a, b) => a - b)[runs >> 1]!
    const nodes = report.nodes.map((node) => ({ ...node, ms: median(times.get(node.name)) }))
    return { ...report, runs, ms: median(totals), nodes }
  }

  /** Frees the memory of the session. Further calls do nothing. */
  dispose(): void {
    this.#disposed = true
    this.#executor.dispose()
    this.#parts.program.memory.dispose()
    this.#parts.program.loader.dispose()
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
}

function sizeOf(type: ValueType | undefined): number {
  return type === undefined ? 0 : elementCount(type.shape) * BYTES_PER_ELEMENT[type.dtype]
}

/** Runs steps and adds the time of each to that of its node in this run. */
function timeSteps(steps: readonly Step[], run: number, times: Map<string, number[]>): void {
  for (const step of steps) {
    const start = performance.now()
    runSteps([step])
    const ms = performance.now() - start
    let all = times.get(step.node)
    if (all === undefined) times.set(step.node, (all = []))
    all[run] = (all[run] ?? 0) + ms
  }
}
