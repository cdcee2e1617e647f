// npm run bench:peers -- [--filter TEXT] [--json FILE]
// Everything that mcompress-wasm is measured against, in one process, rounds interleaved.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { createRuntime, huffmanDecode, huffmanEncode } from '../../bindings/index.js'
import { f32GemmContender, int8GemmContender } from '../contenders.js'
import { compare, type BenchCase, type Contender } from '../harness.js'
import { measurePeaks } from '../peak.js'
import { compileProbes } from '../probes.js'
import { entropyBytes, f32GemmProblem, gaussianBytes, int8GemmProblem, skewedBytes } from '../problems.js'
import type { Row } from '../rows.js'
import { codedSizes, decoders, encoders } from './entropy.js'
import * as onnxruntime from './onnxruntime.js'
import * as tfjs from './tfjs.js'

const { values } = parseArgs({
  options: { filter: { type: 'string', default: '' }, json: { type: 'string' } },
})
const best = createRuntime()
const simd = best.target.name === 'simd' ? best : createRuntime({ target: 'simd' })
const runtimes = best === simd ? [simd] : [best, simd]

interface Comparison extends Omit<BenchCase, 'prepare'> {
  contenders(): Promise<Contender[]> | Contender[]
}

const GEMM_SHAPES = [
  [1, 1024, 1024],
  [16, 768, 3072],
  [64, 512, 512],
  [256, 256, 256],
  [512, 512, 512],
  [1024, 1024, 1024],
] as const

const MEGABYTE = 2 ** 20

const comparisons: Comparison[] = [
  ...GEMM_SHAPES.map(([m, k, n]): Comparison => ({
    kernel: 'qs8_gemm',
    shape: `${m}x${k}x${n}`,
    unit: 'GOP/s',
    work: 2 * m * k * n,
    peak: 'int8',
    contenders: async () => {
      const problem = int8GemmProblem(m, k, n)
      return [
        ...runtimes.map((runtime) => int8GemmContender(runtime, problem)),
        await onnxruntime.int8Gemm(problem, 'u8'),
        await onnxruntime.int8Gemm(problem, 's8'),
      ]
    },
  })),
  ...GEMM_SHAPES.map(([m, k, n]): Comparison => ({
    kernel: 'f32_gemm',
    shape: `${m}x${k}x${n}`,
    unit: 'GFLOP/s',
    work: 2 * m * k * n,
    peak: 'f32',
    contenders: async () => {
      const problem = f32GemmProblem(m, k, n)
      return [f32GemmContender(simd, problem), await onnxruntime.f32Gemm(problem), tfjs.f32Gemm(problem)]
    },
  })),
  ...(
    [
      ['int8 of a Gaussian', gaussianBytes(16 * MEGABYTE)],
      ['5-bit skewed', skewedBytes(16 * MEGABYTE)],
    ] as const
  ).flatMap(([shape, bytes]): Comparison[] => [
    {
      kernel: 'u8_huf_decode',
      shape,
      unit: 'GB/s',
      work: bytes.length,
      contenders: () => {
        const coded = huffmanEncode(bytes, { runtime: simd })
        const out = new Uint8Array(bytes.length)
        const ours: Contender = {
          name: 'mcompress',
          target: 'simd',
          run: () => huffmanDecode(coded, { out, maxBytes: bytes.length, runtime: simd }),
          exact: () => Buffer.compare(out, bytes) === 0,
        }
        return [ours, ...decoders(bytes)]
      },
    },
    {
      kernel: 'u8_huf_encode',
      shape,
      unit: 'GB/s',
      work: bytes.length,
      contenders: () => {
        let coded = new Uint8Array()
        const ours: Contender = {
          name: 'mcompress',
          target: 'simd',
          run: () => {
            coded = huffmanEncode(bytes, { runtime: simd })
          },
          exact: () =>
            Buffer.compare(huffmanDecode(coded, { maxBytes: bytes.length, runtime: simd }), bytes) === 0,
        }
        const entropy = entropyBytes(bytes)
        const over = (size: number): string => `${(100 * (size / entropy - 1)).toFixed(2)} %`
        console.log(`${shape}: over the order-0 entropy`)
        console.log(`  mcompress ${over(huffmanEncode(bytes, { runtime: simd }).length)}`)
        for (const { name, bytes: size } of codedSizes(bytes)) console.log(`  ${name} ${over(size)}`)
        return [ours, ...encoders(bytes)]
      },
    },
  ]),
]

const peaks = await measurePeaks(await compileProbes())
const rows: Row[] = []
const table = new Table({
  head: ['kernel', 'shape', 'contender', 'target', 'median ms', 'rate', 'ours / theirs', 'of peak', 'exact'],
})
for (const comparison of comparisons) {
  if (!`${comparison.kernel} ${comparison.shape}`.includes(values.filter)) continue
  for (const row of await compare(comparison, await comparison.contenders(), peaks)) {
    rows.push(row)
    table.push([
      row.kernel,
      row.shape,
      row.contender,
      row.target,
      row.medianMs.toFixed(4),
      `${row.rate.toFixed(2)} ${row.unit}`,
      row.ratio.toFixed(2),
      row.peakShare === null ? '' : `${(100 * row.peakShare).toFixed(0)} %`,
      row.exact ? 'yes' : 'NO',
    ])
  }
}
console.log(table.toString())
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 1)}\n`)
