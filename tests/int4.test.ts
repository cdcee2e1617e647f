import { describe, expect, it } from 'vitest'
import { tensor } from '../bindings/formats/tensor.js'
import type { GroupSize, Int4Tensor } from '../bindings/formats/int4.js'
import { dequantizeInt4, quantizeInt4 } from '../bindings/ops/int4.js'
import { int4Matmul } from '../bindings/ops/int4-matmul.js'
import { packWeights } from '../bindings/ops/matmul-operands.js'
import { dynamicParameters, f32Product } from './oracles/gemm.js'
import { int4Product, int4Reals, nibbles } from './oracles/int4.js'
import { quantizeOne } from './oracles/quantize.js'
import { expectSame } from './support/compare.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

const bad = (value: unknown) => value as never

describe('quantizeInt4', () => {
  it('takes the greatest magnitude of each group to -8', () => {
    const x = Float32Array.from({ length: 20 }, (_, i) => (i < 16 ? (i - 8) / 4 : i))
    const q = quantizeInt4(x, { groupSize: 16 })
    // -2 is the greatest of the first 16 by magnitude, 19 of the rest.
    expectSame(q.scale, [0.25, Math.fround(-19 / 8)])
    const codes = [-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, -7, -7, -8, -8]
    expect(q).toMatchObject({ kind: 'int4', shape: [20], axis: 0, groupSize: 16 })
    expect([...q.data]).toEqual([...nibbles(codes, 1, 20)])
    expectSame(
      dequantizeInt4(q),
      codes.map((code, i) => Math.fround(code * q.scale[i < 16 ? 0 : 1]!)),
    )
  })

  it('has the bytes of compressed-tensors: q + 8, lowest bits first, in 32-bit words', () => {
    // pack_to_int32 of compressed-tensors on rows of nine: one word and a rest.
    const codes = [-8, -7, -6, -5, -4, -3, -2, -1, 7, 0, 1, 2, 3, 4, 5, 6, 7, -8]
    const x = Float32Array.from(codes)
    const q = quantizeInt4(x, { shape: [2, 9], groupSize: 16 })
    const words = new Int32Array(q.data.buffer)
    expect([...words]).toEqual([0x76543210, 15, 0xfedcba98 | 0, 0])
    expectSame(q.scale, [1, 1])
  })

  it('groups along any axis, and inverts to within half a step', () => {
    const random = new Random(2)
    for (const axis of [0, 1, 2]) {
      const shape = [35, 3, 18]
      const x = random.floats(35 * 3 * 18)
      const q = quantizeInt4(tensor(x, shape), { axis, groupSize: 16 })
      expect(q.scale.length).toBe((x.length / shape[axis]!) * Math.ceil(shape[axis]! / 16))
      const back = dequantizeInt4(q)
      const strides = [54, 18, 1]
      x.forEach((value, i) => {
        const p = Math.floor(i / strides[axis]!) % shape[axis]!
        const first = i - p * strides[axis]!
        const group = Math.floor(p / 16) * 16
        let greatest = 0
        for (let g = group; g < Math.min(group + 16, shape[axis]!); g++) {
          const other = x[first + g * strides[axis]!]!
          if (Math.abs(other) > Math.abs(greatest)) greatest = other
        }
        // The end opposite to -8 is 7: what lies beyond is cut.
        const sameSide = value / (greatest / -8) < 7.5
        const bound = sameSide ? Math.abs(greatest) / 16 : Math.abs(greatest) / 8
        expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(bound * 1.001)
      })
    }
  })

  it('keeps zeros, and steps that underflow', () => {
    const zeros = quantizeInt4(new Float32Array(16), { groupSize: 16 })
    expectSame(zeros.scale, [1])
    expectSame(dequantizeInt4(zeros), new Array(16).fill(0))
    expectSame(dequantizeInt4(quantizeInt4(Float32Array.of(2 ** -149))), [0])
    expect(quantizeInt4(new Float32Array(0)).data.length).toBe(0)
  })

  it('refuses what does not fit', () => {
    expect(() => quantizeInt4(Float32Array.of(1, NaN))).toThrow(
      '"x" expected finite values, got NaN at index 1',
    )
    expect(() => quantizeInt4(bad([1]))).toThrow(TypeError)
    expect(() => quantizeInt4(new Float32Array(4), { shape: [5] })).toThrow(RangeError)
    expect(() => quantizeInt4(new Float32Array(4), { axis: 1 })).toThrow('"axis" expected')
    expect(() => quantizeInt4(new Float32Array(4), { groupSize: bad(33) })).toThrow(
      '"groupSize" expected one of',
    )
    expect(() => quantizeInt4(new Float32Array(4), bad({ bits: 4 }))).toThrow('no option "bits"')
    const q = quantizeInt4(new Float32Array(40))
    expect(() => dequantizeInt4({ ...q, data: q.data.subarray(1) })).toThrow(RangeError)
    expect(() => dequantizeInt4({ ...q, scale: Float32Array.of(1, 0) })).toThrow('got 0 at 1')
    expect(() => dequantizeInt4(bad(null))).toThrow('"tensor" expected an Int4Tensor, got null')
    expect(() => dequantizeInt4(q, { out: new Float32Array(3) })).toThrow(RangeError)
  })
})

