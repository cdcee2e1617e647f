import type { Model, Weight } from '../../graph/model.js'
import { magnitudeThreshold, pruneMagnitude } from '../../ops/prune.js'
import { judge, objectives, type Context } from '../context.js'
import { descend } from '../descend.js'
import { denseEntries, inputOf, matrixOf, replaceWeights, type Layer } from '../layers.js'
import type { Objective } from '../objective.js'
import { calibrationNeed, type PruneStage } from '../recipe.js'

/** How far weights are refitted after a round: roughly, as the next round or stage goes on from there. */
const REFIT = { sweeps: 8, precision: 1e-4, ridge: 1e-2 }

/** Rounds that may miss the tolerance; after each, the next one takes about half as much. */
const MISSES = 3

/** Share of the weights that is no round of its own. */
const SLIVER = 1e-6

/** Counts as the spread of an input that is always the same, so that weights on such inputs still have a rank. */
const DEAD = 1e-20

/**
 * Prunes in rounds, each followed by a refit if the stage asks for it: small rounds let the ranking follow what the
 * refit made of the weights. Objectives are those of the network as the stage finds it.
 *
 * @see Han et al. 2015, Learning both Weights and Connections; Sun et al. 2023, Wanda, for ranking by input
 */
export function prune(context: Context, model: Model, stage: Required<PruneStage>): Model {
  const { layers } = context
  const { method, scope, tolerance } = stage
  const known = calibrationNeed(stage) === undefined ? undefined : objectives(context, model, layers)
  const importance = layers.map((layer, i) =>
    method === 'magnitude' ? undefined : inputSpread(layer, known![i]!, scope),
  )
  const outputs = model.outputs.map(({ name }) => name)
  const errorOf = tolerance < Infinity ? judge(context, model, outputs) : undefined

  const goal = 1 - stage.sparsity
  const rounds = countRounds(goal, 1 - stage.rate)
  let factor = 1 - stage.rate
  let misses = 0
  let density = 1
  let best = { model, matrices: layers.map((layer) => matrixOf(model, layer)) }
  for (let round = 0; density > goal && misses < MISSES; round++) {
    context.progress('', Math.min(round, rounds), rounds)
    const next = nextDensity(density, factor, goal)
    const matrices = cut(best.matrices, importance, scope, 1 - next)
    const entries = layers.flatMap((layer, i): [string, Weight][] => {
      if (!stage.refit) return denseEntries(layer, matrices[i]!)
      descend(layer, known![i]!, matrices[i]!, REFIT)
      return denseEntries(layer, matrices[i]!, known![i]!.biasFor(matrices[i]!))
    })
    const candidate = replaceWeights(model, entries)
    if (errorOf !== undefined && Math.max(...errorOf(candidate).values()) > tolerance) {
      misses++
      factor = Math.sqrt(next / density)
    } else {
      best = { model: candidate, matrices }
      density = next
    }
  }
  context.progress('', rounds, rounds)
  return best.model
}

/** What a round leaves; a last step that would leave next to nothing to do is taken at once. */
function nextDensity(density: number, factor: number, goal: number): number {
  const next = density * factor
  return next - goal > SLIVER ? next : goal
}

function countRounds(goal: number, factor: number): number {
  let rounds = 0
  for (let density = 1; density > goal; density = nextDensity(density, factor, goal)) rounds++
  return rounds
}

/**
 * Root mean square of what each weight is multiplied with; across layers, as a share of the spread of the layer's
 * output, so that the square of a score is the share of that output which the weight alone makes.
 */
function inputSpread(layer: Layer, { power, energy }: Objective, scope: 'layer' | 'global'): Float32Array {
  let total = 0
  for (let r = 0; r < layer.rows; r++) total += energy[r]!
  const unit = scope === 'global' && total > 0 ? 1 / total : 1
  return Float32Array.from(
    { length: layer.rows * layer.cols },
    (_, i) => Math.sqrt(power[inputOf(layer, i)]! * unit) || DEAD,
  )
}

/** Zeroes what scores least until a share `sparsity` of each layer, or of all together, is zero. */
function cut(
  matrices: readonly Float32Array[],
  importance: readonly (Float32Array | undefined)[],
  scope: 'layer' | 'global',
  sparsity: number,
): Float32Array[] {
  const scored = matrices.map((weights, i) => {
    const factors = importance[i]
    return { weights, ...(factors && { importance: factors }) }
  })
  const bound = scope === 'global' ? { threshold: magnitudeThreshold(scored, sparsity) } : { sparsity }
  return scored.map(({ weights, ...options }) => pruneMagnitude(weights, { ...options, ...bound }).data)
}
