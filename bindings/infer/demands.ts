import type { ActivationRange, Graph } from '../graph/model.js'
import type { Layer } from './loader.js'

/**
 * The int8 codes in which all readers of a value want it: a layer that can produce codes then leaves them, and no float32
 * copy is made. Codes pass through views and the like unchanged, so their demand is passed on to what is before them.
 */
export function codeDemands(graph: Graph, layers: readonly Layer[]): Map<string, ActivationRange> {
  /** null: somebody reads the real values, or two readers want different codes. */
  const demands = new Map<string, ActivationRange | null>()
  const demand = (name: string, wanted: ActivationRange | null) => {
    const other = demands.get(name)
    const agrees =
      other === undefined || (other?.scale === wanted?.scale && other?.zeroPoint === wanted?.zeroPoint)
    demands.set(name, agrees ? wanted : null)
  }
  for (const { name } of graph.outputs) demand(name, null)
  for (let i = layers.length - 1; i >= 0; i--) {
    const { inputs, outputs } = graph.nodes[i]!
    const { wants, passesCodes } = layers[i]!
    inputs.forEach((name, position) => {
      const passed = passesCodes ? (demands.get(outputs[0]!) ?? null) : null
      demand(name, position === 0 ? (wants ?? passed) : null)
    })
  }
  const agreed = new Map<string, ActivationRange>()
  for (const [name, wanted] of demands) if (wanted !== null) agreed.set(name, wanted)
  return agreed
}
