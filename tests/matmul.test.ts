import { expect, it } from 'vitest'
import type { CodebookTensor } from '../bindings/formats/codebook.js'
import { tensor } from '../bindings/formats/tensor.js'
import type { Granularity, QuantizedTensor } from '../bindings/formats/quantized.js'
import { int8Matmul } from '../bindings/ops/int8-matmul.js'
import { packWeights } from '../bindings/ops/matmul-operands.js'
import { matmul } from '../bindings/ops/matmul.js'
import { quantizeInt8 } from '../bindings/ops/quantize.js'
import { dynamicParameters, f32Product, integerProduct, scaleProduct } from './oracles/gemm.js'
import { quantizeOne } from './oracles/quantize.js'
import { expectSame } from './support/compare.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

const [M, N, K] = [5, 11, 19]

function transposed<T extends Float32Array | Int8Array>(w: T, n: number, k: number): T {
  return w.map((_, i) => w[(i % n) * k + Math.floor(i / n)]!) as T
}

function rowMatrix(data: ArrayLike<number>, rows: number, columns: number) {
  return { data, rows, columns, stride: columns }
}

describeTargets('matmul', (runtime) => {
  const random = new Random(1)
  const a = random.floats(M * K)
  const w = random.floats(N * K)
  const bias = random.floats(N)
  const x = tensor(a, [M, K])

  it('multiplies [m, k] by [k, n] and by the transpose of [n, k]', () => {
    const expected = f32Product(rowMatrix(a, M, K), w, N, undefined)
    const plain = matmul(x, tensor(transposed(w, N, K), [K, N]), { runtime })
    expect(plain.shape).toEqual([M, N])
    expectSame(plain.data, expected)
    expectSame(matmul(x, tensor(w, [N, K]), { transposeB: true, runtime }).data, expected)
  })

  it.each([
    ['relu', 0, Infinity],
    [{ min: -0.3, max: 0.7 }, -0.3, 0.7],
    [{ max: 0.1 }, -Infinity, 0.1],
    ['none', -Infinity, Infinity],
  ] as const)('adds a bias and applies %o', (activation, low, high) => {
    const out = new Float32Array(M * N)
    const options = { transposeB: true, bias, activation, out, runtime }
    expect(matmul(x, tensor(w, [N, K]), options).data).toBe(out)
    expectSame(out, f32Product(rowMatrix(a, M, K), w, N, bias, low, high))
  })

  it.each([5, 40])('takes weights that share %i values, as they are and resident', (count) => {
    const centroids = random.floats(count).sort()
    const indices = Uint8Array.from({ length: N * K }, () => random.integer(0, count - 1))
    const shared: CodebookTensor = { kind: 'codebook', shape: [N, K], indices, codebook: { centroids } }
    const values = Float32Array.from(indices, (index) => centroids[index]!)
    const expected = f32Product(rowMatrix(a, M, K), values, N, bias)
    const options = { transposeB: true, bias, runtime }
    expectSame(matmul(x, shared, options).data, expected)
    using weights = packWeights(shared, options)
    expectSame(matmul(x, weights).data, expected)
    const small = { ...shared, shape: [N, K - 1] }
    expect(() => packWeights(small, options)).toThrow('"data" expected Uint8Array(198), got length 209')
  })

  it('takes resident weights, and rows of any rank', () => {
    using weights = packWeights(tensor(w, [N, K]), { transposeB: true, bias, runtime })
    const expected = f32Product(rowMatrix(a, M, K), w, N, bias)
    expectSame(matmul(x, weights).data, expected)
    const stack = matmul(tensor(a, [1, M, 1, K]), weights, { activation: 'none' })
    expect(stack.shape).toEqual([1, M, 1, N])
    expectSame(stack.data, expected)
    const vector = matmul(tensor(a.subarray(0, K)), weights)
    expect(vector.shape).toEqual([N])
    expectSame(vector.data, expected.slice(0, N))
  })

  it('an empty sum is the bias, an empty side an empty result', () => {
    const none = tensor(new Float32Array(0), [2, 0])
    const result = matmul(none, tensor(new Float32Array(0), [3, 0]), {
      transposeB: true,
      bias: Float32Array.of(1, 2, 3),
      runtime,
    })
    expect([...result.data]).toEqual([1, 2, 3, 1, 2, 3])
    const empty = tensor(new Float32Array(0), [0, 4])
    expect(matmul(empty, tensor(new Float32Array(8), [4, 2]), { runtime }).shape).toEqual([0, 2])
  })

  it('names what is wrong', () => {
    const b = tensor(w, [N, K])
    const untyped = matmul as (...args: unknown[]) => unknown
    expect(() => matmul(x, b, { runtime })).toThrow(`"a" expected rows of ${N} elements, got ${K}`)
    expect(() => untyped(x, b, { transpose: true })).toThrow('"options" has no option "transpose"')
    expect(() => untyped(x, b, { transposeB: 1, runtime })).toThrow('"transposeB" expected a boolean, got 1')
    expect(() => untyped(a, b, { runtime })).toThrow('"a" expected a float32 tensor')
    expect(() => matmul(x, tensor(w), { runtime })).toThrow('"b" expected two dimensions')
    expect(() => matmul(x, b, { transposeB: true, bias: a, runtime })).toThrow(
      '"bias" expected Float32Array(11)',
    )
    expect(() => matmul(x, b, { transposeB: true, out: a, runtime })).toThrow(
      '"out" expected Float32Array(55)',
    )
    expect(() => matmul(x, b, { activation: { min: 1, max: 0 }, runtime })).toThrow(RangeError)
    expect(() => untyped(x, b, { activation: 'tanh', runtime })).toThrow('"activation" expected one of')
    using weights = packWeights(b, { transposeB: true, runtime })
    expect(() => matmul(x, weights, { bias })).toThrow('packed weights have theirs')
    weights.dispose()
    expect(() => matmul(x, weights)).toThrow('PackedF32Weights has been disposed')
  })
})

