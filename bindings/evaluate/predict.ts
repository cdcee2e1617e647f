import { elementCount, type Tensor } from '../formats/tensor.js'
import type { ValueInfo } from '../graph/model.js'
import { checkInteger, checkOptions, checkShape, checkTypedArray, describe } from '../validate.js'

/** What runs a model: a session, or anything that offers the same three members. */
export interface Runnable {
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  run(inputs: Record<string, Tensor>): Record<string, Tensor>
}

/** Samples one after the other, and what they are. */
export interface Dataset {
  /** `count * product(shape)` values, one sample after the other. */
  readonly inputs: Float32Array
  /** Shape of one sample, without the batch dimension: `[1, 28, 28]`. */
  readonly shape: readonly number[]
  /** One class a sample. */
  readonly labels?: Uint8Array
}

export interface PredictOptions {
  /** Samples a run; 64 unless given. A model with a fixed batch dimension runs with that one. */
  batch?: number
  /** Name of the output to read; the first one unless given. */
  output?: string
  /** Called after each run. */
  onProgress?: (done: number, total: number) => void
}

export const PREDICT_OPTIONS = ['batch', 'output', 'onProgress'] as const

export interface Predictions {
  /** Outputs of all samples, one after the other. */
  readonly scores: Float32Array<ArrayBuffer>
  /** Values a sample; the number of classes of a classifier. */
  readonly classes: number
  readonly count: number
  /** Milliseconds that were spent in `run`, in all. */
  readonly ms: number
}

/** Large enough to fill the tiles of every kernel, small enough to keep activations in the caches. */
const DEFAULT_BATCH = 64

/** Checks a dataset and returns its number of samples. */
export function checkDataset(dataset: Dataset): number {
  if (typeof dataset !== 'object' || dataset === null) {
    throw new TypeError(`"dataset" expected an object, got ${describe(dataset)}`)
  }
  const size = checkShape('dataset.shape', dataset.shape)
  checkTypedArray('dataset.inputs', dataset.inputs, 'Float32Array')
  if (size === 0 || dataset.inputs.length % size !== 0) {
    throw new RangeError(
      `"dataset.inputs" expected samples of [${dataset.shape.join(', ')}], got ${dataset.inputs.length} values in all`,
    )
  }
  const count = dataset.inputs.length / size
  if (dataset.labels !== undefined) checkTypedArray('dataset.labels', dataset.labels, 'Uint8Array', count)
  return count
}

/**
 * Runs a model of one input over a whole dataset, a batch at a time.
 *
 * @throws TypeError, RangeError for a dataset whose parts do not fit, or a model with more than one input
 */
export function predict(model: Runnable, dataset: Dataset, options: PredictOptions = {}): Predictions {
  checkOptions('options', options, PREDICT_OPTIONS)
  const count = checkDataset(dataset)
  const { batch = DEFAULT_BATCH, onProgress } = options
  checkInteger('batch', batch, 1, 2 ** 20)
  if (model.inputs.length !== 1) {
    throw new RangeError(`"model" expected one input, got ${model.inputs.map(({ name }) => name).join(', ')}`)
  }
  const input = model.inputs[0]!
  const output = options.output ?? model.outputs[0]!.name
  const fixed = input.shape?.[0]
  const rows = typeof fixed === 'number' ? fixed : batch

  const size = elementCount(dataset.shape)
  let scores = new Float32Array(0)
  let classes = 0
  let ms = 0
  for (let start = 0; start < count; start += rows) {
    const found = Math.min(rows, count - start)
    const data = batchOf(dataset.inputs, start * size, found * size, (fixed === rows ? rows : found) * size)
    const shape = [data.length / size, ...dataset.shape]
    const began = performance.now()
    const result = model.run({ [input.name]: { kind: 'dense', dtype: 'float32', shape, data } })[output]
    ms += performance.now() - began
    if (result === undefined) throw new RangeError(`"output" expected an output of the model, got ${output}`)
    checkTypedArray(`output ${output}`, result.data, 'Float32Array')
    if (start === 0) {
      classes = result.data.length / shape[0]!
      scores = new Float32Array(count * classes)
    }
    scores.set(result.data.subarray(0, found * classes), start * classes)
    onProgress?.(start + found, count)
  }
  return { scores, classes, count, ms }
}

/** `wanted` values from `start` on, of which the dataset has `found`; the rest of a fixed batch is zero. */
function batchOf(inputs: Float32Array, start: number, found: number, wanted: number): Float32Array {
  const samples = inputs.subarray(start, start + found)
  if (found === wanted) return samples
  const padded = new Float32Array(wanted)
  padded.set(samples)
  return padded
}
