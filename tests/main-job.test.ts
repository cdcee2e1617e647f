import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { compress } from '../bindings/compress/index.js'
import { loadModel } from '../bindings/infer/index.js'
import { readOnnx } from '../bindings/io/onnx/index.js'
import { runOnnx } from './oracles/onnx.js'
import { digits } from './support/mnist.js'

it('compresses LeNet-300-100 by more than 13 with the default recipe, and it still reads digits', () => {
  const onnx = readFileSync('examples/models/lenet-300-100.onnx')
  const model = readOnnx(onnx)
  const { artifact, report } = compress(model, 'deep-compression', {
    calibration: digits('train', 400),
    originalBytes: onnx.length,
  })
  expect(report.bytesAfter).toBe(artifact.length)
  expect(onnx.length / artifact.length).toBeGreaterThan(13)

  // Accuracy by the test's own count: of the original by the oracle, of the file by the library.
  const { inputs, labels, shape } = digits('t10k', 1000)
  const right = (scores: ArrayLike<number>): number => {
    let count = 0
    for (let i = 0; i < labels.length; i++) {
      let best = 0
      for (let c = 1; c < 10; c++) if (scores[i * 10 + c]! > scores[i * 10 + best]!) best = c
      if (best === labels[i]) count++
    }
    return count
  }
  const batch = { shape: [1000, ...shape], data: inputs }
  const before = right(runOnnx(model, { input: batch }).get('logits')!.data)
  using session = loadModel(artifact)
  const after = right(session.run({ input: { kind: 'dense', dtype: 'float32', ...batch } })['logits']!.data)
  // The networks give different answers to about one digit in a hundred, some to the better. 0.4 points of 10,000 are
  // the bound that npm start is held to; one of ten times fewer digits is wider by the noise of counting them.
  expect(after).toBeGreaterThanOrEqual(before - 8)
  expect(session.describe().weightBytes).toBeLessThan(onnx.length / 2)
})
