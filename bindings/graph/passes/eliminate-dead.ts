import type { Model } from '../model.js'
import { readsOf } from '../uses.js'
import type { Keep } from './rewrite.js'

/** Removes nodes and weights that no output and no kept value depends on. Inputs stay: they are the model's interface. */
export function eliminateDead(model: Model, keep: Keep): Model {
  const live = new Set([...keep, ...model.outputs.map((output) => output.name)])
  const nodes = [...model.nodes]
    .reverse()
    .filter((node) => {
      const isLive = node.outputs.some((name) => live.has(name))
      if (isLive) for (const name of readsOf(node)) live.add(name)
      return isLive
    })
    .reverse()
  const weights = new Map([...model.weights].filter(([name]) => live.has(name)))
  return { ...model, nodes, weights }
}
