// Every case of the suite. A new *.bench.ts is registered here and nowhere else.
import type { BenchCase } from './harness.js'
import { cases as bitsGemm } from './bits-gemm.bench.js'
import { cases as cbwGemm } from './cbw-gemm.bench.js'
import { cases as context } from './context.bench.js'
import { cases as conv } from './conv.bench.js'
import { cases as elementwise } from './elementwise.bench.js'
import { cases as f32Gemm } from './f32-gemm.bench.js'
import { cases as f32Spmm } from './f32-spmm.bench.js'
import { cases as huffman } from './huffman.bench.js'
import { cases as kmeans } from './kmeans.bench.js'
import { cases as math } from './math.bench.js'
import { cases as qb4wGemm } from './qb4w-gemm.bench.js'
import { cases as qs8Gemm } from './qs8-gemm.bench.js'
import { cases as qs8Spmm } from './qs8-spmm.bench.js'
import { cases as quantize } from './quantize.bench.js'
import { cases as rans } from './rans.bench.js'
import { cases as recurrent } from './recurrent.bench.js'
import { cases as reduce } from './reduce.bench.js'
import { cases as resample } from './resample.bench.js'

export const suites: BenchCase[] = [
  ...context,
  ...conv,
  ...elementwise,
  ...math,
  ...f32Gemm,
  ...cbwGemm,
  ...qb4wGemm,
  ...bitsGemm,
  ...qs8Gemm,
  ...f32Spmm,
  ...huffman,
  ...kmeans,
  ...qs8Spmm,
  ...quantize,
  ...rans,
  ...recurrent,
  ...reduce,
  ...resample,
]
