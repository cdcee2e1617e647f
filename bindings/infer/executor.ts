import type { ElementArrays, ElementType, Tensor } from '../formats/tensor.js'
import { UnknownValues } from '../graph/call.js'
import { NodeInference, type ValueTypes } from '../graph/inference.js'
import type { ActivationRange } from '../graph/model.js'
import { RUNNABLE } from '../graph/runnable.js'
import { readsOf } from '../graph/uses.js'
import { MAX_CACHED_PLANS, MAX_SHAPE_INPUT } from '../limits.js'
import { viewSlot, writeSlot } from '../ops/slot.js'
import type { ActivationMemory, Arena } from './arena.js'
import type { LoadedNode, Loader } from './loader.js'
import { Planner, type Operand, type Plan, type Step } from './plan.js'

/** A value of a run before it is in linear memory. */
export interface GivenValue {
  readonly dtype: ElementType
  readonly shape: readonly number[]
  readonly data: ElementArrays[ElementType]
}

/**
 * As much of the nodes as can be planned at once: to the end, or to a node that has to know a value that only a run gives.
 * With that value the plan goes on in another stage, over an arena of its own.
 */
export interface Stage extends Plan {
  readonly arena: Arena
  readonly depth: number
  readonly planner: Planner
  /** The nodes, those of branches in the place of their If as far as it is planned, and where the next stage begins. */
  readonly nodes: readonly LoadedNode[]
  readonly at: number
  /** Written before the first step. */
  readonly inputs: readonly Operand[]
  /** Of the last stage. */
  readonly outputs: readonly Operand[]
  /** What the next stage has to know; none after the last. */
  readonly wants: readonly [name: string, operand: Operand][]
  /** Next stages by these values, the least recently used one first. */
  readonly next: Map<string, Stage>
}

/** The parts of a graph that runs. */
export interface Program {
  /** Inputs and outputs by name. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly nodes: readonly LoadedNode[]
  /** Of all weights, with the elements of those that shapes or evaluators may ask for. */
  readonly types: ValueTypes
  readonly demands: ReadonlyMap<string, ActivationRange>
  readonly loader: Loader
  readonly memory: ActivationMemory
}

/** Plans the nodes of a graph for the shapes of its inputs, and runs the plans. */
export class Executor {
  /** Its values are counted by the memory that it takes them from. */
  readonly bytes = 0
  readonly #program: Program
  /** Those of the stages, by their depth. */
  readonly #arenas: Arena[] = []
  /** First stages by the types of the inputs, the least recently used one first. */
  readonly #plans = new Map<string, Stage>()

  constructor(program: Program) {
    this.#program = program
  }

