import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CodebookTensor } from '../bindings/formats/codebook.js'
import { checkCsr, csrToDense, toCsr, type CsrMatrix } from '../bindings/formats/csr.js'
import type { QuantizedTensor } from '../bindings/formats/quantized.js'
import { tensor } from '../bindings/formats/tensor.js'

const good: CsrMatrix<Float32Array> = {
  kind: 'csr',
  rows: 3,
  cols: 4,
  rowPtr: Uint32Array.of(0, 2, 2, 3),
  colIndices: Uint32Array.of(1, 3, 0),
  values: Float32Array.of(1, 2, 3),
}

const codes: QuantizedTensor = {
  kind: 'quantized',
  bits: 8,
  shape: [2, 2],
  data: Int8Array.of(0, -3, 5, 0),
  scale: Float32Array.of(0.5, 2),
  zeroPoint: new Int8Array(2),
  granularity: { per: 'channel', axis: 0 },
}

const shared: CodebookTensor = {
  kind: 'codebook',
  shape: [2, 3],
  indices: Uint8Array.of(1, 0, 2, 1, 1, 2),
  codebook: { centroids: Float32Array.of(-1, 0, 2) },
}

describe('toCsr', () => {
  it('stores what is not zero, row by row', () => {
    expect(toCsr(tensor(Float32Array.of(0, 1, 0, 2, 0, 0, 0, -0, 3, 0, 0, 0), [3, 4]))).toEqual(good)
  })

  it('sees a convolution as [out, in * kernel]', () => {
    const csr = toCsr(tensor(new Float32Array(24).fill(1), [2, 3, 2, 2]))
    expect([csr.rows, csr.cols, csr.values.length]).toEqual([2, 12, 24])
  })

  it('drops at and below the threshold, but never NaN', () => {
    const csr = toCsr(tensor(Float32Array.of(0.5, -0.5, 0.75, NaN), [1, 4]), { threshold: 0.5 })
    expect([...csr.values]).toEqual([0.75, NaN])
  })

  it('keeps int8 codes and scales', () => {
    const csr = toCsr(codes)
    expect([...csr.values]).toEqual([-3, 5])
    expect([...csr.scale!]).toEqual([0.5, 2])
    expect(csrToDense(csr)).toEqual(codes)
  })

  it('keeps the indices of a codebook, but for those of 0', () => {
    const csr = toCsr(shared)
    checkCsr('csr', csr)
    expect(csr.values).toEqual(Uint8Array.of(0, 2, 2))
    expect([...csr.colIndices]).toEqual([1, 2, 2])
    expect(csrToDense(csr)).toEqual(shared)
    expect(csrToDense(csr, { shape: [3, 2] })).toEqual({ ...shared, shape: [3, 2] })
  })

  it('keeps all indices of a codebook without 0, which holes would need', () => {
    const codebook = { centroids: Float32Array.of(-1, 0.5, 2) }
    const csr = toCsr({ ...shared, codebook })
    expect(csr.values).toEqual(shared.indices)
    expect(csrToDense(csr)).toEqual({ ...shared, codebook })
    expect(() => csrToDense({ ...toCsr(shared), codebook })).toThrow('expected a centroid of 0')
  })

  it('refuses what has no zero to drop', () => {
    expect(() => toCsr({ ...shared, indices: new Uint8Array(6).fill(3) })).toThrow(
      '"dense.indices" expected indices below 3, got 3 at 0',
    )
    expect(() => toCsr({ ...shared, codebook: { centroids: Float32Array.of(1, 0) } })).toThrow('ascending')
    expect(() => toCsr({ ...codes, zeroPoint: Int8Array.of(0, 1) })).toThrow(
      '"dense.zeroPoint" expected all 0',
    )
    expect(() => toCsr({ ...codes, granularity: { per: 'group', size: 1 } })).toThrow('"dense.granularity"')
    expect(() => toCsr({ ...codes, scale: Float32Array.of(0.5) })).toThrow(
      '"dense.scale" expected Float32Array(2)',
    )
    expect(() => toCsr(tensor(Float32Array.of(1), []))).toThrow('got a scalar')
    expect(() => toCsr(codes, { threshold: 1 })).toThrow('float32 tensors only')
  })

  it('is inverted by csrToDense, whatever the pattern', () => {
    const matrix = fc
      .tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }))
      .chain(([rows, cols]) =>
        fc
          .array(fc.oneof(fc.constant(0), fc.float({ noNaN: true })), {
            minLength: rows * cols,
            maxLength: rows * cols,
          })
          .map((data) =>
            tensor(
              Float32Array.from(data, (v) => v + 0),
              [rows, cols],
            ),
          ),
      )
    fc.assert(
      fc.property(matrix, (dense) => {
        const csr = toCsr(dense)
        checkCsr('csr', csr)
        expect(csrToDense(csr)).toEqual(dense)
      }),
      { seed: 1, numRuns: 100 },
    )
  })

  it('gives back a shape of as many elements', () => {
    expect(csrToDense(good, { shape: [3, 2, 2] }).shape).toEqual([3, 2, 2])
    expect(() => csrToDense(good, { shape: [3, 5] })).toThrow('"shape" expected [3, ...] of 12 elements')
  })
})

