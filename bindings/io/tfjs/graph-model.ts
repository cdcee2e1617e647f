import { FormatError, UnsupportedOpError } from '../../errors.js'
import type { Tensor } from '../../formats/tensor.js'
import type { Model } from '../../graph/model.js'
import type { Json, JsonObject } from '../json.js'
import { GraphBuilder, type TfType } from './builder.js'
import { ELEMENTWISE } from './elementwise.js'
import { fail, listOf, objectOf, textOf } from './fields.js'
import { IMAGES } from './images.js'
import { TfCall, TfNode, typeOf, Unsupported, type Converter } from './node.js'
import { SHAPES } from './shapes.js'

const CONVERTERS: ReadonlyMap<string, Converter> = new Map([...ELEMENTWISE, ...IMAGES, ...SHAPES])

/** Nodes that only make a value known by their name. */
const SOURCES: ReadonlySet<string> = new Set(['Const', 'Placeholder'])

/** `node` and the number of its output, of a reference as the format writes it. */
function refer(reference: string): [node: string, output: number] {
  const [, node, output] = /^(.*?)(?::(\d+))?$/s.exec(reference)!
  return [node!, Number(output ?? 0)]
}

/** Converts a graph model: the nodes that its outputs depend on. */
export function readGraphModel(
  file: JsonObject,
  topology: JsonObject,
  weights: ReadonlyMap<string, Tensor>,
): Model {
  const nodes = readNodes(topology.get('node'))
  const signature = signatureOf(file)
  const outputs = signature?.outputs ?? ends(nodes)
  if (outputs.length === 0) fail('the model has no outputs')
  const order = sorted(
    nodes,
    outputs.map(([reference]) => refer(reference)[0]),
  )
  const builder = new GraphBuilder()
  builder.reserve(nodes.keys())
  builder.reserve(weights.keys())
  const graph = new GraphConversion(builder, nodes, weights)
  for (const [reference, dtype] of signature?.inputs ?? []) graph.input(refer(reference)[0], dtype)
  for (const node of nodes.values()) if (node.op === 'Placeholder') graph.input(node.name)
  graph.convert(order)
  const results = outputs.map(([reference, dtype]) => {
    const name = reference.replace(/:0$/, '')
    return [name, graph.value(reference), dtype ?? 'float32'] as const
  })
  return builder.model('', results, {})
}

function readNodes(json: Json | undefined): Map<string, TfNode> {
  const nodes = new Map<string, TfNode>()
  for (const item of listOf('modelTopology.node', json)) {
    const node = new TfNode(item)
    if (nodes.has(node.name)) fail(`two nodes are named ${JSON.stringify(node.name)}`)
    nodes.set(node.name, node)
  }
  return nodes
}

type Reference = readonly [reference: string, dtype: TfType | undefined]

/** Inputs and outputs in the order in which the model gives them, where it says so. */
function signatureOf(file: JsonObject): { inputs: Reference[]; outputs: Reference[] } | undefined {
  const user = file.get('userDefinedMetadata')
  const json = file.get('signature') ?? (user instanceof Map ? user.get('signature') : undefined)
  if (json === undefined || json === null) return undefined
  const signature = objectOf('signature', json)
  const references = (key: string): Reference[] =>
    Array.from(objectOf(`signature.${key}`, signature.get(key) ?? new Map()), ([label, info]) => {
      const entry = objectOf(`signature.${key}`, info)
      const dtype = entry.get('dtype')
      const name = textOf(`the name of ${JSON.stringify(label)}`, entry.get('name') ?? label)
      return [name, dtype === undefined ? undefined : typeOf(`the type of ${JSON.stringify(name)}`, dtype)]
    })
  const [inputs, outputs] = [references('inputs'), references('outputs')]
  return outputs.length === 0 ? undefined : { inputs, outputs }
}

/** The nodes that no other one reads: the outputs of a model that does not name them. */
function ends(nodes: ReadonlyMap<string, TfNode>): Reference[] {
  const read = new Set([...nodes.values()].flatMap(({ inputs }) => inputs.map((input) => refer(input)[0])))
  return [...nodes.values()]
    .filter(({ name, op }) => !read.has(name) && !SOURCES.has(op) && op !== 'NoOp')
    .map(({ name }) => [name, undefined])
}

/**
 * What the given nodes depend on, each after its inputs.
 *
 * @throws UnsupportedOpError naming all of them that cannot be converted; FormatError for a cycle
 */
