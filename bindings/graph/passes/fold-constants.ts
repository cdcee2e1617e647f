import { UnsupportedOpError } from '../../errors.js'
import type { Model, Weight } from '../model.js'
import type { ValueType } from '../call.js'
import { NodeInference, weightType } from '../inference.js'
import { OPERATORS } from '../known.js'
import { type Keep, pinnedNames } from './rewrite.js'

/** Constants up to this size may replace smaller ones that they are made from (1024 float32 are 4 KB). */
const FREE_ELEMENTS = 1024

/**
 * Replaces nodes by weights where all that they read is known: weights, and the shapes of values whose dimensions the
 * model fixes. A constant that would be larger than what it is made from stays a node, unless it is small.
 */
export function foldConstants(model: Model, keep: Keep): Model {
  const pinned = pinnedNames(model, keep)
  const types = new Map<string, ValueType>()
  for (const { name, dtype, shape } of model.inputs) {
    if (shape?.every((size) => typeof size === 'number')) types.set(name, { dtype, shape })
  }
  for (const [name, weight] of model.weights) types.set(name, weightType(weight))
  const inference = new NodeInference(OPERATORS, types)
  const weights = new Map<string, Weight>(model.weights)
  const nodes = model.nodes.filter((node) => {
    const isKnown = node.domain === '' && OPERATORS.has(node.op)
    if (!isKnown || !node.inputs.every((name) => name === '' || types.has(name))) return true
    try {
      inference.infer(node)
    } catch (error) {
      if (error instanceof UnsupportedOpError) return true // a variant of its operator
      throw error
    }
    const outputs = node.outputs.filter((output) => output !== '')
    const values = outputs.map((output) => types.get(output)?.value)
    if (!values.every((value) => value !== undefined) || outputs.some((name) => pinned.has(name))) return true
    const sources = node.inputs.map((name) => types.get(name)?.value?.data.length ?? 0)
    const elements = values.reduce((sum, { data }) => sum + data.length, 0)
    if (elements > Math.max(FREE_ELEMENTS, ...sources)) {
      // What reads them is not folded either, or the large constant would come in that way.
      values.forEach(({ dtype, shape }, i) => types.set(outputs[i]!, { dtype, shape }))
      return true
    }
    values.forEach((value, i) => weights.set(outputs[i]!, value))
    return false
  })
  return { ...model, nodes, weights }
}
