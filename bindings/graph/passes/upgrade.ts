import { UnsupportedOpError } from '../../errors.js'
import type { Tensor } from '../../formats/tensor.js'
import {
  attribute,
  floatAttribute,
  intAttribute,
  intsAttribute,
  numbersAttribute,
  stringAttribute,
} from '../attributes.js'
import type { Graph, GraphNode, Model, Weight } from '../model.js'
import { IR_OPSET } from '../opset.js'
import { inferRanks } from '../ranks.js'
import { mapGraphs } from '../scopes.js'
import { freshName, namesOf, producers } from '../uses.js'

/** What rewriting one node needs to know of its graph, and where it leaves new weights. */
interface Context {
  readonly opset: number
  readonly names: Set<string>
  readonly weights: Map<string, Weight>
  /** Rank of a value where it shows without inference. */
  readonly rankOf: (name: string) => number | undefined
}

type Rewrite = (node: GraphNode, context: Context) => readonly GraphNode[]

/**
 * Operators whose form changed between opset 6 and 21, with the opset of the newest form.
 *
 * @see ONNX Changelog.md
 */
const REWRITES: ReadonlyMap<string, { readonly since: number; readonly rewrite: Rewrite }> = new Map([
  ...['Add', 'And', 'Div', 'Equal', 'Greater', 'Less', 'Mul', 'Or', 'Pow', 'PRelu', 'Sub', 'Xor'].map(
    (op) => [op, { since: 7, rewrite: alignOperand }] as const,
  ),
  ['BatchNormalization', { since: 14, rewrite: batchNormalization }],
  ['Clip', { since: 11, rewrite: clip }],
  ['Dropout', { since: 12, rewrite: dropout }],
  ['LogSoftmax', { since: 13, rewrite: softmax }],
  ['Softmax', { since: 13, rewrite: softmax }],
  ['Pad', { since: 11, rewrite: pad }],
  ['Scatter', { since: Infinity, rewrite: (node) => [{ ...node, op: 'ScatterElements' }] }],
  ['Slice', { since: 10, rewrite: slice }],
  ['Split', { since: 13, rewrite: (node, context) => intsToInput(node, 'split', context) }],
  ['TopK', { since: 10, rewrite: topK }],
  ['Squeeze', { since: 13, rewrite: axesToInput }],
  ['Unsqueeze', { since: 13, rewrite: axesToInput }],
  ['Resize', { since: 11, rewrite: upsample }],
  ['Upsample', { since: 99, rewrite: upsample }],
  ['ReduceSum', { since: 13, rewrite: axesToInput }],
  ...['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'SumSquare'].map(
    (kind) => [`Reduce${kind}`, { since: 18, rewrite: axesToInput }] as const,
  ),
])

/** Rewrites operators of opsets 6 to 20 into the form that opset 21 gives them, so that all else knows one form. */
export function upgrade(model: Model): Model {
  if (model.opset >= IR_OPSET) return { ...model, opset: IR_OPSET }
  return { ...model, ...upgradeGraph(model, model.opset), opset: IR_OPSET }
}

function upgradeGraph(graph: Graph, opset: number): Graph {
  const weights = new Map(graph.weights)
  const made = producers(graph)
  const inputs = new Map(graph.inputs.map((input) => [input.name, input]))
  // All ranks matter only where operands are placed by an axis.
  const ranks = opset < 7 ? inferRanks({ ...graph, name: '', opset, metadata: {} }) : undefined
  const rankOf = (name: string): number | undefined => {
    const op = made.get(name)?.op
    if (op === 'Gemm' || op === 'Flatten') return 2
    return inputs.get(name)?.shape?.length ?? ranks?.get(name)?.rank
  }
  const context: Context = { opset, names: namesOf(graph), weights, rankOf }
  const nodes = graph.nodes.flatMap((node) => {
    const upgraded = {
      ...node,
      attributes: mapGraphs(node.attributes, (inner) => upgradeGraph(inner, opset)),
    }
    const entry = node.domain === '' ? REWRITES.get(node.op) : undefined
    return entry !== undefined && opset < entry.since ? entry.rewrite(upgraded, context) : [upgraded]
  })
  return { inputs: graph.inputs, outputs: graph.outputs, nodes, weights }
}

function without(node: GraphNode, ...names: string[]): GraphNode['attributes'] {
  return Object.fromEntries(Object.entries(node.attributes).filter(([name]) => !names.includes(name)))
}

function addWeight(context: Context, name: string, tensor: Tensor): string {
  const fresh = freshName(context.names, name)
  context.weights.set(fresh, tensor)
  return fresh
}

function int64s(values: readonly number[]): Tensor<'int64'> {
  return { kind: 'dense', dtype: 'int64', shape: [values.length], data: BigInt64Array.from(values, BigInt) }
}

function float32s(values: readonly number[]): Tensor<'float32'> {
  return { kind: 'dense', dtype: 'float32', shape: [values.length], data: Float32Array.from(values) }
}

function float32(value: number): Tensor<'float32'> {
  return { kind: 'dense', dtype: 'float32', shape: [], data: Float32Array.of(value) }
}

/**
 * Before opset 7 the second operand lay at an axis of the first, and the slopes of PRelu at axis 1; without an axis both
 * ended together, as they do now.
 */
