import type { ActivationRange } from '../graph/model.js'
import { readsOf } from '../graph/uses.js'
import type { LoadedNode } from './loader.js'

/**
 * The int8 codes in which all readers of a value want it: a layer that can produce codes then leaves them, and no float32
 * copy is made. Codes pass through views and the like unchanged, so their demand is passed on to what is before them.
 */
export function codeDemands(
  outputs: readonly string[],
  nodes: readonly LoadedNode[],
): Map<string, ActivationRange> {
  /** null: somebody reads the real values, or two readers want different codes. */
  const demands = new Map<string, ActivationRange | null>()
  const demand = (name: string, wanted: ActivationRange | null) => {
    const other = demands.get(name)
    const agrees =
      other === undefined || (other?.scale === wanted?.scale && other?.zeroPoint === wanted?.zeroPoint)
    demands.set(name, agrees ? wanted : null)
  }
  for (const name of outputs) demand(name, null)
  for (let i = nodes.length - 1; i >= 0; i--) {
    const { node, layer } = nodes[i]!
    const { wants, passesCodes } = layer
    const { outputs } = node
    readsOf(node).forEach((name, position) => {
      const passed = passesCodes ? (demands.get(outputs[0]!) ?? null) : null
      demand(name, position === 0 ? (wants ?? passed) : null)
    })
  }
  const agreed = new Map<string, ActivationRange>()
  for (const [name, wanted] of demands) if (wanted !== null) agreed.set(name, wanted)
  return agreed
}
