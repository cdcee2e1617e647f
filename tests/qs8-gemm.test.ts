import { expect, it } from 'vitest'
import { MAX_INT8_DEPTH } from '../bindings/limits.js'
import { packInt8Weights, qd8Gemm, qs8Gemm, type Int8GemmOutput } from '../bindings/ops/qs8-gemm.js'
import {
  quantizeSlot,
  quantizeSlotDynamic,
  rangeOfSlot,
  dequantizeSlot,
} from '../bindings/ops/quantize-slot.js'
import { readSlot, writeSlot, type Slot } from '../bindings/ops/slot.js'
import { Handle } from '../bindings/runtime/handle.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { dynamicParameters, integerProduct, scaleProduct, type Matrix } from './oracles/gemm.js'
import { quantizeOne } from './oracles/quantize.js'
import { expectSame } from './support/compare.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

/** Tiles are 4x8 or 6x8, four k at a time; packing takes 16 k at a time; vectors 1x32 and 1x8; row blocks 96. */
const DEPTHS = [
  ['k=0', 0],
  ['k=1', 1],
  ['k=2', 2],
  ['k=3', 3],
  ['k_eq', 4],
  ['k_lt', 7],
  ['k_div', 32],
  ['k_gt', 41],
] as const
const WIDTHS = [
  ['n=1', 1],
  ['n_eq', 8],
  ['n_gt', 11],
  ['n_div', 32],
  ['n_gt_vector', 45],
] as const
const HEIGHTS = [
  ['m=1', 1],
  ['m_subtile', 3],
  ['m_eq', 4],
  ['m_gt', 11],
  ['m_gt_block', 101],
] as const

type Data = Int8Array | Int32Array | Float32Array

function slotOf(runtime: Runtime, data: Data): Slot {
  const slot = { handle: new Handle(runtime, data.byteLength), offset: 0 }
  writeSlot(slot, data)
  return slot
}

function int8Matrix(random: Random, rows: number, columns: number, stride: number): Matrix<Int8Array> {
  return { data: random.int8s(rows === 0 ? 0 : (rows - 1) * stride + columns), rows, columns, stride }
}

function columnMajor(w: Int8Array, n: number, k: number): Int8Array {
  return w.map((_, i) => w[(i % n) * k + Math.floor(i / n)]!)
}

const EMPTY = { int32: Int32Array, f32: Float32Array, int8: Int8Array }
const FILLER = 77

/** Runs qs8Gemm into a fresh strided slot; returns the results and checks that nothing between the rows changed. */
function run(
  runtime: Runtime,
  weights: Parameters<typeof qs8Gemm>[0],
  a: Matrix<Int8Array>,
  ldc: number,
  options: { inputScale: number; inputZeroPoint: number; output: Int8GemmOutput; min?: number; max?: number },
): number[] {
  const { n } = weights
  const m = a.rows
  const from = slotOf(runtime, a.data)
  const empty = new EMPTY[options.output.kind](m === 0 ? 0 : (m - 1) * ldc + n).fill(FILLER)
  const to = slotOf(runtime, empty)
  qs8Gemm(weights, from, to, m, { ...options, lda: a.stride, ldc })
  const all = [...readSlot(to, empty)]
  from.handle.dispose()
  to.handle.dispose()
  expect(all.every((value, index) => index % ldc < n || value === FILLER)).toBe(true)
  return all.filter((_, index) => index % ldc < n)
}

