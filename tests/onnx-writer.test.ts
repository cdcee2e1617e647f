import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FormatError } from '../bindings/errors.js'
import type { Attribute, Graph, GraphNode, Model, Weight } from '../bindings/graph/model.js'
import { loadModel } from '../bindings/infer/index.js'
import { crc32c } from '../bindings/io/checksum.js'
import { readOnnx, writeOnnx } from '../bindings/io/onnx/index.js'
import { quantizeInt4 } from '../bindings/ops/int4.js'
import { dequantizeInt8, quantizeInt8 } from '../bindings/ops/quantize.js'
import { int4Elements } from './oracles/int4.js'
import { buildOnnx, type OnnxModel } from './support/onnx-builder.js'
import { Random } from './support/random.js'

const random = new Random(77)
const floats = (...shape: number[]) => {
  const data = random.floats(shape.reduce((a, b) => a * b, 1))
  return { kind: 'dense', dtype: 'float32', shape, data } as const
}

const node = (op: string, inputs: string[], output: string, attributes = {}): GraphNode => ({
  name: `${op}_${output}`,
  op,
  domain: '',
  inputs,
  outputs: [output],
  attributes,
})

/** x [N, 8] times one weight, plus a bias. */
function product(weight: Weight, change: Partial<Model> = {}): Model {
  return {
    name: 'product',
    opset: 21,
    metadata: {},
    inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 8] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['N', 4] }],
    nodes: [node('Gemm', ['x', 'w', 'b'], 'y', { transB: 1 })],
    weights: new Map<string, Weight>([
      ['w', weight],
      ['b', floats(4)],
    ]),
    ...change,
  }
}

const withoutOrigin = (model: Model): Model => ({ ...model, metadata: {} })

/** Weights by their checksums: comparing hundreds of thousands of elements takes seconds. */
const withDigests = (model: Model) => ({
  ...withoutOrigin(model),
  // A node that was taken apart and put together again is named after its parts.
  nodes: model.nodes.map(({ name: _, ...node }) => node),
  weights: Array.from(model.weights, ([name, { shape, ...weight }]) => {
    const { buffer, byteOffset, byteLength } = (weight as { data: Float32Array }).data
    return [name, shape, crc32c(new Uint8Array(buffer, byteOffset, byteLength))]
  }),
})

