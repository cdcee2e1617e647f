import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FormatError } from '../bindings/errors.js'
import { tensor, type Tensor } from '../bindings/formats/tensor.js'
import { loadModel } from '../bindings/infer/index.js'
import { readOnnx } from '../bindings/io/onnx/index.js'
import { readStack, writeSafetensors, type StackConfig, type StackLayer } from '../bindings/io/stack/index.js'
import { runOnnx } from './oracles/onnx.js'
import { floats } from './support/models.js'
import { Random } from './support/random.js'

const random = new Random(21)
const values = (...shape: number[]) => floats(random.floats(shape.reduce((a, b) => a * b, 1)), shape)
const file = (weights: Record<string, Tensor>) => writeSafetensors(new Map(Object.entries(weights)))

const lenet: StackConfig = {
  input: { shape: ['N', 1, 28, 28] },
  output: 'logits',
  layers: [
    { type: 'conv', weights: 'c1' },
    { type: 'max-pool', size: 2 },
    { type: 'conv', weights: 'c2' },
    { type: 'max-pool', size: 2 },
    { type: 'flatten' },
    { type: 'linear', weights: 'f1', activation: 'relu' },
    { type: 'linear', weights: 'f2' },
  ],
}

describe('readStack', () => {
  it('makes of LeNet-5 what its ONNX file is, bit for bit', () => {
    const x = { input: tensor(random.floats(3 * 784).map(Math.abs), [3, 1, 28, 28]) }
    const [stack, onnx] = [
      readStack(
        readFileSync('examples/models/lenet-5.safetensors'),
        JSON.parse(JSON.stringify(lenet)) as StackConfig,
      ),
      readOnnx(readFileSync('examples/models/lenet-5.onnx')),
    ].map((model) => {
      const session = loadModel(model)
      const { logits } = session.run(x)
      session.dispose()
      return logits
    })
    expect(stack).toEqual(onnx)
  })

  it('runs every type of layer as PyTorch does', () => {
    const weights = {
      'a.weight': values(4, 1, 3, 3),
      'n.weight': values(4),
      'n.bias': values(4),
      'n.running_mean': values(4),
      'n.running_var': floats([0.5, 1, 2, 3]),
      'l.weight': values(2, 4),
      'l.bias': values(2),
    }
    const layers: StackLayer[] = [
      { type: 'conv', weights: 'a', groups: 2, padding: 'same', stride: [1, 2], dilation: 1 },
      { type: 'batch-norm', weights: 'n', epsilon: 0.01, activation: 'relu' },
      { type: 'average-pool', size: [2, 3], stride: 1, padding: 1 },
      { type: 'global-average-pool' },
      { type: 'flatten' },
      { type: 'linear', weights: 'l', activation: 'softmax' },
    ]
    const model = readStack(file(weights), { input: { name: 'x', shape: [1, 2, 4, 4] }, layers })
    const x = values(1, 2, 4, 4)
    const y = runOnnx(model, { x }).get('output')!

    // The same by hand.
    const image: number[][][] = Array.from({ length: 4 }, (_, o) =>
      Array.from({ length: 4 }, (__, row) =>
        Array.from({ length: 2 }, (___, column) => {
          let sum = 0
          for (let i = 0; i < 3; i++)
            for (let j = 0; j < 3; j++) {
              // "same" over 4 columns in steps of 2 needs one column of padding, which comes at the end.
              const [r, c] = [row + i - 1, 2 * column + j]
              if (r < 0 || r > 3 || c > 3) continue
              sum +=
                x.data[Math.floor(o / 2) * 16 + r * 4 + c]! * weights['a.weight'].data[o * 9 + i * 3 + j]!
            }
          const at = (part: 'weight' | 'bias' | 'running_mean' | 'running_var') =>
            weights[`n.${part}`].data[o]!
          return Math.max(
            ((sum - at('running_mean')) / Math.sqrt(at('running_var') + 0.01)) * at('weight') + at('bias'),
            0,
          )
        }),
      ),
    )
    const pooled = image.map((plane) => {
      let [sum, count] = [0, 0]
      for (let row = -1; row <= 3; row++)
        for (let column = -1; column <= 0; column++) {
          for (let i = 0; i < 2; i++)
            for (let j = 0; j < 3; j++) sum += (plane[row + i]?.[column + j] ?? 0) / 6
          count++
        }
      return sum / count
    })
    const scores = [0, 1].map((o) =>
      pooled.reduce(
        (sum, v, k) => sum + v * weights['l.weight'].data[o * 4 + k]!,
        weights['l.bias'].data[o]!,
      ),
    )
    const total = scores.reduce((sum, v) => sum + Math.exp(v), 0)
    scores.forEach((v, i) => expect(y.data[i]).toBeCloseTo(Math.exp(v) / total, 5))
  })

  const small = { 'f.weight': values(2, 3) }
  const one = (layer: unknown, more: Record<string, unknown> = {}) =>
    ({ input: { shape: [1, 3] }, layers: [layer], ...more }) as unknown as StackConfig

  it.each<[string, unknown, typeof TypeError | typeof RangeError, string]>([
    ['a misspelt setting', { type: 'linear', weights: 'f', activaton: 'relu' }, TypeError, 'activaton'],
    ['a type that is none', { type: 'dense', weights: 'f' }, RangeError, 'config.layers[0].type'],
    [
      'an activation that is none',
      { type: 'linear', weights: 'f', activation: 'constructor' },
      RangeError,
      'activation',
    ],
    ['weights that are not there', { type: 'linear', weights: 'g' }, RangeError, '"g.weight"'],
    ['weights of another rank', { type: 'conv', weights: 'f' }, RangeError, '4 dimensions'],
    ['a name that is none', { type: 'linear', weights: 7 }, TypeError, 'weights'],
    ['a stride of 0', { type: 'max-pool', size: 2, stride: 0 }, RangeError, 'stride'],
    ['three sizes', { type: 'max-pool', size: [1, 2, 3] }, RangeError, 'size'],
    ['a layer that is none', null, TypeError, 'config.layers[0]'],
  ])('refuses %s', (_, layer, kind, message) => {
    expect(() => readStack(file(small), one(layer))).toThrow(kind)
    expect(() => readStack(file(small), one(layer))).toThrow(message)
  })

  it('refuses a description that does not hold together, and bytes that are no file', () => {
    const linear = { type: 'linear', weights: 'f' }
    expect(() => readStack(file(small), one(linear, { layers: [] }))).toThrow(TypeError)
    expect(() => readStack(file(small), one(linear, { input: { shape: [1, -3] } }))).toThrow(RangeError)
    expect(() => readStack(file(small), one(linear, { output: 'f.weight' }))).toThrow(RangeError)
    expect(() => readStack(file(small), one(linear, { output: 5 }))).toThrow(TypeError)
    expect(() => readStack(file(small), one(linear, { input: { shape: [1, 4] } }))).toThrow(RangeError)
    expect(() => readStack(new Uint8Array(20), one(linear))).toThrow(FormatError)
  })
})
