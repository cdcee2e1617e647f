import { expect, it } from 'vitest'
import type { GroupSize, Int4Tensor } from '../bindings/formats/int4.js'
import { int4Gemm, packInt4Weights } from '../bindings/ops/qb4w-gemm.js'
import { readSlot, writeSlot, type Slot } from '../bindings/ops/slot.js'
import { Handle } from '../bindings/runtime/handle.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { dynamicParameters, f32Product } from './oracles/gemm.js'
import { int4Product, int4Reals, nibbles, type Int4Matrix } from './oracles/int4.js'
import { quantizeOne } from './oracles/quantize.js'
import { expectSame } from './support/compare.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

/** Units are 8 deep; tiles have 4 or 6 rows of 8 columns; 32 columns are stored together, 96 rows packed together. */
const DEPTHS = [
  ['k=0', 0, 32],
  ['k=1', 1, 16],
  ['k_lt_unit', 7, 32],
  ['k_eq_unit', 8, 32],
  ['k_lt_group', 23, 64],
  ['k_eq_group', 32, 32],
  ['k_gt_group', 37, 16],
  ['k_div', 128, 64],
  ['k_ragged', 141, 128],
] as const
const WIDTHS = [
  ['n=1', 1],
  ['n_eq', 8],
  ['n_gt', 11],
  ['n_div', 32],
  ['n_gt_store', 43],
] as const
const HEIGHTS = [1, 2, 3, 4, 5, 6, 7, 8, 9] as const

function int4Matrix(random: Random, n: number, k: number, groupSize: GroupSize): Int4Matrix {
  const codes = random.int8s(n * k, -8, 7)
  const scale = random.floats(n * Math.ceil(k / groupSize), 0.1)
  return { codes, scale, n, k, groupSize }
}

/** The padding of a row says nothing. */
function stored({ codes, scale, n, k, groupSize }: Int4Matrix): Int4Tensor {
  return {
    kind: 'int4',
    shape: [n, k],
    axis: 1,
    groupSize: groupSize as GroupSize,
    data: nibbles(codes, n, k, 13),
    scale: Float32Array.from(scale),
  }
}

function slotOf(runtime: Runtime, data: Float32Array): Slot {
  const slot = { handle: new Handle(runtime, data.byteLength), offset: 0 }
  writeSlot(slot, data)
  return slot
}

/** The rows of x as their int8 codes. */
function quantizedRows(x: Float32Array, m: number, k: number, stride: number) {
  const rows = Array.from({ length: m }, (_, i) => [...x.subarray(i * stride, i * stride + k)])
  const parameters = rows.map(dynamicParameters)
  const data = rows.flatMap((row, i) =>
    row.map((value) => quantizeOne(value, parameters[i]!.scale, parameters[i]!.zeroPoint, -128)),
  )
  return {
    a: { data, rows: m, columns: k, stride: k },
    scale: parameters.map((p) => p.scale),
    zero: parameters.map((p) => p.zeroPoint),
  }
}

const FILLER = 77

/** Runs int4Gemm into a fresh strided slot and checks that nothing between the rows changed. */
function run(
  runtime: Runtime,
  weights: Parameters<typeof int4Gemm>[0],
  x: Float32Array,
  m: number,
  gap: number,
  options: Parameters<typeof int4Gemm>[4],
): number[] {
  const { n, k } = weights
  const ldc = n + gap
  const from = slotOf(runtime, x)
  const empty = new Float32Array((m - 1) * ldc + n).fill(FILLER)
  const to = slotOf(runtime, empty)
  int4Gemm(weights, from, to, m, { ...options, lda: k + gap, ldc })
  const all = [...readSlot(to, empty)]
  from.handle.dispose()
  to.handle.dispose()
  expect(all.every((value, index) => index % ldc < n || value === FILLER)).toBe(true)
  return all.filter((_, index) => index % ldc < n)
}