  /**
   * @param given a value for each input
   * @param finish reads the outputs, which are gone when it returns
   */
  run<T>(
    given: readonly GivenValue[],
    finish: (outputs: readonly Operand[]) => T,
    runAll: (steps: readonly Step[]) => void = runSteps,
  ): T {
    const temporary: Stage[] = []
    const enter = (stage: Stage) => {
      if (stage.planner.once) temporary.push(stage)
      return stage
    }
    try {
      for (let stage = enter(this.plan(given)); ; stage = enter(this.#resume(stage))) {
        stage.arena.reserve(stage.bytes)
        stage.inputs.forEach((operand, i) => writeSlot(operand, given[i]!.data))
        runAll(stage.steps)
        if (stage.wants.length === 0) return finish(stage.outputs)
      }
    } finally {
      temporary.forEach(disposeStage)
    }
  }

  /** The first stage for inputs of these types. */
  plan(inputs: readonly Omit<GivenValue, 'data'>[]): Stage {
    const key = inputs.map(({ dtype, shape }) => `${dtype} ${shape.join('x')}`).join(',')
    return cached(this.#plans, key, 0, () => {
      const [program, arena] = [this.#program, this.#arena(0)]
      const planner = new Planner({ arena, demands: program.demands })
      for (const [name, type] of program.types) planner.types.set(name, type)
      for (const [name, operand] of program.loader.residents) planner.bind(name, operand)
      for (const { node } of program.nodes) planner.expect(readsOf(node))
      planner.expect(program.outputs)
      inputs.forEach(({ dtype, shape }, i) => planner.types.set(program.inputs[i]!, { dtype, shape }))
      const operands = program.inputs.map((name) => planner.input(name))
      return this.#stage({ planner, arena, depth: 0, nodes: program.nodes, at: 0, inputs: operands })
    })
  }

  /** The stages for inputs of these types, as far as they are planned by now. */
  stages(inputs: readonly Omit<GivenValue, 'data'>[]): Stage[] {
    const stages = [this.plan(inputs)]
    for (;;) {
      const next = [...stages.at(-1)!.next.values()].at(-1)
      if (next === undefined) return stages
      stages.push(next)
    }
  }

  dispose(): void {
    for (const stage of this.#plans.values()) disposeStage(stage)
    this.#plans.clear()
  }

  #arena(depth: number): Arena {
    return (this.#arenas[depth] ??= this.#program.memory.arena())
  }

  /** The stage after one that ran. */
  #resume(stage: Stage): Stage {
    const values = stage.wants.map(([name, operand]): [string, Tensor] => {
      const { dtype, shape, elements } = operand
      return [name, { kind: 'dense', dtype, shape, data: viewSlot(operand, dtype, elements).slice() }]
    })
    const isSmall = values.every(([, { data }]) => data.length <= MAX_SHAPE_INPUT)
    const key = isSmall ? values.map(([, { data }]) => new Uint8Array(data.buffer).join()).join(';') : ''
    const depth = stage.depth + 1
    return cached(stage.next, key, depth, () => {
      const arena = this.#arena(depth)
      const planner = new Planner({ arena, demands: this.#program.demands, previous: stage.planner })
      for (const [name, value] of values) planner.give(name, value)
      planner.once ||= !isSmall
      return this.#stage({ planner, arena, depth, nodes: stage.nodes, at: stage.at, inputs: [] })
    })
  }

  /** Plans nodes until one has to know what only a run gives. */
  #stage(begin: Pick<Stage, 'arena' | 'depth' | 'planner' | 'nodes' | 'at' | 'inputs'>): Stage {
    const { planner } = begin
    let { nodes, at } = begin
    let unknown: readonly string[] = []
    const inference = new NodeInference(RUNNABLE, planner.types)
    try {
      for (; at < nodes.length; at++) {
        const { node, layer } = nodes[at]!
        planner.begin(node)
        if (layer.givesTypes !== true) inference.infer(node)
        // What follows from the shapes alone, such as the target of a Reshape, is not computed again.
        const isKnown = node.outputs.every(
          (name) => name === '' || planner.types.get(name)?.value !== undefined,
        )
        if (!isKnown) layer.plan(planner)
        const inlined = planner.takeInlined()
        if (inlined !== undefined) nodes = nodes.toSpliced(at--, 1, ...inlined)
      }
    } catch (error) {
      if (!(error instanceof UnknownValues)) {
        planner.dispose()
        throw error
      }
      unknown = error.names
      planner.expect(readsOf(nodes[at]!.node))
    }
    const wants = unknown.map((name): [string, Operand] => [name, planner.plain(name)])
    const outputs = wants.length > 0 ? [] : this.#program.outputs.map((name) => planner.output(name))
    return { ...planner.finish(), ...begin, nodes, at, outputs, wants, next: new Map() }
  }
}

/** What `make` gives for a key, kept until others were used more recently. */
function cached(stages: Map<string, Stage>, key: string, depth: number, make: () => Stage): Stage {
  const stage = stages.get(key) ?? make()
  stages.delete(key)
  if (stage.planner.once) return stage
  stages.set(key, stage)
  // Fewer at each depth, or the tree of stages would grow without end.
  if (stages.size > Math.max(1, MAX_CACHED_PLANS >> depth)) {
    const [oldest, unused] = stages.entries().next().value!
    stages.delete(oldest)
    disposeStage(unused)
  }
  return stage
}

function disposeStage(stage: Stage): void {
  stage.planner.dispose()
  for (const next of stage.next.values()) disposeStage(next)
}

/** Runs the steps of a plan; an error about values names the node. */
export function runSteps(steps: readonly Step[]): void {
  let i = 0
  try {
    for (; i < steps.length; i++) steps[i]!.run()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RangeError(`node ${JSON.stringify(steps[i]!.node)}: ${error.message}`, { cause: error })
  }
}
