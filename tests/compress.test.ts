import { describe, expect, it } from 'vitest'
import { compress, type CompressOptions, type Recipe } from '../bindings/compress/index.js'
import type { CodebookTensor } from '../bindings/formats/codebook.js'
import type { QuantizedTensor } from '../bindings/formats/quantized.js'
import type { Tensor } from '../bindings/formats/tensor.js'
import type { Model } from '../bindings/graph/model.js'
import { loadModel } from '../bindings/infer/index.js'
import { quantizeInt4 } from '../bindings/ops/int4.js'
import { inspectArtifact, readArtifact } from '../bindings/io/artifact/index.js'
import { runOnnx } from './oracles/onnx.js'
import { floats, makeModel, node } from './support/models.js'
import { Random } from './support/random.js'
import { describeTargets, targets } from './support/targets.js'

/** A small network with every kind of layer: Conv, depthwise Conv without bias, Gemm in both orders, MatMul. */
function network(seed = 1): Model {
  const random = new Random(seed)
  const weight = (shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1)
    return floats(random.floats(size, 0.5), shape)
  }
  return makeModel({
    inputs: { x: ['N', 1, 8, 8] },
    nodes: [
      node('Conv', 'x w1 b1 -> c1', { pads: [1, 1, 1, 1] }),
      node('Relu', 'c1 -> r1'),
      node('Conv', 'r1 w2 -> c2', { group: 4, strides: [2, 2], pads: [1, 1, 0, 0] }),
      node('Flatten', 'c2 -> f'),
      node('Gemm', 'f w3 b3 -> g3', { transB: 1 }),
      node('Relu', 'g3 -> r3'),
      node('Gemm', 'r3 w4 b4 -> g4'),
      node('MatMul', 'g4 w5 -> y'),
    ],
    outputs: ['y'],
    weights: {
      w1: weight([4, 1, 3, 3]),
      b1: weight([4]),
      w2: weight([4, 1, 3, 3]),
      w3: weight([12, 64]),
      b3: weight([12]),
      w4: weight([12, 10]),
      b4: weight([10]),
      w5: weight([10, 5]),
    },
  })
}

const samples = (count: number, seed = 2) => ({
  inputs: new Random(seed).floats(count * 64).map(Math.abs),
  shape: [1, 8, 8],
})

const LAYERS = ['w1', 'w2', 'w3', 'w4', 'w5']
const SHARE: Recipe = [{ stage: 'share', bits: 4 }]
const ALL: Recipe = [
  { stage: 'prune', sparsity: 0.7, rate: 0.3, refit: true },
  { stage: 'refit' },
  { stage: 'share', bits: 4, refit: true },
  { stage: 'bias', as: 'float16' },
  { stage: 'code' },
]

const dense = (model: Model, name: string): Float32Array =>
  (model.weights.get(name) as Tensor<'float32'>).data
const zeroShare = (values: ArrayLike<number>): number =>
  Array.from(values).filter((value) => value === 0).length / values.length
/** Squared error of a model's output over that of a constant, by the oracle. */
function relativeError(original: Model, model: Model, data = samples(16, 9)): number {
  const x = { shape: [16, 1, 8, 8], data: data.inputs }
  const expected = runOnnx(original, { x }).get('y')!.data
  const actual = loadModel(model).run({ x: floats(data.inputs, x.shape) })['y']!.data
  const mean = expected.reduce((a, b) => a + b, 0) / expected.length
  const sum = (of: (i: number) => number): number => expected.reduce((total, _, i) => total + of(i) ** 2, 0)
  return sum((i) => actual[i]! - expected[i]!) / sum((i) => expected[i]! - mean)
}

