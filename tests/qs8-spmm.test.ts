import { expect, it } from 'vitest'
import { toCsr } from '../bindings/formats/csr.js'
import { packInt8Weights, qd8Gemm, qs8Gemm } from '../bindings/ops/qs8-gemm.js'
import { packSparseInt8, qd8Spmm, qs8Spmm } from '../bindings/ops/qs8-spmm.js'
import { readSlot, writeSlot } from '../bindings/ops/slot.js'
import { Handle } from '../bindings/runtime/handle.js'
import { int8Matmul, transpose } from './oracles/sparse.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

const SHAPES: [what: string, rows: number, cols: number, density: number][] = [
  ['one by one', 1, 1, 1],
  ['no rows', 0, 5, 1],
  ['no columns', 5, 0, 1],
  ['empty', 9, 7, 0],
  ['dense', 17, 33, 1],
  ['one column', 19, 1, 0.5],
  ['one row', 1, 70, 0.5],
  ['empty rows', 40, 30, 0.03],
  ['k below a block', 8, 511, 0.1],
  ['k a block', 5, 512, 0.1],
  ['k just above a block', 7, 513, 0.1],
  ['k several blocks', 12, 1600, 0.05],
]
const SAMPLES = [0, 1, 2, 7, 8, 9, 15, 31, 32, 33, 41, 67]

/** Codes over the whole range, extremes among them. */
function codes(random: Random, length: number, density: number): Int8Array {
  return random.int8s(length).map((q) => (random.next() < density ? (random.next() < 0.2 ? -128 : q) : 0))
}

describeTargets('qs8Spmm', (runtime) => {
  for (const layout of ['columns', 'rows'] as const) {
    it.each(SHAPES)(`is exact, ${layout}: %s (%i x %i, density %f)`, (_, rows, cols, density) => {
      const random = new Random(rows * 1000 + cols)
      const w = codes(random, rows * cols, density)
      const scale = Float32Array.from({ length: rows }, () => 0.001 + random.next() / 100)
      const bias = random.floats(rows)
      const weight = { kind: 'quantized', bits: 8, shape: [rows, cols], data: w, scale } as const
      const granularity = { per: 'channel', axis: 0 } as const
      const csr = toCsr({ ...weight, zeroPoint: new Int8Array(rows), granularity })
      using weights = packSparseInt8(runtime, csr, bias)
      for (const n of SAMPLES) {
        const a = codes(random, cols * n, 0.9)
        const zeroPoint = [-128, 5, 127][n % 3]!
        using aHandle = new Handle(runtime, a.length)
        using outHandle = new Handle(runtime, 4 * rows * n)
        const from = { handle: aHandle, offset: 0 }
        const to = { handle: outHandle, offset: 0 }
        writeSlot(from, layout === 'rows' ? transpose(a, cols, n) : a)
        const options = { layout, min: -3, max: 4, inputScale: 0.02, inputZeroPoint: zeroPoint }
        qs8Spmm(weights, from, to, n, options)
        const y = readSlot(to, new Float32Array(rows * n))
        const expected = int8Matmul(w, scale, bias, rows, cols, a, 0.02, zeroPoint, n, -3, 4)
        expect([...(layout === 'rows' ? transpose(y, n, rows) : y)], `n=${n}`).toEqual([...expected])
      }
    })
  }

  it('gives the bits of the dense kernels, static and dynamic, f32 and int8', () => {
    const random = new Random(9)
    const [rows, cols, n] = [37, 600, 13]
    const w = codes(random, rows * cols, 0.1)
    const scale = Float32Array.of(0.003)
    const bias = random.floats(rows)
    const granularity = { per: 'tensor' } as const
    const shape = [rows, cols]
    const zeroPoint = new Int8Array(1)
    const csr = toCsr({ kind: 'quantized', bits: 8, shape, data: w, scale, zeroPoint, granularity })
    using weights = packSparseInt8(runtime, csr, bias)
    using dense = packInt8Weights(runtime, { data: w, n: rows, k: cols, layout: 'nk', scale, bias })
    using x = new Handle(runtime, 4 * n * cols)
    using y = new Handle(runtime, 4 * n * rows)
    const from = { handle: x, offset: 0 }
    const to = { handle: y, offset: 0 }
    const both = <T extends Float32Array | Int8Array>(
      sparse: () => void,
      other: () => void,
      out: T,
    ): void => {
      sparse()
      const found = [...readSlot(to, out)]
      writeSlot(to, new Float32Array(n * rows))
      other()
      expect(found).toEqual([...readSlot(to, out)])
    }
    const floats = new Float32Array(n * rows)
    writeSlot(from, random.floats(n * cols))
    both(
      () => qd8Spmm(weights, from, to, n, { min: 0 }),
      () => qd8Gemm(dense, from, to, n, { min: 0 }),
      floats,
    )
    writeSlot(from, random.int8s(n * cols))
    for (const output of [{ kind: 'f32' }, { kind: 'int8', scale: 0.1, zeroPoint: -7 }] as const) {
      const options = { inputScale: 0.04, inputZeroPoint: 3, max: 6, output }
      both(
        () => qs8Spmm(weights, from, to, n, { ...options, layout: 'rows' }),
        () => qs8Gemm(dense, from, to, n, options),
        output.kind === 'f32' ? floats : new Int8Array(n * rows),
      )
    }
  })

  it('names what is wrong', () => {
    const data = new Int8Array(12).fill(1)
    const weight = { kind: 'quantized', bits: 8, shape: [3, 4], data, scale: Float32Array.of(1) } as const
    const csr = toCsr({ ...weight, zeroPoint: new Int8Array(1), granularity: { per: 'tensor' } })
    const floats = { ...csr, values: new Float32Array(12), scale: undefined } as never
    expect(() => packSparseInt8(runtime, floats)).toThrow('"csr.values" expected Int8Array')
    expect(() => packSparseInt8(runtime, csr, new Float32Array(2))).toThrow('"bias" expected Float32Array(3)')
    using weights = packSparseInt8(runtime, csr)
    using x = new Handle(runtime, 32)
    using y = new Handle(runtime, 24)
    const from = { handle: x, offset: 0 }
    const to = { handle: y, offset: 0 }
    const options = { inputScale: 1, inputZeroPoint: 0 }
    expect(() => qs8Spmm(weights, from, to, 3, options)).toThrow('"out" expected a slot of 36 bytes, got 24')
    expect(() => qs8Spmm(weights, from, to, 9, options)).toThrow('"a" expected a slot of 36 bytes, got 32')
    expect(() => qs8Spmm(weights, from, to, 1, { ...options, inputZeroPoint: 200 })).toThrow(
      '"inputZeroPoint"',
    )
    expect(() => qs8Spmm(weights, from, to, 1, { ...options, inputScale: NaN })).toThrow('"inputScale"')
    writeSlot(from, Float32Array.of(1, NaN, 0, 0))
    expect(() => qd8Spmm(weights, from, to, 1)).toThrow('"x" expected finite values')
  })
})
