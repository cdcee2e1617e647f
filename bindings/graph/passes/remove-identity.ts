import { intAttribute } from '../attributes.js'
import { elementTypeOf } from '../element-types.js'
import type { GraphNode, Model } from '../model.js'
import { inferRanks, type RankedType } from '../ranks.js'
import { consumers } from '../uses.js'
import { type Keep, pinnedNames } from './rewrite.js'

/** Removes nodes that only hand on their input: Identity, Dropout in inference, Cast to the type that a value has. */
export function removeIdentity(model: Model, keep: Keep): Model {
  const types = inferRanks(model)
  const readers = consumers(model)
  const pinned = pinnedNames(model, keep)
  /** What stands for a removed value. */
  const source = new Map<string, string>()
  const nodes = model.nodes.filter((node) => {
    const [output] = node.outputs
    const isNeeded = node.outputs.slice(1).some((name) => readers.has(name) || pinned.has(name))
    if (output === undefined || pinned.has(output) || isNeeded || !handsOn(node, types, model)) return true
    const input = node.inputs[0]!
    source.set(output, source.get(input) ?? input)
    return false
  })
  const redirect = (node: GraphNode): GraphNode => ({
    ...node,
    inputs: node.inputs.map((name) => source.get(name) ?? name),
  })
  return nameOutputs(source.size === 0 ? model : { ...model, nodes: nodes.map(redirect) }, pinned)
}

/** Gives a value that an Identity only renames, for an output say, that name from the start. */
function nameOutputs(model: Model, pinned: ReadonlySet<string>): Model {
  const made = new Set(model.nodes.flatMap(({ outputs }) => outputs))
  const renamed = new Map<string, string>()
  const nodes = model.nodes.filter(({ op, domain, inputs, outputs }) => {
    const [input, output] = [inputs[0], outputs[0]]
    if (op !== 'Identity' || domain !== '' || input === undefined || output === undefined) return true
    if (!made.has(input) || pinned.has(input) || renamed.has(input)) return true
    renamed.set(input, output)
    return false
  })
  if (renamed.size === 0) return model
  const rename = (name: string): string => renamed.get(name) ?? name
  return {
    ...model,
    nodes: nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
  }
}

function handsOn(node: GraphNode, types: ReadonlyMap<string, RankedType>, model: Model): boolean {
  if (node.domain !== '' || node.inputs[0] === undefined || node.inputs[0] === '') return false
  if (node.op === 'Identity') return true
  if (node.op === 'Cast') {
    const to = elementTypeOf(intAttribute(node, 'to'))
    return to !== undefined && to === types.get(node.inputs[0])?.dtype
  }
  if (node.op !== 'Dropout') return false
  const mode = node.inputs[2] ?? ''
  const training = model.weights.get(mode)
  return mode === '' || (training?.kind === 'dense' && Number(training.data[0]) === 0)
}