describeTargets('int8Matmul', (runtime) => {
  const random = new Random(2)
  const w = random.floats(N * K)
  const bias = random.floats(N)
  const x = tensor(random.floats(M * K), [M, K])
  const codes = quantizeInt8(x, { scheme: 'affine', runtime })
  const perChannel = (shape: number[], axis: number, data: Float32Array): QuantizedTensor =>
    quantizeInt8(tensor(data, shape), { granularity: { per: 'channel', axis }, runtime })
  const weights = perChannel([N, K], 0, w)
  const acc = integerProduct(rowMatrix(codes.data, M, K), Array(M).fill(codes.zeroPoint[0]), weights.data, N)
  const aScales = Array(M).fill(codes.scale[0])

  it('static: int32, f32 and int8 results', () => {
    const options = { transposeB: true, runtime } as const
    const sums = int8Matmul(codes, weights, { ...options, output: 'int32' })
    expect(sums.dtype).toBe('int32')
    expectSame(sums.data, acc)
    const real = scaleProduct(acc, N, aScales, weights.scale, bias, 0)
    expectSame(int8Matmul(codes, weights, { ...options, bias, activation: 'relu' }).data, real)
    const output = { scale: 0.05, zeroPoint: -100 }
    const requantized = int8Matmul(codes, weights, { ...options, bias, activation: 'relu', output })
    expect(requantized.shape).toEqual([M, N])
    expect(requantized.scale[0]).toBe(Math.fround(0.05))
    expectSame(
      requantized.data,
      real.map((value) => quantizeOne(value, Math.fround(0.05), -100, -128)),
    )
  })

  it('dynamic: rows of a float tensor by their own ranges', () => {
    const rows = Array.from({ length: M }, (_, i) => [...x.data.subarray(i * K, (i + 1) * K)])
    const parameters = rows.map(dynamicParameters)
    const data = rows.flatMap((row, i) =>
      row.map((v) => quantizeOne(v, parameters[i]!.scale, parameters[i]!.zeroPoint, -128)),
    )
    const zeros = parameters.map((p) => p.zeroPoint)
    const dynamicAcc = integerProduct(rowMatrix(data, M, K), zeros, weights.data, N)
    const scales = parameters.map((p) => p.scale)
    const real = scaleProduct(dynamicAcc, N, scales, weights.scale, undefined)
    expectSame(int8Matmul(x, weights, { transposeB: true, runtime }).data, real)
    const output = { scale: 0.1, zeroPoint: 3 }
    expectSame(
      int8Matmul(x, weights, { transposeB: true, output, runtime }).data,
      real.map((value) => quantizeOne(value, Math.fround(0.1), 3, -128)),
    )
  })

  it('weights as [k, n], per column or per tensor, packed or not', () => {
    const kn = perChannel([K, N], 1, transposed(w, N, K))
    const expected = scaleProduct(acc, N, aScales, kn.scale, undefined)
    expectSame(int8Matmul(codes, kn, { runtime }).data, expected)
    using packed = packWeights(kn, { runtime })
    const out = new Float32Array(M * N)
    expect(int8Matmul(codes, packed, { out }).data).toBe(out)
    expectSame(out, expected)
    const whole = quantizeInt8(tensor(w, [N, K]), { runtime })
    const wholeAcc = integerProduct(
      rowMatrix(codes.data, M, K),
      Array(M).fill(codes.zeroPoint[0]),
      whole.data,
      N,
    )
    expectSame(
      int8Matmul(codes, whole, { transposeB: true, runtime }).data,
      scaleProduct(wholeAcc, N, aScales, Array(N).fill(whole.scale[0]), undefined),
    )
  })

  it('names what is wrong', () => {
    const untyped = int8Matmul as (...args: unknown[]) => unknown
    const options = { transposeB: true, runtime }
    const affine = quantizeInt8(tensor(w.map(Math.abs), [N, K]), { scheme: 'affine', runtime })
    const granular = (granularity: Granularity) => quantizeInt8(tensor(w, [N, K]), { granularity, runtime })
    expect(() => int8Matmul(codes, affine, options)).toThrow('"b.zeroPoint" expected symmetric weights')
    expect(() => int8Matmul(codes, granular({ per: 'channel', axis: 1 }), options)).toThrow('"b.granularity"')
    expect(() => int8Matmul(codes, granular({ per: 'group', size: K }), options)).toThrow('"b.granularity"')
    expect(() => int8Matmul(weights, weights, options)).toThrow('"a.granularity" expected one scale')
    expect(() => untyped(x, weights, { ...options, output: 'int32' })).toThrow('goes with quantized "a"')
    expect(() => untyped(codes, weights, { ...options, output: 'int8' })).toThrow('"output" expected one of')
    for (const output of [
      { scale: 0, zeroPoint: 0 },
      { scale: 1, zeroPoint: 128 },
      { scale: NaN, zeroPoint: 0 },
    ]) {
      expect(() => int8Matmul(codes, weights, { ...options, output })).toThrow(RangeError)
    }
    const infinite = tensor(x.data.slice().fill(Infinity, 3, 4), [M, K])
    expect(() => int8Matmul(infinite, weights, options)).toThrow('"a" expected finite values')
  })
})
