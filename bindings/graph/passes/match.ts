import type { GraphNode, Model } from '../model.js'
import { consumers, producers } from '../uses.js'
import { type Keep, pinnedNames, Weights } from './rewrite.js'

/** A product of values and a number. */
export interface Product {
  readonly constant: number
  readonly names: readonly string[]
}

/** Whether a constant of a file is the number that a pattern means, to the seven digits that exporters write. */
export function isNear(constant: number | undefined, wanted: number): boolean {
  return constant !== undefined && Math.abs(constant - wanted) <= 2e-6 * Math.abs(wanted)
}

/** One attempt to recognize a pattern: looks backwards from a node and remembers what it has passed. */
export class Match {
  /** The nodes that are part of the pattern. */
  readonly nodes = new Set<GraphNode>()
  readonly #patterns: Patterns

  constructor(patterns: Patterns, root: GraphNode) {
    this.#patterns = patterns
    this.nodes.add(root)
  }

  /** The node that makes a value, if it is of one of these operators; it is part of the pattern then. */
  made(name: string | undefined, ...ops: readonly string[]): GraphNode | undefined {
    const node = this.#patterns.makers.get(name ?? '')
    if (node === undefined || node.domain !== '' || !ops.includes(node.op)) return undefined
    this.nodes.add(node)
    return node
  }

  /** What `find` gives; where that is nothing, what it passed is not part of the pattern. */
  attempt<R>(find: () => R | undefined): R | undefined {
    const before = [...this.nodes]
    const found = find()
    if (found === undefined) {
      this.nodes.clear()
      for (const node of before) this.nodes.add(node)
    }
    return found
  }

  /** The two inputs of a node in both orders, as long as `use` finds nothing. */
  either<R>(node: GraphNode | undefined, use: (a: string, b: string) => R | undefined): R | undefined {
    if (node?.inputs.length !== 2) return undefined
    const [a, b] = node.inputs as [string, string]
    return this.attempt(() => use(a, b)) ?? this.attempt(() => use(b, a))
  }

  /** The number that a constant of one element is. */
  constant(name: string | undefined): number | undefined {
    const tensor = this.#patterns.weights.floats(name)
    return tensor?.data.length === 1 ? tensor.data[0] : undefined
  }

  /** `x` where a value is the sum of x and this number. */
  plus(name: string | undefined, wanted: number): string | undefined {
    return this.either(this.made(name, 'Add'), (a, b) => (isNear(this.constant(b), wanted) ? a : undefined))
  }

  /** A value as a product, whose own factors are looked at where nobody else reads it. */
  product(name: string, isRoot = false): Product {
    const number = this.constant(name)
    if (number !== undefined) return { constant: number, names: [] }
    const node = this.#patterns.makers.get(name)
    const isOwn = node?.domain === '' && (isRoot || this.#patterns.readers(name) === 1)
    const [a, b] = isOwn ? (node.inputs as [string, string]) : ['', '']
    const by = this.constant(b)
    if (isOwn && node.op === 'Mul') {
      this.nodes.add(node)
      const [x, y] = [this.product(a), this.product(b)]
      return { constant: x.constant * y.constant, names: [...x.names, ...y.names] }
    }
    if (isOwn && node.op === 'Div' && by !== undefined) {
      this.nodes.add(node)
      const { constant, names } = this.product(a)
      return { constant: constant / by, names }
    }
    if (isOwn && node.op === 'Pow' && (by === 2 || by === 3)) {
      this.nodes.add(node)
      return { constant: 1, names: new Array<string>(by).fill(a) }
    }
    return { constant: 1, names: [name] }
  }
}

/** What patterns are looked for in. */
export class Patterns {
  readonly weights: Weights
  readonly makers: ReadonlyMap<string, GraphNode>
  readonly #readers: ReadonlyMap<string, GraphNode[]>
  readonly #pinned: ReadonlySet<string>

  constructor(model: Model, keep: Keep) {
    this.weights = new Weights(model, keep)
    this.makers = producers(model)
    this.#readers = consumers(model)
    this.#pinned = pinnedNames(model, keep)
  }

  /** How many nodes read a value; infinite where it must stay for another reason. */
  readers(name: string): number {
    return this.#pinned.has(name) ? Infinity : (this.#readers.get(name)?.length ?? 0)
  }

  /** The one reader of a value, if it is of this operator. */
  reader(name: string, op: string): GraphNode | undefined {
    const node = this.readers(name) === 1 ? this.#readers.get(name)![0]! : undefined
    return node?.op === op && node.domain === '' ? node : undefined
  }

  /** Whether nobody but the nodes themselves reads what they make, the last one's results aside. */
  isClosed(nodes: ReadonlySet<GraphNode>, last: GraphNode): boolean {
    return [...nodes].every(
      (node) =>
        node === last ||
        node.outputs.every(
          (name) =>
            !this.#pinned.has(name) && (this.#readers.get(name) ?? []).every((reader) => nodes.has(reader)),
        ),
    )
  }
}

/** What takes the place of the nodes of a pattern, the last of which gives the results. */
export interface Fusion {
  readonly nodes: ReadonlySet<GraphNode>
  readonly last: GraphNode
  readonly fused: GraphNode
}

/** Replaces what `match` recognizes, looking from every node. */
export function fusePatterns(
  model: Model,
  keep: Keep,
  match: (node: GraphNode, patterns: Patterns) => Fusion | undefined,
): Model {
  const patterns = new Patterns(model, keep)
  const gone = new Set<GraphNode>()
  const instead = new Map<GraphNode, GraphNode>()
  for (const node of model.nodes) {
    if (node.domain !== '') continue
    const fusion = match(node, patterns)
    if (fusion === undefined || !patterns.isClosed(fusion.nodes, fusion.last)) continue
    if ([...fusion.nodes].some((other) => gone.has(other) || instead.has(other))) continue
    if (fusion.fused.inputs.some((name) => fusion.nodes.has(patterns.makers.get(name)!))) continue
    for (const other of fusion.nodes) gone.add(other)
    gone.delete(fusion.last)
    instead.set(fusion.last, fusion.fused)
  }
  if (instead.size === 0) return model
  const nodes = model.nodes.filter((node) => !gone.has(node)).map((node) => instead.get(node) ?? node)
  return { ...model, nodes, weights: patterns.weights.all() }
}
