import { UnsupportedOpError } from '../../errors.js'
import type { GraphNode, Weight } from '../../graph/model.js'
import { IR_OPSET } from '../../graph/opset.js'
import { viewSlot, writeSlot } from '../../ops/slot.js'
import type { Runtime } from '../../runtime/runtime.js'
import { Arena } from '../arena.js'
import { Loader, UnsupportedVariant, type LayerFactory } from '../loader.js'
import { Operand, Planner } from '../plan.js'

/**
 * A factory whose layers pack the inputs at `positions`, for nodes where one of these is computed: such a layer is made in
 * every run, over the values of that run, and freed at its end.
 */
export function orComputed(factory: LayerFactory, ...positions: number[]): LayerFactory {
  return (node, loader) => {
    const weights = positions.map((i) => node.inputs[i] ?? '').filter((name) => name !== '')
    if (weights.every((name) => loader.weight(name) !== undefined)) return factory(node, loader)
    return {
      plan(planner) {
        const named = (names: readonly string[], make: (name: string) => Operand) =>
          new Map(names.filter((name) => name !== '').map((name) => [name, make(name)]))
        const inputs = named(node.inputs, (name) => planner.plain(name))
        const outputs = named(node.outputs, (name) => planner.create(name))
        const run = () => runOnce(factory, node, new Set(weights), inputs, outputs, loader.runtime)
        planner.step('pack', [...inputs.values()], [...outputs.values()], run)
      },
    }
  }
}

type Operands = ReadonlyMap<string, Operand>

/** Loads a node over the values that lie in `inputs`, runs it, and copies its outputs. */
function runOnce(
  factory: LayerFactory,
  node: GraphNode,
  isWeight: ReadonlySet<string>,
  inputs: Operands,
  outputs: Operands,
  runtime: Runtime,
): void {
  const weights = new Map<string, Weight>()
  for (const [name, operand] of inputs) {
    if (!isWeight.has(name)) continue
    const { dtype, shape, elements } = operand
    weights.set(name, { kind: 'dense', dtype, shape, data: viewSlot(operand, dtype, elements).slice() })
  }
  const graph = { inputs: [], outputs: [], nodes: [node], weights }
  const loader = new Loader({ ...graph, name: '', opset: IR_OPSET, metadata: {} }, runtime, true)
  const arena = new Arena(runtime)
  const types = new Map([...inputs, ...outputs])
  try {
    const planner = new Planner({ arena, types, uses: new Map(), demands: new Map() })
    const layer = loader.make(factory, node)
    for (const [name, operand] of loader.residents) planner.bind(name, operand)
    for (const [name, operand] of inputs) {
      const place = { handle: operand.handle, offset: operand.offset }
      if (!isWeight.has(name)) planner.bind(name, new Operand(operand.shape, operand, place, operand.dtype))
    }
    layer.plan(planner)
    const results = [...outputs].map(([name, to]) => ({ from: planner.output(name), to }))
    const { steps, bytes } = planner.finish()
    arena.reserve(bytes)
    for (const step of steps) step.run()
    for (const { from, to } of results) writeSlot(to, viewSlot(from, from.dtype, from.elements))
  } catch (error) {
    if (!(error instanceof UnsupportedVariant)) throw error
    throw new UnsupportedOpError([{ op: error.message, nodes: [node.name] }])
  } finally {
    arena.dispose()
    loader.dispose()
  }
}
