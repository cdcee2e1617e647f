import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { CodebookTensor } from '../bindings/formats/codebook.js'
import { toCsr } from '../bindings/formats/csr.js'
import { tensor } from '../bindings/formats/tensor.js'
import { quantizeInt8 } from '../bindings/ops/quantize.js'
import { readSlot, writeSlot } from '../bindings/ops/slot.js'
import { packWeights } from '../bindings/ops/matmul-operands.js'
import { sparseMatmul } from '../bindings/ops/sparse-matmul.js'
import { f32Spmm, packSparse } from '../bindings/ops/spmm.js'
import { Handle } from '../bindings/runtime/handle.js'
import { denseMatmul, transpose } from './oracles/sparse.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

/** Gaussian weights of which about `density` are not zero; rows in `emptyRows` have none. */
function sparse(random: Random, rows: number, cols: number, density: number): Float32Array {
  return random.floats(rows * cols).map((w) => (random.next() < density ? w : 0))
}

/** toEqual tells 0 from -0; a sparse product skips terms that turn one into the other. */
const unsigned = (y: Float32Array): number[] => Array.from(y, (v) => v + 0)

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
/** Below, at and above the widths of the kernels. */
const SAMPLES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 67]

/** The same values by their indices in a codebook of `count` of them, zero among them. */
function share(w: Float32Array, shape: readonly number[], count: number): CodebookTensor {
  const zero = count >> 1
  const centroids = Float32Array.from({ length: count }, (_, i) => (i - zero) * 0.37)
  const indices = Uint8Array.from(w, (v) => {
    return v === 0 ? zero : Math.abs(Math.round(v * 1e4)) % count
  })
  return { kind: 'codebook', shape, indices, codebook: { centroids } }
}

const expanded = ({ indices, codebook }: CodebookTensor): Float32Array =>
  Float32Array.from(indices, (index) => codebook.centroids[index]!)

describeTargets('f32Spmm', (runtime) => {
  for (const [stored, layout] of [
    ['values', 'columns'],
    ['values', 'rows'],
    ['a codebook of 256', 'columns'],
    ['a codebook of 5', 'rows'],
  ] as const) {
    it.each(SHAPES)(
      `equals the dense product, ${stored}, ${layout}: %s (%i x %i, density %f)`,
      (_, rows, cols, density) => {
        const random = new Random(rows * 1000 + cols)
        const values = sparse(random, rows, cols, density)
        const codes = share(values, [rows, cols], stored === 'a codebook of 5' ? 5 : 256)
        const w = stored === 'values' ? values : expanded(codes)
        const bias = random.floats(rows)
        const csr = stored === 'values' ? toCsr(tensor(w, [rows, cols])) : toCsr(codes)
        using weights = packSparse(runtime, csr, bias)
        expect(weights.kernel).toBe(stored === 'values' ? 'f32_spmm_csr' : 'f32_cb8w_spmm_csr')
        expect(weights.nonZeros).toBe(w.filter((v) => v !== 0).length)
        for (const n of SAMPLES) {
          const x = random.floats(cols * n)
          using xHandle = new Handle(runtime, 4 * x.length)
          using outHandle = new Handle(runtime, 4 * rows * n)
          const inSlot = { handle: xHandle, offset: 0 }
          const outSlot = { handle: outHandle, offset: 0 }
          writeSlot(inSlot, layout === 'rows' ? transpose(x, cols, n) : x)
          f32Spmm(weights, inSlot, outSlot, n, { layout, min: -1.5, max: 2 })
          const y = readSlot(outSlot, new Float32Array(rows * n))
          const expected = denseMatmul(w, rows, cols, x, n, bias, -1.5, 2)
          expect(unsigned(layout === 'rows' ? transpose(y, n, rows) : y), `n=${n}`).toEqual(
            unsigned(expected),
          )
        }
      },
    )
  }

  it('keeps a byte an entry where values are shared', () => {
    const codes = share(sparse(new Random(6), 64, 256, 0.5), [64, 256], 9)
    using shared = packSparse(runtime, toCsr(codes))
    using real = packSparse(runtime, toCsr(tensor(expanded(codes), [64, 256])))
    const { nonZeros } = shared
    expect(nonZeros).toBe(real.nonZeros)
    expect(real.bytes - shared.bytes).toBeGreaterThan(3 * nonZeros - 1024)
  })

  it('reads and writes at offsets of a shared region', () => {
    const random = new Random(3)
    const w = sparse(random, 6, 10, 0.4)
    const x = random.floats(10 * 5)
    using weights = packSparse(runtime, toCsr(tensor(w, [6, 10])))
    using arena = new Handle(runtime, 64 + 200 + 120)
    const out = { handle: arena, offset: 264 }
    writeSlot({ handle: arena, offset: 64 }, x)
    f32Spmm(weights, { handle: arena, offset: 64 }, out, 5)
    const expected = denseMatmul(w, 6, 10, x, 5, undefined, -Infinity, Infinity)
    expect(unsigned(readSlot(out, new Float32Array(30)))).toEqual(unsigned(expected))
  })

  it('refuses slots that are too small, of another runtime, or gone', () => {
    const weights = packSparse(runtime, toCsr(tensor(new Float32Array(12).fill(1), [3, 4])))
    using x = new Handle(runtime, 4 * 4 * 2)
    using out = new Handle(runtime, 4 * 3 * 2)
    const at = (handle: Handle, offset = 0) => ({ handle, offset })
    expect(() => f32Spmm(weights, at(x), at(out), 3)).toThrow('"x" expected a slot of 48 bytes, got 32')
    expect(() => f32Spmm(weights, at(x), at(out, 4), 2)).toThrow('"out" expected a slot of 24 bytes, got 20')
    expect(() => f32Spmm(weights, at(x, 2), at(out), 1)).toThrow('"x"')
    expect(() => f32Spmm(weights, at(x), at(out), 1, { min: 1, max: 0 })).toThrow('"min"')
    expect(() => f32Spmm(weights, at(x), at(out), 1.5)).toThrow('"n" expected an integer')
    weights.dispose()
    expect(() => f32Spmm(weights, at(x), at(out), 1)).toThrow('has been disposed')
  })
})

