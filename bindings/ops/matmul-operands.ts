import type { CodebookTensor } from '../formats/codebook.js'
import type { BitTensor } from '../formats/bits.js'
import { checkInt4, type Int4Tensor } from '../formats/int4.js'
import type { QuantizedTensor } from '../formats/quantized.js'
import type { Tensor } from '../formats/tensor.js'
import { MAX_TENSOR_ELEMENTS } from '../limits.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'
import {
  checkBoolean,
  checkChoice,
  checkInteger,
  checkNumber,
  checkOptions,
  checkShape,
  checkTypedArray,
  describe,
} from '../validate.js'
import { packBitWeights, PackedBits } from './bit-weights.js'
import { PackedF32Weights, packF32Weights, type WeightLayout } from './f32-gemm.js'
import { PackedInt4Weights, packInt4Weights } from './qb4w-gemm.js'
import { PackedInt8Weights, packInt8Weights } from './qs8-gemm.js'
import { checkQuantized } from './quantize.js'
import { packSparse, type SparseMatrix, type SparseWeights } from './spmm.js'

/** Applied to the result, bias included; a missing bound is open. */
export type Activation = 'none' | 'relu' | { readonly min?: number; readonly max?: number }

export interface PackWeightsOptions {
  /** `b` is [n, k], one output column a row, as in a dense layer. Otherwise [k, n]. Not for a sparse matrix, nor an Int4Tensor, whose axis says it. */
  transposeB?: boolean
  /** One value an output column, in real units; one a row for a sparse matrix. */
  bias?: Float32Array
  runtime?: Runtime
}

/** A matrix, or a stack of rows of any shape [..., k]. */
export interface Rows {
  readonly m: number
  readonly k: number
  readonly leading: readonly number[]
}

export function rowsOf(name: string, shape: readonly number[]): Rows {
  checkShape(`${name}.shape`, shape)
  if (shape.length === 0) throw new RangeError(`"${name}" expected at least one dimension, got a scalar`)
  const leading = shape.slice(0, -1)
  return { m: leading.reduce((product, d) => product * d, 1), k: shape.at(-1)!, leading }
}

export function checkDense(name: string, tensor: Tensor<'float32'>): Rows {
  if (typeof tensor !== 'object' || tensor === null || tensor.kind !== 'dense') {
    throw new TypeError(`"${name}" expected a float32 tensor, got ${describe(tensor)}`)
  }
  const rows = rowsOf(name, tensor.shape)
  checkTypedArray(`${name}.data`, tensor.data, 'Float32Array', rows.m * rows.k)
  return rows
}

function checkMatrix(shape: readonly number[]): void {
  if (shape.length !== 2) throw new RangeError(`"b" expected two dimensions, got [${shape.join(', ')}]`)
}

function matrixOf(
  shape: readonly number[],
  transposeB: boolean,
): { n: number; k: number; layout: WeightLayout } {
  checkBoolean('transposeB', transposeB)
  checkMatrix(shape)
  const [rows, columns] = shape as [number, number]
  return transposeB ? { n: rows, k: columns, layout: 'nk' } : { n: columns, k: rows, layout: 'kn' }
}

/**
 * Packs the weights of a product once for many: the second operand of `matmul` (a float32 tensor, or one that shares
 * values, which stay indices), `int8Matmul` (int8 codes with zero point 0, per tensor or per output column), `int4Matmul`
 * (groups along the depth) or `bitMatmul`, or the first of `sparseMatmul` (a sparse matrix, whose int8 values
 * are dequantized). They stay in linear memory until they are disposed.
 *
 * @throws TypeError, RangeError for arguments that do not fit; CapacityError when memory is short
 */
export function packWeights(
  b: Tensor<'float32'> | CodebookTensor,
  options?: PackWeightsOptions,
): PackedF32Weights
export function packWeights(b: QuantizedTensor, options?: PackWeightsOptions): PackedInt8Weights
export function packWeights(b: Int4Tensor, options?: PackWeightsOptions): PackedInt4Weights
export function packWeights(b: BitTensor, options?: Pick<PackWeightsOptions, 'runtime'>): PackedBits
export function packWeights(b: SparseMatrix, options?: PackWeightsOptions): SparseWeights
export function packWeights(
  b: Tensor<'float32'> | CodebookTensor | QuantizedTensor | Int4Tensor | BitTensor | SparseMatrix,
  options: PackWeightsOptions = {},
): PackedF32Weights | PackedInt8Weights | PackedInt4Weights | PackedBits | SparseWeights {
  checkOptions('options', options, ['transposeB', 'bias', 'runtime'])
  const runtime = options.runtime ?? defaultRuntime()
  if (b?.kind === 'bits') {
    checkOptions('options', options, ['runtime'])
    return packBitWeights(runtime, b)
  }
  if (b?.kind === 'csr' || b?.kind === 'blocks' || b?.kind === 'nm' || b?.kind === 'int4') {
    const { transposeB, bias } = options
    if (transposeB !== undefined) throw new TypeError('"transposeB" is for dense weights')
    return b.kind === 'int4' ? packInt4(b, runtime, options) : packSparse(runtime, b, bias)
  }
  return b?.kind === 'quantized' ? packInt8(b, runtime, options) : packF32(b, runtime, options)
}

