import { elementCount, type Tensor } from '../formats/tensor.js'
import { floatAttribute, intAttribute } from '../graph/attributes.js'
import type { GraphNode, Model, Weight } from '../graph/model.js'
import { consumers } from '../graph/uses.js'

/**
 * A Gemm, MatMul or Conv whose weight is a constant that nobody else reads. Stages see the weight as a matrix of
 * one row an output; a row of the layer's input, times the rows of its group, plus the bias, gives the outputs.
 */
export interface Layer {
  readonly node: GraphNode
  /** Name of the value that goes in. */
  readonly input: string
  /** Name of the weight. */
  readonly weight: string
  /** A constant with one value a row that is added and that nobody else reads. */
  readonly bias: { readonly name: string; readonly shape: readonly number[] } | undefined
  readonly shape: readonly number[]
  /** Outputs of all groups together. */
  readonly rows: number
  /** Weights of one output. */
  readonly cols: number
  /** Rows are split evenly over this many groups, each with its own inputs. */
  readonly groups: number
  /** Stored as [cols, rows]. */
  readonly isTransposed: boolean
}

/** The axis of a layer's weight along which outputs lie. */
export function outputAxis({ isTransposed }: Layer): number {
  return isTransposed ? 1 : 0
}

/** Which of the groups * cols values of an input row the weight at `i` of a layer's matrix is multiplied with. */
export function inputOf({ rows, cols, groups }: Layer, i: number): number {
  return Math.floor((Math.floor(i / cols) * groups) / rows) * cols + (i % cols)
}

/** Finds the layers of a model, in the order of its nodes. Weights in subgraphs are left alone. */
export function findLayers(model: Model): Layer[] {
  const readers = consumers(model)
  const isOwn = (name: string): boolean =>
    readers.get(name)?.length === 1 && model.outputs.every((output) => output.name !== name)
  const dense = (name: string | undefined): Tensor<'float32'> | undefined => {
    const weight = name === undefined || !isOwn(name) ? undefined : model.weights.get(name)
    return weight?.kind === 'dense' && weight.dtype === 'float32' ? (weight as Tensor<'float32'>) : undefined
  }
  return model.nodes.flatMap((node) => {
    const view = node.domain === '' ? VIEWS[node.op]?.(node) : undefined
    const [input, weight, third] = node.inputs
    const tensor = dense(weight)
    // A node that reads its weight twice, as input or bias too, is no layer.
    if (view === undefined || tensor === undefined || input === weight || third === weight) return []
    const layer = view(tensor.shape)
    if (layer === undefined || elementCount(tensor.shape) === 0) return []
    const added = dense(third)
    const bias = added?.data.length === layer.rows ? { name: third!, shape: added.shape } : undefined
    return [{ node, input: input!, weight: weight!, bias, shape: tensor.shape, ...layer }]
  })
}

type View = Pick<Layer, 'rows' | 'cols' | 'groups' | 'isTransposed'>

/** How each operator's weight is a matrix; undefined for a variant whose weight cannot be seen so. */
const VIEWS: Readonly<
  Record<string, (node: GraphNode) => ((shape: readonly number[]) => View | undefined) | undefined>
> = {
  Gemm(node) {
    const isPlain =
      intAttribute(node, 'transA', 0) === 0 &&
      floatAttribute(node, 'alpha', 1) === 1 &&
      floatAttribute(node, 'beta', 1) === 1
    return isPlain ? (shape) => matrixView(shape, intAttribute(node, 'transB', 0) === 0) : undefined
  },
  MatMul: () => (shape) => matrixView(shape, true),
  Conv: (node) => (shape) => {
    const groups = intAttribute(node, 'group', 1)
    const rows = shape[0]!
    if (shape.length < 3 || groups < 1 || rows % groups !== 0) return undefined
    return { rows, cols: elementCount(shape.slice(1)), groups, isTransposed: false }
  },
}

function matrixView(shape: readonly number[], isTransposed: boolean): View | undefined {
  if (shape.length !== 2) return undefined
  const [rows, cols] = (isTransposed ? [shape[1], shape[0]] : shape) as [number, number]
  return { rows, cols, groups: 1, isTransposed }
}

/** A layer's weights as rows * cols values, one output a row; a copy. */
export function matrixOf(model: Model, layer: Layer): Float32Array {
  const { data } = model.weights.get(layer.weight) as Tensor<'float32'>
  return layer.isTransposed ? transposed(data, layer.cols, layer.rows) : data.slice()
}

/** The inverse of `matrixOf`: the values in the order of the stored weight. */
export function storedOrder<T extends Float32Array | Uint8Array>(layer: Layer, matrix: T): T {
  return layer.isTransposed ? transposed(matrix, layer.rows, layer.cols) : matrix
}

/** [rows, cols] to [cols, rows]. */
function transposed<T extends Float32Array | Uint8Array>(data: T, rows: number, cols: number): T {
  const turned = data.slice() as T
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) turned[c * rows + r] = data[r * cols + c]!
  return turned
}

export function biasOf(model: Model, { bias, rows }: Layer): Float32Array {
  return bias === undefined
    ? new Float32Array(rows)
    : (model.weights.get(bias.name) as Tensor<'float32'>).data
}

/** The model with other weights under some of its names. */
export function replaceWeights(model: Model, weights: Iterable<readonly [string, Weight]>): Model {
  return { ...model, weights: new Map([...model.weights, ...weights]) }
}

/** What a stage found for a layer, as entries for `replaceWeights`. */
export function denseEntries(layer: Layer, matrix: Float32Array, bias?: Float32Array): [string, Weight][] {
  const tensor = (shape: readonly number[], data: Float32Array): Weight => ({
    kind: 'dense',
    dtype: 'float32',
    shape,
    data,
  })
  const entries: [string, Weight][] = [[layer.weight, tensor(layer.shape, storedOrder(layer, matrix))]]
  if (layer.bias !== undefined && bias !== undefined)
    entries.push([layer.bias.name, tensor(layer.bias.shape, bias)])
  return entries
}