function alignOperand(node: GraphNode, context: Context): GraphNode[] {
  const [a, b] = node.inputs as [string, string]
  const aligned = { ...node, attributes: without(node, 'broadcast', 'axis') }
  const isPlaced = attribute(node, 'axis') !== undefined || node.op === 'PRelu'
  const [rank, own] = [context.rankOf(a), context.rankOf(b)]
  if (!isPlaced) return [aligned]
  if (rank === undefined || own === undefined) {
    throw new UnsupportedOpError([{ op: `${node.op} of unknown rank at an axis`, nodes: [node.name] }])
  }
  const axis = intAttribute(node, 'axis', Math.min(1, rank - own))
  const missing = rank - own - (axis < 0 ? axis + rank : axis)
  if (missing <= 0) return [aligned]
  const places = int64s(Array.from({ length: missing }, (_, i) => own + i))
  const axes = addWeight(context, `${node.name}.axes`, places)
  const name = freshName(context.names, `${node.name}.aligned`)
  const placed = { ...node, name, op: 'Unsqueeze', inputs: [b, axes], outputs: [name], attributes: {} }
  return [placed, { ...aligned, inputs: [a, name] }]
}

/** An optional list attribute becomes the input after the last. */
function intsToInput(node: GraphNode, name: string, context: Context): GraphNode[] {
  if (attribute(node, name) === undefined) return [node]
  const input = addWeight(context, `${node.name}.${name}`, int64s(intsAttribute(node, name)))
  return [{ ...node, inputs: [...node.inputs, input], attributes: without(node, name) }]
}

function axesToInput(node: GraphNode, context: Context): GraphNode[] {
  return intsToInput(node, 'axes', context)
}

function slice(node: GraphNode, context: Context): GraphNode[] {
  const starts = intsAttribute(node, 'starts')
  const axes = intsAttribute(
    node,
    'axes',
    starts.map((_, axis) => axis),
  )
  const lists = { starts, ends: intsAttribute(node, 'ends'), axes }
  const added = Object.entries(lists).map(([name, list]) =>
    addWeight(context, `${node.name}.${name}`, int64s(list)),
  )
  return [
    { ...node, inputs: [...node.inputs, ...added], attributes: without(node, 'starts', 'ends', 'axes') },
  ]
}

function pad(node: GraphNode, context: Context): GraphNode[] {
  const pads = addWeight(context, `${node.name}.pads`, int64s(intsAttribute(node, 'pads')))
  const value = addWeight(context, `${node.name}.value`, float32(floatAttribute(node, 'value', 0)))
  return [{ ...node, inputs: [...node.inputs, pads, value], attributes: without(node, 'pads', 'value') }]
}

function topK(node: GraphNode, context: Context): GraphNode[] {
  const k = addWeight(context, `${node.name}.k`, int64s([intAttribute(node, 'k')]))
  return [{ ...node, inputs: [...node.inputs, k], attributes: without(node, 'k') }]
}

function clip(node: GraphNode, context: Context): GraphNode[] {
  const bounds = ['min', 'max'].map((name) =>
    attribute(node, name) === undefined
      ? ''
      : addWeight(context, `${node.name}.${name}`, float32(floatAttribute(node, name))),
  )
  return [{ ...node, inputs: [...node.inputs, ...bounds], attributes: without(node, 'min', 'max') }]
}

/** Upsample, and Resize before opset 11, take the coordinate `x / scale`, and its floor for the nearest. */
function upsample(node: GraphNode, context: Context): GraphNode[] {
  const [x, given] = node.inputs as [string, string | undefined]
  const scales =
    given ?? addWeight(context, `${node.name}.scales`, float32s(numbersAttribute(node, 'scales')))
  const attributes = {
    mode: stringAttribute(node, 'mode', 'nearest'),
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  }
  return [{ ...node, op: 'Resize', inputs: [x, '', scales], attributes }]
}

/** The ratio matters in training only. */
function dropout(node: GraphNode): GraphNode[] {
  return [{ ...node, attributes: without(node, 'ratio') }]
}

/** Before opset 14 the outputs of training were how a node said that it trains. */
function batchNormalization(node: GraphNode, { opset }: Context): GraphNode[] {
  if (opset < 9 && intAttribute(node, 'spatial', 1) !== 1) {
    throw new UnsupportedOpError([{ op: 'BatchNormalization with spatial = 0', nodes: [node.name] }])
  }
  const trains = node.outputs.slice(1).some((output) => output !== '') ? { training_mode: 1 } : {}
  return [{ ...node, attributes: { ...without(node, 'spatial'), ...trains } }]
}

/** Before opset 13 all axes from `axis` on were normalized together, which is what flattening them first does. */
function softmax(node: GraphNode, context: Context): GraphNode[] {
  const [input] = node.inputs as [string]
  const axis = intAttribute(node, 'axis', 1)
  const last: GraphNode = { ...node, attributes: { axis: -1 } }
  if (axis === -1 || axis + 1 === context.rankOf(input)) return [last]
  const name = (part: string) => freshName(context.names, `${node.name}.${part}`)
  const [flat, soft, shape] = [name('flat'), name('soft'), name('shape')]
  const make = (op: string, inputs: string[], outputs: readonly string[], attributes = {}): GraphNode => ({
    name: op === 'Reshape' ? node.name : outputs[0]!,
    op,
    domain: '',
    inputs,
    outputs,
    attributes,
  })
  return [
    make('Flatten', [input], [flat], { axis }),
    { ...last, name: soft, inputs: [flat], outputs: [soft] },
    make('Shape', [input], [shape]),
    make('Reshape', [soft, shape], node.outputs),
  ]
}
