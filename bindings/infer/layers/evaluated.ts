import { UnsupportedOpError } from '../../errors.js'
import type { Tensor } from '../../formats/tensor.js'
import { describeNode } from '../../graph/attributes.js'
import { Call, type ValueType } from '../../graph/call.js'
import type { GraphNode } from '../../graph/model.js'
import type { Operator, Outputs } from '../../graph/operators.js'
import { RUNNABLE } from '../../graph/runnable.js'
import { viewSlot } from '../../ops/slot.js'
import type { Layer, LayerFactory } from '../loader.js'
import { Operand } from '../plan.js'

/** The layer of a node that is computed in TypeScript by the evaluator of its operator, on elements of any type. */
export const evaluated: LayerFactory = (node, loader) => {
  // A dense weight is read where it is.
  for (const name of node.inputs) if (loader.weight(name)?.kind === 'dense') loader.keep(name)
  return evaluatedBy(node, RUNNABLE.get(node.op)!)
}

/**
 * A layer whose kernels take float32 only: where the first input or output of a node is of another type, the evaluator of
 * its operator takes over, if there is one.
 */
export function ofFloats(node: GraphNode, layer: Layer): Layer {
  const operator = RUNNABLE.get(node.op)
  return {
    ...layer,
    plan(planner) {
      const other = [node.inputs[0]!, node.outputs.find(Boolean)!].find(
        (name) => planner.type(name).dtype !== 'float32',
      )
      if (other === undefined) layer.plan(planner)
      else if (operator?.evaluate !== undefined) evaluatedBy(node, operator).plan(planner)
      else {
        throw new UnsupportedOpError([
          { op: `${node.op} of ${planner.type(other).dtype}`, nodes: [node.name] },
        ])
      }
    },
  }
}

const isOperand = (value: ValueType | Operand | undefined): value is Operand => value instanceof Operand

/** A value as evaluators see it, with its elements where they lie in memory. */
function view(operand: Operand): ValueType {
  const { dtype, shape, elements } = operand
  const data = viewSlot(operand, dtype, elements)
  return { dtype, shape, value: { kind: 'dense', dtype, shape, data } }
}

function evaluatedBy(node: GraphNode, { rule, evaluate }: Operator): Layer {
  return {
    plan(planner) {
      const types = node.inputs.map((name) => (name === '' ? undefined : planner.type(name)))
      const inputs = types.map((type, i) =>
        type === undefined || type.value !== undefined ? type : planner.plain(node.inputs[i]!),
      )
      const outputs = rule(new Call(node, types)).map((type, i) =>
        node.outputs[i] ? planner.create(node.outputs[i]) : type,
      )
      planner.step('evaluate', inputs.filter(isOperand), outputs.filter(isOperand), () => {
        // Views are made for each run: memory may have grown since the last.
        const given = inputs.map((input) => (isOperand(input) ? view(input) : input))
        const wanted = outputs.map((output) => (isOperand(output) ? view(output) : output))
        const tensors = evaluate!(new Call(node, given, true), wanted as unknown as Outputs)
        if (tensors === undefined)
          throw new RangeError(`${describeNode(node)} has no result for these values`)
        tensors.forEach((tensor, i) => store(tensor, wanted[i]?.value))
      })
    },
  }
}

/** Copies what an evaluator did not write in place. */
function store({ data }: Tensor, place: Tensor | undefined): void {
  if (place !== undefined && place.data !== data) (place.data as Float32Array).set(data as Float32Array)
}
