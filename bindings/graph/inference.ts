import { FormatError } from '../errors.js'
import { elementCount, type Tensor } from '../formats/tensor.js'
import { MAX_FOLDED_ELEMENTS } from '../limits.js'
import { checkShape } from '../validate.js'
import { describeNode } from './attributes.js'
import { Call, type ValueType } from './call.js'
import type { GraphNode, Model, ValueInfo, Weight } from './model.js'
import { checkOperators, operatorOf, type Operator, type Operators, type Outputs } from './operators.js'

/** Types of all values of a model, by name. */
export type ValueTypes = ReadonlyMap<string, ValueType>

/**
 * Element type and shape of every value for these input shapes. Values that follow from shapes and weights alone, such as
 * the target of a Reshape that an exporter computes with Shape, Gather and Concat, come with their elements.
 *
 * @param operators those that the model may consist of
 * @param inputShapes by input name; an input whose declared dimensions are all numbers may be left out
 * @param weightTypes where they are known without the weights
 * @throws UnsupportedOpError naming all operators that are not known; RangeError naming the input or the node whose shapes
 * do not fit; FormatError for attributes of the wrong kind
 */
export function inferTypes(
  operators: Operators,
  model: Model,
  inputShapes: Readonly<Record<string, readonly number[]>>,
  weightTypes: ValueTypes = new Map(
    Array.from(model.weights, ([name, weight]) => [name, weightType(weight)]),
  ),
): ValueTypes {
  checkOperators(model, (op) => operators.has(op))
  const types = new Map(weightTypes)
  bindInputs(model.inputs, inputShapes, types)
  const inference = new NodeInference(operators, types)
  for (const node of model.nodes) inference.infer(node)
  return types
}

/** Infers one node after the other, in topological order. */
export class NodeInference {
  readonly #operators: Operators
  readonly #types: Map<string, ValueType>
  #budget = MAX_FOLDED_ELEMENTS

  /** @param types of inputs and weights; gains those of the nodes */
  constructor(operators: Operators, types: Map<string, ValueType>) {
    this.#operators = operators
    this.#types = types
  }

  infer(node: GraphNode): void {
    const inputs = node.inputs.map((name) => this.#types.get(name))
    const call = new Call(node, inputs)
    const operator = operatorOf(this.#operators, node)
    const outputs = [...operator.rule(call)]
    outputs.forEach(({ shape }) => checkShape(`output of ${node.name}`, shape))
    const isKnown = node.inputs.every((name, i) => name === '' || inputs[i]?.value !== undefined)
    const values = isKnown || node.op === 'Shape' ? this.#evaluate(operator, call, outputs) : undefined
    values?.forEach((value, i) => (outputs[i] = { dtype: value.dtype, shape: value.shape, value }))
    node.outputs.forEach((name, i) => {
      const type = outputs[i]
      if (type === undefined) throw new FormatError('graph', `${describeNode(node)} has no output ${i}`)
      if (name !== '') this.#types.set(name, type)
    })
  }

  #evaluate(operator: Operator, call: Call, types: readonly ValueType[]): readonly Tensor[] | undefined {
    const elements = types.reduce((sum, { shape }) => sum + elementCount(shape), 0)
    if (elements > this.#budget) return undefined
    const values = operator.evaluate?.(call, types as Outputs)
    if (values !== undefined) this.#budget -= elements
    return values
  }
}

/** The type of a weight; only dense ones are seen as values. */
export function weightType(weight: Weight): ValueType {
  if (weight.kind !== 'dense') return { dtype: 'float32', shape: weight.shape }
  return { dtype: weight.dtype, shape: weight.shape, value: weight }
}

/** Checks given shapes against declared ones, in which equal names stand for equal sizes. */
export function bindInputs(
  inputs: readonly ValueInfo[],
  shapes: Readonly<Record<string, readonly number[]>>,
  types: Map<string, ValueType>,
): void {
  const unknown = Object.keys(shapes).find((name) => !inputs.some((input) => input.name === name))
  if (unknown !== undefined) {
    const names = inputs.map((input) => JSON.stringify(input.name)).join(', ')
    throw new RangeError(`the model has no input ${JSON.stringify(unknown)}; it has ${names || 'none'}`)
  }
  const symbols = new Map<string, number>()
  for (const { name, dtype, shape: declared } of inputs) {
    const label = `inputShapes.${name}`
    const fixed = declared?.every((size) => typeof size === 'number') === true ? declared : undefined
    const shape = Object.hasOwn(shapes, name) ? shapes[name]! : fixed
    if (shape !== undefined) checkShape(label, shape)
    const fits = declared?.every((size, axis) => {
      const bound = typeof size === 'string' ? symbols.get(size) : size
      if (typeof size === 'string' && shape !== undefined) symbols.set(size, shape[axis]!)
      return (bound ?? shape?.[axis]) === shape?.[axis]
    })
    if (shape === undefined || fits === false || (declared ?? shape).length !== shape.length) {
      const wanted = declared?.map((size) => size ?? '?').join(', ') ?? '...'
      throw new RangeError(`"${label}" expected [${wanted}], got ${shape ? `[${shape.join(', ')}]` : 'none'}`)
    }
    types.set(name, { dtype, shape: [...shape] })
  }
}
