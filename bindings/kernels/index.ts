import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { cbwGemmKernels } from './cbw-gemm.js'
import { contextKernels } from './context.js'
import { bitsGemmKernels } from './bits-gemm.js'
import { convKernels } from './conv.js'
import { elementwiseKernels } from './elementwise.js'
import { f32GemmKernels } from './f32-gemm.js'
import { patternSpmmKernels } from './pattern-spmm.js'
import { poolKernels } from './pool.js'
import { qb4wGemmKernels } from './qb4w-gemm.js'
import { qs8GemmKernels } from './qs8-gemm.js'
import { kmeansKernels } from './kmeans.js'
import { qs8SpmmKernels } from './qs8-spmm.js'
import { gapKernels } from './gaps.js'
import { huffmanKernels } from './huffman.js'
import { ransKernels } from './rans.js'
import { quantizeKernels } from './quantize.js'
import { recurrentKernels } from './recurrent.js'
import { reduceKernels } from './reduce.js'
import { resampleKernels } from './resample.js'
import { spmmKernels } from './spmm.js'
import { transposeKernels } from './transpose.js'
import { unaryKernels } from './unary.js'

/**
 * The whole ABI in plain TypeScript, for hosts that refuse wasm or lack SIMD. Same contracts (assembly/README.md),
 * same bits, no attempt at speed beyond the plain loop.
 */
export function createJsKernels(memory: LinearMemory): Kernels {
  return {
    ...cbwGemmKernels(memory),
    ...contextKernels(memory),
    ...bitsGemmKernels(memory),
    ...convKernels(memory),
    ...elementwiseKernels(memory),
    ...f32GemmKernels(memory),
    ...kmeansKernels(memory),
    ...gapKernels(memory),
    ...huffmanKernels(memory),
    ...patternSpmmKernels(memory),
    ...poolKernels(memory),
    ...qb4wGemmKernels(memory),
    ...qs8GemmKernels(memory),
    ...qs8SpmmKernels(memory),
    ...quantizeKernels(memory),
    ...recurrentKernels(memory),
    ...resampleKernels(memory),
    ...ransKernels(memory),
    ...reduceKernels(memory),
    ...spmmKernels(memory),
    ...transposeKernels(memory),
    ...unaryKernels(memory),
  }
}
