import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FormatError } from '../bindings/errors.js'
import type { CodebookTensor } from '../bindings/formats/codebook.js'
import type { Granularity, QuantizedTensor } from '../bindings/formats/quantized.js'
import type { Tensor } from '../bindings/formats/tensor.js'
import type { Model, Weight } from '../bindings/graph/model.js'
import { inspectArtifact, isArtifact, readArtifact, writeArtifact } from '../bindings/io/artifact/index.js'
import { crc32c } from '../bindings/io/checksum.js'
import { readOnnx } from '../bindings/io/onnx/index.js'
import { quantizeInt4 } from '../bindings/ops/int4.js'
import { parseSafetensors, readSafetensors } from '../bindings/io/safetensors/index.js'
import { decodeArtifact } from './oracles/artifact.js'
import { int4Elements } from './oracles/int4.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

function dense(shape: number[], seed: number): Tensor<'float32'> {
  const elements = shape.reduce((product, dimension) => product * dimension, 1)
  return { kind: 'dense', dtype: 'float32', shape, data: new Random(seed).floats(elements) }
}

/** Indices into k centroids of which one is 0, chosen with this density. */
function codebook(shape: number[], k: number, density: number, seed: number): CodebookTensor {
  const random = new Random(seed)
  const elements = shape.reduce((product, dimension) => product * dimension, 1)
  const zero = k >> 1
  return {
    kind: 'codebook',
    shape,
    indices: Uint8Array.from({ length: elements }, () =>
      random.next() < density
        ? Math.min(Math.max(Math.round(random.normal() * k * 0.15 + zero), 0), k - 1)
        : zero,
    ),
    codebook: { centroids: Float32Array.from({ length: k }, (_, i) => (i - zero) * 0.01) },
  }
}

function quantized(
  shape: number[],
  granularity: Granularity,
  channels: number,
  { spread = 20, zeroPoint = 0, seed = 1 } = {},
): QuantizedTensor {
  const random = new Random(seed)
  const elements = shape.reduce((product, dimension) => product * dimension, 1)
  return {
    kind: 'quantized',
    bits: 8,
    shape,
    data: Int8Array.from({ length: elements }, () =>
      Math.min(Math.max(Math.round(random.normal() * spread), -128), 127),
    ),
    scale: Float32Array.from({ length: channels }, () => 0.01 + random.next()),
    zeroPoint: new Int8Array(channels).fill(zeroPoint),
    granularity,
  }
}

/** A model that reads these weights in this order, and nothing else of interest. */
function modelOf(weights: Record<string, Weight>, change: Partial<Model> = {}): Model {
  return {
    name: 'test',
    opset: 21,
    metadata: {},
    inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 4] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: undefined }],
    nodes: [
      {
        name: 'all',
        op: 'Sum',
        domain: '',
        inputs: ['x', ...Object.keys(weights)],
        outputs: ['y'],
        attributes: {},
      },
    ],
    weights: new Map(Object.entries(weights)),
    ...change,
  }
}

/** Half a bit for the commonest symbol: Huffman codes round that up. */
function skewed(length: number): Uint8Array<ArrayBuffer> {
  const random = new Random(9)
  return Uint8Array.from({ length }, () => Number(random.next() < 0.3) + Number(random.next() < 0.05))
}

/** Zeros, and others in shares that are the columns' own. */
function inColumns(rows: number, columns: number): Uint8Array<ArrayBuffer> {
  const random = new Random(10)
  return Uint8Array.from({ length: rows * columns }, (_, i) =>
    random.next() < ((i % columns) ** 2 % 11) / 12 ? random.integer(6, 10) : 8,
  )
}

