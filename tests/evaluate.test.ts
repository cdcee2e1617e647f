import { describe, expect, it } from 'vitest'
import {
  agreement,
  argmax,
  classificationMetrics,
  compare,
  confusionMatrix,
  distance,
  evaluate,
  measure,
  predict,
  topK,
  type Runnable,
} from '../bindings/evaluate/index.js'

describe('classification metrics', () => {
  // Six samples of three classes, worked out by hand:
  //   label      0 0 1 1 2 2
  //   prediction 0 1 1 1 2 0
  const labels = [0, 0, 1, 1, 2, 2]
  const predictions = [0, 1, 1, 1, 2, 0]
  const confusion = confusionMatrix(labels, predictions, 3)

  it('counts pairs, a row a label', () => {
    expect([...confusion]).toEqual([1, 1, 0, 0, 2, 0, 1, 0, 1])
  })

  it('gives accuracy, precision, recall and F1', () => {
    const metrics = classificationMetrics(confusion, 3)
    expect(metrics.accuracy).toBeCloseTo(4 / 6, 15)
    expect(metrics.perClass).toEqual([
      { precision: 1 / 2, recall: 1 / 2, f1: 1 / 2, support: 2 },
      { precision: 2 / 3, recall: 1, f1: 4 / 5, support: 2 },
      { precision: 1, recall: 1 / 2, f1: 2 / 3, support: 2 },
    ])
    expect(metrics.precision).toBeCloseTo((1 / 2 + 2 / 3 + 1) / 3, 15)
    expect(metrics.recall).toBeCloseTo(2 / 3, 15)
    expect(metrics.f1).toBeCloseTo((1 / 2 + 4 / 5 + 2 / 3) / 3, 15)
  })

  it('leaves classes that never occur out of the means', () => {
    const metrics = classificationMetrics(confusionMatrix([0, 0], [0, 2], 4), 4)
    // Class 0: precision 1, recall 1/2. Class 2: predicted once, wrongly. Classes 1 and 3 do not occur.
    expect(metrics.precision).toBe(1 / 2)
    expect(metrics.recall).toBe(1 / 4)
    expect(metrics.perClass[3]).toEqual({ precision: 0, recall: 0, f1: 0, support: 0 })
  })

  it('takes the first of equal scores', () => {
    expect([...argmax(Float32Array.of(1, 3, 3, -1, -2, -1), 3)]).toEqual([1, 0])
    expect([...argmax(Float32Array.of(-Infinity, -Infinity), 2)]).toEqual([0])
  })

  it('ranks the label among the greatest scores', () => {
    const scores = Float32Array.of(0.1, 0.5, 0.4, 0.2, 0.2, 0.6)
    expect(topK(scores, [2, 0], 3, 1)).toBe(0)
    expect(topK(scores, [2, 0], 3, 2)).toBe(1)
    expect(topK(scores, [2, 1], 3, 2)).toBe(1 / 2) // of the equal scores 0.2, class 0 ranks higher
  })

  it('counts the samples on which two models agree', () => {
    expect(agreement(Float32Array.of(1, 0, 0, 1, 5, 4), Float32Array.of(9, 8, 1, 0, 0, -1), 2)).toBe(2 / 3)
  })

  it('names what is wrong', () => {
    expect(() => argmax(Float32Array.of(1, NaN), 1)).toThrow('got NaN in sample 1')
    expect(() => topK(Float32Array.of(1, NaN), [0], 2, 1)).toThrow('got NaN in sample 0')
    expect(() => argmax(new Float32Array(5), 2)).toThrow('expected rows of 2 scores, got 5')
    expect(() => confusionMatrix([3], [0], 3)).toThrow('"labels[0]" expected an integer in 0..2, got 3')
    expect(() => confusionMatrix([0], [0, 1], 3)).toThrow('"labels" expected 2 labels, got 1')
    expect(() => classificationMetrics(new Uint32Array(3), 2)).toThrow('expected Uint32Array(4)')
  })
})

