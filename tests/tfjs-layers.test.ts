import { describe, expect, it } from 'vitest'
import { FormatError, UnsupportedOpError } from '../bindings/errors.js'
import { tensor } from '../bindings/formats/tensor.js'
import { loadModel } from '../bindings/infer/index.js'
import { readTfjs } from '../bindings/io/tfjs/index.js'
import { type OracleTensor, runOnnx } from './oracles/onnx.js'
import * as tf from './oracles/tensorflow.js'
import { Random } from './support/random.js'
import { buildWeights, type TfWeight } from './support/tfjs-builder.js'

const random = new Random(12)
const floats = (...shape: number[]) => ({ shape, data: random.floats(shape.reduce((a, b) => a * b, 1)) })

type Settings = Readonly<Record<string, unknown>>
type LayerSpec = readonly [kind: string, name: string, config?: Settings]
type Weights = Readonly<Record<string, TfWeight>>

/** A file of these layers, one after the other, on samples of some shape. */
function sequential(shape: readonly (number | null)[], layers: readonly LayerSpec[], weights: Weights = {}) {
  const items = layers.map(([class_name, name, config = {}], i) => ({
    class_name,
    config: { name, ...(i === 0 ? { batch_input_shape: [null, ...shape] } : {}), ...config },
  }))
  return file({ class_name: 'Sequential', config: { name: 'model', layers: items } }, weights)
}

function file(model_config: unknown, weights: Weights) {
  const { weightsManifest, bytes } = buildWeights(weights)
  return { json: { format: 'layers-model', modelTopology: { model_config }, weightsManifest }, bytes }
}

type File = ReturnType<typeof file>

/** The only output for `x`, optimized and not, by the ONNX oracle. */
function run({ json, bytes }: File, x: OracleTensor): OracleTensor {
  const [plain, optimized] = [false, true].map((optimize) => {
    const model = readTfjs(json, bytes, { optimize })
    return runOnnx(model, { [model.inputs[0]!.name]: x }).get(model.outputs[0]!.name)!
  })
  expectClose(optimized!, plain!)
  return plain!
}

