import { floatAttribute } from '../attributes.js'
import type { GraphNode, Model } from '../model.js'
import { type Keep, mergeIntoProducers, type Weights } from './rewrite.js'

/** Operators whose results a layer clamps on the way out. */
const CLAMPING = new Set(['Conv', 'Gemm'])

/**
 * Takes Relu, and Clip with constant bounds, into the Conv or Gemm before it, as attributes `mcompress.min` and
 * `mcompress.max`: after all that ONNX says of the node, its output is `min(max(y, mcompress.min), mcompress.max)`. A
 * side without bound has no attribute.
 */
export function fuseActivations(model: Model, keep: Keep): Model {
  return mergeIntoProducers(model, keep, (producer, node, position, weights) => {
    const bounds = position === 0 ? boundsOf(node, weights) : undefined
    if (bounds === undefined || producer.domain !== '' || !CLAMPING.has(producer.op)) return undefined
    const clamp = (x: number) => Math.min(Math.max(x, bounds.min), bounds.max)
    const min = clamp(floatAttribute(producer, 'mcompress.min', -Infinity))
    const max = clamp(floatAttribute(producer, 'mcompress.max', Infinity))
    const attributes = {
      ...producer.attributes,
      ...(min > -Infinity ? { 'mcompress.min': min } : {}),
      ...(max < Infinity ? { 'mcompress.max': max } : {}),
    }
    return { ...producer, outputs: node.outputs, attributes }
  })
}

function boundsOf(node: GraphNode, weights: Weights): { min: number; max: number } | undefined {
  if (node.domain !== '') return undefined
  if (node.op === 'Relu') return { min: 0, max: Infinity }
  if (node.op !== 'Clip') return undefined
  const bound = (name: string | undefined, absent: number) =>
    name === undefined || name === '' ? absent : (weights.floats(name)?.data[0] ?? NaN)
  const min = bound(node.inputs[1], -Infinity)
  const max = bound(node.inputs[2], Infinity)
  // Not for a bound that is computed, or no number; nor for bounds that cross, where the order of clamping counts.
  return min <= max ? { min, max } : undefined
}