describe('stages', () => {
  const calibration = samples(256)
  const model = network()

  it('prune: meets the sparsity in each layer, keeping the largest', () => {
    const { model: pruned } = compress(model, [
      { stage: 'prune', method: 'magnitude', scope: 'layer', sparsity: 0.5 },
    ])
    for (const name of LAYERS) {
      const [before, after] = [dense(model, name), dense(pruned, name)]
      expect(zeroShare(after)).toBe(Math.round(before.length * 0.5) / before.length)
      const least = Math.min(...after.filter((w) => w !== 0).map(Math.abs))
      before.forEach((w, i) => expect(after[i]).toBe(Math.abs(w) >= least ? w : 0))
    }
  })

  it('prune: ranks all layers together', () => {
    const { model: pruned } = compress(model, [
      { stage: 'prune', method: 'magnitude', scope: 'global', sparsity: 0.6 },
    ])
    const all = LAYERS.flatMap((name) => [...dense(model, name)])
    const kept = LAYERS.flatMap((name) => [...dense(pruned, name)])
    expect(zeroShare(kept)).toBeCloseTo(0.6, 2)
    const least = Math.min(...kept.filter((w) => w !== 0).map(Math.abs))
    expect(kept).toEqual(all.map((w) => (Math.abs(w) >= least ? w : 0)))
  })

  it('prune: by input, weights on dead and weak inputs go first, and a sparsity below their share is still met', () => {
    const inputs = new Float32Array(64 * 4)
    for (let i = 0; i < 64; i++) inputs.set([0, i % 5, 0.01 * (i % 3), (i * 7) % 11], i * 4)
    const small = makeModel({
      inputs: { x: ['N', 4] },
      nodes: [node('Gemm', 'x w -> y')],
      outputs: ['y'],
      weights: { w: floats([9, 0.5, 8, 0.4, 7, 0.6, 6, 0.3], [4, 2]) },
    })
    const pruned = (sparsity: number): number[] => [
      ...dense(
        compress(small, [{ stage: 'prune', sparsity }], { calibration: { inputs, shape: [4] } }).model,
        'w',
      ),
    ]
    expect(pruned(1 / 8)).toEqual([9, 0, 8, 0.4, 7, 0.6, 6, 0.3].map(Math.fround))
    expect(pruned(2 / 8)).toEqual([0, 0, 8, 0.4, 7, 0.6, 6, 0.3].map(Math.fround))
    expect(pruned(4 / 8)).toEqual([0, 0, 8, 0.4, 0, 0, 6, 0.3].map(Math.fround))
  })

  it('prune: refitting in rounds beats pruning at once, and both keep the sparsity', () => {
    const run = (options: object): Model =>
      compress(model, [{ stage: 'prune', sparsity: 0.7, ...options }], { calibration }).model
    const [plain, refitted, inRounds] = [run({}), run({ refit: true }), run({ refit: true, rate: 0.2 })]
    for (const pruned of [plain, refitted, inRounds]) {
      expect(zeroShare(LAYERS.flatMap((name) => [...dense(pruned, name)]))).toBeCloseTo(0.7, 2)
    }
    const errors = [plain, refitted, inRounds].map((pruned) => relativeError(model, pruned))
    expect(errors[1]).toBeLessThan(errors[0]! * 0.7)
    expect(errors[2]).toBeLessThan(errors[1]!)
  })

  it('prune: a tolerance bounds the error of the outputs and is used up', () => {
    const run = (tolerance: number) =>
      compress(model, [{ stage: 'prune', sparsity: 0.99, rate: 0.2, refit: true, tolerance }], {
        calibration,
      }).report
    const [none, strict, loose] = [run(0), run(0.01), run(0.1)]
    expect(none.sparsity).toBe(0)
    expect(strict.outputError).toBeLessThanOrEqual(0.01)
    expect(loose.outputError).toBeLessThanOrEqual(0.1)
    expect(strict.sparsity).toBeGreaterThan(0.1)
    expect(loose.sparsity).toBeGreaterThan(strict.sparsity)
    expect(loose.outputError).toBeGreaterThan(0.05)
  })

  it('refit: makes up for errors of the layers before', () => {
    const prune = { stage: 'prune', sparsity: 0.6 } as const
    const { model: before } = compress(model, [prune], { calibration })
    const { model: after } = compress(model, [prune, { stage: 'refit' }], { calibration })
    expect(relativeError(model, after)).toBeLessThan(relativeError(model, before) * 0.5)
    for (const name of LAYERS) {
      expect([...dense(after, name)].map((w) => w === 0)).toEqual(
        [...dense(before, name)].map((w) => w === 0),
      )
    }
  })

  it('quantize: codes are nearest multiples of a scale an output, and zeros stay zero', () => {
    const { model: pruned } = compress(model, [{ stage: 'prune', method: 'magnitude', sparsity: 0.5 }])
    const { model: quantized } = compress(model, [
      { stage: 'prune', method: 'magnitude', sparsity: 0.5 },
      { stage: 'quantize' },
    ])
    expect(quantized.activations).toBeUndefined()
    for (const [name, axis] of [
      ['w1', 0],
      ['w2', 0],
      ['w3', 0],
      ['w4', 1],
      ['w5', 1],
    ] as const) {
      // prettier-ignore
      const { data, scale, zeroPoint, granularity, shape } = quantized.weights.get(name) as QuantizedTensor
      expect(granularity).toEqual({ per: 'channel', axis })
      expect(zeroPoint.every((zero) => zero === 0)).toBe(true)
      const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1)
      dense(pruned, name).forEach((w, i) => {
        const channel = Math.floor(i / inner) % shape[axis]!
        if (w === 0) expect(data[i]).toBe(0)
        expect(Math.abs(data[i]! * scale[channel]! - w)).toBeLessThanOrEqual(scale[channel]! * 0.5000001)
      })
    }
    const { model: whole } = compress(model, [{ stage: 'quantize', granularity: 'tensor' }])
    expect((whole.weights.get('w3') as QuantizedTensor).scale).toHaveLength(1)
  })

  it('quantize: 4 bits in groups of inputs where they fit, and the file runs as the model does', () => {
    const { model: quantized, artifact, report } = compress(model, 'int4')
    for (const [name, axis] of [
      ['w3', 1],
      ['w4', 0],
      ['w5', 0],
    ] as const) {
      const { data: reals, shape } = model.weights.get(name) as Tensor<'float32'>
      expect(quantized.weights.get(name)).toEqual(quantizeInt4(reals, { shape, axis }))
    }
    // Three and four channels fill no group of 32.
    expect(quantized.weights.get('w1')).toMatchObject({ kind: 'quantized', bits: 8 })
    expect(quantized.weights.get('w2')).toMatchObject({ kind: 'quantized', bits: 8 })
    expect(readArtifact(artifact).weights).toEqual(quantized.weights)
    expect(report.layers.find(({ shape }) => shape[1] === 64)!.bitsPerWeight).toBe(4.5)
    expect(relativeError(model, quantized)).toBeLessThan(0.05)
    using session = loadModel(readArtifact(artifact))
    const stored = session.describe().nodes.map((each) => each.stored)
    expect(stored.filter((form) => form === 'int4')).toHaveLength(3)
    expect(stored).not.toContain('float32')
  })

  it('quantize: static activations cover what goes into each layer, 0 included', () => {
    const { model: quantized } = compress(model, 'int8-static', { calibration })
    const values = runOnnx(model, { x: { shape: [256, 1, 8, 8], data: calibration.inputs } })
    const ranges = [...quantized.activations!]
    // Relu is part of the layer before it.
    expect(ranges.map(([name]) => name)).toEqual(['x', 'r1', 'f', 'r3', 'g4'])
    for (const [name, { scale, zeroPoint }] of ranges) {
      const { data } = values.get(name)!
      const low = Math.min(0, ...data)
      const high = Math.max(0, ...data)
      expect(scale).toBeCloseTo((high - low) / 255, 5)
      expect(scale * (-128 - zeroPoint)).toBeLessThanOrEqual(low + scale)
      expect(scale * (127 - zeroPoint)).toBeGreaterThanOrEqual(high - scale)
    }
    expect(relativeError(model, quantized)).toBeLessThan(0.01)
    expect(relativeError(model, quantized)).toBeGreaterThan(0)
  })

  it('share: few values a layer, the nearest for each weight, and zeros stay zero', () => {
    const prune = { stage: 'prune', method: 'magnitude', sparsity: 0.5 } as const
    const { model: pruned } = compress(model, [prune])
    const { model: shared } = compress(model, [prune, ...SHARE])
    for (const name of LAYERS) {
      const { indices, codebook } = shared.weights.get(name) as CodebookTensor
      expect(codebook.centroids.length).toBeLessThanOrEqual(16)
      dense(pruned, name).forEach((w, i) => {
        const chosen = codebook.centroids[indices[i]!]!
        if (w === 0) expect(chosen).toBe(0)
        expect(Math.abs(chosen - w)).toBe(Math.min(...[...codebook.centroids].map((c) => Math.abs(c - w))))
      })
    }
  })

  it('share: with refit, values are chosen by what the layer then gives', () => {
    const run = (refit: boolean) =>
      compress(model, [{ stage: 'share', bits: 2, refit }], { calibration }).model
    expect(relativeError(model, run(true))).toBeLessThan(relativeError(model, run(false)) * 0.7)
  })

  it('bias: rounds to float16 and halves its bytes', () => {
    const [before, after] = [compress(model, []), compress(model, [{ stage: 'bias', as: 'float16' }])]
    for (const name of ['b1', 'b3', 'b4']) {
      dense(after.model, name).forEach((value, i) => {
        expect(Math.abs(value - dense(model, name)[i]!)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -11)
      })
    }
    const bytes = ({ artifact }: { artifact: Uint8Array }): number =>
      inspectArtifact(artifact).tensors.find(({ name }) => name === 'b3')!.bytes
    expect([bytes(before), bytes(after)]).toEqual([48, 24])
  })

  it('bias: one past the range of float16 stays as it is', () => {
    const large = {
      ...model,
      weights: new Map([...model.weights, ['b4', floats(new Array(10).fill(1e5))] as const]),
    }
    const { model: after } = compress(large, [{ stage: 'bias', as: 'float16' }])
    expect(dense(after, 'b4')).toEqual(dense(large, 'b4'))
  })

  it('code: makes the file smaller and changes no value', () => {
    const plain = compress(model, SHARE)
    const coded = compress(model, [...SHARE, { stage: 'code' }])
    expect(coded.artifact.length).toBeLessThanOrEqual(plain.artifact.length)
    expect(readArtifact(coded.artifact).weights).toEqual(readArtifact(plain.artifact).weights)
    const huffman = compress(model, [...SHARE, { stage: 'code', coding: 'huffman' }])
    expect(inspectArtifact(huffman.artifact).tensors.find(({ name }) => name === 'w3')!.coding).toBe(
      'huffman',
    )
  })

  it('an empty recipe keeps the model, as one file', () => {
    const { artifact, report } = compress(model, [])
    expect(relativeError(model, readArtifact(artifact))).toBeLessThan(1e-10)
    expect(report.sparsity).toBe(0)
  })
})

