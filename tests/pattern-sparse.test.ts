import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  blockSparseToDense,
  checkBlockSparse,
  toBlockSparse,
  type BlockSparseMatrix,
} from '../bindings/formats/block-sparse.js'
import {
  checkNmSparse,
  nmSparseToDense,
  toNmSparse,
  type NmSparseMatrix,
} from '../bindings/formats/nm-sparse.js'
import { tensor } from '../bindings/formats/tensor.js'
import { packWeights } from '../bindings/ops/matmul-operands.js'
import { readSlot, writeSlot } from '../bindings/ops/slot.js'
import { sparseMatmul } from '../bindings/ops/sparse-matmul.js'
import { f32Spmm, packSparse, type SparseMatrix } from '../bindings/ops/spmm.js'
import { Handle } from '../bindings/runtime/handle.js'
import { denseMatmul, transpose } from './oracles/sparse.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

/** Gaussian weights in which blocks of four rows and a column are whole or zero. */
function blocky(random: Random, rows: number, cols: number, density: number): Float32Array {
  const kept = Array.from({ length: Math.ceil(rows / 4) * cols }, () => random.next() < density)
  return random.floats(rows * cols).map((w, i) => {
    const [row, column] = [Math.floor(i / cols), i % cols]
    return kept[(row >> 2) * cols + column] ? w : 0
  })
}

/** Gaussian weights of which four neighbours keep at most `n`, at places that differ. */
function pattern(random: Random, rows: number, cols: number, n: number): Float32Array {
  const w = random.floats(rows * cols)
  for (let group = 0; group < w.length; group += 4) {
    const order = [0, 1, 2, 3].sort(() => random.next() - 0.5)
    const kept = random.next() < 0.2 ? n - 1 : n
    for (const i of order.slice(kept)) w[group + i] = 0
  }
  return w
}

const FORMS: Record<
  string,
  {
    kernel: string
    make(random: Random, rows: number, cols: number): { w: Float32Array; matrix: SparseMatrix }
  }
> = {
  'blocks, few': {
    kernel: 'f32_spmm_bsr',
    make(random, rows, cols) {
      const w = blocky(random, rows, cols, 0.1)
      return { w, matrix: toBlockSparse(tensor(w, [rows, cols])) }
    },
  },
  'blocks, most': {
    kernel: 'f32_spmm_bsr',
    make(random, rows, cols) {
      const w = blocky(random, rows, cols, 0.9)
      return { w, matrix: toBlockSparse(tensor(w, [rows, cols])) }
    },
  },
  '1:4': {
    kernel: 'f32_spmm_nm',
    make(random, rows, cols) {
      const w = pattern(random, rows, cols, 1)
      return { w, matrix: toNmSparse(tensor(w, [rows, cols]), 1) }
    },
  },
  '2:4': {
    kernel: 'f32_spmm_nm',
    make(random, rows, cols) {
      const w = pattern(random, rows, cols, 2)
      return { w, matrix: toNmSparse(tensor(w, [rows, cols]), 2) }
    },
  },
}

const SHAPES: [what: string, rows: number, cols: number][] = [
  ['a group', 1, 4],
  ['no rows', 0, 8],
  ['no columns', 5, 0],
  ['rows below a group', 3, 16],
  ['rows of a panel', 16, 36],
  ['rows above a panel', 17, 256],
  ['k below a block', 8, 252],
  ['k just above a block', 9, 260],
  ['k several blocks', 21, 1100],
]
/** Below, at and above the widths of the kernels. */
const SAMPLES = [0, 1, 7, 8, 9, 32, 43]

/** toEqual tells 0 from -0; a sparse product skips terms that turn one into the other. */
const unsigned = (y: Float32Array): number[] => Array.from(y, (v) => v + 0)

