import { readFileSync } from 'node:fs'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { describe, expect, it } from 'vitest'
import { FormatError, UnsupportedOpError } from '../bindings/errors.js'
import { floatFromBfloat, floatFromHalf } from '../bindings/formats/half.js'
import type { Tensor } from '../bindings/formats/tensor.js'
import type { Graph, Model } from '../bindings/graph/model.js'
import { prepare } from '../bindings/graph/prepare.js'
import { inferShapes } from '../bindings/graph/shapes.js'
import { readOnnx as read, type ReadOnnxOptions } from '../bindings/io/onnx/index.js'
import {
  buildOnnx,
  type OnnxAttribute,
  rawBytes,
  type OnnxModel,
  type OnnxTensor,
} from './support/onnx-builder.js'
import { Random } from './support/random.js'

const file = (name: string) => readFileSync(`examples/models/${name}`)

/** The model as the file has it. */
const readOnnx = (bytes: Parameters<typeof read>[0]) => read(bytes, { optimize: false })

/** Tensors of a safetensors file of float32, read by the format's own rules (u64 length, JSON, data). */
function safetensors(bytes: Buffer): Map<string, { shape: number[]; data: Float32Array }> {
  const headerBytes = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(([name, { shape, data_offsets }]) => {
        const [start, end] = data_offsets.map((offset) => offset + 8 + headerBytes) as [number, number]
        const data = new Float32Array(new Uint8Array(bytes.subarray(start, end)).buffer)
        return [name, { shape, data }]
      }),
  )
}

/** A model that only carries weights; its output is the first of them. */
const carrier = (initializers: Record<string, OnnxTensor>): OnnxModel => ({
  nodes: [],
  initializers,
  outputs: [{ name: Object.keys(initializers)[0]!, dtype: null }],
})

const small: OnnxModel = {
  nodes: [
    { op: 'Gemm', name: 'fc', inputs: ['x', 'w', 'b'], outputs: ['h'], attributes: { transB: 1 } },
    { op: 'Relu', inputs: ['h'], outputs: ['y'] },
  ],
  initializers: {
    w: { shape: [2, 3], data: [1, -2, 3, 0.5, 0.25, -0.125] },
    b: { data: [0.5, -0.5], encoding: 'packed' },
  },
  inputs: [{ name: 'x', shape: ['N', 3] }],
  outputs: [{ name: 'y', shape: ['N', 2] }],
  metadata: { author: 'test' },
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof FormatError) return error.code
    throw error
  }
  return 'no error'
}