describe('checkCsr', () => {
  const hostile: [string, object, string][] = [
    ['another kind', { kind: 'dense' }, '"csr" expected a CsrMatrix'],
    ['negative rows', { rows: -1 }, '"csr.rows"'],
    ['fractional columns', { cols: 1.5 }, '"csr.cols"'],
    ['rows that rowPtr does not have', { rows: 2 ** 28 }, '"csr.rowPtr" expected Uint32Array(268435457)'],
    ['more elements than a tensor has', { cols: 2 ** 29 }, '"csr.cols" expected an integer in 0..357913941'],
    ['a plain array', { rowPtr: [0, 2, 2, 3] }, '"csr.rowPtr" expected Uint32Array'],
    ['a late start', { rowPtr: Uint32Array.of(1, 2, 2, 3) }, 'expected to go from 0 to 3, got 1 to 3'],
    ['a late end', { rowPtr: Uint32Array.of(0, 2, 2, 4) }, 'expected to go from 0 to 3, got 0 to 4'],
    ['a descent', { rowPtr: Uint32Array.of(0, 3, 2, 3) }, 'expected ascending offsets, got 2 after 3'],
    ['a leap past the end', { rowPtr: Uint32Array.of(0, 0xffffffff, 2, 3) }, 'got 2 after 4294967295'],
    ['a column out of range', { colIndices: Uint32Array.of(1, 4, 0) }, 'got 4 at 1'],
    ['a huge column', { colIndices: Uint32Array.of(1, 0xffffffff, 0) }, 'got 4294967295 at 1'],
    ['columns that descend', { colIndices: Uint32Array.of(3, 1, 0) }, 'got 1 at 1'],
    ['a column twice', { colIndices: Uint32Array.of(1, 1, 0) }, 'got 1 at 1'],
    ['signed columns', { colIndices: Int32Array.of(1, 3, 0) }, '"csr.colIndices" expected Uint32Array'],
    ['too few values', { values: Float32Array.of(1, 2) }, '"csr.values" expected Float32Array(3)'],
    ['values of another kind', { values: Int32Array.of(1, 2, 3) }, '"csr.values" expected Float32Array(3)'],
    [
      'indices without a codebook',
      { values: Uint8Array.of(1, 2, 3) },
      '"csr.values" expected Float32Array(3)',
    ],
    [
      'a codebook for values',
      { codebook: { centroids: Float32Array.of(0, 1) } },
      '"csr.values" expected Uint8Array(3)',
    ],
    [
      'an index past the codebook',
      { values: Uint8Array.of(1, 2, 0), codebook: { centroids: Float32Array.of(0, 1) } },
      '"csr.values" expected indices below 2, got 2 at 1',
    ],
    ['int8 without scale', { values: Int8Array.of(1, 2, 3) }, '"csr.scale" expected Float32Array'],
    ['f32 with scale', { scale: Float32Array.of(1) }, '"csr.scale" expected none'],
    [
      'two scales for three rows',
      { values: Int8Array.of(1, 2, 3), scale: Float32Array.of(1, 1) },
      '"csr.scale" expected Float32Array(1) or (3)',
    ],
    [
      'a scale of NaN',
      { values: Int8Array.of(1, 2, 3), scale: Float32Array.of(1, NaN, 1) },
      'expected positive finite scales, got NaN at 1',
    ],
  ]
  it.each(hostile)('refuses %s', (_, change, message) => {
    expect(() => checkCsr('csr', { ...good, ...change })).toThrow(message)
  })

  it('takes the good one, and empty ones', () => {
    checkCsr('csr', good)
    const none = { colIndices: new Uint32Array(0), values: new Float32Array(0) }
    checkCsr('csr', { kind: 'csr', rows: 0, cols: 5, rowPtr: new Uint32Array(1), ...none })
    checkCsr('csr', { kind: 'csr', rows: 5, cols: 0, rowPtr: new Uint32Array(6), ...none })
  })
})