describeTargets('f32Spmm of patterns', (runtime) => {
  for (const [form, { kernel, make }] of Object.entries(FORMS)) {
    for (const layout of ['columns', 'rows'] as const) {
      it.each(SHAPES)(`equals the dense product: ${form}, ${layout}: %s (%i x %i)`, (_, rows, cols) => {
        const random = new Random(rows * 1000 + cols)
        const { w, matrix } = make(random, rows, cols)
        const bias = random.floats(rows)
        using weights = packSparse(runtime, matrix, bias)
        expect(weights.kernel).toBe(kernel)
        for (const n of SAMPLES) {
          const x = random.floats(cols * n)
          using xHandle = new Handle(runtime, 4 * x.length)
          using outHandle = new Handle(runtime, 4 * rows * n)
          const [from, to] = [xHandle, outHandle].map((handle) => ({ handle, offset: 0 }))
          writeSlot(from!, layout === 'rows' ? transpose(x, cols, n) : x)
          f32Spmm(weights, from!, to!, n, { layout, min: -1.5, max: 2 })
          const y = readSlot(to!, new Float32Array(rows * n))
          const expected = denseMatmul(w, rows, cols, x, n, bias, -1.5, 2)
          expect(unsigned(layout === 'rows' ? transpose(y, n, rows) : y), `n=${n}`).toEqual(
            unsigned(expected),
          )
        }
      })
    }
  }

  it('is what sparseMatmul and packWeights take', () => {
    const random = new Random(1)
    for (const { make } of Object.values(FORMS)) {
      const { w, matrix } = make(random, 10, 24)
      const x = tensor(random.floats(24 * 3), [24, 3])
      using weights = packWeights(matrix, { runtime })
      const expected = denseMatmul(w, 10, 24, x.data, 3, undefined, -Infinity, Infinity)
      expect(unsigned(sparseMatmul(matrix, x, { runtime }).data)).toEqual(unsigned(expected))
      expect(unsigned(sparseMatmul(weights, x).data)).toEqual(unsigned(expected))
      expect(() => packWeights({ ...matrix, values: new Float32Array(1) }, { runtime })).toThrow('"matrix.')
    }
  })
})

describe('toBlockSparse', () => {
  it('stores blocks in which something is not zero', () => {
    const dense = tensor(Float32Array.of(0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0), [5, 3])
    const matrix = toBlockSparse(dense)
    expect(matrix).toEqual({
      kind: 'blocks',
      rows: 5,
      cols: 3,
      groupPtr: Uint32Array.of(0, 1, 2),
      colIndices: Uint32Array.of(1, 0),
      values: Float32Array.of(1, 0, 2, 0, 3, 0, 0, 0),
    })
    expect(blockSparseToDense(matrix)).toEqual(dense)
    expect(blockSparseToDense(matrix, { shape: [5, 3, 1] }).shape).toEqual([5, 3, 1])
    expect(() => blockSparseToDense(matrix, { shape: [5, 2] })).toThrow('"shape" expected 15 elements')
  })

  it('is inverted by blockSparseToDense, whatever the pattern', () => {
    const sizes = fc.record({
      rows: fc.integer({ min: 0, max: 11 }),
      cols: fc.integer({ min: 0, max: 9 }),
      density: fc.constantFrom(0, 0.1, 0.5, 1),
      seed: fc.nat(),
    })
    fc.assert(
      fc.property(sizes, ({ rows, cols, density, seed }) => {
        const random = new Random(seed)
        const data = random.floats(rows * cols).map((v) => (random.next() < density ? v : 0))
        const dense = tensor(data, [rows, cols])
        const matrix = toBlockSparse(dense)
        checkBlockSparse('matrix', matrix)
        expect(blockSparseToDense(matrix)).toEqual(dense)
      }),
      { seed: 1, numRuns: 60 },
    )
  })

  const good = toBlockSparse(
    tensor(
      Float32Array.from({ length: 40 }, (_, i) => i % 3),
      [8, 5],
    ),
  )
  const hostile: [string, Partial<Record<keyof BlockSparseMatrix, unknown>>, string][] = [
    ['another kind', { kind: 'csr' }, '"matrix" expected a BlockSparseMatrix'],
    ['negative rows', { rows: -1 }, '"matrix"'],
    ['more elements than a tensor has', { cols: 2 ** 30 }, '"matrix'],
    ['rows without offsets', { rows: 13 }, '"matrix.groupPtr" expected Uint32Array(5)'],
    [
      'a column out of range',
      { cols: 4 },
      '"matrix.colIndices" expected ascending columns below 4 in group 0',
    ],
    ['a late start', { groupPtr: Uint32Array.of(1, 5, 10) }, 'expected to go from 0'],
    ['a leap', { groupPtr: Uint32Array.of(0, 0xffffffff, 10) }, 'got 10 after 4294967295'],
    ['columns that descend', { colIndices: good.colIndices.slice().reverse() }, 'ascending columns'],
    ['too few values', { values: new Float32Array(3) }, '"matrix.values" expected Float32Array(40)'],
  ]
  it.each(hostile)('refuses %s', (_, change, message) => {
    expect(() => checkBlockSparse('matrix', good)).not.toThrow()
    expect(() => checkBlockSparse('matrix', { ...good, ...change })).toThrow(message)
  })
})

