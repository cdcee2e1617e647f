import { UnsupportedOpError } from '../errors.js'
import { ELEMENT_ARRAYS, elementCount, type Tensor } from '../formats/tensor.js'
import { attribute, describeNode } from '../graph/attributes.js'
import type { Graph, GraphNode, Weight } from '../graph/model.js'
import { capturedBy } from '../graph/uses.js'
import { MAX_LOOP_TRIPS } from '../limits.js'
import { readSlot } from '../ops/slot.js'
import { Executor } from './executor.js'
import type { GraphLoader } from './load-graph.js'
import { Loader, UnsupportedVariant, type Layer, type LayerFactory, type LoadedNode } from './loader.js'
import { identity } from './layers/views.js'

function graphOf(node: GraphNode, name: string): Graph {
  const graph = attribute(node, name)
  if (typeof graph !== 'object' || !('nodes' in graph)) {
    throw new UnsupportedVariant(`${node.op} without ${name}`)
  }
  return graph
}

/** If: the nodes of the branch that is taken stand in its place. */
export function branches(node: GraphNode, loader: Loader, graphs: GraphLoader): Layer {
  const branch = (attribute: string): readonly LoadedNode[] => {
    const graph = graphOf(node, attribute)
    if (graph.outputs.length !== node.outputs.length) {
      throw new UnsupportedVariant(`${node.op} of ${graph.outputs.length} values`)
    }
    const hand = (name: string, i: number): LoadedNode => {
      const copy = {
        ...node,
        op: 'Identity',
        attributes: {},
        inputs: [graph.outputs[i]!.name],
        outputs: [name],
      }
      return { node: copy, layer: identity(copy, loader), weightBytes: 0 }
    }
    return [...graphs.inner(graph), ...node.outputs.map(hand).filter((_, i) => node.outputs[i] !== '')]
  }
  const [taken, other] = [branch('then_branch'), branch('else_branch')]
  return {
    givesTypes: true,
    plan(planner) {
      const [condition] = planner.known(node.inputs)
      if (condition?.data.length !== 1) throw new RangeError(`${describeNode(node)} expected one condition`)
      planner.inline(condition.data[0] ? taken : other)
    },
  }
}

/** What a run has left of the trips of all its loops. */
export interface Trips {
  left: number
}

/** Loop: its body runs as a graph of its own, over the values of its state. */
export function loop(node: GraphNode, loader: Loader, graphs: GraphLoader): Layer {
  const body = graphOf(node, 'body')
  const nodes = graphs.inner(body)
  const captured = [...capturedBy(body)].filter((name) => loader.weight(name) === undefined)
  const states = node.inputs.length - 2
  if (states < 0 || body.inputs.length !== states + 2 || body.outputs.length !== node.outputs.length + 1) {
    throw new UnsupportedVariant(`${node.op} whose body does not fit`)
  }
  const inputs = [...body.inputs, ...captured.map((name) => ({ name }))]
  const executor = loader.own(new Executor(graphs.program(inputs, body.outputs, nodes)))
  /** Runs the body once: the condition, then the values. */
  const turn = (
    trip: number,
    condition: Tensor,
    state: readonly Tensor[],
    outer: readonly Tensor[],
  ): Tensor[] => {
    if (graphs.trips.left-- <= 0)
      throw new RangeError(`${describeNode(node)} takes more than ${MAX_LOOP_TRIPS} trips`)
    return executor.run(
      [scalar('int64', BigInt64Array.of(BigInt(trip))), condition, ...state, ...outer],
      (outputs) =>
        outputs.map((operand): Tensor => {
          const { dtype, shape, elements } = operand
          return { kind: 'dense', dtype, shape, data: readSlot(operand, new ELEMENT_ARRAYS[dtype](elements)) }
        }),
    )
  }
  return {
    givesTypes: true,
    plan(planner) {
      const [limit, condition, ...rest] = node.inputs
      const needed = [...node.inputs.filter((name) => name !== ''), ...captured]
      planner.known(needed)
      const value = (name: string) => planner.known([name])[0]!
      const most = limit ? Number(value(limit).data[0]) : Infinity
      let goesOn = condition ? value(condition) : scalar('bool', Uint8Array.of(1))
      let state = rest.map(value)
      const outer = captured.map(value)
      const scans: Tensor[][] = node.outputs.slice(states).map(() => [])
      for (let trip = 0; trip < most && goesOn.data[0]; trip++) {
        const [next, ...values] = turn(trip, goesOn, state, outer) as [Tensor, ...Tensor[]]
        goesOn = next
        state = values.slice(0, states)
        values.slice(states).forEach((tensor, i) => scans[i]!.push(tensor))
      }
      const results = [...state, ...scans.map((list, i) => stack(list, body, states + 1 + i))]
      node.outputs.forEach((name, i) => {
        if (name !== '') planner.give(name, results[i]!)
      })
      planner.once = true
    },
  }
}

function scalar(dtype: 'int64' | 'bool', data: BigInt64Array | Uint8Array): Tensor {
  return { kind: 'dense', dtype, shape: [], data }
}

/** One value of each trip, along a new first axis; of no trip as it is declared, with 0 for what is open. */
function stack(list: readonly Tensor[], body: Graph, output: number): Tensor {
  const { dtype: declaredType, shape: declared = [] } = body.outputs[output]!
  const { dtype, shape } = list[0] ?? {
    dtype: declaredType,
    shape: declared.map((size) => (typeof size === 'number' ? size : 0)),
  }
  if (list.some((tensor) => tensor.dtype !== dtype || tensor.shape.join() !== shape.join())) {
    throw new RangeError(`"${body.outputs[output]!.name}" changes its shape between trips`)
  }
  const elements = elementCount(shape)
  const data = new ELEMENT_ARRAYS[dtype](elements * list.length)
  list.forEach((tensor, i) => (data as Float32Array).set(tensor.data as Float32Array, i * elements))
  return { kind: 'dense', dtype, shape: [list.length, ...shape], data }
}

/**
 * The layer of a node whose kernels want constant weights, which it computes or takes as inputs: made anew for their
 * values, whenever those change. undefined: all its weights are constant.
 */
export function late(node: GraphNode, loader: Loader, factory: LayerFactory): Layer | undefined {
  const computed = node.inputs.slice(1).filter((name) => name !== '' && loader.weight(name) === undefined)
  if (computed.length === 0) return undefined
  const constants = node.inputs.flatMap((name): [string, Weight][] => {
    const weight = loader.weight(name)
    return weight === undefined ? [] : [[name, weight]]
  })
  return {
    plan(planner) {
      const weights = new Map<string, Weight>(constants)
      planner.known(computed).forEach((value, i) => weights.set(computed[i]!, value))
      const own = planner.own(new Loader({ ...loader.model, weights }, loader.runtime, loader.integers))
      try {
        own.make(factory, node).plan(planner)
      } catch (error) {
        if (!(error instanceof UnsupportedVariant)) throw error
        throw new UnsupportedOpError([{ op: error.message, nodes: [node.name] }])
      }
    },
  }
}
