import { FormatError, UnsupportedOpError } from '../errors.js'
import { describeNode, qualifiedOp, subgraphsOf } from './attributes.js'
import type { Graph, GraphNode } from './model.js'
import * as rules from './rules.js'

/** An operator: how many inputs it takes, both ends included, how many outputs it has at most, and its shape rule. */
export interface Operator {
  readonly minInputs: number
  readonly maxInputs: number
  readonly maxOutputs: number
  readonly rule: rules.Rule
}

const operator = (minInputs: number, maxInputs: number, rule: rules.Rule, maxOutputs = 1): Operator => ({
  minInputs,
  maxInputs,
  maxOutputs,
  rule,
})

const unary = operator(1, 1, rules.same)
const binary = operator(2, 2, rules.broadcasting)
const comparison = operator(2, 2, rules.comparison)
const variadic = operator(1, Infinity, rules.broadcasting)
const reduction = operator(1, 2, rules.reduce)

/** The operators of the standard domain that the graph knows. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ...[
    ['Abs', 'Ceil', 'Elu', 'Erf', 'Exp', 'Floor', 'Gelu', 'HardSigmoid', 'HardSwish', 'Identity'],
    ['LeakyRelu', 'Log', 'Neg', 'Reciprocal', 'Relu', 'Round', 'Selu', 'Sigmoid', 'Sign', 'Softplus'],
    ['Sqrt', 'Tanh'],
  ]
    .flat()
    .map((name) => [name, unary] as const),
  ...['Add', 'Div', 'Mul', 'PRelu', 'Sub'].map((name) => [name, binary] as const),
  ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'].map((name) => [name, comparison] as const),
  ...['Max', 'Mean', 'Min', 'Sum'].map((name) => [name, variadic] as const),
  ...['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'].map(
    (kind) => [`Reduce${kind}`, reduction] as const,
  ),
  ['ArgMax', operator(1, 1, rules.argReduce)],
  ['ArgMin', operator(1, 1, rules.argReduce)],
  ['AveragePool', operator(1, 1, rules.pool)],
  ['BatchNormalization', operator(5, 5, rules.batchNormalization, 5)],
  ['Cast', operator(1, 1, rules.cast)],
  ['Clip', operator(1, 3, rules.clip)],
  ['Concat', operator(1, Infinity, rules.concat)],
  ['ConstantOfShape', operator(1, 1, rules.constantOfShape)],
  ['Conv', operator(2, 3, rules.conv)],
  ['Dropout', operator(1, 3, rules.dropout, 2)],
  ['Expand', operator(2, 2, rules.expand)],
  ['Flatten', operator(1, 1, rules.flatten)],
  ['GRU', operator(3, 6, rules.recurrent(3), 2)],
  ['Gather', operator(2, 2, rules.gather)],
  ['Gemm', operator(2, 3, rules.gemm)],
  ['GlobalAveragePool', operator(1, 1, rules.globalPool)],
  ['GlobalMaxPool', operator(1, 1, rules.globalPool)],
  ['LSTM', operator(3, 8, rules.recurrent(4), 3)],
  ['LayerNormalization', operator(2, 3, rules.layerNormalization, 3)],
  ['LogSoftmax', operator(1, 1, rules.softmax)],
  ['MatMul', operator(2, 2, rules.matmul)],
  ['MaxPool', operator(1, 1, rules.pool, 2)],
  ['Pad', operator(2, 4, rules.pad)],
  ['Pow', operator(2, 2, rules.pow)],
  ['Range', operator(3, 3, rules.range)],
  ['Reshape', operator(2, 2, rules.reshape)],
  ['Shape', operator(1, 1, rules.shape)],
  ['Slice', operator(3, 5, rules.slice)],
  ['Softmax', operator(1, 1, rules.softmax)],
  ['Split', operator(1, 2, rules.split, Infinity)],
  ['Squeeze', operator(1, 2, rules.squeeze)],
  ['Transpose', operator(1, 1, rules.transpose)],
  ['Unsqueeze', operator(2, 2, rules.unsqueeze)],
  ['Where', operator(3, 3, rules.where)],
])

/** The operator of a node. Throws FormatError unless the node has as many inputs and outputs as it allows. */
export function operatorOf(node: GraphNode): Operator {
  const entry = node.domain === '' ? OPERATORS.get(node.op) : undefined
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
export function checkOperators(
  graph: Graph,
  supports: (op: string) => boolean = (op) => OPERATORS.has(op),
): void {
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