/** Every form a weight can take. */
const FORMS: Record<string, Weight> = {
  'dense float32': dense([3, 5], 1),
  'dense int64': { kind: 'dense', dtype: 'int64', shape: [3], data: BigInt64Array.of(1n, -1n, 2n ** 60n) },
  'dense bool of odd size': { kind: 'dense', dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) },
  'dense scalar': dense([], 2),
  'dense empty': dense([0, 4], 3),
  'codebook dense': codebook([20, 10], 32, 1, 4),
  'codebook sparse': codebook([100, 40], 32, 0.08, 5),
  'codebook of one': { ...codebook([7], 1, 0, 6) },
  'codebook of 256': codebook([300], 256, 1, 7),
  'codebook of three': { ...codebook([100, 200], 3, 1, 9), indices: skewed(20_000) },
  'codebook in columns': { ...codebook([64, 128], 16, 1, 10), indices: inColumns(64, 128) },
  'codebook empty': codebook([0], 2, 0, 8),
  'int8 per tensor': quantized([40, 10], { per: 'tensor' }, 1),
  'int8 per channel': quantized([4, 6, 50], { per: 'channel', axis: 1 }, 6, { seed: 2 }),
  'int8 per group': quantized([8, 64], { per: 'group', size: 32 }, 16, { seed: 3 }),
  'int8 affine': quantized([40, 10], { per: 'channel', axis: 0 }, 40, { zeroPoint: -7, seed: 4 }),
  'int8 mostly zero': quantized([1000], { per: 'tensor' }, 1, { spread: 0.3, seed: 5 }),
  'int4 along the last axis': quantizeInt4(dense([5, 43], 9)),
  'int4 along another': { ...quantizeInt4(dense([37, 2, 3], 10), { axis: 0, groupSize: 16 }) },
  'int4 with odd scales': (() => {
    const tensor = quantizeInt4(dense([3, 16], 11), { groupSize: 16 })
    return { ...tensor, scale: Float32Array.of(0.1, -0.3, 1e-20) }
  })(),
  'int8 incompressible': { ...quantized([256], { per: 'tensor' }, 1), data: new Random(6).int8s(256) },
}

/** Real values of a weight, element by element. */
function valuesOf(weight: Weight): number[] {
  if (weight.kind === 'dense') return Array.from(weight.data as ArrayLike<number | bigint>, Number)
  if (weight.kind === 'codebook')
    return Array.from(weight.indices, (index) => weight.codebook.centroids[index]!)
  if (weight.kind === 'int4') return int4Elements(weight)
  const { shape, data, scale, zeroPoint, granularity } = weight
  return Array.from(data, (q, i) => {
    const inner =
      granularity.per === 'channel' ? shape.slice(granularity.axis + 1).reduce((a, b) => a * b, 1) : 1
    const c =
      granularity.per === 'tensor'
        ? 0
        : granularity.per === 'group'
          ? Math.floor(i / granularity.size)
          : Math.floor(i / inner) % scale.length
    return scale[c]! * (q - zeroPoint[c]!)
  })
}

