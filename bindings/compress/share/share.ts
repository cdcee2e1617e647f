import type { Model, Weight } from '../../graph/model.js'
import type { Codebook } from '../../formats/codebook.js'
import { assignCodebook, expandCodebook } from '../../ops/codebook.js'
import { kmeansCodebook } from '../../ops/kmeans.js'
import type { Context } from '../context.js'
import { descend } from '../descend.js'
import {
  biasOf,
  denseEntries,
  inputOf,
  matrixOf,
  replaceWeights,
  storedOrder,
  type Layer,
} from '../layers.js'
import type { Objective } from '../objective.js'
import type { ShareStage } from '../recipe.js'
import { eachInOrder } from '../refit/refit.js'

/** Rounds of the search over shared values; it ends earlier when no weight changes its value any more. */
const SWEEPS = 20

/**
 * Gives each layer a codebook by k-means, weights counting by the power of their input where it is known, and every
 * weight one of its values.
 *
 * @see Han et al. 2016, Deep Compression, section 3
 */
export function share(context: Context, model: Model, stage: Required<ShareStage>): Model {
  if (stage.refit) {
    return eachInOrder(context, model, (current, layer, objective) =>
      shareLayer(context, current, layer, stage, objective),
    )
  }
  const { layers } = context
  layers.forEach((layer, i) => {
    context.progress(layer.node.name, i, layers.length)
    model = shareLayer(context, model, layer, stage, undefined)
  })
  context.progress('', layers.length, layers.length)
  return model
}

function shareLayer(
  { runtime, seed }: Context,
  model: Model,
  layer: Layer,
  { bits, init }: Required<ShareStage>,
  objective: Objective | undefined,
): Model {
  const weights = matrixOf(model, layer)
  const reserveZero = weights.includes(0)
  const codebook = kmeansCodebook(weights, {
    k: 2 ** bits,
    init,
    seed,
    reserveZero,
    ...(objective && { weights: weights.map((_, i) => objective.power[inputOf(layer, i)]!) }),
  })
  const { centroids } = codebook
  const indices = assignCodebook(weights, { centroids }, { runtime })
  let bias = biasOf(model, layer)
  if (objective !== undefined) {
    const shared = expandCodebook(indices, codebook, { runtime })
    descend(layer, objective, shared, { sweeps: SWEEPS, precision: 1e-5, snap: nearest(codebook) })
    assignCodebook(shared, codebook, { out: indices, runtime })
    bias = objective.biasFor(shared)
  }
  const stored: Weight = {
    kind: 'codebook',
    shape: layer.shape,
    indices: storedOrder(layer, indices),
    codebook: { centroids },
  }
  return replaceWeights(model, [...denseEntries(layer, weights, bias), [layer.weight, stored]])
}

/** The centroid nearest to a value. */
function nearest({ centroids }: Codebook): (value: number) => number {
  return (value) => {
    let low = 0
    let high = centroids.length - 1
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (centroids[middle]! <= value) low = middle
      else high = middle
    }
    return Math.abs(value - centroids[low]!) <= Math.abs(centroids[high]! - value)
      ? centroids[low]!
      : centroids[high]!
  }
}
