import type { Dataset } from '../evaluate/predict.js'
import { elementCount, type Tensor } from '../formats/tensor.js'
import type { Model, ValueInfo } from '../graph/model.js'
import { checkShape, checkTypedArray, describe } from '../validate.js'

/** What goes into a model in one run, by input name. */
export type Feed = Readonly<Record<string, Tensor>>

/**
 * Sample inputs from which stages learn what matters; labels are not used. Take them from training data, never from
 * the data that the result is judged by. A dataset for a model of one input; for others, one feed a run.
 */
export type CalibrationData = Dataset | readonly Feed[]

export interface Calibration {
  /** Inputs that stages learn from. */
  readonly learn: readonly Feed[]
  /** Inputs that stages are judged by: every fourth, or all of them where there are fewer than four. */
  readonly judge: readonly Feed[]
}

/** Samples of a dataset that go into one run. */
const BATCH = 32

/**
 * Checks sample inputs against the inputs of a model, and parts those to learn from and to judge by.
 *
 * @throws TypeError, RangeError for data that does not fit the model, is not finite or is empty
 */
export function checkCalibration(model: Model, data: CalibrationData): Calibration {
  const feeds = Array.isArray(data) ? (data as readonly Feed[]) : batches(model, data as Dataset)
  if (feeds.length === 0) throw new RangeError('"calibration" expected at least one input, got none')
  if (Array.isArray(data)) {
    feeds.forEach((feed, i) => checkFeed(model.inputs, feed, `calibration[${i}]`))
  }
  const isJudge = (i: number): boolean => i % 4 === 3
  if (feeds.length < 4) return { learn: feeds, judge: feeds }
  return { learn: feeds.filter((_, i) => !isJudge(i)), judge: feeds.filter((_, i) => isJudge(i)) }
}

function batches(model: Model, dataset: Dataset): Feed[] {
  if (typeof dataset !== 'object' || dataset === null) {
    throw new TypeError(`"calibration" expected a dataset or an array of feeds, got ${describe(dataset)}`)
  }
  const [input] = model.inputs
  if (input === undefined || model.inputs.length !== 1) {
    const names = model.inputs.map(({ name }) => name).join(', ')
    throw new TypeError(`"calibration" expected an array of feeds, as the model has the inputs ${names}`)
  }
  const { inputs, shape } = dataset
  const size = checkShape('calibration.shape', shape)
  checkTypedArray('calibration.inputs', inputs, 'Float32Array')
  if (size === 0 || inputs.length % size !== 0) {
    throw new RangeError(
      `"calibration.inputs" expected samples of [${shape.join(', ')}], got ${inputs.length} values in all`,
    )
  }
  const fixed = input.shape?.[0]
  const batch = typeof fixed === 'number' ? fixed : BATCH
  checkDimensions(input, [batch, ...shape], 'calibration.shape')
  checkFinite('calibration.inputs', inputs)
  const count = inputs.length / size
  if (typeof fixed === 'number' && count < fixed) {
    throw new RangeError(`"calibration.inputs" expected at least ${fixed} samples, got ${count}`)
  }
  // What is left over of a fixed batch would have to be padded, and padding is nothing to learn from.
  const used = typeof fixed === 'number' ? count - (count % fixed) : count
  const feeds: Feed[] = []
  for (let start = 0; start < used; start += batch) {
    const samples = Math.min(batch, used - start)
    const values = inputs.subarray(start * size, (start + samples) * size)
    feeds.push({
      [input.name]: { kind: 'dense', dtype: 'float32', shape: [samples, ...shape], data: values },
    })
  }
  return feeds
}

function checkFeed(inputs: readonly ValueInfo[], feed: Feed, name: string): void {
  if (typeof feed !== 'object' || feed === null)
    throw new TypeError(`"${name}" expected an object, got ${describe(feed)}`)
  for (const input of inputs) {
    const label = `${name}.${input.name}`
    const value = feed[input.name]
    if (typeof value !== 'object' || value === null || value.kind !== 'dense') {
      throw new TypeError(`"${label}" expected a tensor, got ${describe(value)}`)
    }
    checkDimensions(input, value.shape, `${label}.shape`)
    if (value.data.length !== elementCount(value.shape)) {
      throw new RangeError(
        `"${label}" expected ${elementCount(value.shape)} elements, got ${value.data.length}`,
      )
    }
    if (value.dtype === 'float32') checkFinite(label, value.data as Float32Array)
  }
}

function checkDimensions(input: ValueInfo, shape: readonly number[], name: string): void {
  const declared = input.shape
  if (declared === undefined) return
  const fits =
    declared.length === shape.length && declared.every((d, i) => typeof d !== 'number' || d === shape[i])
  if (!fits) {
    const expected = declared.map((d) => d ?? '?').join(', ')
    throw new RangeError(
      `"${name}" expected [${expected}] for input "${input.name}", got [${shape.join(', ')}]`,
    )
  }
}

function checkFinite(name: string, data: Float32Array): void {
  for (let i = 0; i < data.length; i++) {
    if (data[i]! - data[i]! !== 0) {
      throw new RangeError(`"${name}" expected finite values, got ${data[i]} at index ${i}`)
    }
  }
}
