// npm run bench:cost -- [--fit]: measures the products that inference chooses among and writes times.json, unless they are
// only to be fitted; prints their rates.
import { readFileSync, writeFileSync } from 'node:fs'
import type { CodebookTensor } from '../../bindings/formats/codebook.js'
import { toCsr } from '../../bindings/formats/csr.js'
import { tensor } from '../../bindings/formats/tensor.js'
import { createRuntime } from '../../bindings/index.js'
import { BATCHES, RATES, RELAXED_RATES, type MatrixKernel } from '../../bindings/infer/cost.js'
import { f32Gemm, packF32Weights } from '../../bindings/ops/f32-gemm.js'
import { packInt8Weights, qs8Gemm } from '../../bindings/ops/qs8-gemm.js'
import { packSparseInt8, qs8Spmm } from '../../bindings/ops/qs8-spmm.js'
import { readSlot, writeSlot, type Slot } from '../../bindings/ops/slot.js'
import { f32Spmm, packSparse } from '../../bindings/ops/spmm.js'
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
const ZEROS = [0, 50, 60, 70, 80, 90, 95]

type Matrix = Pick<CostTime, 'rows' | 'cols' | 'pattern' | 'zeros'>

/** A resident matrix, and how samples are multiplied by it. */
interface Packed {
  readonly kernel: MatrixKernel
  readonly weights: Handle
  readonly entries: number
  run(x: Slot, y: Slot, samples: number): void
}

const STEP = 1 / 16
const CODES = { inputScale: STEP, inputZeroPoint: 3, output: { kind: 'f32' } } as const

/** The same matrix, multiples of 1/16, for all kernels that float samples, or codes, may take. */
function pack(runtime: Runtime, { rows, cols, zeros }: Matrix, precision: 'f32' | 'int8'): Packed[] {
  const random = new Random(rows + 31 * cols + 997 * zeros)
  const codes = Int8Array.from({ length: rows * cols }, () => {
    const code = Math.min(Math.max(Math.round(random.normal() * 30), -127), 127)
    return random.next() * 100 < zeros ? 0 : code === 0 ? 1 : code
  })
  const shape = [rows, cols]
  const order = { n: rows, k: cols, layout: 'nk' } as const
  if (precision === 'int8') {
    const scale = Float32Array.of(STEP)
    const granularity = { per: 'tensor' } as const
    const weight = { kind: 'quantized', bits: 8, shape, data: codes, scale, granularity } as const
    const dense = packInt8Weights(runtime, { ...order, data: codes, scale })
    const sparse = packSparseInt8(runtime, toCsr({ ...weight, zeroPoint: new Int8Array(1) }))
    return [
      {
        kernel: 'qd8_f32_qc8w_gemm',
        weights: dense,
        entries: rows * cols,
        run: (x, y, m) => qs8Gemm(dense, x, y, m, CODES),
      },
      {
        kernel: 'qd8_f32_qc8w_spmm_csr',
        weights: sparse,
        entries: sparse.nonZeros,
        run: (x, y, m) => qs8Spmm(sparse, x, y, m, { ...CODES, layout: 'rows' }),
      },
    ]
  }
  const data = Float32Array.from(codes, (code) => code * STEP)
  const shared: CodebookTensor = {
    kind: 'codebook',
    shape,
    indices: Uint8Array.from(codes, (code) => code + 127),
    codebook: { centroids: Float32Array.from({ length: 255 }, (_, i) => (i - 127) * STEP) },
  }
  const dense = packF32Weights(runtime, { ...order, data })
  const indices = packF32Weights(runtime, { ...order, data: shared.indices, codebook: shared.codebook })
  const sparse = [toCsr(tensor(data, shape)), toCsr(shared)].map((csr) => packSparse(runtime, csr))
  return [
    {
      kernel: 'f32_gemm',
      weights: dense,
      entries: rows * cols,
      run: (x, y, m) => f32Gemm(dense, x, y, m),
    },
    {
      kernel: 'f32_cbw_gemm',
      weights: indices,
      entries: rows * cols,
      run: (x, y, m) => f32Gemm(indices, x, y, m),
    },
    ...sparse.map((weights): Packed => ({
      kernel: weights.kernel,
      weights,
      entries: weights.nonZeros,
      run: (x, y, m) => f32Spmm(weights, x, y, m, { layout: 'rows' }),
    })),
  ]
}

function makeRuntimes(): Map<CostTime['target'], Runtime> {
  const runtimes = new Map([['simd' as CostTime['target'], createRuntime({ target: 'simd' })]])
  try {
    runtimes.set('relaxed', createRuntime({ target: 'relaxed' }))
  } catch {
    console.error('no relaxed dot here: its times are left out')
  }
  return runtimes
}

async function measureAll(): Promise<CostTime[]> {
  const runtimes = makeRuntimes()
  const times: CostTime[] = []
  for (const [rows, cols] of SHAPES) {
    for (const zeros of ZEROS) {
      const matrix: Matrix = { rows, cols, pattern: 'any', zeros }
      console.error(JSON.stringify(matrix))
      const forms = [
        ...pack(runtimes.get('simd')!, matrix, 'f32').map((packed) => ['simd', packed] as const),
        ...[...runtimes].flatMap(([target, runtime]) =>
          pack(runtime, matrix, 'int8')
            .filter(({ kernel }) => target === 'simd' || kernel in RELAXED_RATES)
            .map((packed) => [target, packed] as const),
        ),
      ]
      // Some batches that no rate is fitted to.
      for (const samples of cols === 784 ? [...BATCHES, 8, 100] : BATCHES) {
        const random = new Random(samples)
        const x = random.int8s(samples * cols)
        /** Results by precision: all kernels of one have the same. */
        const expected = new Map<string, Float32Array>()
        const contenders = forms.map(([target, { kernel, weights, run }]): Contender => {
          const isInt8 = kernel.startsWith('q')
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
              const first = expected.get(String(isInt8)) ?? y
              expected.set(String(isInt8), first)
              return y.every((v, i) => v === first[i])
            },
            dispose: () => [input, output].forEach((handle) => handle.dispose()),
          }
        })
        const rounds = { rounds: 3, roundMs: 6 }
        const benchCase = { kernel: '', shape: '', unit: 'GOP/s', work: 1 } as const
        for (const [i, row] of (await compare(benchCase, contenders, undefined, rounds)).entries()) {
          const [target, { kernel, entries }] = forms[i]!
          if (!row.exact) throw new Error(`${kernel} differs from ${forms[0]![1].kernel}`)
          const ns = Math.round(row.medianMs * 1e6)
          times.push({ kernel, target, ...matrix, entries, samples, ns })
        }
      }
      for (const [, { weights }] of forms) weights.dispose()
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