describeTargets('artifact', (runtime) => {
  const all = modelOf(FORMS)

  for (const coding of ['auto', 'huffman', 'none'] as const) {
    it(`coding ${coding}: reads what it wrote, and so does the oracle`, () => {
      const { bytes, tensors } = writeArtifact(all, { coding, runtime })
      expect(readArtifact(bytes, { runtime })).toEqual(all)
      const { weights } = decodeArtifact(bytes)
      for (const [name, weight] of all.weights) {
        expect(weights.get(name), name).toEqual({ shape: [...weight.shape], values: valuesOf(weight) })
      }
      expect(tensors.map(({ name }) => name)).toEqual(Object.keys(FORMS))
      const total = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0)
      const summary = inspectArtifact(bytes)
      expect(summary.headerBytes + total).toBe(bytes.length)
      summary.tensors.forEach((seen, i) => {
        const told = tensors[i]!
        expect(seen).toEqual({ ...told, sparsity: seen.sparsity === null ? null : told.sparsity })
      })
    })
  }

  it('takes the smallest form of each weight', () => {
    const report = (coding: 'auto' | 'huffman' | 'none') =>
      new Map(writeArtifact(all, { coding, runtime }).tensors.map((tensor) => [tensor.name, tensor]))
    const auto = report('auto')
    const huffman = report('huffman')
    const none = report('none')
    for (const [name, { bytes }] of auto) {
      expect(bytes, name).toBeLessThanOrEqual(Math.min(huffman.get(name)!.bytes, none.get(name)!.bytes))
    }
    expect(auto.get('codebook dense')).toMatchObject({ layout: 'dense', coding: 'huffman' })
    expect(auto.get('codebook sparse')).toMatchObject({ layout: 'sparse', coding: 'huffman' })
    expect(auto.get('codebook of three')).toMatchObject({ layout: 'dense', coding: 'rans' })
    expect(auto.get('codebook in columns')).toMatchObject({ layout: 'dense', coding: 'context' })
    expect(auto.get('int8 incompressible')).toMatchObject({ layout: 'dense', coding: 'none' })
    expect(none.get('codebook sparse')).toMatchObject({ layout: 'sparse', coding: 'packed' })
    expect(none.get('codebook dense')!.bytes).toBeLessThan(32 * 4 + (200 * 5) / 8 + 8)
    // 8 % of 4000: an independent mask costs 5.03 bits a weight kept, values of sigma 5 about 4.4.
    const nonzeros = 4000 * (1 - auto.get('codebook sparse')!.sparsity!)
    expect(((auto.get('codebook sparse')!.bytes - 32 * 4) * 8) / nonzeros).toBeLessThan(11)
    expect(auto.get('int8 mostly zero')!.sparsity).toBeGreaterThan(0.8)
  })

  it('stores plain int8 as compressed-tensors names it', () => {
    const w = quantized([2, 3], { per: 'channel', axis: 0 }, 2, { zeroPoint: 3 })
    const { bytes } = writeArtifact(modelOf({ 'fc.weight': w }), { coding: 'none', runtime })
    const { tensors } = readSafetensors(bytes)
    expect(tensors.get('fc.weight')).toMatchObject({ dtype: 'int8', shape: [2, 3], data: w.data })
    expect(tensors.get('fc.weight_scale')).toMatchObject({ dtype: 'float32', shape: [2], data: w.scale })
    expect(tensors.get('fc.weight_zero_point')).toMatchObject({
      dtype: 'int8',
      shape: [2],
      data: w.zeroPoint,
    })
  })

  it('rounds floats to half on request, and only those that are asked for', () => {
    const model = modelOf({ a: dense([5], 1), b: dense([5], 2), c: codebook([50], 8, 1, 3) })
    const { bytes, tensors } = writeArtifact(model, {
      floatAs: (name) => (name === 'b' ? 'float32' : 'float16'),
      runtime,
    })
    expect(tensors.map((tensor) => tensor.bytes).slice(0, 2)).toEqual([10, 20])
    const back = readArtifact(bytes, { runtime }).weights
    const oracle = decodeArtifact(bytes).weights
    for (const [name, weight] of model.weights) {
      const values = valuesOf(back.get(name)!)
      expect(values).toEqual(oracle.get(name)!.values)
      valuesOf(weight).forEach((value, i) => {
        expect(Math.abs(values[i]! - value)).toBeLessThanOrEqual(
          name === 'b' ? 0 : Math.abs(value) * 2 ** -11,
        )
      })
      expect(back.get(name)).toMatchObject({ kind: weight.kind, shape: weight.shape })
    }
    const large = modelOf({ a: { ...dense([1], 1), data: Float32Array.of(7e4) } })
    expect(() => writeArtifact(large, { floatAs: 'float16', runtime })).toThrow('got 70000 at 0')
    // Two centroids that are one as halves stay float32.
    const near = modelOf({
      c: { ...codebook([4], 2, 1, 1), codebook: { centroids: Float32Array.of(1, 1.0001) } },
    })
    const written = writeArtifact(near, { floatAs: 'float16', runtime })
    expect(readArtifact(written.bytes, { runtime })).toEqual(near)
  })

  it('keeps everything a model has', () => {
    const shared = dense([2], 9)
    const inner = {
      inputs: [],
      outputs: [{ name: 'z', dtype: 'float32', shape: [2] }],
      nodes: [
        { name: 'add', op: 'Add', domain: '', inputs: ['outer', 'own'], outputs: ['z'], attributes: {} },
      ],
      weights: new Map<string, Weight>([['own', codebook([2], 2, 1, 1)]]),
    } as const
    const model = modelOf(
      { late: dense([1], 1), outer: shared, own: dense([2], 3), unread: dense([3], 4) },
      {
        metadata: { producer: 'a "test"', __proto__x: '1' },
        activations: new Map([['x', { scale: Math.fround(0.1), zeroPoint: -3 }]]),
        nodes: [
          {
            name: 'branch',
            op: 'If',
            domain: '',
            inputs: ['x'],
            outputs: ['u'],
            attributes: { then_branch: inner, else_branch: inner },
          },
          {
            name: 'odd',
            op: 'Custom',
            domain: 'com.example',
            inputs: ['u', '', 'own'],
            outputs: ['v', ''],
            attributes: {
              f: 0.1,
              special: [NaN, -0, Infinity, -Infinity, 1e-45],
              minusZero: -0,
              s: 'text "quoted" \u2028',
              strings: ['a', ''],
              none: [],
              value: dense([2, 2], 5),
              ['__proto__']: 4,
            },
          },
          { name: 'last', op: 'Add', domain: '', inputs: ['v', 'late'], outputs: ['y'], attributes: {} },
        ],
      },
    )
    const { bytes, tensors } = writeArtifact(model, { runtime })
    const back = readArtifact(bytes, { runtime })
    expect(back).toEqual(model)
    expect([...back.weights.keys()]).toEqual(['outer', 'own', 'late', 'unread'])
    expect(tensors.map(({ name }) => name)).toEqual(['outer', 'own', 'own', 'own', 'late', 'unread'])
    expect(inspectArtifact(bytes).tensors.length).toBe(6)
    // Written again, it gives the same bytes.
    expect(Buffer.compare(writeArtifact(back, { runtime }).bytes, bytes)).toBe(0)
  })

  it('is made of bytes that do not depend on the target', () => {
    // A checksum of what target js wrote, computed by the first target that runs and compared by all others.
    const crc = crc32c(writeArtifact(all, { runtime }).bytes)
    reference ??= crc
    expect(crc).toBe(reference)
  })

  it('refuses every prefix, every extra byte and every changed byte', () => {
    const model = modelOf({
      a: codebook([60], 8, 0.2, 1),
      b: dense([3], 2),
      c: quantized([90], { per: 'tensor' }, 1),
    })
    const { bytes } = writeArtifact(model, { runtime })
    expect(readArtifact(bytes, { runtime })).toEqual(model)
    const fails = (damaged: Uint8Array, what: string) => {
      try {
        readArtifact(damaged, { runtime })
      } catch (error) {
        if (error instanceof FormatError) return
        throw new Error(`${what}: ${String(error)}`, { cause: error })
      }
      throw new Error(`${what} was read`)
    }
    for (let length = 0; length < bytes.length; length++) fails(bytes.subarray(0, length), `prefix ${length}`)
    for (const extra of [0, 32, 255]) fails(Uint8Array.of(...bytes, extra), `extra ${extra}`)
    for (let i = 0; i < bytes.length; i++) {
      for (const change of [1, 0x20, 0x80, 0xff]) {
        const damaged = bytes.slice()
        damaged[i]! ^= change
        fails(damaged, `byte ${i} ^ ${change}`)
      }
    }
  })

  it('fuzz: damage behind valid checksums is an error or a sound model', () => {
    const seed = Date.now() & 0xffff
    const random = new Random(seed)
    const { bytes } = writeArtifact(
      modelOf({
        a: codebook([60], 8, 0.2, 1),
        b: quantized([2, 45], { per: 'channel', axis: 0 }, 2),
        c: dense([2], 1),
      }),
      { runtime },
    )
    const { metadata } = parseSafetensors(bytes)
    const manifest = metadata.get('mcompress.manifest')!
    const deadline = performance.now() + 400
    let read = 0
    for (let round = 0; round < 3000 && performance.now() < deadline; round++) {
      const isText = random.integer(0, 1) === 0
      let text = manifest
      let data = bytes.subarray(bytes.length - dataBytes(bytes))
      if (isText) {
        // Characters of JSON, and digits.
        const at = random.integer(0, text.length - 1)
        const alphabet = '0123456789-.,:[]{}"e '
        text =
          text.slice(0, at) +
          alphabet[random.integer(0, alphabet.length - 1)]! +
          text.slice(at + random.integer(0, 2))
      } else {
        data = data.slice()
        for (let k = random.integer(0, 2); k >= 0; k--)
          data[random.integer(0, data.length - 1)] = random.integer(0, 255)
      }
      try {
        readArtifact(resealed(bytes, text, data), { runtime, maxBytes: 10_000 })
        read++
      } catch (error) {
        if (!(error instanceof FormatError)) {
          throw new Error(`seed ${seed} round ${round}: ${String(error)}`, { cause: error })
        }
      }
    }
    expect(read).toBeGreaterThan(0)
  })

  it('checks sizes against limits before it decodes', () => {
    const model = modelOf({ a: { ...codebook([20_000], 2, 0, 1) } })
    const { bytes } = writeArtifact(model, { runtime })
    expect(bytes.length).toBeLessThan(1000)
    expect(() => readArtifact(bytes, { maxBytes: 20_000, runtime })).toThrow(
      'take 20008 bytes, the limit is 20000',
    )
    expect(readArtifact(bytes, { maxBytes: 20_008, runtime })).toEqual(model)
    const before = runtime.stats().highWater
    const huge = resealed(
      bytes,
      parseSafetensors(bytes)
        .metadata.get('mcompress.manifest')!
        .replace('20000', String(2 ** 30)),
      bytes.subarray(bytes.length - dataBytes(bytes)),
    )
    expect(() => readArtifact(huge, { runtime })).toThrow(FormatError)
    expect(runtime.stats().highWater).toBe(before)
  })

  it('refuses models and options that do not fit', () => {
    const good = codebook([4], 2, 1, 1)
    const write = (weight: unknown, options: object = {}) =>
      writeArtifact(modelOf({ w: weight as Weight }), { ...options, runtime })
    expect(() => write({ ...good, indices: Uint8Array.of(0, 1, 2, 0) })).toThrow('expected 0..1, got 2 at 2')
    expect(() => write({ ...good, codebook: { centroids: Float32Array.of(1, 1) } })).toThrow(RangeError)
    expect(() => write({ ...good, shape: [5] })).toThrow(FormatError)
    expect(() => write(good, { coding: 'zip' })).toThrow('"coding" expected one of auto, huffman, none')
    expect(() => write(good, { code: 'auto' })).toThrow('has no option "code"')
    expect(() => write(good, { stages: new Map([['v', []]]) })).toThrow('which is no weight')
    expect(() => write(good, { recipe: { a: NaN } })).toThrow('expected plain JSON')
    expect(() => write(good, { recipe: { a: new Uint8Array(1) } })).toThrow(TypeError)
    expect(() => write(good, { floatAs: () => 'float8' })).toThrow(RangeError)
  })
})