describe('readOnnx', () => {
  it('reads LeNet-5 with the weights that PyTorch saved beside it', () => {
    const model = readOnnx(file('lenet-5.onnx'))
    const reference = safetensors(file('lenet-5.safetensors'))
    expect([...model.weights.keys()].sort()).toEqual([...reference.keys()].sort())
    for (const [name, { shape, data }] of reference) {
      const weight = model.weights.get(name) as Tensor
      expect([weight.kind, weight.dtype, weight.shape]).toEqual(['dense', 'float32', shape])
      expect(Buffer.from(weight.data.slice().buffer).equals(Buffer.from(data.buffer))).toBe(true)
    }
    expect(model.nodes.map((node) => node.op)).toEqual(
      'Conv MaxPool Conv MaxPool Flatten Gemm Relu Gemm'.split(' '),
    )
    expect(model.inputs).toEqual([{ name: 'input', dtype: 'float32', shape: ['N', 1, 28, 28] }])
    expect(model.metadata['producer']).toBe('pytorch 1.13.0')
    const { attributes } = model.nodes[0]!
    expect([attributes['kernel_shape'], attributes['group']]).toEqual([[5, 5], 1])
  })

  it.each([
    ['lenet-300-100.onnx', 266_610],
    ['resnet8-fashion.onnx', 77_754],
  ])('%s holds its %i weights', (name, count) => {
    const model = readOnnx(file(name))
    const elements = [...model.weights.values()].map((weight) => (weight as Tensor).data.length)
    const total = elements.reduce((sum, length) => sum + length, 0)
    // The exporter folded BatchNorm away: scale and shift of 9 layers became 9 biases.
    const folded = name.startsWith('resnet8') ? count - total : 0
    expect(total + folded).toBe(count)
    expect(folded).toBeGreaterThanOrEqual(0)
    expect(folded).toBeLessThan(count / 100)
  })

  it('reads the parts of a small model', () => {
    const model = readOnnx(buildOnnx(small))
    expect(model.nodes).toEqual([
      {
        name: 'fc',
        op: 'Gemm',
        domain: '',
        inputs: ['x', 'w', 'b'],
        outputs: ['h'],
        attributes: { transB: 1 },
      },
      { name: 'Relu_1', op: 'Relu', domain: '', inputs: ['h'], outputs: ['y'], attributes: {} },
    ])
    expect(model.weights.get('w')).toEqual({
      kind: 'dense',
      dtype: 'float32',
      shape: [2, 3],
      data: Float32Array.of(1, -2, 3, 0.5, 0.25, -0.125),
    })
    expect(model.metadata).toEqual({ author: 'test' })
    expect(model.opset).toBe(21)
  })

  it('optimizes unless told otherwise, and preserves what it is told to', () => {
    const ops = (options?: ReadOnnxOptions) => read(buildOnnx(small), options).nodes.map(({ op }) => op)
    expect(ops()).toEqual(['Gemm'])
    expect(ops({ keep: ['h'] })).toEqual(['Gemm', 'Relu'])
    expect(ops({ optimize: false })).toEqual(['Gemm', 'Relu'])
    expect(() => ops({ optimize: 1 as unknown as boolean })).toThrow('"optimize" expected a boolean, got 1')
    expect(() => ops({ keep: 'h' as unknown as string[] })).toThrow('"keep" expected an array of names')
    expect(() => ops({ keeps: [] } as ReadOnnxOptions)).toThrow('"options" has no option "keeps"')
  })

  it('takes an ArrayBuffer and an offset view alike', () => {
    const bytes = buildOnnx(small)
    const shifted = new Uint8Array(bytes.length + 3)
    shifted.set(bytes, 3)
    const expected = readOnnx(bytes)
    expect(readOnnx(shifted.subarray(3))).toEqual(expected)
    expect(readOnnx(bytes.slice().buffer)).toEqual(expected)
  })

  it('reads every kind of attribute', () => {
    const attributes = {
      i: -7,
      big: 2 ** 40,
      f: { float: 0.5 },
      s: 'täxt',
      ints: [1, -1, 300],
      floats: { floats: [1.5, -2] },
      strings: { strings: ['a', 'b'] },
      t: { tensor: { data: [1, 2] } },
    }
    const { nodes } = readOnnx(
      buildOnnx({
        nodes: [{ op: 'Odd', domain: 'my.ops', inputs: [], outputs: ['y'], attributes }],
        outputs: [{ name: 'y' }],
      }),
    )
    expect(nodes[0]!.domain).toBe('my.ops')
    expect(nodes[0]!.attributes).toEqual({
      ...{
        i: -7,
        big: 2 ** 40,
        f: 0.5,
        s: 'täxt',
        ints: [1, -1, 300],
        floats: [1.5, -2],
        strings: ['a', 'b'],
      },
      t: { kind: 'dense', dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) },
    })
  })

  it('turns Constant nodes into weights, in branches too', () => {
    const constant = (name: string, attributes: Record<string, number | number[] | { float: number }>) => ({
      op: 'Constant',
      inputs: [],
      outputs: [name],
      attributes,
    })
    const model = readOnnx(
      buildOnnx({
        nodes: [
          constant('i', { value_int: 3 }),
          constant('is', { value_ints: [1, 2] }),
          constant('f', { value_float: { float: 0.5 } }),
          { ...constant('fs', {}), attributes: { value_floats: { floats: [1, 2] } } },
          { ...constant('t', {}), attributes: { value: { tensor: { shape: [], data: [7] } } } },
          {
            op: 'If',
            inputs: ['c'],
            outputs: ['y'],
            attributes: {
              then_branch: {
                graph: { nodes: [constant('one', { value_int: 1 })], outputs: [{ name: 'one' }] },
              },
              else_branch: { graph: { nodes: [], outputs: [{ name: 'i' }] } },
            },
          },
        ],
        inputs: [{ name: 'c', dtype: 'bool', shape: [] }],
        outputs: [{ name: 'y', dtype: 'int64', shape: [] }],
      }),
    )
    const weight = (graph: Graph, name: string) => graph.weights.get(name) as Tensor
    expect(weight(model, 'i')).toMatchObject({ dtype: 'int64', shape: [], data: BigInt64Array.of(3n) })
    expect(weight(model, 'is')).toMatchObject({ shape: [2], data: BigInt64Array.of(1n, 2n) })
    expect(weight(model, 'f')).toMatchObject({ dtype: 'float32', shape: [], data: Float32Array.of(0.5) })
    expect(weight(model, 'fs')).toMatchObject({ shape: [2], data: Float32Array.of(1, 2) })
    expect(weight(model, 't')).toMatchObject({ shape: [], data: Float32Array.of(7) })
    const branch = model.nodes[0]!.attributes['then_branch'] as Graph
    expect(weight(branch, 'one').data).toEqual(BigInt64Array.of(1n))
  })

  it('takes inputs with an initializer as weights, as before IR version 4', () => {
    const model = readOnnx(
      buildOnnx({
        ...small,
        inputs: [
          { name: 'w', shape: [2, 3] },
          { name: 'x', shape: [1, 3] },
        ],
      }),
    )
    expect(model.inputs.map((input) => input.name)).toEqual(['x'])
  })

  it('sorts nodes, names them apart, and names a cycle', () => {
    const relu = (input: string, output: string) => ({ op: 'Relu', inputs: [input], outputs: [output] })
    const build = (nodes: OnnxModel['nodes']) =>
      buildOnnx({ nodes, inputs: [{ name: 'x', shape: [1] }], outputs: [{ name: 'y' }] })
    const sorted = readOnnx(build([relu('h', 'y'), { ...relu('x', 'h'), name: 'Relu_0' }]))
    expect(sorted.nodes.map((node) => [node.name, node.inputs[0]])).toEqual([
      ['Relu_0', 'x'],
      ['Relu_0_', 'h'],
    ])
    const cyclic = build([
      { op: 'Add', name: 'a', inputs: ['x', 'q'], outputs: ['p'] },
      { ...relu('p', 'q'), name: 'b' },
      relu('p', 'y'),
    ])
    expect(() => readOnnx(cyclic)).toThrow('nodes depend on each other: Relu "b" -> Add "a"')
  })

  it('reads unknown, symbolic and missing dimensions', () => {
    const { inputs, outputs } = readOnnx(
      buildOnnx({
        nodes: [],
        inputs: [
          { name: 'x', shape: ['N', null, -1, 4], dtype: 'int64' },
          { name: 'h', dtype: 'float16', shape: [] },
        ],
        outputs: [{ name: 'x', dtype: null }],
      }),
    )
    expect(inputs[0]).toEqual({ name: 'x', dtype: 'int64', shape: ['N', null, null, 4] })
    expect(inputs[1]).toEqual({ name: 'h', dtype: 'float32', shape: [] })
    expect(outputs[0]).toEqual({ name: 'x', dtype: 'float32', shape: undefined })
  })

  it('keeps hostile names harmless', () => {
    const model = readOnnx(
      buildOnnx({
        ...small,
        metadata: { __proto__: 'x', constructor: 'y' },
        nodes: [
          {
            op: 'Relu',
            inputs: ['x'],
            outputs: ['y'],
            attributes: Object.fromEntries([['__proto__', 5]]),
          },
        ],
      }),
    )
    expect(Object.getPrototypeOf(model.nodes[0]!.attributes)).toBe(Object.prototype)
    expect(Object.keys(model.nodes[0]!.attributes)).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })
})

