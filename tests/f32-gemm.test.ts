import { expect, it } from 'vitest'
import { f32Gemm, packF32Weights } from '../bindings/ops/f32-gemm.js'
import { readSlot, writeSlot, type Slot } from '../bindings/ops/slot.js'
import { Handle } from '../bindings/runtime/handle.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { f32Product, type Matrix } from './oracles/gemm.js'
import { expectSame } from './support/compare.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

/** Tiles are 4x8, vectors 1x24 and 1x8, row blocks 64. */
const DEPTHS = [
  ['k=0', 0],
  ['k=1', 1],
  ['k_div', 8],
  ['k_gt', 37],
] as const
const WIDTHS = [
  ['n=1', 1],
  ['n_lt', 7],
  ['n_eq', 8],
  ['n_gt', 9],
  ['n_div', 24],
  ['n_gt_vector', 45],
] as const
const HEIGHTS = [
  ['m=1', 1],
  ['m_subtile', 3],
  ['m_eq', 4],
  ['m_gt', 7],
  ['m_gt_block', 67],
] as const

function matrix(random: Random, rows: number, columns: number, stride: number): Matrix<Float32Array> {
  const length = rows === 0 ? 0 : (rows - 1) * stride + columns
  return { data: random.floats(length), rows, columns, stride }
}

/** Rows of a strided matrix, one after the other, and what lies between them. */
function rowsOf(data: Float32Array, rows: number, columns: number, stride: number): [number[], number[]] {
  const inside: number[] = []
  const between: number[] = []
  data.forEach((value, index) => (index % stride < columns ? inside : between).push(value))
  expect(inside.length).toBe(rows * columns)
  return [inside, between]
}

function slotOf(runtime: Runtime, data: Float32Array): Slot {
  const slot = { handle: new Handle(runtime, data.byteLength), offset: 0 }
  writeSlot(slot, data)
  return slot
}

