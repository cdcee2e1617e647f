import { checkInteger, checkOptions } from '../validate.js'
import {
  agreement,
  argmax,
  classificationMetrics,
  confusionMatrix,
  topK,
  type ClassificationMetrics,
} from './classification.js'
import { distance, type Distance } from './distance.js'
import {
  predict,
  PREDICT_OPTIONS,
  type Dataset,
  type Predictions,
  type PredictOptions,
  type Runnable,
} from './predict.js'

export interface EvaluateOptions extends PredictOptions {
  /** Also gives the share of samples whose label is among the `topK` greatest scores. */
  topK?: number
}

export interface Evaluation extends ClassificationMetrics {
  /** `classes * classes` counts in row-major order: row = label, column = prediction. */
  readonly confusion: Uint32Array
  readonly classes: number
  readonly count: number
  /** Only when `topK` was asked for. */
  readonly topK?: number
  /** Mean over the whole set, of the time spent in the model. */
  readonly msPerSample: number
}

/**
 * Classifies a labelled dataset and compares with its labels.
 *
 * @param model a session, or another object with `inputs`, `outputs` and `run`
 * @throws TypeError, RangeError when the dataset has no labels or its parts do not fit, or a score is NaN
 */
export function evaluate(model: Runnable, dataset: Dataset, options: EvaluateOptions = {}): Evaluation {
  checkOptions('options', options, [...PREDICT_OPTIONS, 'topK'])
  const { topK: k, ...rest } = options
  if (k !== undefined) checkInteger('topK', k, 1, 65535)
  const { labels } = dataset
  if (labels === undefined) throw new TypeError('"dataset.labels" expected Uint8Array, got undefined')
  const { scores, classes, count, ms } = predict(model, dataset, rest)
  if (count === 0) throw new RangeError('"dataset" expected at least one sample')
  const confusion = confusionMatrix(labels, argmax(scores, classes), classes)
  return {
    ...classificationMetrics(confusion, classes),
    confusion,
    classes,
    count,
    ...(k === undefined ? {} : { topK: topK(scores, labels, classes, k) }),
    msPerSample: ms / count,
  }
}

export interface Comparison extends Distance {
  /** Share of samples to which both give the same class. */
  readonly agreement: number
  readonly count: number
}

/**
 * Compares the outputs of a model with those of its reference over a dataset, labels not needed.
 *
 * @param reference the original, or its predictions when they were made before
 */
export function compare(
  reference: Runnable | Predictions,
  model: Runnable,
  dataset: Dataset,
  options: PredictOptions = {},
): Comparison {
  const expected = 'scores' in reference ? reference : predict(reference, dataset, options)
  const actual = predict(model, dataset, options)
  return {
    ...distance(expected.scores, actual.scores),
    agreement: agreement(expected.scores, actual.scores, actual.classes),
    count: actual.count,
  }
}