describe('TensorProto', () => {
  const cases: [OnnxTensor['dtype'] & string, (number | bigint)[], Tensor['dtype'], unknown[]?][] = [
    ['float32', [1.5, -0, Infinity, 2 ** -149], 'float32'],
    ['float64', [1.5, -2.25, 1e300], 'float64'],
    ['int8', [-128, 127, 0], 'int8'],
    ['uint8', [255, 0, 1], 'uint8'],
    ['int16', [-32768, 32767], 'int16'],
    ['uint16', [65535, 1], 'uint16'],
    ['int32', [-(2 ** 31), 2 ** 31 - 1], 'int32'],
    ['uint32', [2 ** 32 - 1, 0], 'uint32'],
    ['int64', [-(2n ** 63n), 2n ** 63n - 1n], 'int64'],
    ['uint64', [2n ** 64n - 1n, 5n], 'uint64'],
    ['bool', [1, 0, 1], 'bool'],
    // IEEE 754-2019 binary16: 1, -2, greatest 65504, least subnormal 2^-24, greatest subnormal, infinity
    [
      'float16',
      [0x3c00, 0xc000, 0x7bff, 0x0001, 0x03ff, 0x7c00],
      'float32',
      [1, -2, 65504, 2 ** -24, 1023 * 2 ** -24, Infinity],
    ],
    ['bfloat16', [0x3f80, 0xc049, 0xff80], 'float32', [1, -3.140625, -Infinity]],
  ]
  for (const [dtype, data, expected, values] of cases) {
    it.each(['raw', 'packed', 'unpacked'] as const)(`${dtype} %s`, (encoding) => {
      const model = readOnnx(buildOnnx(carrier({ t: { dtype, data, encoding } })))
      const weight = model.weights.get('t') as Tensor
      expect(weight.dtype).toBe(expected)
      expect(weight.shape).toEqual([data.length])
      expect([...(weight.data as Iterable<unknown>)]).toEqual(values ?? data)
    })
  }

  it.each(['raw', 'packed'] as const)('empty tensors and scalars, %s', (encoding) => {
    const { weights } = readOnnx(
      buildOnnx(
        carrier({ none: { shape: [0, 4], data: [], encoding }, one: { shape: [], data: [3], encoding } }),
      ),
    )
    expect(weights.get('none')).toMatchObject({ shape: [0, 4], data: new Float32Array(0) })
    expect(weights.get('one')).toMatchObject({ shape: [], data: Float32Array.of(3) })
  })

  it('reads raw data in place where it is aligned, and copies it where not', () => {
    const bytes = buildOnnx(carrier({ t: { data: [1, 2, 3] } }))
    const needle = Buffer.from(rawBytes('float32', [1, 2, 3]))
    const at = Buffer.from(bytes).indexOf(needle)
    for (let shift = 0; shift < 8; shift++) {
      const moved = new Uint8Array(bytes.length + 8)
      moved.set(bytes, shift)
      const { data } = readOnnx(moved.subarray(shift, shift + bytes.length)).weights.get('t') as Tensor
      expect([...(data as Float32Array)]).toEqual([1, 2, 3])
      expect(data.buffer === moved.buffer).toBe((shift + at) % 4 === 0)
    }
  })

  it('widens all 65,536 halves exactly', () => {
    const wrong: number[] = []
    for (let bits = 0; bits < 65536; bits++) {
      // The definition in IEEE 754, in double arithmetic, which holds all of it exactly.
      const exponent = (bits >> 10) & 31
      const fraction = bits & 1023
      const magnitude =
        exponent === 0
          ? fraction / 2 ** 24
          : exponent < 31
            ? (1 + fraction / 1024) * 2 ** (exponent - 15)
            : fraction === 0
              ? Infinity
              : NaN
      if (!Object.is(floatFromHalf(bits), bits >> 15 === 0 ? magnitude : -magnitude)) wrong.push(bits)
    }
    expect(wrong).toEqual([])
    expect(floatFromBfloat(0x7fc0)).toBeNaN()
  })

  const bad: [string, OnnxTensor, string, string][] = [
    [
      'too little raw data',
      { shape: [4], data: [1, 2, 3] },
      'data-length',
      'expected 16 bytes of data, got 12',
    ],
    ['too much raw data', { shape: [2], data: [1, 2, 3] }, 'data-length', 'expected 8 bytes'],
    [
      'too few floats',
      { shape: [4], data: [1, 2, 3], encoding: 'packed' },
      'data-length',
      '4 elements in float_data',
    ],
    ['too many floats', { shape: [2], data: [1, 2, 3], encoding: 'unpacked' }, 'data-length', '2 elements'],
    ['a negative dimension', { shape: [-3], data: [1, 2, 3] }, 'dims', '[-3]'],
    ['dimensions that overflow', { shape: [2 ** 40, 2 ** 40], data: [] }, 'dims', 'impossible dimensions'],
    ['huge dimensions without data', { shape: [2 ** 15, 2 ** 15], data: [] }, 'data-length', 'got 0'],
    [
      'huge typed dimensions',
      { shape: [2 ** 30], data: [], encoding: 'packed' },
      'data-length',
      '1073741824 elements',
    ],
    ['too many axes', { shape: Array(17).fill(1), data: [1] }, 'dims', 'impossible dimensions'],
    ['strings', { dtype: 'string', data: [1] }, 'element-type', 'type string'],
    ['4-bit integers', { dtype: 'int4', data: [1] }, 'element-type', 'type int4'],
    ['8-bit floats', { dtype: 'float8e4m3fn', data: [1] }, 'element-type', 'type float8e4m3fn'],
    ['complex numbers', { dtype: 'complex64', data: [1] }, 'element-type', 'type complex64'],
  ]
  it.each(bad)('refuses %s', (_, tensor, code, message) => {
    const bytes = buildOnnx(carrier({ 'my.w': tensor }))
    expect(codeOf(() => readOnnx(bytes))).toBe(code)
    expect(() => readOnnx(bytes)).toThrow(message)
    expect(() => readOnnx(bytes)).toThrow('"my.w"')
  })
})

