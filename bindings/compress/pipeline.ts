import { elementCount, BYTES_PER_ELEMENT } from '../formats/tensor.js'
import { agreement, argmax, classificationMetrics, confusionMatrix } from '../evaluate/classification.js'
import { checkDataset, predict, type Dataset, type Predictions } from '../evaluate/predict.js'
import type { Model } from '../graph/model.js'
import { prepare } from '../graph/prepare.js'
import { loadModel } from '../infer/load.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkInteger, checkOptions, describe } from '../validate.js'
import { bias } from './bias/bias.js'
import { checkCalibration, type CalibrationData } from './calibration.js'
import { code } from './code/code.js'
import { judge, type Context } from './context.js'
import { findLayers } from './layers.js'
import { prune } from './prune/prune.js'
import { quantize } from './quantize/quantize.js'
import { calibrationNeed, resolveRecipe, type Recipe, type RecipeName, type ResolvedStage } from './recipe.js'
import { refit } from './refit/refit.js'
import { reportOf, type CompressionReport, type EvaluationReport } from './report.js'
import { share } from './share/share.js'

/** How far a compression is. */
export interface CompressionProgress {
  /** Name of the stage: one of the recipe, or `report`. */
  readonly stage: string
  /** Name of the layer's node that is worked on; '' between layers. */
  readonly layer: string
  readonly done: number
  /** At least 1. A tolerance may end a stage early; `done` then jumps here. */
  readonly total: number
}

export interface CompressOptions {
  /** Sample inputs, for stages that need them; some hundreds are enough for small networks. */
  calibration?: CalibrationData
  /** Labelled samples on which original and result are compared at the end. They decide about nothing. */
  evaluate?: Dataset
  /** Size of the file that the model came from, for the report. */
  originalBytes?: number
  /** For what is chosen at random; 0 unless given. */
  seed?: number
  /** Called often. What it throws ends the compression. */
  onProgress?: (progress: CompressionProgress) => void
  /** Ends the compression when it is aborted, at the latest with the next step of progress. */
  signal?: AbortSignal
  runtime?: Runtime
}

export interface CompressionResult {
  /** What `loadModel` would find in the artifact. */
  readonly model: Model
  /** The file: write it as it is. */
  readonly artifact: Uint8Array
  readonly report: CompressionReport
}

/**
 * Compresses a model: runs the stages of a recipe over the weights of its Gemm, MatMul and Conv nodes. Other
 * weights stay as they are. No training, and labels are not used.
 *
 * The same model, recipe, calibration and seed give the same bytes on every engine.
 *
 * @param recipe a name, or stages in their order; `deep-compression` unless given
 * @throws TypeError, RangeError for arguments that do not fit, before any work; UnsupportedOpError naming all
 * operators that cannot be run, if the recipe needs to; FormatError for a graph that does not hold together;
 * CapacityError when memory is short; the reason of an aborted signal
 */
export function compress(
  model: Model,
  recipe: RecipeName | Recipe = 'deep-compression',
  options: CompressOptions = {},
): CompressionResult {
  if (typeof model !== 'object' || model === null || !('nodes' in model)) {
    throw new TypeError(`"model" expected a model, as readOnnx gives it, got ${describe(model)}`)
  }
  checkOptions('options', options, [
    'calibration',
    'evaluate',
    'originalBytes',
    'seed',
    'onProgress',
    'signal',
    'runtime',
  ])
  const { seed = 0, signal, onProgress, runtime = defaultRuntime() } = options
  const stages = resolveRecipe(recipe)
  checkInteger('seed', seed, 0, 2 ** 32 - 1)
  const calibration = options.calibration && checkCalibration(model, options.calibration)
  if (options.evaluate !== undefined) checkLabels(options.evaluate)
  const { originalBytes = weightBytes(model) } = options
  checkInteger('originalBytes', originalBytes, 0, Number.MAX_SAFE_INTEGER)
  stages.forEach((stage, i) => {
    const need = calibrationNeed(stage)
    if (need !== undefined && calibration === undefined) {
      throw new TypeError(
        `"calibration" expected sample inputs, got undefined: recipe[${i}] (${stage.stage}) ${need}`,
      )
    }
  })

  const original = prepare(model)
  let running = ''
  const context: Context = {
    original,
    layers: findLayers(original),
    calibration,
    seed,
    runtime,
    progress(layer, done, total) {
      signal?.throwIfAborted()
      onProgress?.({ stage: running, layer, done, total: Math.max(total, 1) })
    },
  }
  let compressed = original
  for (const stage of stages) {
    running = stage.stage
    context.progress('', 0, 1)
    compressed = runStage(context, compressed, stage)
  }
  const coding = stages.find((stage) => stage.stage === 'code')
  const written = code(context, compressed, coding, { recipe, originalBytes })

  running = 'report'
  context.progress('', 0, 1)
  const names = [
    ...context.layers.map(({ node }) => node.outputs[0]!),
    ...original.outputs.map(({ name }) => name),
  ]
  const report = reportOf({
    original,
    layers: context.layers,
    recipe,
    bytesBefore: originalBytes,
    bytesAfter: written.bytes.length,
    tensors: written.tensors,
    errors: calibration && judge(context, original, [...new Set(names)])(compressed),
    evaluation: options.evaluate && evaluationOf(context, compressed, options.evaluate),
  })
  context.progress('', 1, 1)
  return { model: compressed, artifact: written.bytes, report }
}

function runStage(context: Context, model: Model, stage: ResolvedStage): Model {
  switch (stage.stage) {
    case 'prune':
      return prune(context, model, stage)
    case 'refit':
      return refit(context, model)
    case 'quantize':
      return quantize(context, model, stage)
    case 'share':
      return share(context, model, stage)
    case 'bias':
      return bias(context, model)
    case 'code':
      return model // it makes the file, at the end
  }
}

/** Bytes of all weights of the main graph as they are. */
function weightBytes({ weights }: Model): number {
  let bytes = 0
  for (const weight of weights.values()) {
    bytes += elementCount(weight.shape) * (weight.kind === 'dense' ? BYTES_PER_ELEMENT[weight.dtype] : 4)
  }
  return bytes
}

function checkLabels(dataset: Dataset): void {
  if (checkDataset(dataset) === 0) throw new RangeError('"evaluate" expected at least one sample')
  if (dataset.labels === undefined)
    throw new TypeError('"evaluate.labels" expected Uint8Array, got undefined')
}

function evaluationOf(context: Context, model: Model, dataset: Dataset): EvaluationReport {
  const { original, runtime } = context
  using before = loadModel(original, { runtime })
  using after = loadModel(model, { runtime })
  const expected = predict(before, dataset)
  const actual = predict(after, dataset)
  const { classes } = expected
  const accuracy = ({ scores }: Predictions): number =>
    classificationMetrics(confusionMatrix(dataset.labels!, argmax(scores, classes), classes), classes)
      .accuracy
  return {
    accuracyBefore: accuracy(expected),
    accuracyAfter: accuracy(actual),
    agreement: agreement(expected.scores, actual.scores, classes),
    count: actual.count,
  }
}
