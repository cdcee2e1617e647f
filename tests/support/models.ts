import type { ElementType, Tensor } from '../../bindings/formats/tensor.js'
import type { Attribute, GraphNode, Model, ValueInfo, Weight } from '../../bindings/graph/model.js'

/** A float32 tensor of these values. */
export function floats(
  values: ArrayLike<number>,
  shape: readonly number[] = [values.length],
): Tensor<'float32'> {
  return { kind: 'dense', dtype: 'float32', shape, data: Float32Array.from(values) }
}

/** An int64 tensor of these values. */
export function ints(values: readonly number[], shape: readonly number[] = [values.length]): Tensor<'int64'> {
  return { kind: 'dense', dtype: 'int64', shape, data: BigInt64Array.from(values, BigInt) }
}

/** `node('Add', 'a b -> c')`, named after its first output unless told. */
export function node(
  op: string,
  wires: string,
  attributes: Readonly<Record<string, Attribute>> = {},
  name?: string,
): GraphNode {
  const [inputs = '', outputs = ''] = wires.split('->').map((side) => side.trim())
  // An underscore stands for an absent optional input.
  const list = (side: string) => side.split(' ').filter(Boolean).map((item) => (item === '_' ? '' : item)) // prettier-ignore
  return {
    name: name ?? `${op}.${list(outputs)[0] ?? ''}`,
    op,
    domain: '',
    inputs: list(inputs),
    outputs: list(outputs),
    attributes,
  }
}

export interface GraphParts {
  inputs: Readonly<Record<string, ValueInfo['shape'] | { dtype: ElementType; shape: ValueInfo['shape'] }>>
  nodes: readonly GraphNode[]
  outputs: readonly string[]
  weights?: Readonly<Record<string, Weight>>
  opset?: number
}

/** A model by hand; outputs are declared float32 of unknown shape. */
export function makeModel({ inputs, nodes, outputs, weights = {}, opset = 21 }: GraphParts): Model {
  return {
    name: 'test',
    opset,
    metadata: {},
    inputs: Object.entries(inputs).map(([name, type]) =>
      type !== undefined && 'dtype' in type ? { name, ...type } : { name, dtype: 'float32', shape: type },
    ),
    outputs: outputs.map((name) => ({ name, dtype: 'float32', shape: undefined })),
    nodes,
    weights: new Map(Object.entries(weights)),
  }
}