describeTargets('f32_gemm', (runtime) => {
  for (const [kName, k] of DEPTHS) {
    for (const [nName, n] of WIDTHS) {
      for (const [mName, m] of HEIGHTS) {
        it.each([
          ['dense nk', 0, 'nk'],
          ['strided kn', 5, 'kn'],
        ] as const)(`${kName} ${nName} ${mName} %s`, (_, gap, layout) => {
          const random = new Random(k * 1000 + n * 10 + m)
          const a = matrix(random, m, k, k + gap)
          const w = random.floats(n * k)
          const bias = gap === 0 ? undefined : random.floats(n)
          const data = layout === 'nk' ? w : w.map((_, i) => w[(i % n) * k + Math.floor(i / n)]!)
          const [min, max] = gap === 0 ? [-Infinity, Infinity] : [-0.7, 2.1]
          using weights = packF32Weights(runtime, { data, n, k, layout, bias })
          const from = slotOf(runtime, a.data)
          const empty = new Float32Array((m - 1) * (n + gap) + n).fill(12345)
          const to = slotOf(runtime, empty)
          f32Gemm(weights, from, to, m, { lda: a.stride, ldc: n + gap, min, max })
          const [inside, between] = rowsOf(readSlot(to, empty.slice()), m, n, n + gap)
          expectSame(inside, f32Product(a, w, n, bias, min, max))
          expect(between.every((value) => value === 12345)).toBe(true)
          from.handle.dispose()
          to.handle.dispose()
        })
      }
    }
  }

  // Indices of 4 bits come two rows of low nibbles, then two of high ones; rows in blocks of 256.
  for (const count of [1, 16, 17, 256]) {
    for (const k of [0, 1, 2, 3, 4, 5, 6, 37]) {
      it.each([
        ['m=1 n=1', 1, 1, 'nk'],
        ['m=1 n_gt', 1, 27, 'kn'],
        ['m_gt n_eq', 7, 8, 'kn'],
        ['m_gt_block n_gt', 259, 11, 'nk'],
      ] as const)(`${count} centroids k=${k} %s`, (_, m, n, layout) => {
        const random = new Random(count * 1000 + k * 10 + m)
        const centroids = random.floats(count).sort()
        const w = Uint8Array.from({ length: n * k }, () => random.integer(0, count - 1))
        const data = layout === 'nk' ? w : w.map((_, i) => w[(i % n) * k + Math.floor(i / n)]!)
        const bias = layout === 'nk' ? undefined : random.floats(n)
        using weights = packF32Weights(runtime, { data, codebook: { centroids }, n, k, layout, bias })
        expect(weights.indexBits).toBe(count > 16 ? 8 : 4)
        const a = matrix(random, m, k, k + 3)
        const from = slotOf(runtime, a.data)
        const empty = new Float32Array((m - 1) * (n + 2) + n).fill(12345)
        const to = slotOf(runtime, empty)
        f32Gemm(weights, from, to, m, { lda: k + 3, ldc: n + 2, min: -0.9, max: 3 })
        const [inside, between] = rowsOf(readSlot(to, empty.slice()), m, n, n + 2)
        const values = Float32Array.from(w, (index) => centroids[index]!)
        expectSame(inside, f32Product(a, values, n, bias, -0.9, 3))
        expect(between.every((value) => value === 12345)).toBe(true)
        from.handle.dispose()
        to.handle.dispose()
      })
    }
  }

  it('reads and writes up to the last byte of memory and not beyond', () => {
    const random = new Random(5)
    const [m, n, k] = [7, 13, 9]
    const a = matrix(random, m, k, k)
    const w = random.floats(n * k)
    using weights = packF32Weights(runtime, { data: w, n, k, layout: 'nk' })
    runtime.memory.ensure(runtime.memory.bytes + 1)
    const { f32, bytes } = { f32: runtime.memory.f32, bytes: runtime.memory.bytes }
    const end = (values: number) => bytes - 4 * values
    for (const [from, to] of [
      [end(m * k), end(m * k + m * n)],
      [end(m * n + m * k), end(m * n)],
    ] as const) {
      f32.set(a.data, from / 4)
      runtime.kernels.f32_gemm(from, k, weights.pointer, to, n, m, n, k, -Infinity, Infinity)
      expectSame(f32.subarray(to / 4, to / 4 + m * n), f32Product(a, w, n, undefined))
    }
  })

  it.each([3, 33])('%i centroids: writes up to the last byte of memory, packs into its region', (count) => {
    const random = new Random(6)
    const [m, n, k] = [7, 13, 9]
    const a = matrix(random, m, k, k)
    const centroids = random.floats(count).sort()
    const data = Uint8Array.from({ length: n * k }, () => random.integer(0, count - 1))
    const values = Float32Array.from(data, (index) => centroids[index]!)
    using weights = packF32Weights(runtime, { data, codebook: { centroids }, n, k, layout: 'nk' })
    using work = new Handle(runtime, runtime.kernels.f32_cbw_gemm_scratch_bytes(k))
    runtime.memory.ensure(runtime.memory.bytes + 1)
    const { f32, bytes } = runtime.memory
    const to = bytes - 4 * m * n
    const from = to - 4 * m * k
    f32.set(a.data, from / 4)
    // prettier-ignore
    runtime.kernels.f32_cbw_gemm(
      from, k, weights.pointer, to, n, m, n, k, weights.indexBits, -Infinity, Infinity, work.pointer,
    )
    expectSame(f32.subarray(to / 4, to / 4 + m * n), f32Product(a, values, n, undefined))
  })

  it('keeps infinities and NaN where the formula has them', () => {
    const a = Float32Array.of(1, NaN, Infinity, 1, 1, 1)
    using weights = packF32Weights(runtime, { data: Float32Array.of(2, 3), n: 1, k: 2, layout: 'nk' })
    const from = slotOf(runtime, a)
    const to = slotOf(runtime, new Float32Array(3))
    f32Gemm(weights, from, to, 3)
    expect([...readSlot(to, new Float32Array(3))]).toEqual([NaN, Infinity, 5])
    from.handle.dispose()
    to.handle.dispose()
  })

  it('names what is wrong', () => {
    const data = new Float32Array(6)
    const pack = (weights: object) => () => packF32Weights(runtime, weights as never)
    expect(pack({ data, n: 2, k: 2, layout: 'nk' })).toThrow('"data" expected Float32Array(4), got length 6')
    expect(pack({ data, n: 2, k: 3, layout: 'mk' })).toThrow('"layout" expected one of nk, kn')
    expect(pack({ data, n: 2, k: 3, layout: 'nk', bias: data })).toThrow('"bias" expected Float32Array(2)')
    const codebook = { centroids: Float32Array.of(1, 2) }
    expect(pack({ data, codebook, n: 2, k: 3, layout: 'nk' })).toThrow('"data" expected Uint8Array')
    const indices = Uint8Array.of(0, 1, 0, 2, 1, 0)
    const shared = { data: indices, codebook, n: 2, k: 3, layout: 'nk' }
    expect(pack(shared)).toThrow('"data" expected indices below 2, got 2 at 3')
    expect(pack({ ...shared, codebook: { centroids: Float32Array.of(2, 1) } })).toThrow('finite ascending')
    using weights = packF32Weights(runtime, { data, n: 2, k: 3, layout: 'nk' })
    const small = slotOf(runtime, new Float32Array(2))
    expect(() => f32Gemm(weights, small, small, 1)).toThrow('"a" expected a slot of 12 bytes, got 8')
    small.handle.dispose()
  })
})
