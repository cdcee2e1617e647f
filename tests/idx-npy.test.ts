import { describe, expect, it } from 'vitest'
import { FormatError } from '../bindings/errors.js'
import { readIdx } from '../bindings/io/idx.js'
import { readNpy, writeNpy } from '../bindings/io/npy.js'
import { floats } from './support/models.js'

// Two images of 2 x 3 pixels, by the description at yann.lecun.com/exdb/mnist.
const IDX = Uint8Array.of(
  0,
  0,
  8,
  3,
  0,
  0,
  0,
  2,
  0,
  0,
  0,
  2,
  0,
  0,
  0,
  3,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
)

describe('IDX', () => {
  it('reads bytes and their shape', () => {
    const { shape, data } = readIdx(IDX)
    expect(shape).toEqual([2, 2, 3])
    expect([...data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  })

  it('refuses every prefix and a further byte', () => {
    for (let length = 0; length < IDX.length; length++) {
      expect(() => readIdx(IDX.subarray(0, length)), `${length} bytes`).toThrow(FormatError)
    }
    expect(() => readIdx(Uint8Array.of(...IDX, 0))).toThrow(
      '[2, 2, 3] needs 12 bytes of data, the file has 13',
    )
  })

  it.each([
    [0, 1, 'not-idx'],
    [2, 13, 'element-type'],
    [3, 0, 'rank'],
    [3, 17, 'rank'],
    [4, 255, 'length'],
  ])('refuses byte %i = %i as %s', (at, value, code) => {
    const bytes = IDX.slice()
    bytes[at] = value
    expect(() => readIdx(bytes)).toThrow(expect.objectContaining({ name: 'FormatError', code }))
  })
})

/** A .npy file of version 1.0 as numpy.lib.format describes it. */
function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const text = new TextEncoder().encode(`${header}\n`)
  const size =
    version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0]
  return Uint8Array.of(0x93, ...new TextEncoder().encode('NUMPY'), version, 0, ...size, ...text, ...data)
}
const bytesOf = (array: Float32Array | Float64Array): Uint8Array => new Uint8Array(array.buffer)
const HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"

describe('npy', () => {
  it.each([1, 2])('reads float32, version %i', (version) => {
    const values = Float32Array.of(1, -2, 0.5, 4, NaN, 6)
    expect(readNpy(npy(HEADER, bytesOf(values), version))).toEqual(floats(values, [2, 3]))
  })

  it('reads float64 and shapes of any rank', () => {
    const header = (shape: string): string => `{'descr': '<f8', 'fortran_order': False, 'shape': ${shape}, }`
    expect(readNpy(npy(header('(2,)'), bytesOf(Float64Array.of(0.1, 2))))).toEqual(floats([0.1, 2], [2]))
    expect(readNpy(npy(header('()'), bytesOf(Float64Array.of(3))))).toEqual(floats([3], []))
  })

  it.each([[[4]], [[2, 2]], [[1, 2, 2]]])(
    'writes %j so that it reads the same, data at a multiple of 64',
    (shape) => {
      const bytes = writeNpy(floats([1, 2, 3, 4], shape))
      expect((bytes.length - 16) % 64).toBe(0)
      expect(readNpy(bytes)).toEqual(floats([1, 2, 3, 4], shape))
    },
  )

  it('refuses every prefix, and a further byte', () => {
    const bytes = npy(HEADER, new Uint8Array(24))
    for (let length = 0; length < bytes.length; length++) {
      expect(() => readNpy(bytes.subarray(0, length)), `${length} bytes`).toThrow(FormatError)
    }
    expect(() => readNpy(Uint8Array.of(...bytes, 0))).toThrow(FormatError)
  })

  it.each([
    HEADER.replace('<f4', '<i4'),
    HEADER.replace('<f4', '>f4'),
    HEADER.replace('False', 'True'),
    HEADER.replace('2, 3', '2, -3'),
    HEADER.replace('2, 3', '4294967296, 4294967296'),
    '{}',
  ])('refuses %s', (header) => {
    expect(() => readNpy(npy(header, new Uint8Array(24)))).toThrow(/npy: expected|"shape" expected/)
  })
})
