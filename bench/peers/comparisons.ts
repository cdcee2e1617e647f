import { huffmanDecode, huffmanEncode, ransDecode, ransEncode } from '../../bindings/index.js'
import type { Runtime } from '../../bindings/runtime/runtime.js'
import {
  assignCodebookContender,
  assignContender,
  f32GemmContender,
  int4GemmContender,
  int8GemmContender,
  spmmContender,
} from '../contenders.js'
import {
  GAUSSIAN,
  GEMM_SHAPES,
  gemmShape,
  INT4_SHAPES,
  kmeansShape,
  PEERS,
  SKEWED,
  sparseShape,
} from '../goals.js'
import type { BenchCase, Contender } from '../harness.js'
import {
  assignProblem,
  entropyBytes,
  f32GemmProblem,
  gaussianBytes,
  int4GemmProblem,
  int8GemmProblem,
  skewedBytes,
  sparseProblem,
} from '../problems.js'
import { decoders, encoders } from './entropy.js'
import { assigners, optimalContenders } from './kmeans.js'
import * as onnxruntime from './onnxruntime.js'
import { eigenSparse, plainCsr } from './sparse.js'
import * as tfjs from './tfjs.js'

interface Field {
  /** Ours first. */
  contenders: Contender[]
  /** Coded bytes by contender, and the entropy: known once they ran. */
  sizes?(): { entropy: number; bytes: number[] }
}

/** One problem, and all who solve it. Nothing is allocated before `prepare`. */
export interface Comparison extends Omit<BenchCase, 'prepare'> {
  prepare(): Promise<Field> | Field
}

const SIZE = 1024
const CODED_BYTES = 16 * 2 ** 20
const VALUES = 1_000_000

/**
 * @param simd ours on plain SIMD
 * @param runtimes ours on the targets that int8 has here, the best first
 */
export function comparisons(simd: Runtime, runtimes: readonly Runtime[]): Comparison[] {
  return [
    ...GEMM_SHAPES.map(([m, k, n]): Comparison => ({
      kernel: 'qs8_gemm',
      shape: gemmShape(m, k, n),
      unit: 'GOP/s',
      work: 2 * m * k * n,
      peak: 'int8',
      prepare: async () => {
        const problem = int8GemmProblem(m, k, n)
        return {
          contenders: [
            ...runtimes.map((runtime) => int8GemmContender(runtime, problem)),
            await onnxruntime.int8Gemm(problem, 'u8'),
            await onnxruntime.int8Gemm(problem, 's8'),
            await onnxruntime.qlinearGemm(problem),
          ],
        }
      },
    })),
    ...INT4_SHAPES.map(([m, k, n]): Comparison => ({
      kernel: 'qb4w_gemm',
      shape: gemmShape(m, k, n),
      unit: 'GOP/s',
      work: 2 * m * k * n,
      peak: 'int8',
      prepare: async () => {
        const problem = int4GemmProblem(m, k, n, 32)
        return {
          contenders: [
            ...runtimes.map((runtime) => int4GemmContender(runtime, problem)),
            int4GemmContender(simd, problem, 'float32'),
            await onnxruntime.int4Gemm(problem, 'float32'),
            await onnxruntime.int4Gemm(problem, 'int8'),
          ],
        }
      },
    })),
    ...GEMM_SHAPES.map(([m, k, n]): Comparison => ({
      kernel: 'f32_gemm',
      shape: gemmShape(m, k, n),
      unit: 'GFLOP/s',
      work: 2 * m * k * n,
      peak: 'f32',
      prepare: async () => {
        const problem = f32GemmProblem(m, k, n)
        return {
          contenders: [
            f32GemmContender(simd, problem),
            await onnxruntime.f32Gemm(problem),
            tfjs.f32Gemm(problem),
          ],
        }
      },
    })),
    ...[64, 256, 1].flatMap((samples) => [80, 90, 95].map((zeros) => sparse(simd, samples, zeros))),
    ...[
      { shape: GAUSSIAN, make: gaussianBytes },
      { shape: SKEWED, make: skewedBytes },
    ].flatMap(({ shape, make }) =>
      CODERS.flatMap((coder) => [decode(simd, coder, shape, make), encode(simd, coder, shape, make)]),
    ),
    {
      kernel: 'f32_kmeans_optimal',
      shape: kmeansShape(16),
      unit: 'MV/s',
      work: VALUES,
      peak: 'copy',
      peakWork: 4 * VALUES,
      prepare: async () => ({ contenders: await optimalContenders(VALUES, 16) }),
    },
    ...[16, 256].map((k): Comparison => ({
      kernel: 'f32_kmeans_assign',
      shape: kmeansShape(k),
      unit: 'MV/s',
      work: VALUES,
      peak: 'copy',
      peakWork: 4 * VALUES,
      prepare: () => {
        const problem = assignProblem(VALUES, k)
        return {
          contenders: [
            assignContender(simd, problem),
            assignCodebookContender(simd, problem),
            ...assigners(problem),
          ],
        }
      },
    })),
  ]
}

