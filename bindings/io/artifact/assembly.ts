import { FormatError } from '../../errors.js'
import type { Tensor } from '../../formats/tensor.js'
import type { Attribute, Graph, GraphNode, Model, Weight } from '../../graph/model.js'
import { readsOf } from '../../graph/uses.js'
import type { PlacedEntry, SafetensorsEntry } from '../safetensors/header.js'
import type { AttributeRecord, GraphRecord, Manifest, NodeRecord, WeightRecord } from './manifest.js'
import { entriesOf } from './open.js'

/** Makes what entries hold, once they are there. */
export interface WeightSource {
  weight(record: WeightRecord): Weight
  tensor(entry: string): Tensor
  /** An entry is there. */
  add(entry: SafetensorsEntry): void
  /** The bytes of an entry that is there are about to be overwritten. */
  hold(entry: string): void
  /** Nothing needs the entry any more. */
  drop(entry: string): void
}

const EMPTY: Tensor = { kind: 'dense', dtype: 'float32', shape: [0], data: new Float32Array() }

/** Stands for all weights while their bytes are on the way. */
const absent: Pick<WeightSource, 'weight' | 'tensor'> = { weight: () => EMPTY, tensor: () => EMPTY }

/** A model whose nodes are completed one after the other, as the entries that hold their weights arrive. */
export class Assembly {
  /** Weights are empty tensors until the first node that reads them is complete. */
  readonly model: Model & { readonly nodes: GraphNode[]; readonly weights: Map<string, Weight> }
  readonly #source: WeightSource
  readonly #nodes: readonly NodeRecord[]
  /** Weights that are not made yet. */
  readonly #pending: Map<string, WeightRecord>
  /** Entries that each node needs, as the places of their data. */
  readonly #needs: number[][]
  /** How many weights and attributes that are not made yet lie in an entry. */
  readonly #users = new Map<string, number>()

  /**
   * @param placed all entries, in the order of their data
   * @throws FormatError for names that are there twice, or not at all
   */
  constructor(manifest: Manifest, placed: readonly PlacedEntry[], source: WeightSource) {
    const { name, opset, activations, graph, metadata } = manifest
    const shell = graphOf(graph, absent)
    this.model = {
      ...shell,
      nodes: [...shell.nodes],
      weights: new Map(shell.weights),
      name,
      opset,
      metadata: Object.fromEntries(metadata),
      ...(activations.size > 0 ? { activations } : {}),
    }
    this.#source = source
    this.#nodes = graph.nodes
    this.#pending = new Map(graph.weights.map((record) => [record.name, record]))
    const places = new Map(placed.map(({ name: entry }, place) => [entry, place]))
    const placeOf = (entry: string): number => {
      const place = places.get(entry)
      if (place === undefined)
        throw new FormatError('manifest', `artifact: no entry ${JSON.stringify(entry)}`)
      return place
    }
    const counted = (entries: readonly string[]) => {
      for (const entry of entries) this.#users.set(entry, (this.#users.get(entry) ?? 0) + 1)
      return entries.map(placeOf)
    }
    const weightPlaces = new Map(graph.weights.map((record) => [record.name, counted(entriesOf(record))]))
    this.#needs = graph.nodes.map((node, i) => [
      ...counted(attributeEntries(node)),
      ...readsOf(shell.nodes[i]!).flatMap((read) => weightPlaces.get(read) ?? []),
    ])
  }

  /** Place of the last entry that a node needs; -1: it needs none. */
  lastEntry(node: number): number {
    return this.#needs[node]!.reduce((last, place) => Math.max(last, place), -1)
  }

  arrived(entry: SafetensorsEntry): void {
    this.#source.add(entry)
    if (!this.#users.has(entry.name)) this.#source.drop(entry.name)
  }

  /** Copies an entry that is needed later, before its bytes are overwritten. */
  hold(entry: string): void {
    if ((this.#users.get(entry) ?? 0) > 0) this.#source.hold(entry)
  }

  /** Makes a node's attributes, and those of its weights that no node before it reads. */
  complete(index: number): void {
    const record = this.#nodes[index]!
    const { nodes } = this.model
    readsOf(nodes[index]!).forEach((name) => this.#make(name))
    const entries = attributeEntries(record)
    if (entries.length === 0) return
    nodes[index] = nodeOf(record, this.#source)
    this.#release(entries)
  }

  /** Makes the weights that no node reads. */
  finish(): void {
    for (const name of [...this.#pending.keys()]) this.#make(name)
  }

  #make(name: string): void {
    const record = this.#pending.get(name)
    if (record === undefined) return
    this.#pending.delete(name)
    this.model.weights.set(name, this.#source.weight(record))
    this.#release(entriesOf(record))
  }

  #release(entries: readonly string[]): void {
    for (const entry of entries) {
      const users = this.#users.get(entry)! - 1
      this.#users.set(entry, users)
      if (users === 0) this.#source.drop(entry)
    }
  }
}

/** Entries in the attributes of a node, those of the graphs in it included. */
function attributeEntries({ attributes }: NodeRecord): string[] {
  return [...attributes.values()].flatMap((value) => {
    if (value.kind === 'tensor') return [value.entry]
    if (value.kind === 'plain') return []
    return [...value.graph.weights.flatMap(entriesOf), ...value.graph.nodes.flatMap(attributeEntries)]
  })
}

type Makers = Pick<WeightSource, 'weight' | 'tensor'>

function graphOf(record: GraphRecord, makers: Makers): Graph {
  const weights = new Map<string, Weight>()
  for (const weight of record.weights) {
    if (weights.has(weight.name)) {
      throw new FormatError('manifest', `artifact: weight ${JSON.stringify(weight.name)} is defined twice`)
    }
    weights.set(weight.name, makers.weight(weight))
  }
  const { inputs, outputs } = record
  return { inputs, outputs, nodes: record.nodes.map((node) => nodeOf(node, makers)), weights }
}

function nodeOf({ attributes, ...node }: NodeRecord, makers: Makers): GraphNode {
  const made = Array.from(attributes, ([key, value]) => [key, attributeOf(value, makers)] as const)
  return { ...node, attributes: Object.fromEntries(made) }
}

function attributeOf(record: AttributeRecord, makers: Makers): Attribute {
  switch (record.kind) {
    case 'plain':
      return record.value
    case 'tensor':
      return makers.tensor(record.entry)
    case 'graph':
      return graphOf(record.graph, makers)
  }
}
