// npm run bench:cost -- [--fit]: measures the products that inference chooses among and writes times.json, unless they are
// only to be fitted; prints their rates.
import { readFileSync, writeFileSync } from 'node:fs'
import { toBlockSparse } from '../../bindings/formats/block-sparse.js'
import { toCsr } from '../../bindings/formats/csr.js'
import { toNmSparse } from '../../bindings/formats/nm-sparse.js'
import { tensor } from '../../bindings/formats/tensor.js'
import { createRuntime } from '../../bindings/index.js'
import { BATCHES, RATES, RELAXED_RATES, type MatrixKernel } from '../../bindings/infer/cost.js'
import { f32Gemm, packF32Weights } from '../../bindings/ops/f32-gemm.js'
import { packInt8Weights, qs8Gemm } from '../../bindings/ops/qs8-gemm.js'
import { packSparseInt8, qs8Spmm } from '../../bindings/ops/qs8-spmm.js'
import { readSlot, writeSlot, type Slot } from '../../bindings/ops/slot.js'
import { f32Spmm, packSparse, type SparseMatrix } from '../../bindings/ops/spmm.js'
import { Handle } from '../../bindings/runtime/handle.js'
import type { Runtime } from '../../bindings/runtime/runtime.js'
import { Random } from '../../tests/support/random.js'
import { compare, type Contender } from '../harness.js'
import { whereabouts } from '../where.js'
import { fit, type CostTime, type CostTimes } from './times.js'

const FILE = new URL('times.json', import.meta.url)
const SHAPES = [
  [100, 300],
  [300, 784],
  [512, 512],
  [1024, 1024],
  [768, 3072],
] as const
/** Per cent of zeros, by where they lie. */
const PATTERNS = [
  ...[0, 50, 70, 80, 90, 95].map((zeros) => ['any', zeros] as const),
  ...[50, 70, 80, 90, 95].map((zeros) => ['blocks', zeros] as const),
  ['2:4', 50],
  ['1:4', 75],
] as const

type Matrix = Pick<CostTime, 'rows' | 'cols' | 'pattern' | 'zeros'>

/** A resident matrix, and how samples are multiplied by it. */
interface Packed {
  readonly kernel: MatrixKernel
  readonly target: CostTime['target']
  readonly weights: Handle
  readonly entries: number
  run(x: Slot, y: Slot, samples: number): void
}

const STEP = 1 / 16
const CODES = { inputScale: STEP, inputZeroPoint: 3, output: { kind: 'f32' } } as const

/** int8 codes, of which 0 are those of the pattern. */
function codesOf({ rows, cols, pattern, zeros }: Matrix): Int8Array {
  const random = new Random(rows + 31 * cols + 997 * zeros)
  const isKept = (): boolean => random.next() * 100 >= zeros
  const blocks = Array.from({ length: Math.ceil(rows / 4) * cols }, isKept)
  let [left, inGroup] = [0, 0]
  return Int8Array.from({ length: rows * cols }, (_, i) => {
    const code = Math.min(Math.max(Math.round(random.normal() * 30), -127), 127) || 1
    if (pattern === 'any') return isKept() ? code : 0
    if (pattern === 'blocks') return blocks[(Math.floor(i / cols) >> 2) * cols + (i % cols)] ? code : 0
    if (i % 4 === 0) [left, inGroup] = [Number(pattern[0]), 4]
    if (random.next() * inGroup-- >= left) return 0
    left--
    return code
  })
}

function packInt8(runtime: Runtime, { rows, cols }: Matrix, codes: Int8Array): Packed[] {
  const target = runtime.target.name as CostTime['target']
  const scale = Float32Array.of(STEP)
  const zeroPoint = new Int8Array(1)
  const form = { kind: 'quantized', bits: 8, shape: [rows, cols], granularity: { per: 'tensor' } } as const
  const dense = packInt8Weights(runtime, { data: codes, n: rows, k: cols, layout: 'nk', scale })
  const sparse = packSparseInt8(runtime, toCsr({ ...form, data: codes, scale, zeroPoint }))
  return [
    {
      kernel: 'qd8_f32_qc8w_gemm',
      target,
      weights: dense,
      entries: rows * cols,
      run: (x, y, m) => qs8Gemm(dense, x, y, m, CODES),
    },
    {
      kernel: 'qd8_f32_qc8w_spmm_csr',
      target,
      weights: sparse,
      entries: sparse.nonZeros,
      run: (x, y, m) => qs8Spmm(sparse, x, y, m, { ...CODES, layout: 'rows' }),
    },
  ]
}

