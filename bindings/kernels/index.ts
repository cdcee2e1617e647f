import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { mathKernels } from './math.js'
import { f32GemmKernels } from './f32-gemm.js'
import { qs8GemmKernels } from './qs8-gemm.js'
import { kmeansKernels } from './kmeans.js'
import { gapKernels } from './gaps.js'
import { huffmanKernels } from './huffman.js'
import { quantizeKernels } from './quantize.js'
import { spmmKernels } from './spmm.js'

/**
 * The whole ABI in plain TypeScript, for hosts that refuse wasm or lack SIMD. Same contracts (assembly/README.md),
 * same bits, no attempt at speed beyond the plain loop.
 */
export function createJsKernels(memory: LinearMemory): Kernels {
  return {
    ...f32GemmKernels(memory),
    ...kmeansKernels(memory),
    ...gapKernels(memory),
    ...huffmanKernels(memory),
    ...mathKernels(memory),
    ...qs8GemmKernels(memory),
    ...quantizeKernels(memory),
    ...spmmKernels(memory),
  }
}