describe('distance', () => {
  it('agrees with a hand-worked example', () => {
    const { mse, maxError, cosine, snr } = distance(Float32Array.of(3, 4, 0), Float32Array.of(3, 0, 4))
    expect(mse).toBeCloseTo(32 / 3, 12)
    expect(maxError).toBe(4)
    expect(cosine).toBeCloseTo(9 / 25, 12)
    expect(snr).toBeCloseTo(10 * Math.log10(25 / 32), 12)
  })

  it('gives the limits for equal, zero and broken outputs', () => {
    const x = Float32Array.of(0.1, -0.7)
    expect(distance(x, x)).toEqual({ mse: 0, maxError: 0, cosine: 1, snr: Infinity })
    expect(distance(new Float32Array(2), new Float32Array(2)).cosine).toBe(1)
    expect(distance(x, new Float32Array(2))).toMatchObject({ cosine: 0, snr: 0 })
    expect(distance(x, Float32Array.of(NaN, 0)).mse).toBeNaN()
    expect(distance(x, Float32Array.of(NaN, 0)).maxError).toBeNaN()
  })
})

/** Scores of a sample [a, b]: a, b, and their sum; remembers the batches it was given. */
function summing(batch: number | null): Runnable & { batches: number[] } {
  const batches: number[] = []
  return {
    batches,
    inputs: [{ name: 'x', dtype: 'float32', shape: [batch, 2] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [batch, 3] }],
    run({ x }) {
      const rows = x!.shape[0]!
      const data = new Float32Array(rows * 3)
      for (let i = 0; i < rows; i++) {
        const [a, b] = [Number(x!.data[2 * i]), Number(x!.data[2 * i + 1])]
        data.set([a, b, a + b], 3 * i)
      }
      batches.push(rows)
      return { y: { kind: 'dense', dtype: 'float32', shape: [rows, 3], data } }
    },
  }
}

describe('running over a dataset', () => {
  const dataset = {
    inputs: Float32Array.of(1, 2, 2, -1, -3, 4, 0, -1, 5, -2),
    shape: [2],
    labels: Uint8Array.of(2, 0, 1, 1, 0),
  }

  it.each([
    [null, 2, [2, 2, 1]],
    [null, 64, [5]],
    [3, 2, [3, 3]],
    [1, 64, [1, 1, 1, 1, 1]],
  ])('model batch %s, asked %s', (fixed, batch, batches) => {
    const model = summing(fixed)
    const progress: number[] = []
    const { scores, classes, count } = predict(model, dataset, { batch, onProgress: (n) => progress.push(n) })
    expect([...scores]).toEqual([1, 2, 3, 2, -1, 1, -3, 4, 1, 0, -1, -1, 5, -2, 3])
    expect([classes, count, progress.at(-1)]).toEqual([3, 5, 5])
    expect(model.batches).toEqual(batches)
  })

  it('evaluates against the labels', () => {
    const result = evaluate(summing(null), dataset, { batch: 2, topK: 2 })
    expect(result).toMatchObject({ count: 5, classes: 3, accuracy: 4 / 5, topK: 1 })
    expect([...result.confusion]).toEqual([2, 0, 0, 1, 1, 0, 0, 0, 1])
    expect(result.msPerSample).toBeGreaterThanOrEqual(0)
  })

  it('compares two models, or a model with earlier predictions', () => {
    const model = summing(null)
    const negated: Runnable = {
      ...model,
      run: (inputs) => {
        const { y } = model.run(inputs)
        return { y: { ...y!, data: (y!.data as Float32Array).map((v) => -v) } as typeof y & object }
      },
    }
    expect(compare(model, model, dataset)).toMatchObject({ agreement: 1, mse: 0, count: 5 })
    const against = compare(predict(model, dataset), negated, dataset)
    expect(against.cosine).toBeCloseTo(-1, 12)
    expect(against.agreement).toBe(0)
  })

  it('names what is wrong', () => {
    const model = summing(null)
    expect(() => predict(model, { inputs: new Float32Array(5), shape: [2] })).toThrow('samples of [2], got 5')
    expect(() => evaluate(model, { inputs: new Float32Array(4), shape: [2] })).toThrow('"dataset.labels"')
    expect(() => predict(model, { ...dataset, labels: new Uint8Array(4) })).toThrow('Uint8Array(5)')
    expect(() => predict(model, dataset, { output: 'z' })).toThrow('expected an output of the model, got z')
    expect(() => predict(model, dataset, { batch: 0 })).toThrow('"batch"')
    const misspelt = { bach: 1 } as object
    expect(() => evaluate(model, dataset, misspelt)).toThrow('"options" has no option "bach"')
  })
})

it('measures with the number of runs that was asked for', () => {
  let calls = 0
  const { medianMs, minMs, runs } = measure(() => calls++, { runs: 4, warmup: 3 })
  expect([calls, runs]).toEqual([7, 4])
  expect(medianMs).toBeGreaterThanOrEqual(minMs)
})
