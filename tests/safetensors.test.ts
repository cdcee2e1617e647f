import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FormatError } from '../bindings/errors.js'
import { floatFromHalf, halfFromFloat } from '../bindings/formats/half.js'
import type { Tensor } from '../bindings/formats/tensor.js'
import { crc32c } from '../bindings/io/checksum.js'
import { parseJson } from '../bindings/io/json.js'
import { parseSafetensors, readSafetensors, writeSafetensors } from '../bindings/io/safetensors/index.js'
import { crc32c as slowCrc32c, half } from './oracles/artifact.js'
import { Random } from './support/random.js'

/** A file of this header and so many bytes of data. */
function file(header: string, dataBytes: number, declared?: number): Uint8Array {
  const text = new TextEncoder().encode(header)
  const bytes = new Uint8Array(8 + text.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(declared ?? text.length), true)
  bytes.set(text, 8)
  return bytes
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof FormatError) return error.code
    return String(error)
  }
  return 'ok'
}

describe('readSafetensors', () => {
  it('reads a file that the reference implementation wrote', () => {
    const bytes = new Uint8Array(readFileSync('examples/models/lenet-5.safetensors'))
    const { metadata, tensors } = readSafetensors(bytes)
    expect(metadata.get('format')).toBe('pt')
    expect([...tensors.keys()]).toEqual([
      'c1.weight',
      'c1.bias',
      'c2.weight',
      'c2.bias',
      'f1.weight',
      'f1.bias',
      'f2.weight',
      'f2.bias',
    ])
    const bias = tensors.get('f2.bias')!
    expect(bias.shape).toEqual([10])
    // The last tensor of the file: the last ten floats.
    const view = new DataView(bytes.buffer, bytes.length - 40)
    expect([...(bias.data as Float32Array)]).toEqual(
      Array.from({ length: 10 }, (_, i) => view.getFloat32(4 * i, true)),
    )
    expect(tensors.get('f1.weight')!.shape).toEqual([500, 800])
  })

  const entry = '"dtype":"U8","shape":[2],"data_offsets":[0,2]'
  it.each([
    ['two entries', `{"a":{${entry}},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3, 'ok'],
    ['listed out of order', `{"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"a":{${entry}}}`, 3, 'ok'],
    ['padded with spaces', `{"a":{${entry}}}      `, 2, 'ok'],
    ['no entries', '{}', 0, 'ok'],
    ['a scalar', '{"a":{"dtype":"F64","shape":[],"data_offsets":[0,8]}}', 8, 'ok'],
    ['empty tensors', `{"e":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]},"a":{${entry}}}`, 2, 'ok'],
    ['the name __proto__', `{"__proto__":{${entry}}}`, 2, 'ok'],
    ['space before the header', ` {"a":{${entry}}}`, 2, 'json'],
    ['an array', `[{${entry}}]`, 2, 'json'],
    ['a key that occurs twice', `{"a":{${entry}},"a":{${entry}}}`, 2, 'json'],
    ['a field that occurs twice', `{"a":{${entry},"dtype":"U8"}}`, 2, 'json'],
    ['text after the header', `{"a":{${entry}}} x`, 2, 'json'],
    ['a hole', '{"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}', 3, 'offsets'],
    ['overlap', `{"a":{${entry}},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3, 'offsets'],
    [
      'an empty tensor inside another',
      `{"e":{"dtype":"U8","shape":[0],"data_offsets":[1,1]},"a":{${entry}}}`,
      2,
      'offsets',
    ],
    ['bytes behind the last tensor', `{"a":{${entry}}}`, 3, 'offsets'],
    ['too little data', `{"a":{${entry}}}`, 1, 'truncated'],
    ['offsets against the shape', '{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,2]}}', 2, 'offsets'],
    ['offsets in reverse', '{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}}', 2, 'offsets'],
    ['one offset', '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0]}}', 2, 'offsets'],
    ['three offsets', '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2,2]}}', 2, 'offsets'],
    ['a negative size', '{"a":{"dtype":"U8","shape":[-2],"data_offsets":[0,-2]}}', 2, 'entry'],
    ['a fraction', '{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,2]}}', 2, 'entry'],
    ['a size past 2^53', '{"a":{"dtype":"U8","shape":[9007199254740992],"data_offsets":[0,2]}}', 2, 'entry'],
    [
      'sizes whose product overflows',
      '{"a":{"dtype":"U8","shape":[1073741824,1073741824,4],"data_offsets":[0,2]}}',
      2,
      'limit',
    ],
    ['an unknown dtype', '{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,1]}}', 1, 'dtype'],
    ['F8, which has no type here', '{"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}', 2, 'dtype'],
    ['a missing field', '{"a":{"dtype":"U8","shape":[2]}}', 2, 'entry'],
    ['an extra field', `{"a":{${entry},"x":1}}`, 2, 'entry'],
    ['metadata of numbers', `{"__metadata__":{"k":1},"a":{${entry}}}`, 2, 'metadata'],
    ['metadata as text', `{"__metadata__":"k","a":{${entry}}}`, 2, 'metadata'],
    [
      'seventeen dimensions',
      `{"a":{"dtype":"U8","shape":[${'1,'.repeat(16)}1],"data_offsets":[0,1]}}`,
      1,
      'limit',
    ],
  ])('%s', (_, header, dataBytes, expected) => {
    expect(codeOf(() => readSafetensors(file(header, dataBytes)))).toBe(expected)
  })

  it('refuses headers that are too long, cut off or no UTF-8', () => {
    expect(codeOf(() => readSafetensors(file('{}', 0, 2 ** 40)))).toBe('limit')
    expect(codeOf(() => readSafetensors(file('{}', 0, 3)))).toBe('truncated')
    expect(codeOf(() => readSafetensors(file('{}', 0, 1)))).toBe('json')
    expect(codeOf(() => readSafetensors(file('{}', 0, 0)))).toBe('json')
    const bad = file('{"a"}', 0)
    bad[10] = 0xff
    expect(codeOf(() => readSafetensors(bad))).toBe('json')
    const good = file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 2)
    for (let length = 0; length < good.length; length++) {
      expect(codeOf(() => readSafetensors(good.subarray(0, length)))).not.toBe('ok')
    }
    expect(() => readSafetensors('x' as unknown as Uint8Array)).toThrow(TypeError)
  })

  it('fuzz: a changed byte is an error or a sound file', () => {
    const seed = Date.now() & 0xffff
    const random = new Random(seed)
    const good = file(
      '{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}',
      11,
    )
    const deadline = performance.now() + 400
    for (let round = 0; round < 20_000 && performance.now() < deadline; round++) {
      const bytes = good.slice()
      for (let k = random.integer(0, 2); k >= 0; k--) {
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 3)
          ? random.integer(32, 126)
          : random.integer(0, 255)
      }
      const code = codeOf(() => parseSafetensors(bytes))
      expect(code, `seed ${seed} round ${round}`).toMatch(
        /^(ok|json|entry|dtype|offsets|truncated|limit|metadata)$/,
      )
    }
  })
})

describe('writeSafetensors', () => {
  it('round-trips every element type, with data on a multiple of 16', () => {
    const tensors = new Map<string, Tensor>([
      [
        'float32',
        { kind: 'dense', dtype: 'float32', shape: [2, 2], data: Float32Array.of(1.5, -0, NaN, -Infinity) },
      ],
      ['float64', { kind: 'dense', dtype: 'float64', shape: [1], data: Float64Array.of(Math.PI) }],
      ['float16', { kind: 'dense', dtype: 'float16', shape: [2], data: Uint16Array.of(0x3c00, 0xfe01) }],
      ['int8', { kind: 'dense', dtype: 'int8', shape: [3], data: Int8Array.of(-128, 0, 127) }],
      ['uint8', { kind: 'dense', dtype: 'uint8', shape: [1, 1], data: Uint8Array.of(255) }],
      ['int16', { kind: 'dense', dtype: 'int16', shape: [1], data: Int16Array.of(-32768) }],
      ['uint16', { kind: 'dense', dtype: 'uint16', shape: [1], data: Uint16Array.of(65535) }],
      ['int32', { kind: 'dense', dtype: 'int32', shape: [1], data: Int32Array.of(-(2 ** 31)) }],
      ['uint32', { kind: 'dense', dtype: 'uint32', shape: [], data: Uint32Array.of(2 ** 32 - 1) }],
      ['int64', { kind: 'dense', dtype: 'int64', shape: [1], data: BigInt64Array.of(-(2n ** 63n)) }],
      ['uint64', { kind: 'dense', dtype: 'uint64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) }],
      ['bool', { kind: 'dense', dtype: 'bool', shape: [2], data: Uint8Array.of(0, 1) }],
      ['__proto__', { kind: 'dense', dtype: 'float32', shape: [0], data: new Float32Array(0) }],
      ['"quoted"\n\u{1f600}', { kind: 'dense', dtype: 'uint8', shape: [1], data: Uint8Array.of(7) }],
    ])
    const bytes = writeSafetensors(tensors, { metadata: { note: 'a "b"' } })
    expect((8 + new DataView(bytes.buffer).getUint32(0, true)) % 16).toBe(0)
    const back = readSafetensors(bytes)
    expect(back.metadata).toEqual(new Map([['note', 'a "b"']]))
    expect(back.tensors).toEqual(tensors)
    expect([...back.tensors.keys()]).toEqual([...tensors.keys()])
    // At any address: a file may be a part of something larger.
    const shifted = new Uint8Array(bytes.length + 1)
    shifted.set(bytes, 1)
    expect(readSafetensors(shifted.subarray(1)).tensors).toEqual(tensors)
  })

  it('writes the bytes that the format asks for', () => {
    const bytes = writeSafetensors(
      new Map([['a', { kind: 'dense', dtype: 'int16', shape: [2], data: Int16Array.of(1, -2) } as Tensor]]),
    )
    const header = '{"a":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}}  '
    expect(new TextDecoder().decode(bytes.subarray(8, 64))).toBe(header)
    expect([...bytes.subarray(64)]).toEqual([1, 0, 254, 255])
  })

  it('reads BF16 as float32', () => {
    const bytes = file('{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}', 4)
    bytes.set([0xc0, 0x3f, 0x80, 0xff], bytes.length - 4)
    expect(readSafetensors(bytes).tensors.get('a')).toEqual({
      kind: 'dense',
      dtype: 'float32',
      shape: [2],
      data: Float32Array.of(1.5, -Infinity),
    })
  })

  it('refuses names and shapes that do not fit', () => {
    const one: Tensor = { kind: 'dense', dtype: 'uint8', shape: [2], data: Uint8Array.of(1, 2) }
    expect(() => writeSafetensors(new Map([['__metadata__', one]]))).toThrow(RangeError)
    expect(() => writeSafetensors(new Map([['a', { ...one, shape: [3] }]]))).toThrow('has 2 elements')
    expect(() => writeSafetensors(new Map([['a', 3 as unknown as Tensor]]))).toThrow(TypeError)
    expect(() => writeSafetensors(new Map(), { metadata: { a: 3 as unknown as string } })).toThrow(TypeError)
  })
})

describe('parseJson', () => {
  it('agrees with JSON.parse on sound text', () => {
    const toPlain = (value: unknown): unknown =>
      value instanceof Map
        ? Object.fromEntries([...value].map(([key, item]) => [key, toPlain(item)]))
        : Array.isArray(value)
          ? value.map(toPlain)
          : value
    for (const text of [
      '{"a":[1,-0.5e3,1E2,true,false,null,"\\u00e9\\n\\"\\\\"],"":{}}',
      ' [ ] ',
      '"x"',
      '-0',
      '{"__proto__":{"x":1}}',
    ]) {
      expect(toPlain(parseJson('text', text))).toEqual(JSON.parse(text))
    }
  })

  it('refuses what JSON.parse refuses, and more', () => {
    for (const text of [
      '',
      '{',
      '[1,]',
      '{"a":1,}',
      '{a:1}',
      "'a'",
      '01',
      '1.',
      '.5',
      '+1',
      'NaN',
      'tru',
      '"\t"',
      '"\\x"',
      '"\\u12"',
      '"a',
      '"a\\',
      '[1] 2',
      '{"a" 1}',
      '[1 2]',
    ]) {
      expect(() => JSON.parse(text) as unknown, text).toThrow(SyntaxError)
      expect(() => parseJson('text', text), text).toThrow(FormatError)
    }
    expect(() => parseJson('text', '{"a":1,"\\u0061":2}')).toThrow('occurs twice')
    expect(() => parseJson('text', '1e999')).toThrow('out of range')
    expect(() => parseJson('text', '['.repeat(100_000))).toThrow('nested')
  })
})

describe('halves', () => {
  it('every half survives the way to float32 and back, and equals its definition', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = floatFromHalf(bits)
      if (!Object.is(value, half(bits))) throw new Error(`floatFromHalf(${bits})`)
      const back = halfFromFloat(value)
      // A signalling NaN comes back quiet.
      if (back !== (Number.isNaN(value) ? bits | 0x200 : bits))
        throw new Error(`halfFromFloat(${value}) = ${back}`)
    }
  })

  it('rounds to the nearest half, ties to even', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const low = half(bits)
      const high = half(bits + 1)
      const middle = (low + high) / 2
      const even = bits % 2 === 0 ? bits : bits + 1
      if (halfFromFloat(middle) !== even || halfFromFloat(-middle) !== (even | 0x8000))
        throw new Error(`tie at ${middle}`)
      const gap = (high - low) / 1024
      if (halfFromFloat(middle - gap) !== bits || halfFromFloat(middle + gap) !== bits + 1) {
        throw new Error(`near ${middle}`)
      }
    }
    expect(halfFromFloat(65519.99)).toBe(0x7bff)
    expect(halfFromFloat(65520)).toBe(0x7c00)
    expect(halfFromFloat(-3e38)).toBe(0xfc00)
    expect(halfFromFloat(2 ** -25)).toBe(0)
    expect(halfFromFloat(1e-45)).toBe(0)
  })
})

describe('crc32c', () => {
  it('gives the values of RFC 3720, appendix B.4', () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, i) => i)
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43)
    expect(crc32c(ascending)).toBe(0x46dd794e)
    expect(crc32c(ascending.reverse())).toBe(0x113fdb5c)
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283)
  })

  it('equals the bitwise definition at every length, in pieces too', () => {
    const bytes = new Random(4).bytes(70)
    for (let length = 0; length <= bytes.length; length++) {
      const part = bytes.subarray(0, length)
      expect(crc32c(part)).toBe(slowCrc32c(part))
      expect(crc32c(part.subarray(length >> 1), crc32c(part.subarray(0, length >> 1)))).toBe(slowCrc32c(part))
    }
  })
})
