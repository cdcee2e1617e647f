import { checkInteger, checkTypedArray } from '../validate.js'

/** Figures of one class: how the samples that carry its label, and those that were given it, overlap. */
export interface ClassMetrics {
  /** tp / (tp + fp); 0 when nothing was given this class. */
  readonly precision: number
  /** tp / (tp + fn); 0 when no sample carries this label. */
  readonly recall: number
  /** 2 tp / (2 tp + fp + fn), the harmonic mean of the two; 0 when there is no tp. */
  readonly f1: number
  /** Samples that carry this label. */
  readonly support: number
}

/** Figures of a whole set, all in 0..1. */
export interface ClassificationMetrics {
  /** Samples given their own label, over all samples; 0 of an empty set. */
  readonly accuracy: number
  /** Means over the classes that occur as a label or as a prediction, each class weighing the same ("macro"). */
  readonly precision: number
  readonly recall: number
  readonly f1: number
  readonly perClass: readonly ClassMetrics[]
}

/** Checks that `scores` holds whole rows of `classes` numbers; returns the number of rows. */
function checkScores(name: string, scores: Float32Array, classes: number): number {
  checkTypedArray(name, scores, 'Float32Array')
  checkInteger('classes', classes, 1, 2 ** 31 - 1)
  if (scores.length % classes !== 0) {
    throw new RangeError(`"${name}" expected rows of ${classes} scores, got ${scores.length} in all`)
  }
  return scores.length / classes
}

function checkLabels(labels: ArrayLike<number>, samples: number, classes: number): void {
  if (labels.length !== samples) {
    throw new RangeError(`"labels" expected ${samples} labels, got ${labels.length}`)
  }
  for (let i = 0; i < samples; i++) checkInteger(`labels[${i}]`, labels[i], 0, classes - 1)
}

/**
 * The class of the greatest score of each row; of equal scores the first.
 *
 * @param scores rows of `classes` scores
 * @throws RangeError when a score is NaN: a model that gives no order has no prediction
 */
export function argmax(scores: Float32Array, classes: number): Int32Array<ArrayBuffer> {
  const samples = checkScores('scores', scores, classes)
  const best = new Int32Array(samples)
  for (let i = 0; i < samples; i++) {
    const start = i * classes
    let at = 0
    for (let c = 0; c < classes; c++) {
      const score = scores[start + c]!
      if (score !== score) throw new RangeError(`"scores" expected numbers, got NaN in sample ${i}`)
      if (score > scores[start + at]!) at = c
    }
    best[i] = at
  }
  return best
}

/**
 * Counts of (label, prediction) pairs.
 *
 * @returns `classes * classes` counts in row-major order: row = label, column = prediction
 */
export function confusionMatrix(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  classes: number,
): Uint32Array<ArrayBuffer> {
  checkInteger('classes', classes, 1, 65535)
  checkLabels(labels, predictions.length, classes)
  const counts = new Uint32Array(classes * classes)
  for (let i = 0; i < predictions.length; i++) {
    checkInteger(`predictions[${i}]`, predictions[i], 0, classes - 1)
    counts[labels[i]! * classes + predictions[i]!]!++
  }
  return counts
}

/**
 * Accuracy, precision, recall and F1 from a confusion matrix.
 *
 * @param confusion as `confusionMatrix` gives it
 * @see M. Sokolova, G. Lapalme, "A systematic analysis of performance measures for classification tasks" (2009);
 *   classes that never occur and quotients 0/0 as scikit-learn's precision_recall_fscore_support has them
 */
export function classificationMetrics(confusion: Uint32Array, classes: number): ClassificationMetrics {
  checkInteger('classes', classes, 1, 65535)
  checkTypedArray('confusion', confusion, 'Uint32Array', classes * classes)
  const perClass: ClassMetrics[] = []
  const sums = { precision: 0, recall: 0, f1: 0 }
  let correct = 0
  let samples = 0
  let occurring = 0
  for (let c = 0; c < classes; c++) {
    const hits = confusion[c * classes + c]!
    let support = 0
    let predicted = 0
    for (let other = 0; other < classes; other++) {
      support += confusion[c * classes + other]!
      predicted += confusion[other * classes + c]!
    }
    const metrics = {
      precision: quotient(hits, predicted),
      recall: quotient(hits, support),
      f1: quotient(2 * hits, support + predicted),
      support,
    }
    perClass.push(metrics)
    correct += hits
    samples += support
    if (support + predicted === 0) continue
    occurring++
    sums.precision += metrics.precision
    sums.recall += metrics.recall
    sums.f1 += metrics.f1
  }
  return {
    accuracy: quotient(correct, samples),
    precision: quotient(sums.precision, occurring),
    recall: quotient(sums.recall, occurring),
    f1: quotient(sums.f1, occurring),
    perClass,
  }
}

function quotient(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

/**
 * Share of samples whose label is among the `k` greatest scores; of equal scores the earlier class ranks higher, so
 * that `k = 1` is the accuracy of `argmax`.
 *
 * @throws RangeError when a score is NaN
 */
export function topK(scores: Float32Array, labels: ArrayLike<number>, classes: number, k: number): number {
  const samples = checkScores('scores', scores, classes)
  checkInteger('k', k, 1, classes)
  checkLabels(labels, samples, classes)
  let hits = 0
  for (let i = 0; i < samples; i++) {
    const label = labels[i]!
    const own = scores[i * classes + label]!
    let above = 0
    for (let c = 0; c < classes; c++) {
      const score = scores[i * classes + c]!
      if (score !== score) throw new RangeError(`"scores" expected numbers, got NaN in sample ${i}`)
      if (score > own || (score === own && c < label)) above++
    }
    if (above < k) hits++
  }
  return quotient(hits, samples)
}

/**
 * Share of samples to which two models give the same class: 1 says that compression changed no decision.
 *
 * @param a rows of `classes` scores; `b` the same, for the same samples
 */
export function agreement(a: Float32Array, b: Float32Array, classes: number): number {
  checkScores('a', a, classes)
  checkTypedArray('b', b, 'Float32Array', a.length)
  const left = argmax(a, classes)
  const right = argmax(b, classes)
  return quotient(
    left.reduce((same, choice, i) => same + (choice === right[i] ? 1 : 0), 0),
    left.length,
  )
}
