import { floatFromHalf, halfFromFloat } from '../../formats/half.js'
import type { Model, Weight } from '../../graph/model.js'
import { writeArtifact, type FloatStorage, type WrittenArtifact } from '../../io/artifact/index.js'
import type { Context } from '../context.js'
import type { CodeStage } from '../recipe.js'

/** For the record in the artifact. */
export interface Origin {
  readonly recipe: unknown
  readonly originalBytes: number
}

/**
 * Writes the artifact. Nothing is lost here: floats are stored as float16 only where that holds every one of them.
 */
export function code(
  { runtime }: Context,
  model: Model,
  stage: Required<CodeStage> | undefined,
  { recipe, originalBytes }: Origin,
): WrittenArtifact {
  return writeArtifact(model, {
    coding: stage?.coding ?? 'none',
    floatAs: (_, weight) => storageOf(weight),
    recipe,
    original: { bytes: originalBytes },
    runtime,
  })
}

function storageOf(weight: Weight): FloatStorage {
  const values = weight.kind === 'codebook' ? weight.codebook.centroids : weight.data
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i])
    if (!Object.is(floatFromHalf(halfFromFloat(value)), value)) return 'float32'
  }
  return 'float16'
}
