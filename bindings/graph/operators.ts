import { FormatError, UnsupportedOpError } from '../errors.js'
import type { Tensor } from '../formats/tensor.js'
import { describeNode, qualifiedOp, subgraphsOf } from './attributes.js'
import type { Call, ValueType } from './call.js'
import type { Graph, GraphNode } from './model.js'

/** Types of a node's outputs, in order; more than the node has are ignored. */
export type Rule = (call: Call) => readonly ValueType[]

/**
 * Computes the outputs of a node whose inputs are all known, in plain TypeScript: for folding, for shapes, and in a run for
 * what has no kernel. Element types keep their own arithmetic: integers wrap, float32 rounds after every operation, so that
 * folding changes no bit.
 *
 * @param outputs types of the outputs, as the operator's rule gives them; one with a `value` is to be filled in
 * @returns undefined when it does not compute this type, or the result is not defined (a division by zero)
 */
export type Evaluator = (call: Call, outputs: Outputs) => readonly Tensor[] | undefined

export type Outputs = readonly [ValueType, ...ValueType[]]

/** An operator: how many inputs it takes, both ends included, and how many outputs it has at most. */
export interface Operator {
  readonly minInputs: number
  readonly maxInputs: number
  readonly maxOutputs: number
  readonly rule: Rule
  readonly evaluate?: Evaluator | undefined
}

/** Operators of the standard domain by name. */
export type Operators = ReadonlyMap<string, Operator>

export const operator = (minInputs: number, maxInputs: number, rule: Rule, maxOutputs = 1): Operator => ({
  minInputs,
  maxInputs,
  maxOutputs,
  rule,
})

/** A table of operators, with evaluators by name for some of them. */
export function operatorTable(
  entries: readonly (readonly [string, Operator])[],
  evaluators: Readonly<Record<string, Evaluator>>,
): Operators {
  return new Map(entries.map(([name, entry]) => [name, { ...entry, evaluate: evaluators[name] }]))
}

/** The operator of a node. Throws UnsupportedOpError where there is none of its name, FormatError unless the node has as many inputs and outputs as it allows. */
export function operatorOf(operators: Operators, node: GraphNode): Operator {
  const entry = node.domain === '' ? operators.get(node.op) : undefined
  if (entry === undefined) throw new UnsupportedOpError([{ op: qualifiedOp(node), nodes: [node.name] }])
  const { minInputs, maxInputs, maxOutputs } = entry
  const [inputs, outputs] = [node.inputs.length, node.outputs.length]
  if (inputs < minInputs || inputs > maxInputs || outputs < 1 || outputs > maxOutputs) {
    throw new FormatError('graph', `${describeNode(node)} has ${inputs} inputs and ${outputs} outputs`)
  }
  return entry
}

/**
 * Throws UnsupportedOpError with every node of the graph and its subgraphs whose operator is not supported.
 *
 * @param supports decides by operator name, which has its domain in front unless it is a standard one
 */
export function checkOperators(graph: Graph, supports: (op: string) => boolean): void {
  const unsupported = new Map<string, string[]>()
  const visit = (inner: Graph) => {
    for (const node of inner.nodes) {
      const op = qualifiedOp(node)
      const nodes = unsupported.get(op)
      if (nodes !== undefined) nodes.push(node.name)
      else if (!supports(op)) unsupported.set(op, [node.name])
      subgraphsOf(node).forEach(visit)
    }
  }
  visit(graph)
  if (unsupported.size > 0) {
    throw new UnsupportedOpError([...unsupported].map(([op, nodes]) => ({ op, nodes })))
  }
}