describe('writeOnnx', () => {
  const folder = new URL('../examples/models/', import.meta.url)
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.onnx'))) {
    it(`writes ${file} so that it reads as before, optimized or not`, () => {
      const bytes = readFileSync(new URL(file, folder))
      for (const optimize of [false, true]) {
        const model = withDigests(readOnnx(bytes, { optimize }))
        expect(withDigests(readOnnx(writeOnnx(readOnnx(bytes, { optimize })), { optimize }))).toEqual(model)
      }
    })
  }

  it('keeps every kind of attribute, nested graphs, types and names of dimensions', () => {
    const scalar = { shape: [], data: [1.5] }
    const source: OnnxModel = {
      opset: 21,
      metadata: { licence: 'MIT' },
      inputs: [
        { name: 'x', shape: ['N', null, 3] },
        { name: 'free' },
        { name: 'c', dtype: 'bool', shape: [] },
      ],
      initializers: {
        ends: { dtype: 'int64', data: [2n ** 63n - 1n, -(2n ** 63n)] },
        bytes: { dtype: 'uint8', shape: [2, 1], data: [0, 255] },
      },
      nodes: [
        { op: 'Elu', inputs: ['x'], outputs: ['e'], attributes: { alpha: { float: 2 } } },
        {
          op: 'Pad',
          inputs: ['e', 'ends', '', 'bytes'],
          outputs: ['p'],
          attributes: { mode: 'reflect' },
        },
        {
          op: 'Custom',
          domain: 'org.example',
          inputs: ['p'],
          outputs: ['', 'q'],
          attributes: { list: [3, 4] },
        },
        {
          op: 'ConstantOfShape',
          inputs: ['ends'],
          outputs: ['k'],
          attributes: { value: { tensor: { data: [7] } } },
        },
        {
          op: 'LSTM',
          inputs: ['x', 'e', 'p'],
          outputs: ['l'],
          attributes: { activations: { strings: ['Tanh', 'Relu'] }, activation_alpha: { floats: [1, 2.5] } },
        },
        {
          op: 'If',
          inputs: ['c'],
          outputs: ['y'],
          attributes: {
            then_branch: {
              graph: {
                initializers: { one: scalar },
                nodes: [{ op: 'Add', inputs: ['q', 'one'], outputs: ['sum'] }],
                outputs: [{ name: 'sum' }],
              },
            },
            else_branch: {
              graph: {
                nodes: [{ op: 'Identity', inputs: ['q'], outputs: ['same'] }],
                outputs: [{ name: 'same' }],
              },
            },
          },
        },
      ],
      outputs: [{ name: 'y', shape: [null] }],
    }
    const model = readOnnx(buildOnnx(source), { optimize: false })
    const again = readOnnx(writeOnnx(model), { optimize: false })
    expect(again.metadata).toEqual({ licence: 'MIT', producer: 'mcompress-wasm' })
    // The IR has no names for graphs inside.
    const named = (graph: Attribute, name: string) => ({ ...(graph as Graph), name })
    const [last] = model.nodes.slice(-1)
    const branches = Object.entries(last!.attributes).map(([key, graph]) => [key, named(graph, key)])
    const expected = [...model.nodes.slice(0, -1), { ...last, attributes: Object.fromEntries(branches) }]
    expect(withoutOrigin(again)).toEqual({ ...withoutOrigin(model), nodes: expected })
  })

  it('writes clamping that was folded into a product as a node', () => {
    const bounds: [Record<string, number>, string, number][] = [
      [{ 'mcompress.min': 0 }, 'Relu', 1],
      [{ 'mcompress.min': 0, 'mcompress.max': 6 }, 'Clip', 3],
      [{ 'mcompress.max': 1 }, 'Clip', 3],
      [{ 'mcompress.min': -1 }, 'Clip', 2],
    ]
    for (const [fused, op, inputs] of bounds) {
      const model = product(floats(4, 8), {
        nodes: [node('Gemm', ['x', 'w', 'b'], 'y', { transB: 1, ...fused })],
      })
      const written = readOnnx(writeOnnx(model), { optimize: false })
      expect(written.nodes.map((other) => other.op)).toEqual(['Gemm', op])
      expect(written.nodes[0]!.attributes).toEqual({ transB: 1 })
      expect(written.nodes[1]!.inputs.length).toBe(inputs)
      const x = floats(3, 8)
      const [mine, theirs] = [model, readOnnx(writeOnnx(model))].map((each) => {
        using session = loadModel(each)
        return session.run({ x })['y']!.data
      })
      expect(theirs).toEqual(mine)
    }
  })

  for (const granularity of [
    { per: 'tensor' },
    { per: 'channel', axis: 0 },
    { per: 'channel', axis: 1 },
    { per: 'group', size: 4 },
  ] as const) {
    for (const scheme of ['symmetric', 'affine'] as const) {
      it(`writes ${scheme} int8 weights by ${JSON.stringify(granularity)} as DequantizeLinear`, () => {
        const weight = quantizeInt8(floats(4, 8), { granularity, scheme })
        const written = readOnnx(writeOnnx(product(weight)), { optimize: false })
        const [dequantize, gemm] = written.nodes
        expect([dequantize!.op, gemm!.op]).toEqual(['DequantizeLinear', 'Gemm'])
        expect(dequantize!.outputs).toEqual([gemm!.inputs[1]])
        const [codes, scale, zeros] = dequantize!.inputs.map((name) => written.weights.get(name))
        const { axis = 0, block_size: block = 0 } = dequantize!.attributes as Record<string, number>
        expect(codes).toMatchObject({ dtype: 'int8', shape: [4, 8] })
        // As ONNX says what DequantizeLinear computes.
        const parameter = (i: number, j: number): number => {
          if (granularity.per === 'tensor') return 0
          if (block > 0) return i * scale!.shape[1]! + Math.floor(j / block)
          return axis === 0 ? i : j
        }
        const values = Float32Array.from({ length: 32 }, (_, at) => {
          const which = parameter(Math.floor(at / 8), at % 8)
          const zero =
            zeros === undefined ? 0 : Number((zeros as typeof codes & { data: Int8Array }).data[which])
          const { data } = codes as { data: Int8Array }
          return Math.fround((data[at]! - zero) * (scale as { data: Float32Array }).data[which]!)
        })
        expect(values).toEqual(dequantizeInt8(weight))
        expect(zeros === undefined).toBe(weight.zeroPoint.every((zero) => zero === 0))
      })
    }
  }

  it.each([0, 1])('writes int4 weights in groups along axis %i as DequantizeLinear', (axis) => {
    const weight = quantizeInt4(floats(4, 40), { axis, groupSize: 16 })
    const written = Buffer.from(writeOnnx(product(weight)))
    const scaleOf = (at: number): number => {
      const [i, j] = [Math.floor(at / 40), at % 40]
      return weight.scale[axis === 0 ? j : i * 3 + Math.floor(j / 16)]!
    }
    // Two of four bits a byte in the order of the elements, the first in its low half, two's complement.
    const codes = int4Elements(weight).map((value, at) => Math.round(value / scaleOf(at)) & 15)
    const bytes = Buffer.from(Array.from({ length: 80 }, (_, i) => codes[2 * i]! + 16 * codes[2 * i + 1]!))
    expect(written.includes(bytes)).toBe(true)
    // One group makes the order of scales that of the other axis; so does the last axis.
    expect(written.includes(Buffer.from(weight.scale.buffer))).toBe(true)
    for (const text of ['DequantizeLinear', 'block_size', 'w_codes', 'w_scale']) {
      expect(written.includes(text)).toBe(true)
    }
  })

  it('writes shared weights as Gather from the codebook', () => {
    const indices = Uint8Array.from({ length: 32 }, (_, i) => (i * 7) % 3)
    const centroids = Float32Array.of(-1, 0, 2.5)
    const weight: Weight = { kind: 'codebook', shape: [4, 8], indices, codebook: { centroids } }
    const { nodes, weights } = readOnnx(writeOnnx(product(weight)), { optimize: false })
    expect(nodes.map(({ op }) => op)).toEqual(['Cast', 'Gather', 'Gemm'])
    expect(weights.get(nodes[0]!.inputs[0]!)).toEqual({
      kind: 'dense',
      dtype: 'uint8',
      shape: [4, 8],
      data: indices,
    })
    expect(weights.get(nodes[1]!.inputs[0]!)).toMatchObject({ data: centroids })
    expect(nodes[1]!.outputs).toEqual([nodes[2]!.inputs[1]])
  })

  it('puts QuantizeLinear and DequantizeLinear before products that compute in int8, once for all readers', () => {
    const weight = quantizeInt8(floats(4, 8), { granularity: { per: 'channel', axis: 0 } })
    const model = product(weight, {
      nodes: [
        node('Gemm', ['x', 'w', 'b'], 'y', { transB: 1 }),
        node('Gemm', ['x', 'w', 'b'], 'z', { transB: 1 }),
      ],
      activations: new Map([['x', { scale: 0.05, zeroPoint: 3 }]]),
    })
    const { nodes, weights } = readOnnx(writeOnnx(model), { optimize: false })
    const byOp = (op: string) => nodes.filter((other) => other.op === op)
    expect(byOp('QuantizeLinear').map(({ inputs }) => inputs[0])).toEqual(['x'])
    const [first, second] = byOp('Gemm')
    expect(first!.inputs[0]).toBe(second!.inputs[0])
    expect(first!.inputs[0]).not.toBe('x')
    // The bias is integer, in the scale of the products, and at most half of one away.
    const bias = nodes.find(({ outputs }) => outputs[0] === first!.inputs[2])!
    const [codes, scale] = bias.inputs.map((name) => weights.get(name) as ReturnType<typeof floats>)
    expect(codes!.dtype).toBe('int32')
    const original = model.weights.get('b') as ReturnType<typeof floats>
    original.data.forEach((value, i) => {
      const step = scale!.data[i]!
      expect(step).toBe(Math.fround(0.05 * weight.scale[i]!))
      expect(Math.abs(codes!.data[i]! * step - value)).toBeLessThanOrEqual(step * 0.5001)
    })
  })

  it('leaves names that are taken alone, and refuses what ONNX has no form for', () => {
    const weight = quantizeInt8(floats(4, 8))
    const model = product(weight)
    const taken = {
      ...model,
      weights: new Map([...model.weights, ['w_codes', floats(2)], ['w_scale', floats(3)]]),
    }
    const { weights } = readOnnx(writeOnnx(taken as Model), { optimize: false })
    expect(weights.get('w_codes')).toMatchObject({ shape: [2] })
    expect(weights.get('w_scale')).toMatchObject({ shape: [3] })
    const foreign = product(floats(4, 8), {
      nodes: [node('Gemm', ['x', 'w'], 'y', { transB: 1, 'mcompress.other': 1 })],
    })
    expect(() => writeOnnx(foreign)).toThrow(FormatError)
    expect(() => writeOnnx({ ...model, opset: 13 })).toThrow(RangeError)
    expect(() => writeOnnx(model, { optimize: true } as never)).toThrow(TypeError)
  })
})