let reference: number | undefined

function dataBytes(bytes: Uint8Array): number {
  return parseSafetensors(bytes).entries.reduce((sum, entry) => sum + entry.bytes.length, 0)
}

/** An artifact with another manifest and other data, all checksums put right. */
function resealed(bytes: Uint8Array, manifest: string, data: Uint8Array): Uint8Array {
  const { entries } = parseSafetensors(bytes)
  let at = 0
  const checksums = entries.map((entry) => crc32c(data.subarray(at, (at += entry.bytes.length))))
  const text = manifest.replace(/"checksums":\[[\d,]*\]/, `"checksums":[${checksums.join()}]`)
  const old = new TextDecoder().decode(bytes.subarray(8, bytes.length - data.length))
  const start = old.indexOf('"mcompress.manifest":') + '"mcompress.manifest":'.length
  const end = old.indexOf('"},', start) + 1
  let header = old.slice(0, start) + JSON.stringify(text) + old.slice(end).trimEnd()
  header = header.padEnd(Math.ceil((8 + header.length) / 16) * 16 - 8)
  const file = new Uint8Array(8 + header.length + data.length)
  new DataView(file.buffer).setUint32(0, header.length, true)
  file.set(new TextEncoder().encode(header), 8)
  file.set(data, 8 + header.length)
  const digits = 8 + '{"__metadata__":{"format":"mcompress","mcompress.crc32c":"'.length
  file.fill(48, digits, digits + 8)
  const crc = crc32c(file.subarray(0, 8 + header.length))
    .toString(16)
    .padStart(8, '0')
  file.set(new TextEncoder().encode(crc), digits)
  return file
}

