import type { Kernels } from '../runtime/instantiate.js'
import { addressOf, checkSlot, type Slot } from './slot.js'

/** A batch of products of two matrices that both are computed. */
export interface MatMulPlan {
  readonly m: number
  readonly n: number
  readonly k: number
  /** Leading axes, outermost first, with the matrices from one index to the next of each operand; 0 repeats one. */
  readonly batch: readonly BatchAxis[]
}

export interface BatchAxis {
  readonly size: number
  readonly aStride: number
  readonly bStride: number
}

/** The product at an index of the batch, as numbers of matrices into each operand. */
type Product = (a: number, b: number) => void

function eachProduct(batch: readonly BatchAxis[], axis: number, a: number, b: number, run: Product): void {
  if (axis === batch.length) return run(a, b)
  const { size, aStride, bStride } = batch[axis]!
  for (let i = 0; i < size; i++) eachProduct(batch, axis + 1, a + i * aStride, b + i * bStride, run)
}

/** Matrices that an operand holds. */
function matrices(batch: readonly BatchAxis[], stride: 'aStride' | 'bStride'): number {
  return batch.reduce((last, axis) => last + (axis.size - 1) * axis[stride], 1)
}

/**
 * `out [batch][m, n] = a [m, k] * b [k, n]` between slots, all f32. Packs every `b` anew, unless it is the one of the
 * product before: for constant weights pack once with `packF32Weights`. Allocates nothing once the scratch arena has grown.
 */
export function f32MatMul(plan: MatMulPlan, a: Slot, b: Slot, out: Slot): void {
  const { m, n, k, batch } = plan
  const products = batch.reduce((count, { size }) => count * size, 1)
  if (products === 0) return
  checkSlot('a', a, matrices(batch, 'aStride') * m * k * 4)
  checkSlot('b', b, matrices(batch, 'bStride') * k * n * 4)
  checkSlot('out', out, products * m * n * 4)
  const { kernels, scratch } = out.handle.runtime
  const mark = scratch.mark()
  try {
    const packed = scratch.take(kernels.f32_gemm_packed_bytes(n, k))
    const multiply = multiplier(kernels, plan, addressOf(a), addressOf(b), packed, addressOf(out))
    eachProduct(batch, 0, 0, 0, multiply)
  } finally {
    scratch.release(mark)
  }
}

function multiplier(
  kernels: Kernels,
  { m, n, k }: MatMulPlan,
  a: number,
  b: number,
  packed: number,
  out: number,
): Product {
  let packedIndex = -1
  return (aIndex, bIndex) => {
    if (bIndex !== packedIndex) kernels.f32_gemm_pack(b + bIndex * k * n * 4, 1, n, 0, packed, n, k)
    packedIndex = bIndex
    kernels.f32_gemm(a + aIndex * m * k * 4, k, packed, out, n, m, n, k, -Infinity, Infinity)
    out += m * n * 4
  }
}