describeTargets('qs8_gemm', (runtime) => {
  for (const [kName, k] of DEPTHS) {
    for (const [nName, n] of WIDTHS) {
      for (const [mName, m] of HEIGHTS) {
        it.each([
          ['dense nk', 0, 'nk'],
          ['strided kn', 3, 'kn'],
        ] as const)(`${kName} ${nName} ${mName} %s`, (_, gap, layout) => {
          const random = new Random(k * 1000 + n * 10 + m)
          const a = int8Matrix(random, m, k, k + gap)
          const w = random.int8s(n * k)
          const zero = gap === 0 ? 0 : random.integer(-128, 127)
          const inputScale = Math.fround(0.01 + random.next())
          const scale = gap === 0 ? Float32Array.of(0.25) : random.floats(n).map((s) => Math.abs(s) + 0.01)
          const bias = gap === 0 ? undefined : random.floats(n, 20)
          const [min, max] = gap === 0 ? [-Infinity, Infinity] : [-100.7, 1000.3]
          const data = layout === 'nk' ? w : columnMajor(w, n, k)
          using weights = packInt8Weights(runtime, { data, n, k, layout, scale, bias })
          const common = { inputScale, inputZeroPoint: zero }

          const acc = integerProduct(a, Array(m).fill(zero), w, n)
          expectSame(run(runtime, weights, a, n + gap, { ...common, output: { kind: 'int32' } }), acc)

          const scales = gap === 0 ? Array(n).fill(0.25) : scale
          const real = scaleProduct(acc, n, Array(m).fill(inputScale), scales, bias, min, max)
          expectSame(
            run(runtime, weights, a, n + gap, { ...common, output: { kind: 'f32' }, min, max }),
            real,
          )

          const output = { kind: 'int8', scale: Math.fround(7.3), zeroPoint: -11 } as const
          expectSame(
            run(runtime, weights, a, n + gap, { ...common, output, min, max }),
            real.map((value) => quantizeOne(value, output.scale, output.zeroPoint, -128)),
          )
        })
      }
    }
  }

  // Halves are multiplied from 48x64x128 on, where steps of four k and panels of eight columns are even in number.
  for (const [kName, k] of [
    ['k_eq', 128],
    ['k_odd_steps', 131],
    ['k_gt', 134],
    ['k_pad', 133],
  ] as const) {
    it.each([
      ['below', 47, 64],
      ['narrow', 48, 48],
      ['eq', 48, 64],
      ['m_gt', 55, 64],
      ['m_gt_block', 145, 64],
      ['n_odd_panels', 48, 72],
      ['n_gt_group', 53, 139],
      ['n_cut', 48, 190],
    ])(`halves ${kName} %s`, (_, m, n) => {
      const random = new Random(k + m + n)
      const a = int8Matrix(random, m, k, k + 3)
      const w = random.int8s(n * k)
      const scale = random.floats(n).map((s) => Math.abs(s) + 0.01)
      const bias = random.floats(n, 20)
      using weights = packInt8Weights(runtime, { data: w, n, k, layout: 'nk', scale, bias })
      const common = { inputScale: Math.fround(0.3), inputZeroPoint: -7 }
      const acc = integerProduct(a, Array(m).fill(-7), w, n)
      expectSame(run(runtime, weights, a, n + 5, { ...common, output: { kind: 'int32' } }), acc)
      const real = scaleProduct(acc, n, Array(m).fill(common.inputScale), scale, bias, -500, 9000)
      const bounds = { min: -500, max: 9000 }
      expectSame(run(runtime, weights, a, n + 5, { ...common, output: { kind: 'f32' }, ...bounds }), real)
      const output = { kind: 'int8', scale: Math.fround(70.3), zeroPoint: 4 } as const
      expectSame(
        run(runtime, weights, a, n + 5, { ...common, output, ...bounds }),
        real.map((value) => quantizeOne(value, output.scale, output.zeroPoint, -128)),
      )
    })
  }

  it('halves are exact where sums of quadrants are greatest', () => {
    const [m, n, k] = [64, 128, 128]
    for (let signs = 0; signs < 256; signs += 3) {
      // One extreme a quadrant, of either operand.
      const extreme = (quadrant: number): number => ((signs >> quadrant) & 1 ? 127 : -128)
      const half = (index: number, size: number): number => (index < size / 2 ? 0 : 1)
      const a = { data: new Int8Array(m * k), rows: m, columns: k, stride: k }
      a.data.forEach((_, i) => (a.data[i] = extreme(2 * half(Math.floor(i / k), m) + half(i % k, k))))
      const w = new Int8Array(n * k)
      w.forEach((_, i) => (w[i] = extreme(4 + 2 * half(Math.floor(i / k), n) + half(i % k, k))))
      using weights = packInt8Weights(runtime, { data: w, n, k, layout: 'nk', scale: Float32Array.of(1) })
      const options = { inputScale: 1, inputZeroPoint: 0, output: { kind: 'int32' } } as const
      const sum = (i: number, j: number): number =>
        [0, 1].reduce(
          (total, p) => total + 64 * extreme(2 * half(i, m) + p) * extreme(4 + 2 * half(j, n) + p),
          0,
        )
      const expected = Array.from({ length: m * n }, (_, at) => sum(Math.floor(at / n), at % n))
      expectSame(run(runtime, weights, a, n, options), expected)
    }
  })

  it.each([-128, -127, -1, 0, 1, 127])('exact where all activations are %i', (value) => {
    const extremes = Int8Array.of(-128, 127, -1, 1, 0, -128, -128, 127, 127)
    const [m, k, n] = [13, 36, extremes.length + 27]
    const w = Int8Array.from({ length: n * k }, (_, i) => {
      const j = Math.floor(i / k)
      // Constant columns, then columns that alternate between two extremes.
      return j < extremes.length ? extremes[j]! : extremes[(j + (i % 2)) % extremes.length]!
    })
    const a = { data: new Int8Array(m * k).fill(value), rows: m, columns: k, stride: k }
    using weights = packInt8Weights(runtime, { data: w, n, k, layout: 'nk', scale: Float32Array.of(1) })
    for (const zero of [-128, 0, 127]) {
      const options = { inputScale: 1, inputZeroPoint: zero, output: { kind: 'int32' } } as const
      expectSame(run(runtime, weights, a, n, options), integerProduct(a, Array(m).fill(zero), w, n))
    }
  })

  it('the deepest product fits an int32', () => {
    const k = MAX_INT8_DEPTH
    const m = 7
    const a = { data: new Int8Array(m * k).fill(127), rows: m, columns: k, stride: k }
    const w = new Int8Array(k).fill(-128)
    using weights = packInt8Weights(runtime, { data: w, n: 1, k, layout: 'nk', scale: Float32Array.of(1) })
    const options = { inputScale: 1, inputZeroPoint: -128, output: { kind: 'int32' } } as const
    expect(run(runtime, weights, a, 1, options)).toEqual(Array(m).fill(-255 * 128 * k))
    expect(() =>
      packInt8Weights(runtime, {
        data: new Int8Array(k + 1),
        n: 1,
        k: k + 1,
        layout: 'nk',
        scale: Float32Array.of(1),
      }),
    ).toThrow(RangeError)
  })

  it.each([
    [15, 13, 11],
    [71, 139, 133],
  ])('%ix%ix%i reads 15 bytes past its input at most, and writes up to the last byte', (m, n, k) => {
    const random = new Random(5)
    const a = int8Matrix(random, m, k, k)
    const w = random.int8s(n * k)
    using weights = packInt8Weights(runtime, { data: w, n, k, layout: 'nk', scale: Float32Array.of(1) })
    using work = new Handle(runtime, runtime.kernels.qs8_gemm_scratch_bytes(m, n, k))
    using zero = new Handle(runtime, 4)
    runtime.memory.ensure(runtime.memory.bytes + 1)
    const { i8, i32, bytes } = runtime.memory
    i32[zero.pointer / 4] = 0
    const last = { a: bytes - m * k - 15, c: bytes - 4 * m * n }
    for (const [from, to] of [
      [last.a, (last.a - 4 * m * n) & -4],
      [last.c - m * k - 3, last.c],
    ] as const) {
      i8.set(a.data, from)
      runtime.kernels.qs8_i32_gemm(from, k, zero.pointer, weights.pointer, to, n, m, n, k, work.pointer)
      expectSame(i32.subarray(to / 4, to / 4 + m * n), integerProduct(a, Array(m).fill(0), w, n))
    }
  })

  it('stays exact when it has run hot', () => {
    const random = new Random(9)
    const [m, n, k] = [13, 40, 64]
    const a = int8Matrix(random, m, k, k)
    a.data.fill(127, 0, 3 * k)
    const w = random.int8s(n * k).fill(-128, 0, 9 * k)
    using weights = packInt8Weights(runtime, { data: w, n, k, layout: 'nk', scale: Float32Array.of(1) })
    const expected = integerProduct(a, Array(m).fill(3), w, n)
    const options = { inputScale: 1, inputZeroPoint: 3, output: { kind: 'int32' } } as const
    for (let round = 0; round < 30; round++) expectSame(run(runtime, weights, a, n, options), expected)
  })
})