export function packF32(
  b: Tensor<'float32'> | CodebookTensor,
  runtime: Runtime,
  options: PackWeightsOptions,
): PackedF32Weights {
  const { transposeB = false, bias } = options
  if (b?.kind === 'codebook') {
    rowsOf('b', b.shape)
    const { indices: data, codebook } = b
    return packF32Weights(runtime, { data, codebook, ...matrixOf(b.shape, transposeB), bias })
  }
  checkDense('b', b)
  return packF32Weights(runtime, { data: b.data, ...matrixOf(b.shape, transposeB), bias })
}

export function packInt8(
  b: QuantizedTensor,
  runtime: Runtime,
  options: PackWeightsOptions,
): PackedInt8Weights {
  checkQuantized('b', b)
  const { transposeB = false, bias } = options
  const matrix = matrixOf(b.shape, transposeB)
  const { granularity } = b
  const columnAxis = transposeB ? 0 : 1
  if (granularity.per === 'group' || (granularity.per === 'channel' && granularity.axis !== columnAxis)) {
    throw new RangeError('"b.granularity" expected one scale, or one an output column')
  }
  const shifted = b.zeroPoint.findIndex((zero) => zero !== 0)
  if (shifted >= 0) {
    throw new RangeError(
      `"b.zeroPoint" expected symmetric weights, got ${b.zeroPoint[shifted]} at ${shifted}`,
    )
  }
  // One column has one scale either way.
  return packInt8Weights(runtime, { data: b.data, ...matrix, scale: b.scale, bias })
}

/** Weights of 4 bits; the axis of their groups is the depth. */
export function packInt4(
  b: Int4Tensor,
  runtime: Runtime,
  options: Pick<PackWeightsOptions, 'bias'>,
): PackedInt4Weights {
  checkInt4('b', b)
  checkMatrix(b.shape)
  return packInt4Weights(runtime, b, options.bias)
}

/** The runtime of a product; weights that are resident already bring their own, and their bias. */
export function runtimeFor(b: unknown, options: PackWeightsOptions): Runtime {
  if (!(
    b instanceof PackedF32Weights ||
    b instanceof PackedInt8Weights ||
    b instanceof PackedInt4Weights ||
    b instanceof PackedBits
  )) {
    return options.runtime ?? defaultRuntime()
  }
  if (options.runtime !== undefined && options.runtime !== b.runtime) {
    throw new RangeError('"b" expected weights of the same runtime')
  }
  if (options.bias !== undefined || options.transposeB !== undefined) {
    throw new TypeError('"options" expected neither "bias" nor "transposeB": packed weights have theirs')
  }
  return b.runtime
}

export function boundsOf(activation: Activation = 'none'): { min: number; max: number } {
  if (typeof activation === 'string') {
    checkChoice('activation', activation, ['none', 'relu'])
    return { min: activation === 'relu' ? 0 : -Infinity, max: Infinity }
  }
  checkOptions('activation', activation, ['min', 'max'])
  const { min = -Infinity, max = Infinity } = activation
  if (min !== -Infinity) checkNumber('activation.min', min)
  if (max !== Infinity) checkNumber('activation.max', max, min)
  return { min, max }
}

export function checkDepth(a: Pick<Rows, 'k'>, b: { readonly k: number }): void {
  if (a.k !== b.k) throw new RangeError(`"a" expected rows of ${b.k} elements, got ${a.k}`)
}

/** Runs `use` on weights that are resident, or packed for this one product. */
export function withWeights<W extends Handle, R>(
  resident: W | undefined,
  pack: () => W,
  use: (weights: W) => R,
): R {
  const weights = resident ?? pack()
  try {
    return use(weights)
  } finally {
    if (resident === undefined) weights.dispose()
  }
}

export function resultLength(m: number, n: number): number {
  checkInteger('elements of the result', m * n, 0, MAX_TENSOR_ELEMENTS)
  return m * n
}
