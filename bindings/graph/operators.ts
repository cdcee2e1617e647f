import { UnsupportedOpError } from '../errors.js'
import { qualifiedOp, subgraphsOf } from './attributes.js'
import type { Graph } from './model.js'

/** Oldest operator set that is read: the first with NumPy-style broadcasting. */
export const MIN_OPSET = 7

/** The operator set whose forms and semantics the IR follows; readers rewrite older forms into it. */
export const IR_OPSET = 21

/**
 * Newest operator set that is read. 22 to 24 widened the element types of the operators below (bfloat16, 8-bit and
 * 4-bit floats), which leaves their meaning on the types of the IR as it was in 21.
 */
export const MAX_OPSET = 24

/** How many inputs and outputs an operator takes, both ends included. */
interface Arity {
  readonly inputs: readonly [min: number, max: number]
  readonly outputs: readonly [min: number, max: number]
}

const arity = (min: number, max = min, outputs = 1): Arity => ({
  inputs: [min, max],
  outputs: [1, outputs],
})
const unary = arity(1)
const binary = arity(2)

/** Operators of the standard domain that shape inference and the passes know, by name. */
export const OPERATORS: ReadonlyMap<string, Arity> = new Map([
  ['Add', binary],
  ['AveragePool', unary],
  ['BatchNormalization', arity(5, 5, 5)],
  ['Cast', unary],
  ['Clip', arity(1, 3)],
  ['Concat', arity(1, Infinity)],
  ['Conv', arity(2, 3)],
  ['Div', binary],
  ['Dropout', arity(1, 3, 2)],
  ['Flatten', unary],
  ['Gather', binary],
  ['Gemm', arity(2, 3)],
  ['GlobalAveragePool', unary],
  ['GlobalMaxPool', unary],
  ['Identity', unary],
  ['MatMul', binary],
  ['MaxPool', arity(1, 1, 2)],
  ['Mul', binary],
  ['Relu', unary],
  ['Reshape', binary],
  ['Shape', unary],
  ['Sigmoid', unary],
  ['Slice', arity(3, 5)],
  ['Softmax', unary],
  ['Squeeze', arity(1, 2)],
  ['Sub', binary],
  ['Tanh', unary],
  ['Transpose', unary],
  ['Unsqueeze', binary],
])

/** Whether a node's operator, given with its domain, is one that this library knows. */
export function isKnownOperator(op: string): boolean {
  return OPERATORS.has(op)
}

/**
 * Throws UnsupportedOpError with every node of the graph and its subgraphs whose operator is not supported.
 *
 * @param supports decides by operator name, which has its domain in front unless it is a standard one
 */
export function checkOperators(graph: Graph, supports: (op: string) => boolean = isKnownOperator): void {
  const unsupported = new Map<string, string[]>()
  const visit = (inner: Graph) => {
    for (const node of inner.nodes) {
      const op = qualifiedOp(node)
      if (!supports(op)) unsupported.set(op, [...(unsupported.get(op) ?? []), node.name])
      subgraphsOf(node).forEach(visit)
    }
  }
  visit(graph)
  if (unsupported.size > 0) {
    throw new UnsupportedOpError([...unsupported].map(([op, nodes]) => ({ op, nodes })))
  }
}