describe('readOnnx refuses', () => {
  const refusals: [string, Uint8Array | OnnxModel, string][] = [
    ['an empty file', new Uint8Array(0), 'not-onnx'],
    ['opset 5', { ...small, opset: 5 }, 'opset'],
    ['opset 25', { ...small, opset: 25 }, 'opset'],
    ['a value that nothing defines', { ...small, initializers: {} }, 'graph'],
    ['an output that nothing defines', { ...small, outputs: [{ name: 'z' }] }, 'graph'],
    ['a value defined twice', { ...small, nodes: [...small.nodes, small.nodes[1]!] }, 'graph'],
    ['an input without a type', { ...small, inputs: [{ name: 'x', dtype: null }] }, 'element-type'],
    ['an input of strings', { ...small, inputs: [{ name: 'x', dtype: 'string' }] }, 'element-type'],
    ['a negative input dimension', { ...small, inputs: [{ name: 'x', shape: [-2] }] }, 'dims'],
    [
      'a Constant of a string',
      {
        ...small,
        nodes: [{ op: 'Constant', inputs: [], outputs: ['y'], attributes: { value_string: 's' } }],
      },
      'attribute',
    ],
  ]
  it.each(refusals)('%s', (_, model, code) => {
    expect(codeOf(() => readOnnx(model instanceof Uint8Array ? model : buildOnnx(model)))).toBe(code)
  })

  it('graphs nested without end', () => {
    let graph: OnnxModel = { nodes: [], outputs: [] }
    for (let depth = 0; depth < 20; depth++) {
      graph = {
        nodes: [{ op: 'If', inputs: [], outputs: [], attributes: { then_branch: { graph } } }],
        outputs: [],
      }
    }
    expect(codeOf(() => readOnnx(buildOnnx(graph)))).toBe('graph')
  })

  /** A model whose graph field holds these bytes. */
  const withGraph = (write: (writer: BinaryWriter) => void) => {
    const inner = new BinaryWriter()
    write(inner)
    return new BinaryWriter().tag(7, WireType.LengthDelimited).bytes(inner.finish()).finish()
  }

  it('external data, sparse initializers, and a wrong wire type, each by name', () => {
    const external = new BinaryWriter()
    external.tag(2, WireType.Varint).int32(1).tag(14, WireType.Varint).int32(1)
    const tensor = external.finish()
    expect(codeOf(() => readOnnx(withGraph((w) => w.tag(5, WireType.LengthDelimited).bytes(tensor))))).toBe(
      'external-data',
    )
    expect(codeOf(() => readOnnx(withGraph((w) => w.tag(15, WireType.LengthDelimited).bytes(tensor))))).toBe(
      'sparse-tensor',
    )
    expect(codeOf(() => readOnnx(withGraph((w) => w.tag(2, WireType.Varint).int32(1))))).toBe('protobuf')
    expect(codeOf(() => readOnnx(withGraph((w) => w.tag(2, WireType.LengthDelimited).uint32(1000))))).toBe(
      'protobuf',
    )
    expect(
      codeOf(() => readOnnx(withGraph((w) => w.tag(2, WireType.LengthDelimited).bytes(Uint8Array.of(0xff))))),
    ).toBe('protobuf')
  })

  it('skips fields that it does not know, groups among them', () => {
    const unknown = new BinaryWriter()
      .tag(900, WireType.Varint).int32(5)
      .tag(901, WireType.Bit64).double(1)
      .tag(902, WireType.StartGroup).tag(1, WireType.Bit32).float(1).tag(902, WireType.EndGroup)
      .finish() // prettier-ignore
    const bytes = buildOnnx(small)
    expect(readOnnx(Uint8Array.from([...unknown, ...bytes, ...unknown]))).toEqual(readOnnx(bytes))
  })

  it('what is no bytes', () => {
    const untyped = readOnnx as (bytes: unknown) => Model
    for (const value of ['model.onnx', null, [1, 2], 5]) expect(() => untyped(value)).toThrow(TypeError)
  })

  it('every prefix', () => {
    const bytes = buildOnnx(small)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => readOnnx(bytes.subarray(0, length)), `length ${length}`).toThrow(FormatError)
    }
    expect(() => readOnnx(file('lenet-5.onnx').subarray(0, 800_000))).toThrow(FormatError)
  })
})