describeTargets('qd8Gemm', (runtime) => {
  it.each([
    [1, 10, 33],
    [5, 45, 7],
    [14, 8, 64],
    [3, 3, 0],
  ])('m=%i n=%i k=%i equals quantizing each row, multiplying, scaling', (m, n, k) => {
    const random = new Random(m)
    const lda = k + 2
    const x = random.floats((m - 1) * lda + k, 3)
    if (k > 0 && m > 2) {
      x.fill(0, 0, k) // a row of zeros
      for (let p = 0; p < k; p++) x[lda + p] = Math.abs(x[lda + p]!) // a row as after a ReLU
      x.set([3.4e38, -3.4e38], 2 * lda) // a range that overflows f32
    }
    const w = random.int8s(n * k)
    const scale = random.floats(n).map((s) => Math.abs(s) / 50)
    const bias = random.floats(n)
    using weights = packInt8Weights(runtime, { data: w, n, k, layout: 'nk', scale, bias })
    const from = slotOf(runtime, x)
    const to = slotOf(runtime, new Float32Array(m * n))
    qd8Gemm(weights, from, to, m, { lda, min: -4 })
    const rows = Array.from({ length: m }, (_, i) => [...x.subarray(i * lda, i * lda + k)])
    const parameters = rows.map(dynamicParameters)
    const codes = rows.map((row, i) =>
      row.map((value) => quantizeOne(value, parameters[i]!.scale, parameters[i]!.zeroPoint, -128)),
    )
    const a = { data: Int8Array.from(codes.flat()), rows: m, columns: k, stride: k }
    const zeros = parameters.map(({ zeroPoint }) => zeroPoint)
    const scales = parameters.map((p) => p.scale)
    expectSame(
      readSlot(to, new Float32Array(m * n)),
      scaleProduct(integerProduct(a, zeros, w, n), n, scales, scale, bias, -4),
    )
    from.handle.dispose()
    to.handle.dispose()
  })

  it.each([NaN, Infinity, -Infinity])('refuses %s', (bad) => {
    using weights = packInt8Weights(runtime, {
      data: new Int8Array(5),
      n: 1,
      k: 5,
      layout: 'nk',
      scale: Float32Array.of(1),
    })
    const from = slotOf(runtime, Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, bad))
    expect(() => qd8Gemm(weights, from, from, 2)).toThrow('"a" expected finite values')
    from.handle.dispose()
  })
})