/** Rates count the zeros too, in every row: dense and sparse are then compared by time. Shares of the peak do not. */
function sparse(runtime: Runtime, samples: number, zeros: number): Comparison {
  return {
    kernel: samples === 1 ? 'f32_spmv_csr' : 'f32_spmm_csr',
    shape: sparseShape(zeros, samples),
    unit: 'GFLOP/s',
    work: 2 * samples * SIZE * SIZE,
    peak: 'f32',
    peakWork: 2 * samples * SIZE * SIZE * (1 - zeros / 100),
    prepare: async () => {
      const problem = sparseProblem(samples, SIZE, zeros)
      return {
        contenders: [
          spmmContender(runtime, problem),
          ...(samples === 1 ? [] : [spmmContender(runtime, problem, 'rows')]),
          f32GemmContender(runtime, problem, PEERS.dense),
          tfjs.f32Gemm(problem),
          await onnxruntime.f32Gemm(problem),
          eigenSparse(problem),
          plainCsr(problem),
        ],
      }
    },
  }
}

type MakeBytes = (length: number) => Uint8Array<ArrayBuffer>

interface Coder {
  name: string
  encode: typeof huffmanEncode
  decode: typeof huffmanDecode
}

const CODERS: readonly Coder[] = [
  { name: 'u8_huf', encode: huffmanEncode, decode: huffmanDecode },
  { name: 'u8_rans', encode: ransEncode, decode: ransDecode },
]

function decode(runtime: Runtime, coder: Coder, shape: string, make: MakeBytes): Comparison {
  return {
    kernel: `${coder.name}_decode`,
    shape,
    unit: 'GB/s',
    work: CODED_BYTES,
    peak: 'copy',
    prepare: () => {
      const bytes = make(CODED_BYTES)
      const coded = coder.encode(bytes, { runtime })
      const out = new Uint8Array(bytes.length)
      const ours: Contender = {
        name: 'mcompress',
        target: runtime.target.name,
        run: () => coder.decode(coded, { out, maxBytes: bytes.length, runtime }),
        exact: () => Buffer.compare(out, bytes) === 0,
      }
      return { contenders: [ours, ...decoders(bytes)] }
    },
  }
}

function encode(runtime: Runtime, coder: Coder, shape: string, make: MakeBytes): Comparison {
  return {
    kernel: `${coder.name}_encode`,
    shape,
    unit: 'GB/s',
    work: CODED_BYTES,
    peak: 'copy',
    prepare: () => {
      const bytes = make(CODED_BYTES)
      let coded: Uint8Array = new Uint8Array()
      const ours = {
        name: 'mcompress',
        target: runtime.target.name,
        run: () => {
          coded = coder.encode(bytes, { runtime })
        },
        exact: () => Buffer.compare(coder.decode(coded, { maxBytes: bytes.length, runtime }), bytes) === 0,
        codedBytes: () => coded.length,
      }
      const contenders = [ours, ...encoders(bytes)]
      return {
        contenders,
        sizes: () => ({
          entropy: entropyBytes(bytes),
          bytes: contenders.map(({ codedBytes }) => codedBytes()),
        }),
      }
    },
  }
}