function sorted(nodes: ReadonlyMap<string, TfNode>, roots: readonly string[]): TfNode[] {
  const needed = new Set<TfNode>()
  const find = (name: string, reader: string): TfNode =>
    nodes.get(name) ?? fail(`${reader} reads ${JSON.stringify(name)}, which is not there`)
  const open = roots.map((name) => find(name, 'the signature'))
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (needed.has(node)) continue
    needed.add(node)
    for (const input of node.inputs) open.push(find(refer(input)[0], String(node)))
  }
  const unsupported = [...needed].filter(({ op }) => !CONVERTERS.has(op) && !SOURCES.has(op))
  refuse(unsupported.map(({ op, name }) => [op, name]))

  const order: TfNode[] = []
  const state = new Map<TfNode, 'open' | 'done'>()
  const stack = [...needed].reverse()
  for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
    const inputs = node.inputs.map((input) => nodes.get(refer(input)[0])!)
    const waiting = state.has(node) ? [] : inputs.filter((input) => state.get(input) !== 'done')
    if (waiting.length === 0) {
      stack.pop()
      if (state.get(node) !== 'done') order.push(node)
      state.set(node, 'done')
      continue
    }
    state.set(node, 'open')
    const cycle = waiting.find((input) => state.get(input) === 'open')
    if (cycle !== undefined) throw new FormatError('cycle', `${cycle} depends on itself, through ${node}`)
    stack.push(...waiting)
  }
  return order
}

function refuse(found: readonly (readonly [what: string, node: string])[]): void {
  if (found.length === 0) return
  const operators = new Map<string, string[]>()
  for (const [what, node] of found) operators.set(what, [...(operators.get(what) ?? []), node])
  throw new UnsupportedOpError([...operators].map(([op, nodes]) => ({ op, nodes })))
}

class GraphConversion {
  readonly #to: GraphBuilder
  readonly #nodes: ReadonlyMap<string, TfNode>
  readonly #weights: ReadonlyMap<string, Tensor>
  /** Outputs of converted nodes as values of the builder. */
  readonly #values = new Map<string, readonly string[]>()

  constructor(to: GraphBuilder, nodes: ReadonlyMap<string, TfNode>, weights: ReadonlyMap<string, Tensor>) {
    this.#to = to
    this.#nodes = nodes
    this.#weights = weights
  }

  input(name: string, dtype?: TfType): void {
    const node = this.#nodes.get(name)
    if (node?.op !== 'Placeholder')
      return fail(`the signature has ${JSON.stringify(name)} as an input, which is none`)
    if (this.#values.has(name)) return
    this.#values.set(name, [this.#to.input(name, dtype ?? node.type('dtype'), node.shape('shape'))])
  }

  value(reference: string): string {
    const [name, output] = refer(reference)
    const values = this.#values.get(name) ?? []
    const value = values[output] ?? fail(`${JSON.stringify(name)} has no output ${output}`)
    const weight = this.#weights.get(value)
    if (weight !== undefined) this.#to.weights.set(value, weight)
    return value
  }

  /** Converts nodes whose inputs come before them; names all that have no counterpart. */
  convert(order: readonly TfNode[]): void {
    const refused: [string, string][] = []
    for (const node of order) {
      if (this.#values.has(node.name)) continue
      try {
        this.#values.set(node.name, this.#convert(node))
      } catch (error) {
        if (!(error instanceof Unsupported)) throw error
        refused.push([error.message, node.name])
        // What reads it is converted all the same, so that everything unsupported is found.
        this.#values.set(node.name, [node.name])
      }
    }
    refuse(refused)
  }

  #convert(node: TfNode): readonly string[] {
    const { name, op } = node
    if (op === 'Const') {
      return this.#weights.has(name) ? [name] : fail(`${node} is not in the weights manifest`)
    }
    const inputs = node.inputs.map((reference) => {
      const [source, output] = refer(reference)
      return (
        this.#values.get(source)?.[output] ??
        fail(`${node} reads ${JSON.stringify(reference)}, which is not there`)
      )
    })
    const first = this.#to.nodeCount
    this.#to.begin(name)
    const result = CONVERTERS.get(op)!(new TfCall(node, this.#to, inputs, this.#weights))
    const outputs = typeof result === 'string' ? [result] : result
    return outputs.map((output, i) => {
      if (!this.#to.isMadeSince(first, output)) return output
      return this.#to.rename(output, i === 0 ? name : `${name}:${i}`)
    })
  }
}
