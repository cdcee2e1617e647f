import type { Model } from '../../graph/model.js'
import { objectives, type Context } from '../context.js'
import { descend } from '../descend.js'
import { denseEntries, matrixOf, replaceWeights, type Layer } from '../layers.js'
import type { Objective } from '../objective.js'

const DESCENT = { sweeps: 30, precision: 1e-5, ridge: 1e-2 }

/**
 * Works through the layers in the order in which they run. Each is fitted to what the original one gives, from the
 * inputs that the layers before it, already changed, now produce: so it makes up for their errors too.
 *
 * @param change gives the layer new weights and bias, from their present ones and the objective
 */
export function eachInOrder(
  context: Context,
  model: Model,
  change: (model: Model, layer: Layer, objective: Objective) => Model,
): Model {
  const { layers, original } = context
  layers.forEach((layer, i) => {
    context.progress(layer.node.name, i, layers.length)
    const [objective] = objectives(context, model, [layer], original)
    model = change(model, layer, objective!)
  })
  context.progress('', layers.length, layers.length)
  return model
}

/** Fits the weights that are not 0, and the biases, to the original layers. */
export function refit(context: Context, model: Model): Model {
  return eachInOrder(context, model, (current, layer, objective) => {
    const weights = matrixOf(current, layer)
    descend(layer, objective, weights, DESCENT)
    return replaceWeights(current, denseEntries(layer, weights, objective.biasFor(weights)))
  })
}