describeTargets('qb4w_gemm', (runtime) => {
  for (const [kName, k, groupSize] of DEPTHS) {
    for (const [nName, n] of WIDTHS) {
      it.each(HEIGHTS)(`${kName} ${nName} m=%i`, (m) => {
        const random = new Random(k * 1000 + n * 10 + m)
        const gap = m % 2 === 0 ? 0 : 3
        const matrix = int4Matrix(random, n, k, groupSize)
        const x = random.floats((m - 1) * (k + gap) + k, 3)
        const bias = gap === 0 ? undefined : random.floats(n)
        const bounds = gap === 0 ? {} : { min: -1.7, max: 5.3 }
        const [low, high] = [bounds.min ?? -Infinity, bounds.max ?? Infinity]
        using weights = packInt4Weights(runtime, stored(matrix), bias)
        const { a, scale, zero } = quantizedRows(x, m, k, k + gap)
        expectSame(
          run(runtime, weights, x, m, gap, bounds),
          int4Product(a, scale, zero, matrix, bias, low, high),
        )
        const rows = { data: x, rows: m, columns: k, stride: k + gap }
        expectSame(
          run(runtime, weights, x, m, gap, { ...bounds, inputs: 'float32' }),
          f32Product(rows, int4Reals(matrix), n, bias, low, high),
        )
      })
    }
  }

  it('rows beyond a block', () => {
    const random = new Random(4)
    const [m, n, k] = [103, 9, 24]
    const matrix = int4Matrix(random, n, k, 16)
    const x = random.floats(m * k)
    using weights = packInt4Weights(runtime, stored(matrix))
    const { a, scale, zero } = quantizedRows(x, m, k, k)
    expectSame(run(runtime, weights, x, m, 0, {}), int4Product(a, scale, zero, matrix, undefined))
  })

  it.each([-8, -7, -1, 0, 7])('exact where all codes are %i and activations at the ends', (q) => {
    const [m, n, k] = [7, 9, 512]
    const matrix = {
      codes: new Int8Array(n * k).fill(q),
      scale: Array(n * 2).fill(0.25),
      n,
      k,
      groupSize: 256,
    } as const
    // Rows of one value have zero point -128 or 127; the one value is code 127 or -128.
    const x = Float32Array.from({ length: m * k }, (_, i) => (Math.floor(i / k) % 2 === 0 ? 255 : -255))
    using weights = packInt4Weights(runtime, stored(matrix))
    const expected = Array.from(
      { length: m * n },
      (_, i) => (Math.floor(i / n) % 2 === 0 ? 1 : -1) * 255 * q * k * 0.25,
    )
    expect(run(runtime, weights, x, m, 0, {}).map((v) => v + 0)).toEqual(expected.map((v) => v + 0))
  })

  it('reads and writes up to the last byte of memory and not beyond', () => {
    const random = new Random(5)
    const [m, n, k] = [15, 13, 43]
    const matrix = int4Matrix(random, n, k, 32)
    using weights = packInt4Weights(runtime, stored(matrix))
    using work = new Handle(runtime, runtime.kernels.qb4w_gemm_scratch_bytes(m, k, 32))
    using floatWork = new Handle(runtime, runtime.kernels.f32_qb4w_gemm_scratch_bytes(k))
    using parameters = new Handle(runtime, 8)
    runtime.memory.ensure(runtime.memory.bytes + 1)
    const { f32, i8, i32, bytes } = runtime.memory
    f32[parameters.pointer / 4] = 0.5
    i32[parameters.pointer / 4 + 1] = 3
    const a = { data: random.int8s(m * k), rows: m, columns: k, stride: k }
    const expected = int4Product(a, Array(m).fill(0.5), Array(m).fill(3), matrix, undefined)
    // A tail may load a whole vector, but store nothing outside.
    const last = { a: bytes - 16 - m * k, c: bytes - 4 * m * n }
    for (const [from, to] of [
      [last.a, (last.a - 4 * m * n) & -4],
      [last.c - m * k, last.c],
    ] as const) {
      i8.set(a.data, from)
      // prettier-ignore
      runtime.kernels.qd8_f32_qb4w_gemm(
        from, k, parameters.pointer, parameters.pointer + 4, 0, weights.pointer, to, n, m, n, k, 32,
        -Infinity, Infinity, work.pointer,
      )
      expectSame(f32.subarray(to / 4, to / 4 + m * n), expected)
    }
    const x = random.floats(m * k)
    f32.set(x, bytes / 4 - m * k)
    const to = bytes - 4 * m * k - 4 * m * n
    // prettier-ignore
    runtime.kernels.f32_qb4w_gemm(
      bytes - 4 * m * k, k, weights.pointer, to, n, m, n, k, 32, -Infinity, Infinity, floatWork.pointer,
    )
    const rows = { data: x, rows: m, columns: k, stride: k }
    expectSame(f32.subarray(to / 4, to / 4 + m * n), f32Product(rows, int4Reals(matrix), n, undefined))
  })

  it('stays exact when it has run hot', () => {
    const random = new Random(9)
    const [m, n, k] = [13, 40, 96]
    const matrix = int4Matrix(random, n, k, 32)
    const x = random.floats(m * k)
    using weights = packInt4Weights(runtime, stored(matrix))
    const { a, scale, zero } = quantizedRows(x, m, k, k)
    const expected = int4Product(a, scale, zero, matrix, undefined)
    for (let round = 0; round < 30; round++) expectSame(run(runtime, weights, x, m, 0, {}), expected)
  })

  it.each([NaN, Infinity, -Infinity])('refuses %s where it quantizes, and passes it on where not', (bad) => {
    using weights = packInt4Weights(runtime, stored(int4Matrix(new Random(1), 1, 2, 16)))
    const from = slotOf(runtime, Float32Array.of(1, 2, 3, bad))
    const to = slotOf(runtime, new Float32Array(2))
    expect(() => int4Gemm(weights, from, to, 2)).toThrow('"a" expected finite values')
    int4Gemm(weights, from, to, 2, { inputs: 'float32' })
    expect(Number.isFinite(readSlot(to, new Float32Array(2))[1])).toBe(false)
    from.handle.dispose()
    to.handle.dispose()
  })
})
