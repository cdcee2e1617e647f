import { BLOCK_ROWS, blockPtr, blocksInOrder } from '../formats/block-sparse.js'
import type { Codebook, CodebookTensor } from '../formats/codebook.js'
import { codesOf, csrInOrder, type ElementOrder, type SparseSource } from '../formats/csr.js'
import { leastNm, NM_GROUP, nmInOrder } from '../formats/nm-sparse.js'
import type { QuantizedTensor } from '../formats/quantized.js'
import type { Tensor } from '../formats/tensor.js'
import type { Weight } from '../graph/model.js'
import { expandCodebook } from '../ops/codebook.js'
import { dequantizeInt4 } from '../ops/int4.js'
import { dequantizeInt8 } from '../ops/quantize.js'
import type { SparseMatrix } from '../ops/spmm.js'
import type { Runtime, TargetName } from '../runtime/runtime.js'
import { leastRegret, type Candidate, type MatrixKernel } from './cost.js'

/**
 * The real values of a weight of any stored form; those of a dense one are not copied. undefined: it holds none, but
 * integers and the like.
 *
 * @throws TypeError, RangeError when the parts of a stored form do not fit each other
 */
export function floatsOf(weight: Weight, runtime: Runtime): Float32Array | undefined {
  if (weight.kind === 'quantized') return dequantizeInt8(weight, { runtime })
  if (weight.kind === 'int4') return dequantizeInt4(weight)
  if (weight.kind === 'codebook') return expandCodebook(weight.indices, weight.codebook, { runtime })
  return weight.dtype === 'float32' ? (weight.data as Float32Array) : undefined
}

/** What is packed of a weight of real numbers: its values, or indices with their codebook. */
export function partsOf(
  weight: Tensor<'float32'> | CodebookTensor,
): { data: Float32Array } | { data: Uint8Array; codebook: Codebook } {
  return weight.kind === 'codebook'
    ? { data: weight.indices, codebook: weight.codebook }
    : { data: weight.data }
}

/**
 * Whether the int8 kernels can take a weight as it is: zero points all 0, and one scale in all or one for each slice
 * along `axis`, the axis of the outputs.
 */
export function isSymmetric(weight: Weight, axis: number): weight is QuantizedTensor {
  if (weight.kind !== 'quantized' || weight.zeroPoint.some((zero) => zero !== 0)) return false
  const { granularity } = weight
  return granularity.per === 'tensor' || (granularity.per === 'channel' && granularity.axis === axis)
}

/** For batches of unknown size: the one sample of an answer to a user, and as many as fill a tile. */
const ANY_BATCH = [1, 16]

/**
 * The kernel for a matrix that is stored like this, by the cost model: that for all elements, or one for those which are not 0,
 * wherever they are or in a pattern that they follow. All give the same bits but for the sign of zero.
 *
 * @param order one output a row
 * @param samples how many it multiplies at once; undefined if that is not known
 */
export function kernelFor(
  weight: SparseSource,
  order: ElementOrder,
  samples: number | undefined,
  target: TargetName,
): MatrixKernel {
  const { codes, zero } = codesOf(weight)
  const [dense, sparse] = KERNELS[weight.kind]
  // Whoever packs dense weights tells what is wrong with them.
  if (codes.length !== order.rows * order.columns.length) return dense
  let entries = 0
  for (let i = 0; i < codes.length; i++) if (codes[i] !== zero) entries++
  const candidates: [Candidate, ...Candidate[]] = [
    { kernel: dense, entries: codes.length },
    { kernel: sparse, entries },
  ]
  if (weight.kind === 'dense') {
    const blocks = blockPtr(weight.data, order).at(-1)!
    candidates.push({ kernel: 'f32_spmm_bsr', entries: BLOCK_ROWS * blocks })
    const n = leastNm(weight.data, order)
    if (n < NM_GROUP) candidates.push({ kernel: 'f32_spmm_nm', entries: (codes.length * n) / NM_GROUP })
  }
  const batches = samples === undefined ? ANY_BATCH : [samples]
  return leastRegret(candidates, order.rows + order.columns.length, batches, target).kernel
}

const KERNELS: Record<SparseSource['kind'], readonly [dense: MatrixKernel, sparse: MatrixKernel]> = {
  dense: ['f32_gemm', 'f32_spmm_csr'],
  codebook: ['f32_cbw_gemm', 'f32_cb8w_spmm_csr'],
  quantized: ['qd8_f32_qc8w_gemm', 'qd8_f32_qc8w_spmm_csr'],
}

/** A weight as the sparse matrix that a kernel reads. */
export function sparseFor(
  kernel: MatrixKernel,
  weight: Tensor<'float32'> | CodebookTensor,
  order: ElementOrder,
): SparseMatrix {
  if (weight.kind === 'codebook') return csrInOrder(weight, order)
  if (kernel === 'f32_spmm_bsr') return blocksInOrder(weight.data, order)
  if (kernel === 'f32_spmm_nm') return nmInOrder(weight.data, order, leastNm(weight.data, order) as 1 | 2)
  return csrInOrder(weight, order)
}