describe('toNmSparse', () => {
  it('stores what is kept of each four, and where', () => {
    const dense = tensor(Float32Array.of(0, 0, 5, 6, 7, 0, 0, 8, 0, 0, 0, 0, 0, 9, 0, 0), [2, 8])
    const matrix = toNmSparse(dense, 2)
    expect(matrix).toEqual({
      kind: 'nm',
      rows: 2,
      cols: 8,
      n: 2,
      values: Float32Array.of(5, 6, 7, 8, 0, 0, 0, 9),
      // 2 and 3, 0 and 3; 0 and 1 where nothing is kept, 0 and 1.
      positions: Uint8Array.of(0b11_00_11_10, 0b01_00_01_00),
    })
    expect(nmSparseToDense(matrix)).toEqual(dense)
  })

  it('is inverted by nmSparseToDense, whatever the places', () => {
    for (let seed = 0; seed < 40; seed++) {
      const n = seed % 2 === 0 ? 1 : 2
      const dense = tensor(pattern(new Random(seed), seed % 7, 12, n), [seed % 7, 12])
      const matrix = toNmSparse(dense, n)
      checkNmSparse('matrix', matrix)
      expect(nmSparseToDense(matrix, { shape: [seed % 7, 3, 4] }).data).toEqual(dense.data)
    }
  })

  it('refuses what does not fit', () => {
    const full = tensor(new Float32Array(8).fill(1), [2, 4])
    expect(() => toNmSparse(full, 2)).toThrow('"dense" expected at most 2 of each 4 elements')
    expect(() => toNmSparse(full, 3 as 2)).toThrow('"dense.n" expected 1 or 2')
    expect(() => toNmSparse(tensor(new Float32Array(6), [2, 3]), 2)).toThrow(
      'expected a multiple of 4, got 3',
    )
  })

  const good = toNmSparse(tensor(pattern(new Random(1), 3, 8, 2), [3, 8]), 2)
  const hostile: [string, Partial<Record<keyof NmSparseMatrix, unknown>>, string][] = [
    ['another kind', { kind: 'csr' }, '"matrix" expected an NmSparseMatrix'],
    ['three of four', { n: 3 }, '"matrix.n" expected 1 or 2'],
    ['columns past a group', { cols: 9 }, 'expected a multiple of 4, got 9'],
    ['more elements than a tensor has', { rows: 2 ** 30 }, '"matrix'],
    ['too few values', { rows: 4 }, '"matrix.values" expected Float32Array(16)'],
    ['too few positions', { positions: new Uint8Array(2) }, '"matrix.positions" expected Uint8Array(3)'],
    ['a position twice', { positions: new Uint8Array(3) }, 'expected ascending ones, got 0, 0 at 0'],
  ]
  it.each(hostile)('refuses %s', (_, change, message) => {
    expect(() => checkNmSparse('matrix', good)).not.toThrow()
    expect(() => checkNmSparse('matrix', { ...good, ...change })).toThrow(message)
  })
})