/** Reads, prepares and infers what may be anything; only the errors of the contract may come out. */
function processHostile(bytes: Uint8Array): void {
  try {
    const model = prepare(readOnnx(bytes))
    inferShapes(model, { x: [2, 3] })
  } catch (error) {
    const known = [FormatError, UnsupportedOpError, RangeError].some((kind) => error instanceof kind)
    if (!known || /stack|allocation/i.test((error as Error).message)) throw error
  }
}

describe('readOnnx survives', () => {
  const many = (op: string, wires: string, attributes: Record<string, OnnxAttribute> = {}) => {
    const [inputs, outputs] = wires.split(' -> ').map((side) => side.split(' ')) as [string[], string[]]
    return { op, inputs, outputs, attributes }
  }
  /** Sound as it is: every pass finds something to do, and shapes are computed by nodes. */
  const rich = buildOnnx({
    ...small,
    opset: 9,
    nodes: [
      ...small.nodes,
      many('Clip', 'y -> c', { min: { float: 0 }, max: { float: 6 } }),
      many('Constant', ' -> k', { value: { tensor: { data: [1, 2] } } }),
      many('Softmax', 'c -> s', { axis: 0 }),
      many('MatMul', 's m -> mm'),
      many('Add', 'mm k -> g'),
      many('BatchNormalization', 'g k k k k -> n'),
      many('Shape', 'x -> sh'),
      many('Gather', 'sh i -> ga'),
      many('Unsqueeze', 'ga -> un', { axes: [0] }),
      many('Concat', 'un i1 -> target', { axis: 0 }),
      many('Reshape', 'n target -> r'),
      many('Slice', 'r -> sl', { axes: [1], starts: [0], ends: [2] }),
      many('ConstantOfShape', 'sh -> cs', { value: { tensor: { data: [3] } } }),
      many('Cast', 'cs -> cast', { to: 1 }),
      many('Dropout', 'cast -> d', { ratio: { float: 0.5 } }),
      many('Transpose', 'd -> t', { perm: [1, 0] }),
      many('Pad', 't -> p', { pads: [0, 1, 0, 0], value: { float: 1 } }),
    ],
    initializers: {
      ...small.initializers,
      m: { shape: [2, 2], data: [1, 2, 3, 4] },
      i: { dtype: 'int64', shape: [], data: [0] },
      i1: { dtype: 'int64', data: [-1] },
    },
    outputs: [{ name: 'sl' }, { name: 'p' }],
  })

  it('nothing but damage: the model itself is sound', () => {
    const model = prepare(readOnnx(rich))
    expect(inferShapes(readOnnx(rich), { x: [2, 3] }).get('sl')!.shape).toEqual([2, 2])
    expect(model.nodes.map(({ op }) => op)).toContain('Reshape')
  })

  it('each byte of a small model flipped', () => {
    for (let at = 0; at < rich.length; at++) {
      for (const mask of [0x01, 0x40, 0xff]) {
        const bytes = rich.slice()
        bytes[at]! ^= mask
        processHostile(bytes)
      }
    }
  })

  it('random damage for a second', () => {
    const seed = Date.now() & 0xffff
    const random = new Random(seed)
    const until = performance.now() + 1000
    try {
      while (performance.now() < until) {
        let bytes = rich.slice()
        for (let edits = random.integer(1, 6); edits > 0; edits--) {
          const at = random.integer(0, bytes.length - 1)
          const kind = random.integer(0, 2)
          if (kind === 0) bytes[at] = random.integer(0, 255)
          else if (kind === 1)
            bytes = Uint8Array.from([...bytes.subarray(0, at), ...random.bytes(3), ...bytes.subarray(at)])
          else
            bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + random.integer(1, 9))])
        }
        processHostile(bytes)
      }
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  })
})