describeTargets('quantized slots', (runtime) => {
  it('quantizes, finds ranges and inverts', () => {
    const x = new Random(3).floats(101)
    const from = slotOf(runtime, x)
    const codes = slotOf(runtime, new Int8Array(101))
    const back = slotOf(runtime, new Float32Array(101))
    const parameters = quantizeSlotDynamic(from, codes, 101)
    expect(parameters).toEqual(dynamicParameters([...x]))
    const dynamic = readSlot(codes, new Int8Array(101))
    expectSame(
      dynamic,
      x.map((v) => quantizeOne(v, parameters.scale, parameters.zeroPoint, -128)),
    )
    quantizeSlot(from, codes, 101, parameters)
    expectSame(readSlot(codes, new Int8Array(101)), dynamic)
    dequantizeSlot(codes, back, 101, parameters)
    expectSame(
      readSlot(back, new Float32Array(101)),
      [...dynamic].map((q) => Math.fround(parameters.scale * (q - parameters.zeroPoint))),
    )
    expect(rangeOfSlot(from, 101)).toEqual({ min: Math.min(...x), max: Math.max(...x) })
    writeSlot(from, Float32Array.of(NaN))
    expect(() => rangeOfSlot(from, 101)).toThrow(RangeError)
    expect(() => quantizeSlotDynamic(from, codes, 101)).toThrow(RangeError)
    for (const slot of [from, codes, back]) slot.handle.dispose()
  })
})