describeTargets('compress', (runtime) => {
  const model = network()
  const calibration = samples(48)

  it('the file holds what the result holds, and both run alike', () => {
    const { artifact, model: result } = compress(model, ALL, { calibration, runtime })
    const read = readArtifact(artifact, { runtime })
    expect(read.weights).toEqual(result.weights)
    const x = floats(samples(3).inputs, [3, 1, 8, 8])
    using a = loadModel(artifact, { runtime })
    using b = loadModel(result, { runtime })
    expect(a.run({ x })['y']!.data).toEqual(b.run({ x })['y']!.data)
  })

  it('frees what it took, also when it ends early', () => {
    compress(model, ALL, { calibration, runtime })
    expect(runtime.stats().liveHandles).toBe(0)
    let events = 0
    const onProgress = (): void => {
      if (++events === 12) throw new Error('enough')
    }
    expect(() => compress(model, ALL, { calibration, runtime, onProgress })).toThrow('enough')
    expect(runtime.stats().liveHandles).toBe(0)
  })
})

describe('compress', () => {
  const model = network()
  const calibration = samples(48)

  it.each([
    ['deep-compression', 'deep-compression'],
    ['int8-static', 'int8-static'],
    ['a recipe of one’s own', ALL],
  ] as const)('%s gives the same bytes on every target, each time', (_, recipe) => {
    const [first, ...others] = [...targets, targets[0]!].map(({ make }) => {
      using runtime = make()
      return compress(network(), recipe, { calibration, runtime }).artifact
    })
    for (const other of others) expect(other).toEqual(first)
  })

  it('depends on its seed only where something is random', () => {
    const run = (init: 'linear' | 'kmeans++', seed: number): Uint8Array =>
      compress(model, [{ stage: 'share', bits: 3, init }], { seed }).artifact
    expect(run('linear', 1)).toEqual(run('linear', 2))
    expect(run('kmeans++', 1)).toEqual(run('kmeans++', 1))
    expect(run('kmeans++', 1)).not.toEqual(run('kmeans++', 2))
  })

  it('leaves its arguments as they were', () => {
    const inputs = calibration.inputs.slice()
    compress(model, 'deep-compression', { calibration })
    expect(model).toEqual(network())
    expect(calibration.inputs).toEqual(inputs)
  })

  it('reports bytes of the real file', () => {
    const { artifact, report } = compress(model, ALL, { calibration, originalBytes: 12_345 })
    expect(report.bytesBefore).toBe(12_345)
    expect(report.bytesAfter).toBe(artifact.length)
    expect(report.ratio).toBe(12_345 / artifact.length)
    const summary = inspectArtifact(artifact)
    expect(summary.originalBytes).toBe(12_345)
    expect(summary.recipe).toEqual(ALL)
    expect(report.headerBytes).toBe(summary.headerBytes)
    expect(report.layers.reduce((sum, layer) => sum + layer.bytesAfter, report.headerBytes)).toBe(
      artifact.length,
    )
    expect(compress(model, []).report.bytesBefore).toBe(
      [...model.weights.values()].reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0),
    )
  })

  it('reports layers: size, zeros, multiply-accumulates, error', () => {
    const recipe: Recipe = [{ stage: 'prune', scope: 'layer', sparsity: 0.5 }]
    const { report, model: result } = compress(model, recipe, { calibration })
    expect(report.layers.map(({ op, shape, macs }) => [op, shape, macs])).toEqual([
      ['Conv', [4, 1, 3, 3], 4 * 64 * 9],
      ['Conv', [4, 1, 3, 3], 4 * 16 * 9],
      ['Gemm', [12, 64], 12 * 64],
      ['Gemm', [12, 10], 120],
      ['MatMul', [10, 5], 50],
    ])
    report.layers.forEach((layer, i) => {
      expect(layer.sparsity).toBe(zeroShare(dense(result, LAYERS[i]!)))
      expect(layer.macsAfter).toBe(Math.round(layer.macs * (1 - layer.sparsity)))
      expect(layer.outputError).toBeGreaterThan(0)
    })
    expect(report.outputError).toBe(report.layers.at(-1)!.outputError)
    expect(compress(model, SHARE).report.outputError).toBeUndefined()
  })

  it('evaluates both models on labelled data', () => {
    const data = samples(40, 5)
    const scores = runOnnx(model, { x: { shape: [40, 1, 8, 8], data: data.inputs } }).get('y')!.data
    const classes = Array.from({ length: 40 }, (_, i) => {
      const row = scores.slice(i * 5, i * 5 + 5)
      return row.indexOf(Math.max(...row))
    })
    // Every fourth label is wrong.
    const labels = Uint8Array.from(classes, (label, i) => (i % 4 === 0 ? (label + 1) % 5 : label))
    const { report } = compress(model, 'int8', { evaluate: { ...data, labels } })
    expect(report.evaluation).toMatchObject({ accuracyBefore: 0.75, count: 40 })
    expect(report.evaluation!.agreement).toBeGreaterThan(0.9)
  })

  it('tells its progress stage by stage', () => {
    const seen: [string, number, number][] = []
    compress(model, ALL, {
      calibration,
      onProgress: ({ stage, done, total }) => seen.push([stage, done, total]),
    })
    expect([...new Set(seen.map(([stage]) => stage))]).toEqual([
      'prune',
      'refit',
      'share',
      'bias',
      'code',
      'report',
    ])
    for (const stage of ['prune', 'refit', 'share', 'report']) {
      const events = seen.filter(([name]) => name === stage)
      events.forEach(([, done, total], i) => {
        expect(done).toBeLessThanOrEqual(total)
        if (i > 0) expect(done).toBeGreaterThanOrEqual(events[i - 1]![1])
      })
      expect(events.at(-1)![1]).toBe(events.at(-1)![2])
    }
  })

  it('ends with the reason of an aborted signal', () => {
    const controller = new AbortController()
    const run = (options: CompressOptions) => () =>
      compress(model, ALL, { calibration, signal: controller.signal, ...options })
    const onProgress = ({ stage }: { stage: string }): void => {
      if (stage === 'share') controller.abort(new Error('stopped'))
    }
    expect(run({ onProgress })).toThrow('stopped')
    expect(run({})).toThrow('stopped')
  })

  it('takes feeds for a model of several inputs', () => {
    const random = new Random(3)
    const two = makeModel({
      inputs: { a: ['N', 6], b: ['N', 6] },
      nodes: [node('Add', 'a b -> s'), node('MatMul', 's w -> y')],
      outputs: ['y'],
      weights: { w: floats(random.floats(24), [6, 4]) },
    })
    const feed = () => ({ a: floats(random.floats(30), [5, 6]), b: floats(random.floats(30), [5, 6]) })
    const feeds = [feed(), feed(), feed(), feed(), feed()]
    const { report } = compress(two, ALL, { calibration: feeds })
    expect(report.sparsity).toBeCloseTo(0.7, 1)
    expect(() => compress(two, ALL, { calibration })).toThrow(
      'array of feeds, as the model has the inputs a, b',
    )
    expect(() => compress(two, ALL, { calibration: [{ a: feeds[0]!.a } as never] })).toThrow(
      '"calibration[0].b" expected a tensor, got undefined',
    )
  })

  it('uses whole batches only where the batch is fixed', () => {
    const fixed = { ...model, inputs: [{ ...model.inputs[0]!, shape: [5, 1, 8, 8] }] }
    expect(compress(fixed, ALL, { calibration: samples(23) }).report.sparsity).toBeCloseTo(0.7, 1)
    expect(() => compress(fixed, ALL, { calibration: samples(4) })).toThrow(
      'expected at least 5 samples, got 4',
    )
  })

  it('does without products of inputs where a layer has too many', () => {
    const wide = makeModel({
      inputs: { x: ['N', 4100] },
      nodes: [node('Gemm', 'x w b -> y', { transB: 1 })],
      outputs: ['y'],
      weights: { w: floats(new Random(1).floats(8200), [2, 4100]), b: floats([1, 2]) },
    })
    const data = { inputs: new Random(2).floats(4100 * 8), shape: [4100] }
    const { report } = compress(wide, ALL, { calibration: data })
    expect(report.sparsity).toBeCloseTo(0.7, 1)
    expect(report.outputError).toBeLessThan(1)
  })

  it('passes a model without layers through', () => {
    const idle = makeModel({ inputs: { x: ['N', 4] }, nodes: [node('Relu', 'x -> y')], outputs: ['y'] })
    const { report } = compress(idle, 'deep-compression', {
      calibration: { inputs: new Float32Array(8), shape: [4] },
    })
    expect(report).toMatchObject({ layers: [], sparsity: 0, bitsPerWeight: 0, outputError: 0, macs: 0 })
  })

  it('survives a layer whose inputs are always 0, and one that loses all its weights', () => {
    const zeros = { inputs: new Float32Array(64 * 8), shape: [1, 8, 8] }
    expect(() => compress(model, ALL, { calibration: zeros })).not.toThrow()
    const { report, artifact } = compress(model, [
      { stage: 'prune', method: 'magnitude', sparsity: 1 },
      ...SHARE,
      { stage: 'code' },
    ])
    expect(report.sparsity).toBe(1)
    expect(() => loadModel(artifact).dispose()).not.toThrow()
  })

  const untyped = compress as (...args: unknown[]) => unknown
  it.each<[string, unknown[], new (...args: never[]) => Error, string]>([
    ['no model', [undefined], TypeError, '"model" expected a model, as readOnnx gives it, got undefined'],
    ['bytes for a model', [new Uint8Array(4)], TypeError, '"model" expected a model, as readOnnx gives it'],
    ['an unknown option', [model, 'int8', { sed: 1 }], TypeError, '"options" has no option "sed"'],
    ['a fractional seed', [model, 'int8', { seed: 0.5 }], RangeError, '"seed" expected an integer'],
    ['an unknown recipe', [model, 'int3'], RangeError, '"recipe" expected one of'],
    [
      'no calibration where a stage needs it',
      [model],
      TypeError,
      '"calibration" expected sample inputs, got undefined: recipe[0] (prune) ranks weights by their inputs',
    ],
    [
      'no calibration for static ranges',
      [model, 'int8-static'],
      TypeError,
      'recipe[0] (quantize) needs the ranges',
    ],
    ['calibration of a wrong kind', [model, 'int8', { calibration: 5 }], TypeError, '"calibration" expected'],
    ['no samples', [model, ALL, { calibration: samples(0) }], RangeError, 'at least one input, got none'],
    ['no feeds', [model, ALL, { calibration: [] }], RangeError, 'at least one input, got none'],
    [
      'samples of another shape',
      [model, ALL, { calibration: { inputs: new Float32Array(98), shape: [1, 7, 7] } }],
      RangeError,
      '"calibration.shape" expected [N, 1, 8, 8] for input "x", got [32, 1, 7, 7]',
    ],
    [
      'part of a sample',
      [model, ALL, { calibration: { inputs: new Float32Array(65), shape: [1, 8, 8] } }],
      RangeError,
      '"calibration.inputs" expected samples of [1, 8, 8], got 65 values in all',
    ],
    [
      'NaN in a sample',
      [model, ALL, { calibration: { ...samples(2), inputs: samples(2).inputs.fill(NaN, 70, 71) } }],
      RangeError,
      '"calibration.inputs" expected finite values, got NaN at index 70',
    ],
    [
      'an infinity in a feed',
      [model, ALL, { calibration: [{ x: floats(new Float32Array(64).fill(Infinity), [1, 1, 8, 8]) }] }],
      RangeError,
      '"calibration[0].x" expected finite values, got Infinity at index 0',
    ],
    [
      'data without labels to evaluate on',
      [model, 'int8', { evaluate: samples(2) }],
      TypeError,
      '"evaluate.labels"',
    ],
  ])('refuses %s before any work', (_, args, kind, message) => {
    let worked = false
    const [first, recipe, options = {}] = args as [unknown, unknown, object?]
    const call = () => untyped(first, recipe, { onProgress: () => (worked = true), ...options })
    expect(call).toThrow(kind)
    expect(call).toThrow(message)
    expect(worked).toBe(false)
  })
})

describe('models whose shapes depend on the data', () => {
  it('compress all the same; their multiplications are not counted', () => {
    const random = new Random(5)
    const model = makeModel({
      inputs: { x: [1, 64] },
      nodes: [
        node('Gemm', 'x w -> g', { transB: 1 }),
        node('NonZero', 'x -> n'),
        node('Cast', 'n -> y', { to: 1 }),
      ],
      outputs: ['g', 'y'],
      weights: { w: floats(random.floats(64 * 64, 0.5), [64, 64]) },
    })
    const { report, artifact } = compress(model, 'int8')
    expect(report.macs).toBe(0)
    expect(readArtifact(artifact).weights.get('w')!.kind).toBe('quantized')
  })
})