/** The codes as multiples of 1/16, in all forms that float samples may be multiplied by. */
function packFloats(runtime: Runtime, { rows, cols, pattern }: Matrix, codes: Int8Array): Packed[] {
  const shape = [rows, cols]
  const data = Float32Array.from(codes, (code) => code * STEP)
  const real = tensor(data, shape)
  const dense = packF32Weights(runtime, { data, n: rows, k: cols, layout: 'nk' })
  const forms: SparseMatrix[] = [toCsr(real)]
  if (pattern === 'blocks') forms.push(toBlockSparse(real))
  else if (pattern === '2:4' || pattern === '1:4') forms.push(toNmSparse(real, pattern === '2:4' ? 2 : 1))
  const shared: Packed[] = []
  if (pattern === 'any') {
    const codebook = { centroids: Float32Array.from({ length: 255 }, (_, i) => (i - 127) * STEP) }
    const indices = Uint8Array.from(codes, (code) => code + 127)
    forms.push(toCsr({ kind: 'codebook', shape, indices, codebook }))
    const weights = packF32Weights(runtime, { data: indices, n: rows, k: cols, layout: 'nk', codebook })
    shared.push({
      kernel: 'f32_cbw_gemm',
      target: 'simd',
      weights,
      entries: rows * cols,
      run: (x, y, m) => f32Gemm(weights, x, y, m),
    })
  }
  return [
    {
      kernel: 'f32_gemm',
      target: 'simd',
      weights: dense,
      entries: rows * cols,
      run: (x, y, m) => f32Gemm(dense, x, y, m),
    },
    ...shared,
    ...forms.map((form): Packed => {
      const weights = packSparse(runtime, form)
      return {
        kernel: weights.kernel,
        target: 'simd',
        weights,
        entries: weights.nonZeros,
        run: (x, y, m) => f32Spmm(weights, x, y, m, { layout: 'rows' }),
      }
    }),
  ]
}

/** Times the forms of one matrix, which have to give the same results, in interleaved rounds. */
async function measure(forms: readonly Packed[], matrix: Matrix, samples: number): Promise<CostTime[]> {
  const { rows, cols } = matrix
  const x = new Random(samples).int8s(samples * cols)
  const isInt8 = forms[0]!.kernel.startsWith('q')
  let expected: Float32Array | undefined
  const contenders = forms.map(({ kernel, target, weights, run }): Contender => {
    const input = new Handle(weights.runtime, (isInt8 ? 1 : 4) * x.length)
    const output = new Handle(weights.runtime, 4 * samples * rows)
    const [from, to] = [input, output].map((handle) => ({ handle, offset: 0 })) as [Slot, Slot]
    writeSlot(from, isInt8 ? x : Float32Array.from(x))
    return {
      name: kernel,
      target,
      run: () => run(from, to, samples),
      exact() {
        const y = readSlot(to, new Float32Array(samples * rows))
        expected ??= y
        return y.every((v, i) => v === expected![i])
      },
      dispose: () => [input, output].forEach((handle) => handle.dispose()),
    }
  })
  const benchCase = { kernel: '', shape: '', unit: 'GOP/s', work: 1 } as const
  const times = await compare(benchCase, contenders, undefined, { rounds: 3, roundMs: 6 })
  return times.map(({ exact, medianMs }, i) => {
    const { kernel, target, entries } = forms[i]!
    if (!exact) throw new Error(`${kernel} differs from ${forms[0]!.kernel}`)
    return { kernel, target, ...matrix, entries, samples, ns: Math.round(medianMs * 1e6) }
  })
}

async function measureAll(): Promise<CostTime[]> {
  const simd = createRuntime({ target: 'simd' })
  const relaxed = createRuntime({ target: 'relaxed' })
  const times: CostTime[] = []
  for (const [rows, cols] of SHAPES) {
    // Some batches that no rate is fitted to.
    const batches = cols === 784 ? [...BATCHES, 6, 12, 100] : BATCHES
    for (const [pattern, zeros] of PATTERNS) {
      const matrix: Matrix = { rows, cols, pattern, zeros }
      console.error(JSON.stringify(matrix))
      const codes = codesOf(matrix)
      const groups = [packFloats(simd, matrix, codes)]
      if (pattern === 'any') {
        const own = packInt8(relaxed, matrix, codes).filter(({ kernel }) => kernel in RELAXED_RATES)
        groups.push([...packInt8(simd, matrix, codes), ...own])
      }
      for (const forms of groups) {
        for (const samples of batches) times.push(...(await measure(forms, matrix, samples)))
        for (const { weights } of forms) weights.dispose()
      }
    }
  }
  return times
}

if (!process.argv.includes('--fit')) {
  const times = (await measureAll()).map((time) => `  ${JSON.stringify(time)}`).join(',\n')
  const { engine, cpu = 'unknown' } = whereabouts()
  const where = `"engine": ${JSON.stringify(engine)}, "cpu": ${JSON.stringify(cpu)}`
  writeFileSync(FILE, `{${where}, "times": [\n${times}\n]}\n`)
}
const measured = JSON.parse(readFileSync(FILE, 'utf8')) as CostTimes
for (const [target, kernels] of [
  ['simd', RATES],
  ['relaxed', RELAXED_RATES],
] as const) {
  for (const kernel of Object.keys(kernels) as MatrixKernel[]) {
    console.log(target, kernel, JSON.stringify(fit(measured, kernel, target)))
  }
}
