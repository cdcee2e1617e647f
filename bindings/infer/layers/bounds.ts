import { floatAttribute } from '../../graph/attributes.js'
import type { GraphNode } from '../../graph/model.js'

/** What results are clamped to; infinite where there is no bound. */
export interface Bounds {
  readonly min: number
  readonly max: number
}

/** The activation that a graph pass folded into a node. */
export function fusedBounds(node: GraphNode): Bounds {
  return {
    min: floatAttribute(node, 'mcompress.min', -Infinity),
    max: floatAttribute(node, 'mcompress.max', Infinity),
  }
}