/** `toEqual` for dense weights, without its seconds on a large one. */
function isSame(a: Weight, b: Weight): boolean {
  if (a.kind !== 'dense' || b.kind !== 'dense') return false
  const bytes = ({ data }: Tensor) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return a.dtype === b.dtype && a.shape.join() === b.shape.join() && Buffer.compare(bytes(a), bytes(b)) === 0
}

describe('artifact', () => {
  const lenet = readOnnx(new Uint8Array(readFileSync('examples/models/lenet-5.onnx')))

  it('has a short header for a real network, and only what was given to the writer', () => {
    const recipe = { prune: { density: 0.08 }, note: null }
    const stages = new Map([['f1.weight', [{ prune: 0.92 }, { share: 32 }]]])
    const { bytes } = writeArtifact(lenet, { recipe, stages, original: { bytes: 1_724_320 } })
    const summary = inspectArtifact(bytes)
    expect(summary.headerBytes).toBeLessThan(2600)
    expect(summary).toMatchObject({
      version: '1.1',
      opset: lenet.opset,
      originalBytes: 1_724_320,
      recipe,
      stages: { 'f1.weight': [{ prune: 0.92 }, { share: 32 }] },
      operators: lenet.nodes.map((node) => node.op),
    })
    const back = readArtifact(bytes)
    expect({ ...back, weights: [...back.weights.keys()] }).toEqual({
      ...lenet,
      weights: [...lenet.weights.keys()],
    })
    for (const [name, weight] of lenet.weights)
      expect(isSame(back.weights.get(name)!, weight), name).toBe(true)
    // Any reader of safetensors opens it: the plain weights are there under their names.
    expect(isSame(readSafetensors(bytes).tensors.get('f1.weight')!, lenet.weights.get('f1.weight')!)).toBe(
      true,
    )
  })

  it('tells artifacts from other files', () => {
    const { bytes } = writeArtifact(modelOf({ w: dense([1], 1) }))
    expect(isArtifact(bytes)).toBe(true)
    expect(isArtifact(new Uint8Array(readFileSync('examples/models/lenet-5.safetensors')))).toBe(false)
    expect(isArtifact(new Uint8Array(0))).toBe(false)
    expect(() => readArtifact(new Uint8Array(readFileSync('examples/models/lenet-5.safetensors')))).toThrow(
      'this is not an mcompress artifact',
    )
  })

  it('refuses a newer major version by name, and reads a newer minor one', () => {
    const { bytes } = writeArtifact(modelOf({ w: dense([1], 1) }))
    const manifest = parseSafetensors(bytes).metadata.get('mcompress.manifest')!
    const data = bytes.subarray(bytes.length - dataBytes(bytes))
    const as = (version: string) =>
      resealed(bytes, manifest.replace('"version":"1.1"', `"version":"${version}","x":1`), data)
    expect(() => readArtifact(as('2.0'))).toThrow('format version 2.0, this reader knows 1.x')
    expect(readArtifact(as('1.7')).name).toBe('test')
    expect(() => readArtifact(as('one'))).toThrow(FormatError)
  })
})
