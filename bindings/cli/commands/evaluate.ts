import { basename } from 'node:path'
import { compare, evaluate, type Dataset, type Evaluation } from '../../evaluate/index.js'
import { loadModel } from '../../infer/load.js'
import type { Session } from '../../infer/session.js'
import { naming } from '../errors.js'
import { checkWritable } from '../files.js'
import { readLabelled, readModel, type Pixels } from '../inputs.js'
import { percent, percentOf, printTable, Progress, writeRows, type Row } from '../output.js'

export interface EvaluateCommand extends Pixels {
  readonly images: string
  readonly labels: string
  readonly reference?: string
  readonly json?: string
}

/** Measures the accuracy of a model on labelled images, and how often it agrees with a reference. */
export function evaluateCommand(path: string, options: EvaluateCommand): void {
  const { images, labels, reference, json } = options
  if (json !== undefined) checkWritable(json)
  const { model, bytes } = readModel(path)
  const dataset = readLabelled(images, labels, model, options)
  const progress = new Progress()
  try {
    using session = naming(path, () => loadModel(model))
    const result = naming(path, () =>
      evaluate(session, dataset, { onProgress: (done, total) => progress.update('evaluate', done, total) }),
    )
    const agreement =
      reference === undefined ? undefined : agreementWith(reference, session, dataset, progress)
    progress.stop()
    const { weightBytes, activationBytes } = session.stats
    report(result, agreement, bytes)
    writeRows(json, [rowOf(basename(path), result, agreement, { bytes, weightBytes, activationBytes })])
  } finally {
    progress.stop()
  }
}

function agreementWith(path: string, session: Session, dataset: Dataset, progress: Progress): number {
  const { model } = readModel(path)
  return naming(path, () => {
    using reference = loadModel(model)
    return compare(reference, session, dataset, {
      onProgress: (done, total) => progress.update('compare', done, total),
    }).agreement
  })
}

function report(result: Evaluation, agreement: number | undefined, bytes: number): void {
  printTable(
    ['bytes', 'accuracy', 'F1', 'agreement', 'ms/image', 'images'],
    [
      [
        bytes,
        percent(result.accuracy),
        percent(result.f1),
        agreement === undefined ? '-' : percent(agreement),
        result.msPerSample.toFixed(3),
        result.count,
      ],
    ],
  )
}

function rowOf(
  model: string,
  result: Evaluation,
  agreement: number | undefined,
  sizes: { bytes: number; weightBytes: number; activationBytes: number },
): Row {
  return {
    model,
    ...sizes,
    accuracy: percentOf(result.accuracy),
    f1: percentOf(result.f1),
    agreement: agreement === undefined ? null : percentOf(agreement),
    msPerSample: result.msPerSample,
    count: result.count,
  }
}