describeTargets('int4Matmul', (runtime) => {
  const random = new Random(1)
  const [m, n, k, groupSize] = [5, 11, 70, 32 as GroupSize]
  const a = random.floats(m * k)
  const bias = random.floats(n)
  const codes = random.int8s(n * k, -8, 7)
  const scale = random.floats(n * Math.ceil(k / groupSize))
  const matrix = { codes, scale, n, k, groupSize }
  const b: Int4Tensor = { kind: 'int4', shape: [n, k], axis: 1, groupSize, data: nibbles(codes, n, k), scale }
  const x = tensor(a, [m, k])
  const rows = Array.from({ length: m }, (_, i) => [...a.subarray(i * k, i * k + k)])
  const parameters = rows.map(dynamicParameters)
  const quantized = rows.flatMap((row, i) =>
    row.map((v) => quantizeOne(v, parameters[i]!.scale, parameters[i]!.zeroPoint, -128)),
  )
  const expected = (low = -Infinity) =>
    int4Product(
      { data: quantized, rows: m, columns: k, stride: k },
      parameters.map((p) => p.scale),
      parameters.map((p) => p.zeroPoint),
      matrix,
      bias,
      low,
    )

  it('multiplies by [n, k] and by the same bytes as [k, n]', () => {
    const result = int4Matmul(x, b, { bias, activation: 'relu', runtime })
    expect(result.shape).toEqual([m, n])
    expectSame(result.data, expected(0))
    expectSame(int4Matmul(x, { ...b, shape: [k, n], axis: 0 }, { bias, runtime }).data, expected())
  })

  it('takes inputs as they are', () => {
    const result = int4Matmul(x, b, { bias, inputs: 'float32', runtime })
    expectSame(
      result.data,
      f32Product({ data: a, rows: m, columns: k, stride: k }, int4Reals(matrix), n, bias),
    )
  })

  it('takes resident weights, and rows of any rank', () => {
    using weights = packWeights(b, { bias, runtime })
    const out = new Float32Array(m * n)
    expect(int4Matmul(tensor(a, [1, m, 1, k]), weights, { out })).toMatchObject({
      shape: [1, m, 1, n],
      data: out,
    })
    expectSame(out, expected())
    expect(() => int4Matmul(x, weights, { bias })).toThrow(TypeError)
  })

  it('refuses what does not fit', () => {
    const weights = { ...b, shape: [n, k, 1] }
    expect(() => int4Matmul(x, weights, { runtime })).toThrow('two dimensions')
    expect(() => int4Matmul(tensor(a, [k, m]), b, { runtime })).toThrow('"a" expected rows of 70')
    expect(() => int4Matmul(x, b, { inputs: bad('int4'), runtime })).toThrow('"inputs" expected one of')
    expect(() => int4Matmul(x, bad(tensor(a)), { runtime })).toThrow('"b" expected an Int4Tensor')
    expect(() => packWeights(b, { transposeB: true, runtime })).toThrow('"transposeB" is for dense weights')
    expect(() => packWeights(b, { bias: new Float32Array(3), runtime })).toThrow(RangeError)
    expect(() =>
      int4Matmul(
        tensor(
          a.map(() => NaN),
          [m, k],
        ),
        b,
        { runtime },
      ),
    ).toThrow('finite')
  })
})