describeTargets('sparseMatmul', (runtime) => {
  it('multiplies, adds and clamps for any pattern and width', () => {
    const problem = fc.record({
      rows: fc.integer({ min: 0, max: 40 }),
      cols: fc.integer({ min: 0, max: 40 }),
      n: fc.integer({ min: 0, max: 40 }),
      density: fc.constantFrom(0, 0.05, 0.3, 1),
      seed: fc.nat(),
    })
    fc.assert(
      fc.property(problem, ({ rows, cols, n, density, seed }) => {
        const random = new Random(seed)
        const w = sparse(random, rows, cols, density)
        const x = random.floats(cols * n)
        const bias = random.floats(rows)
        const y = sparseMatmul(toCsr(tensor(w, [rows, cols])), tensor(x, [cols, n]), {
          bias,
          activation: 'relu',
          runtime,
        })
        expect(y.shape).toEqual([rows, n])
        expect(unsigned(y.data)).toEqual(unsigned(denseMatmul(w, rows, cols, x, n, bias, 0, Infinity)))
      }),
      { seed: 2, numRuns: 40 },
    )
  })

  it('takes a vector, resident weights and an out', () => {
    const random = new Random(4)
    const w = sparse(random, 20, 50, 0.2)
    const x = random.floats(50)
    using weights = packSparse(runtime, toCsr(tensor(w, [20, 50])))
    const out = new Float32Array(20)
    const y = sparseMatmul(weights, tensor(x), { out })
    expect(y.shape).toEqual([20])
    expect(y.data).toBe(out)
    expect(unsigned(out)).toEqual(unsigned(denseMatmul(w, 20, 50, x, 1, undefined, -Infinity, Infinity)))
  })

  it('takes int8 values with their scales', () => {
    const random = new Random(5)
    const w = sparse(random, 12, 30, 0.3)
    const q = quantizeInt8(w, { shape: [12, 30], granularity: { per: 'channel', axis: 0 }, runtime })
    const real = Float32Array.from(q.data, (code, i) => code * q.scale[Math.floor(i / 30)]!)
    const x = random.floats(30 * 6)
    const y = sparseMatmul(toCsr(q), tensor(x, [30, 6]), { runtime })
    expect(unsigned(y.data)).toEqual(
      unsigned(denseMatmul(real, 12, 30, x, 6, undefined, -Infinity, Infinity)),
    )
  })

  it('names what is wrong', () => {
    const csr = toCsr(tensor(new Float32Array(6).fill(1), [2, 3]))
    const x = tensor(new Float32Array(3))
    expect(() => sparseMatmul(csr, tensor(new Float32Array(4)), { runtime })).toThrow(
      '"x" expected shape [3, n] or [3], got [4]',
    )
    expect(() => sparseMatmul(csr, x, { bias: new Float32Array(3), runtime })).toThrow(
      '"bias" expected Float32Array(2)',
    )
    expect(() => sparseMatmul(csr, x, { out: new Float32Array(3), runtime })).toThrow(
      '"out" expected Float32Array(2)',
    )
    expect(() => sparseMatmul(csr, x, { activation: 'tanh' as 'relu', runtime })).toThrow('"activation"')
    expect(() => sparseMatmul({ ...csr, rowPtr: Uint32Array.of(0, 9, 6) }, x, { runtime })).toThrow('"a.')
    using weights = packWeights(csr, { runtime })
    expect(sparseMatmul(weights, x)).toEqual(sparseMatmul(csr, x, { runtime }))
    expect(() => packWeights(csr, { runtime, transposeB: true })).toThrow('"transposeB" is for dense weights')
    expect(() => sparseMatmul(weights, x, { bias: new Float32Array(2) })).toThrow(
      '"bias" expected none: packed weights have theirs',
    )
  })
})