function expectClose(actual: OracleTensor, expected: OracleTensor): void {
  expect([...actual.shape]).toEqual([...expected.shape])
  Array.from(expected.data, (value, i) => expect(actual.data[i]).toBeCloseTo(value, 4))
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

describe('layers of images', () => {
  const x = floats(2, 7, 6, 3)
  const image = [7, 6, 3]

  it('convolves as TensorFlow does', () => {
    const weights = {
      'c/kernel': floats(3, 2, 3, 4),
      'c/bias': floats(4),
      'd/depthwise_kernel': floats(2, 3, 4, 2),
      'd/bias': floats(8),
    }
    const layers: LayerSpec[] = [
      ['Conv2D', 'c', { strides: [2, 1], padding: 'same', activation: 'relu', use_bias: true }],
      ['DepthwiseConv2D', 'd', { strides: 1, padding: 'valid' }],
    ]
    const c = tf.conv2d(x, weights['c/kernel'], { strides: [2, 1], same: true })
    const relu = Array.from(c.data, (value, i) => Math.max(value + weights['c/bias'].data[i % 4]!, 0))
    const d = tf.depthwiseConv2d({ ...c, data: relu }, weights['d/depthwise_kernel'], {
      strides: [1, 1],
      same: false,
    })
    const data = Array.from(d.data, (value, i) => value + weights['d/bias'].data[i % 8]!)
    expectClose(run(sequential(image, layers, weights), x), { ...d, data })
  })

  it('separates convolutions', () => {
    const weights = { 's/depthwise_kernel': floats(3, 3, 3, 2), 's/pointwise_kernel': floats(1, 1, 6, 5) }
    const config = { padding: 'same', dilation_rate: [1, 2], use_bias: false }
    const window = { strides: [1, 1], same: true } as const
    const depthwise = tf.depthwiseConv2d(x, weights['s/depthwise_kernel'], { ...window, dilations: [1, 2] })
    const expected = tf.conv2d(depthwise, weights['s/pointwise_kernel'], window)
    expectClose(run(sequential(image, [['SeparableConv2D', 's', config]], weights), x), expected)
  })

  it('slides over sequences, backwards only where that is asked for', () => {
    const sequence = { shape: [2, 8, 3], data: floats(2, 8, 3).data }
    const asImage = { shape: [2, 1, 8, 3], data: sequence.data }
    const kernel = floats(1, 3, 3, 4)
    const weights = { 'c/kernel': { shape: [3, 3, 4], data: kernel.data } }
    const conv = (config: Settings) =>
      run(sequential([8, 3], [['Conv1D', 'c', { use_bias: false, ...config }]], weights), sequence)
    const same = tf.conv2d(asImage, kernel, { strides: [1, 2], same: true })
    expectClose(conv({ strides: [2], padding: 'same' }), { shape: [2, 4, 4], data: same.data })
    const before = new Float64Array(2 * 12 * 3)
    for (let n = 0; n < 2; n++) before.set(sequence.data.subarray(n * 24, n * 24 + 24), n * 36 + 12)
    const causal = tf.conv2d({ shape: [2, 1, 12, 3], data: before }, kernel, {
      strides: [1, 1],
      dilations: [1, 2],
      same: false,
    })
    expectClose(conv({ padding: 'causal', dilation_rate: 2 }), { shape: [2, 8, 4], data: causal.data })
  })

  it('pools, pads and crops', () => {
    const pool = { pool_size: [3, 2], strides: [2, 2], padding: 'same' }
    const at = { kernel: [3, 2], strides: [2, 2], same: true } as const
    expectClose(run(sequential(image, [['MaxPooling2D', 'p', pool]]), x), tf.pool2d(x, at, 'max'))
    expectClose(
      run(sequential(image, [['AveragePooling2D', 'p', { ...pool, strides: null }]]), x),
      tf.pool2d(x, { ...at, strides: [3, 2] }, 'average'),
    )
    const inside: LayerSpec[] = [
      [
        'ZeroPadding2D',
        'z',
        {
          padding: [
            [1, 2],
            [0, 3],
          ],
        },
      ],
      [
        'Cropping2D',
        'c',
        {
          cropping: [
            [1, 2],
            [0, 3],
          ],
        },
      ],
    ]
    expectClose(run(sequential(image, inside), x), x)
    const mean = Array.from({ length: 6 }, (_, i) => {
      const [n, c] = [Math.floor(i / 3), i % 3]
      return (
        Array.from({ length: 42 }, (__, p) => x.data[n * 126 + p * 3 + c]!).reduce((a, b) => a + b, 0) / 42
      )
    })
    expectClose(run(sequential(image, [['GlobalAveragePooling2D', 'g']]), x), { shape: [2, 3], data: mean })
    const kept = run(sequential(image, [['GlobalAveragePooling2D', 'g', { keepdims: true }]]), x)
    expectClose(kept, { shape: [2, 1, 1, 3], data: mean })
  })

  it('normalizes and activates along the channels', () => {
    const moving_variance = { shape: [3], data: Float32Array.of(0.5, 1, 2) }
    const weights = {
      'b/beta': floats(3),
      'b/moving_mean': floats(3),
      'b/moving_variance': moving_variance,
      'p/alpha': floats(1, 1, 3),
    }
    const layers: LayerSpec[] = [
      ['BatchNormalization', 'b', { axis: [3], scale: false, epsilon: 0.01 }],
      ['PReLU', 'p', { shared_axes: [1, 2] }],
    ]
    const data = Array.from(x.data, (value, i) => {
      const at = (name: keyof typeof weights) => weights[name].data[i % 3]!
      const y = (value - at('b/moving_mean')) / Math.sqrt(at('b/moving_variance') + 0.01) + at('b/beta')
      return y < 0 ? y * at('p/alpha') : y
    })
    expectClose(run(sequential(image, layers, weights), x), { ...x, data })
  })
})

describe('other layers', () => {
  const x = { shape: [2, 6], data: [-3, -1, -0.5, 0, 2, 8, 1, 2, 3, -4, -5, 6] }
  const each = (kind: string, config: Settings, f: (x: number) => number) =>
    expectClose(run(sequential([6], [[kind, 'a', config]]), x), { ...x, data: x.data.map(f) })

  it('activations', () => {
    each('Activation', { activation: 'swish' }, (v) => v * sigmoid(v))
    each('Activation', { activation: 'hard_sigmoid' }, (v) => Math.min(Math.max(0.2 * v + 0.5, 0), 1))
    each('Activation', { activation: { class_name: 'LeakyReLU', config: {} } }, (v) => (v < 0 ? 0.2 * v : v))
    each('ReLU', { max_value: 2, negative_slope: 0.5 }, (v) => Math.min(v < 0 ? v / 2 : v, 2))
    each('ReLU', { max_value: 6, negative_slope: null }, (v) => Math.min(Math.max(v, 0), 6))
    each('LeakyReLU', {}, (v) => (v < 0 ? 0.3 * v : v))
    each('ELU', { alpha: 2 }, (v) => (v < 0 ? 2 * Math.expm1(v) : v))
    each('Rescaling', { scale: 0.5, offset: -1 }, (v) => v / 2 - 1)
    each('Dropout', { rate: 0.5 }, (v) => v)
  })

  it('Dense on vectors and on sequences, and Reshape, Permute, RepeatVector, Flatten', () => {
    const weights = { 'd/kernel': floats(3, 2), 'd/bias': floats(2) }
    const rows = [0, 1, 2, 3].map((row) => x.data.slice(3 * row, 3 * row + 3))
    const dense = rows.flatMap((row) =>
      [0, 1].map((j) =>
        row.reduce((sum, v, k) => sum + v * weights['d/kernel'].data[k * 2 + j]!, weights['d/bias'].data[j]!),
      ),
    )
    const reshape: LayerSpec = ['Reshape', 'r', { target_shape: [2, -1] }]
    expectClose(run(sequential([6], [reshape, ['Dense', 'd']], weights), x), {
      shape: [2, 2, 2],
      data: dense,
    })
    expectClose(
      run(
        sequential(
          [6],
          [reshape, ['TimeDistributed', 't', { layer: { class_name: 'Dense', config: { name: 'd' } } }]],
          { 't/kernel': weights['d/kernel'], 't/bias': weights['d/bias'] },
        ),
        x,
      ),
      { shape: [2, 2, 2], data: dense },
    )
    const turned = [0, 3, 1, 4, 2, 5]
      .map((i) => x.data[i]!)
      .concat([6, 9, 7, 10, 8, 11].map((i) => x.data[i]!))
    expectClose(run(sequential([6], [reshape, ['Permute', 'p', { dims: [2, 1] }], ['Flatten', 'f']]), x), {
      shape: [2, 6],
      data: turned,
    })
    const twice = [x.data.slice(0, 6), x.data.slice(0, 6), x.data.slice(6), x.data.slice(6)].flat()
    expectClose(run(sequential([6], [['RepeatVector', 'v', { n: 2 }]]), x), { shape: [2, 2, 6], data: twice })
  })

  it('LayerNormalization and Embedding', () => {
    const weights = { 'l/gamma': floats(6), 'l/beta': floats(6) }
    const data = [x.data.slice(0, 6), x.data.slice(6)].flatMap((row) => {
      const mean = row.reduce((a, b) => a + b) / 6
      const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 6
      return row.map(
        (v, i) =>
          ((v - mean) / Math.sqrt(variance + 0.001)) * weights['l/gamma'].data[i]! +
          weights['l/beta'].data[i]!,
      )
    })
    expectClose(run(sequential([6], [['LayerNormalization', 'l', { axis: [-1] }]], weights), x), {
      shape: [2, 6],
      data,
    })
    const table = floats(5, 2)
    const indices = { shape: [1, 3], data: [4, 0, 2] }
    const expected = indices.data.flatMap((i) => [...table.data.subarray(2 * i, 2 * i + 2)])
    expectClose(run(sequential([3], [['Embedding', 'e']], { 'e/embeddings': table }), indices), {
      shape: [1, 3, 2],
      data: expected,
    })
  })

  it('upsamples as TensorFlow.js does: from the corners, not from the middles', () => {
    const { json, bytes } = sequential(
      [2, 2, 1],
      [['UpSampling2D', 'u', { size: [2, 3], interpolation: 'bilinear' }]],
    )
    const resize = readTfjs(json, bytes).nodes.find(({ op }) => op === 'Resize')!
    expect(resize.attributes).toMatchObject({ mode: 'linear', coordinate_transformation_mode: 'asymmetric' })
  })
})

describe('recurrent layers', () => {
  const [time, inputs, units] = [5, 3, 2]
  const x = floats(2, time, inputs)
  const rowTimes = (row: ArrayLike<number>, { shape, data }: TfWeight, columns: number[]) =>
    columns.map((j) => Array.from(row, (v, k) => v * data[k * shape[1]! + j]!).reduce((a, b) => a + b, 0))
  const range = (from: number, length: number) => Array.from({ length }, (_, i) => from + i)

  type Step = (x: number[], h: number[], c: number[]) => { h: number[]; c: number[] }

  /** The states of every sample, [time][units], in the order in which they are computed. */
  const states = (step: Step, backwards = false) =>
    [0, 1].map((n) => {
      let state = { h: new Array<number>(units).fill(0), c: new Array<number>(units).fill(0) }
      const order = range(0, time)
      return (backwards ? order.reverse() : order).map((t) => {
        const at = (n * time + t) * inputs
        state = step([...x.data.subarray(at, at + inputs)], state.h, state.c)
        return state.h
      })
    })

  const cell = (prefix: string, gates: number, biases = 1) => ({
    [`${prefix}/kernel`]: floats(inputs, gates * units),
    [`${prefix}/recurrent_kernel`]: floats(units, gates * units),
    [`${prefix}/bias`]: biases === 1 ? floats(gates * units) : floats(biases, gates * units),
  })

  const sums = (weights: Weights, prefix: string, gate: number, row: number[], h: number[], bias = 0) => {
    const columns = range(gate * units, units)
    const [a, b] = [
      rowTimes(row, weights[`${prefix}/kernel`]!, columns),
      rowTimes(h, weights[`${prefix}/recurrent_kernel`]!, columns),
    ]
    return columns.map((column, i) => a[i]! + b[i]! + weights[`${prefix}/bias`]!.data[bias + column]!)
  }

  /** Gates in Keras's order: input, forget, cell, output. */
  const lstm =
    (weights: Weights, prefix: string): Step =>
    (row, h, c) => {
      const [i, f, g, o] = [0, 1, 2, 3].map((gate) => sums(weights, prefix, gate, row, h)) as [
        number[],
        number[],
        number[],
        number[],
      ]
      const next = c.map((old, u) => sigmoid(f[u]!) * old + sigmoid(i[u]!) * Math.tanh(g[u]!))
      return { c: next, h: next.map((value, u) => sigmoid(o[u]!) * Math.tanh(value)) }
    }

  /** Gates in Keras's order: update, reset, new; the reset comes before or after the product. */
  const gru =
    (weights: Weights, prefix: string, after: boolean): Step =>
    (row, h) => {
      const none = h.map(() => 0)
      const size = 3 * units
      const second = (gate: number, state: number[]) =>
        after
          ? rowTimes(state, weights[`${prefix}/recurrent_kernel`]!, range(gate * units, units)).map(
              (v, u) => v + weights[`${prefix}/bias`]!.data[size + gate * units + u]!,
            )
          : rowTimes(state, weights[`${prefix}/recurrent_kernel`]!, range(gate * units, units))
      const first = [0, 1, 2].map((gate) => sums(weights, prefix, gate, row, none))
      const z = second(0, h).map((v, u) => sigmoid(v + first[0]![u]!))
      const r = second(1, h).map((v, u) => sigmoid(v + first[1]![u]!))
      const inner = after
        ? second(2, h).map((v, u) => v * r[u]!)
        : second(
            2,
            h.map((v, u) => v * r[u]!),
          )
      return {
        c: none,
        h: h.map((old, u) => z[u]! * old + (1 - z[u]!) * Math.tanh(first[2]![u]! + inner[u]!)),
      }
    }

  function check(layers: readonly LayerSpec[], weights: Weights, expected: OracleTensor): void {
    const { json, bytes } = sequential([time, inputs], layers, weights)
    const model = readTfjs(json, bytes)
    const session = loadModel(model)
    const y = session.run({ [model.inputs[0]!.name]: tensor(x.data, x.shape) })
    expectClose(y[model.outputs[0]!.name] as OracleTensor, expected)
    session.dispose()
  }

  const sequence = (all: number[][][]) => ({ shape: [2, time, units], data: all.flat(2) })
  const last = (all: number[][][]) => ({ shape: [2, units], data: all.map((steps) => steps.at(-1)!).flat() })

  it('LSTM', () => {
    const weights = cell('l/lstm_cell', 4)
    const config = { units, recurrent_activation: 'sigmoid' }
    const all = states(lstm(weights, 'l/lstm_cell'))
    check([['LSTM', 'l', config]], weights, last(all))
    check([['LSTM', 'l', { ...config, return_sequences: true }]], weights, sequence(all))
    const back = states(lstm(weights, 'l/lstm_cell'), true)
    check([['LSTM', 'l', { ...config, return_sequences: true, go_backwards: true }]], weights, sequence(back))
  })

  it.each([false, true])('GRU, the state reset after the product: %s', (after) => {
    const weights = cell('g', 3, after ? 2 : 1)
    const config = { units, reset_after: after, return_sequences: true }
    check([['GRU', 'g', config]], weights, sequence(states(gru(weights, 'g', after))))
  })

  it('SimpleRNN', () => {
    const weights = cell('r', 1)
    const step: Step = (row, h, c) => ({ c, h: sums(weights, 'r', 0, row, h).map((v) => Math.max(v, 0)) })
    check([['SimpleRNN', 'r', { units, activation: 'relu' }]], weights, last(states(step)))
  })

  it('Bidirectional: the states of the second direction in the order of time', () => {
    const weights = { ...cell('b/forward_lstm/lstm_cell', 4), ...cell('b/backward_lstm/lstm_cell', 4) }
    const [there, back] = [
      states(lstm(weights, 'b/forward_lstm/lstm_cell')),
      states(lstm(weights, 'b/backward_lstm/lstm_cell'), true),
    ]
    const inner = { class_name: 'LSTM', config: { name: 'lstm', units, return_sequences: true } }
    const joined = there.flatMap((steps, n) => steps.flatMap((h, t) => [...h, ...back[n]![time - 1 - t]!]))
    check([['Bidirectional', 'b', { layer: inner }]], weights, { shape: [2, time, 2 * units], data: joined })
    const only = { ...inner, config: { ...inner.config, return_sequences: false } }
    const sum = there.flatMap((steps, n) => steps.at(-1)!.map((h, u) => h + back[n]!.at(-1)![u]!))
    check([['Bidirectional', 'b', { layer: only, merge_mode: 'sum' }]], weights, {
      shape: [2, units],
      data: sum,
    })
  })
})

describe('functional models', () => {
  const weights = {
    'd/kernel': floats(4, 4),
    'd/bias': floats(4),
    'inner/e/kernel': floats(4, 4),
    'inner/e/bias': floats(4),
  }
  const x = { shape: [2, 4], data: floats(2, 4).data }
  const affine = (name: string, rows: ArrayLike<number>) =>
    Array.from({ length: 8 }, (_, i) =>
      [0, 1, 2, 3].reduce(
        (sum, k) =>
          sum +
          rows[Math.floor(i / 4) * 4 + k]! *
            weights[`${name}/kernel` as keyof typeof weights].data[k * 4 + (i % 4)]!,
        weights[`${name}/bias` as keyof typeof weights].data[i % 4]!,
      ),
    )
  const layer = (class_name: string, name: string, inbound_nodes: unknown, config: Settings = {}) => ({
    class_name,
    name,
    config: { name, ...config },
    inbound_nodes,
  })
  const input = layer('InputLayer', 'x', [], { batch_input_shape: [null, 4] })
  const ref = (name: string, use = 0) => [name, use, 0, {}]
  const inner = {
    layers: [layer('InputLayer', 'i', [], { batch_shape: [null, 4] }), layer('Dense', 'e', [[ref('i')]])],
    input_layers: [['i', 0, 0]],
    output_layers: [['e', 0, 0]],
  }

  it('shares layers, nests models, and takes layers in any order', () => {
    const once = affine('d', x.data)
    const nested = affine('inner/e', once)
    const expected = affine('d', nested).map((v, i) => v * once[i]! - x.data[i]!)
    // The models inside count their uses from one where their making counts as a use.
    for (const first of [0, 1]) {
      const layers = [
        layer('Subtract', 's', [[ref('m'), ref('x')]]),
        layer('Multiply', 'm', [[ref('d', 1), ref('d')]]),
        layer('Functional', 'inner', [[ref('d')]], inner),
        layer('Dense', 'd', [[ref('x')], [ref('inner', first)]]),
        input,
      ]
      const config = { layers, input_layers: [['x', 0, 0]], output_layers: [['s', 0, 0]] }
      expectClose(run(file({ class_name: 'Functional', config }, weights), x), {
        shape: [2, 4],
        data: expected,
      })
    }
  })

  it('reads the tensors of Keras 3, and several outputs', () => {
    const keras = (name: string) => ({
      class_name: '__keras_tensor__',
      config: { shape: [null, 4], keras_history: [name, 0, 0] },
    })
    const layers = [
      input,
      layer('Dense', 'd', [{ args: [keras('x')], kwargs: {} }]),
      layer('Average', 'a', [{ args: [[keras('d'), keras('x')]], kwargs: {} }]),
      layer('Concatenate', 'c', [{ args: [[keras('a'), keras('d')]], kwargs: {} }], { axis: -1 }),
    ]
    const config = {
      layers,
      input_layers: ['x', 0, 0],
      output_layers: [
        ['c', 0, 0],
        ['a', 0, 0],
      ],
    }
    const { json, bytes } = file({ class_name: 'Functional', config }, weights)
    const model = readTfjs(json, bytes)
    expect(model.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: [null, 4] }])
    expect(model.outputs.map(({ name }) => name)).toEqual(['c', 'a'])
    const d = affine('d', x.data)
    expectClose(runOnnx(model, { x }).get('a')!, {
      shape: [2, 4],
      data: d.map((v, i) => (v + x.data[i]!) / 2),
    })
  })

  it('names all layers that have no counterpart', () => {
    const { json, bytes } = sequential(
      [4],
      [
        ['Lambda', 'f'],
        ['Custom', 'g'],
        ['Lambda', 'h'],
        ['Activation', 'a', { activation: 'mine' }],
      ],
    )
    try {
      readTfjs(json, bytes)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(UnsupportedOpError)
      expect((error as UnsupportedOpError).operators).toEqual([
        { op: 'Lambda', nodes: ['f', 'h'] },
        { op: 'Custom', nodes: ['g'] },
        { op: 'Activation with the activation mine', nodes: ['a'] },
      ])
    }
  })

  it.each<[string, (file: File) => void]>([
    [
      'no layers',
      ({ json }) =>
        Object.assign(json.modelTopology, { model_config: { class_name: 'Sequential', config: [] } }),
    ],
    ['a weight of another shape', ({ json }) => (json.weightsManifest[0]!.weights[0]!['shape'] = [16])],
    [
      'a weight under another name',
      ({ json }) => (json.weightsManifest[0]!.weights[0]!['name'] = 'other/kernel'),
    ],
    ['two kernels', ({ json }) => (json.weightsManifest[0]!.weights[1]!['name'] = 'd/2/kernel')],
  ])('refuses %s', (_, damage) => {
    const broken = sequential([4], [['Dense', 'd']], { 'd/kernel': floats(4, 4), 'd/bias': floats(4) })
    expect(() => readTfjs(broken.json, broken.bytes)).not.toThrow()
    damage(broken)
    expect(() => readTfjs(broken.json, broken.bytes)).toThrow(FormatError)
  })

  it('refuses layers that read themselves, and models that grow without end', () => {
    const loop = [input, layer('Dense', 'd', [[ref('e')]]), layer('Dense', 'e', [[ref('d')]])]
    const ends = { input_layers: [['x', 0, 0]], output_layers: [['d', 0, 0]] }
    const circle = file({ class_name: 'Functional', config: { layers: loop, ...ends } }, weights)
    expect(() => readTfjs(circle.json, circle.bytes)).toThrow(FormatError)

    let config: Settings = {
      layers: [
        layer('InputLayer', 'i', []),
        layer('Dropout', 'r', [[ref('i')]]),
        layer('ELU', 'o', [[ref('r')]]),
      ],
      input_layers: [['i', 0, 0]],
      output_layers: [['o', 0, 0]],
    }
    for (let depth = 0; depth < 18; depth++) {
      const layers = [
        layer('InputLayer', 'i', []),
        layer('Functional', 'm', [[ref('i')], [ref('m', 0)]], config),
      ]
      config = { layers, input_layers: [['i', 0, 0]], output_layers: [['m', 1, 0]] }
    }
    const grown = file({ class_name: 'Functional', config }, {})
    expect(() => readTfjs(grown.json, grown.bytes)).toThrow(RangeError)
  })
})
