import { toCsr } from '../../formats/csr.js'
import type { Granularity } from '../../formats/quantized.js'
import type { ActivationRange, Weight } from '../../graph/model.js'
import { f32Gemm, packF32Weights, type PackedF32Weights } from '../../ops/f32-gemm.js'
import { packInt8Weights, qd8Gemm, qs8Gemm, type PackedInt8Weights } from '../../ops/qs8-gemm.js'
import {
  packSparseInt8,
  qd8Spmm,
  qs8Spmm,
  type Qs8SpmmOptions,
  type SparseInt8Weights,
} from '../../ops/qs8-spmm.js'
import type { Slot } from '../../ops/slot.js'
import { f32Spmm, packSparse, type SparseWeights } from '../../ops/spmm.js'
import type { Layer, Loader } from '../loader.js'
import type { Planner } from '../plan.js'
import { isSymmetric, SPARSE_FROM, sparseInt8From, zeroShare } from '../weights.js'
import type { Bounds } from './bounds.js'

/** A weight matrix of `n` outputs over `k` inputs, in any stored form. */
export interface MatrixWeights {
  readonly weight: Weight
  readonly n: number
  readonly k: number
  /** `nk`: one output a row. `kn`: one output a column. */
  readonly layout: 'nk' | 'kn'
  readonly bias?: Float32Array | undefined
  /** int8 parameters of the input, when it was calibrated. */
  readonly range?: ActivationRange | undefined
}

/** A matrix in memory, and how rows are multiplied by it. */
export interface Matrix extends Omit<Layer, 'plan'> {
  /** Appends `output = clamp(input * matrix + bias)` for the `rows` of the value `input`. */
  plan(planner: Planner, input: string, output: string, rows: number, bounds: Bounds): void
}

/** Packs a weight matrix in the form that suits how it is stored. */
export function packMatrix(loader: Loader, matrix: MatrixWeights): Matrix {
  const { weight, layout, n, k, bias } = matrix
  const { runtime } = loader
  if (loader.integers && isSymmetric(weight, layout === 'nk' ? 0 : 1)) {
    const { data, scale } = weight
    if (zeroShare(data) >= sparseInt8From(runtime.target.name)) {
      const csr = toCsr({ ...weight, shape: [n, k], data: rowsOf(data, matrix), granularity: byRows(scale) })
      const packed = loader.own(packSparseInt8(runtime, csr, bias))
      return matrix.range === undefined ? dynamicSparse(packed) : staticSparse(packed, matrix.range)
    }
    const packed = loader.own(packInt8Weights(runtime, { data, n, k, layout, scale, bias }))
    return matrix.range === undefined ? dynamicInt8(packed) : staticInt8(packed, matrix.range)
  }
  const data = loader.floats(weight)
  if (zeroShare(data) >= SPARSE_FROM) {
    const csr = toCsr({ kind: 'dense', dtype: 'float32', shape: [n, k], data: rowsOf(data, matrix) })
    return sparse(loader.own(packSparse(runtime, csr, bias)))
  }
  return dense(loader.own(packF32Weights(runtime, { data, n, k, layout, bias })))
}

/** The elements of a matrix with one output a row. */
function rowsOf<T extends Float32Array | Int8Array>(data: T, { layout, n, k }: MatrixWeights): T {
  return layout === 'nk' ? data : (data.map((_, i) => data[(i % k) * n + Math.floor(i / k)]!) as T)
}

function byRows(scale: Float32Array): Granularity {
  return scale.length === 1 ? { per: 'tensor' } : { per: 'channel', axis: 0 }
}

type RunRows = (x: Slot, y: Slot, rows: number, bounds: Bounds) => void

/** Steps over float32 rows. */
function overFloats(kernel: string, run: RunRows): Matrix['plan'] {
  return (planner, input, output, rows, bounds) => {
    const x = planner.float(input, 'first')
    const y = planner.create(output)
    planner.step(kernel, [x], [y], () => run(x, y, rows, bounds))
  }
}

function dense(weights: PackedF32Weights): Matrix {
  const run: RunRows = (x, y, rows, bounds) => f32Gemm(weights, x, y, rows, bounds)
  return { stored: 'float32', plan: overFloats('f32_gemm', run) }
}

function sparse(weights: SparseWeights): Matrix {
  const run: RunRows = (x, y, rows, bounds) => f32Spmm(weights, x, y, rows, { layout: 'rows', ...bounds })
  return { stored: 'sparse', plan: overFloats('f32_spmm_csr', run) }
}

function dynamicInt8(weights: PackedInt8Weights): Matrix {
  const run: RunRows = (x, y, rows, bounds) => qd8Gemm(weights, x, y, rows, bounds)
  return { stored: 'int8', plan: overFloats('qd8_f32_qc8w_gemm', run) }
}

function dynamicSparse(weights: SparseInt8Weights): Matrix {
  const run: RunRows = (x, y, rows, { min, max }) => qd8Spmm(weights, x, y, rows, { min, max })
  return { stored: 'sparse', plan: overFloats('qd8_f32_qc8w_spmm_csr', run) }
}

type RunCodes = (x: Slot, y: Slot, rows: number, options: StaticOptions & Bounds) => void

/** Steps over int8 rows. */
function overCodes(suffix: string, range: ActivationRange, run: RunCodes): Matrix['plan'] {
  return (planner, input, output, rows, bounds) => {
    const x = planner.codes(input, range, 'first')
    const coding = planner.demand(output)
    const y = planner.create(output, 'first', coding)
    const options = { ...bounds, ...staticOptions(range, coding) }
    planner.step(staticKernel(suffix, coding), [x], [y], () => run(x, y, rows, options))
  }
}

function staticInt8(weights: PackedInt8Weights, range: ActivationRange): Matrix {
  const run: RunCodes = (x, y, rows, options) => qs8Gemm(weights, x, y, rows, options)
  return { stored: 'int8', wants: range, plan: overCodes('gemm', range, run) }
}

function staticSparse(weights: SparseInt8Weights, range: ActivationRange): Matrix {
  const run: RunCodes = (x, y, rows, options) => qs8Spmm(weights, x, y, rows, { layout: 'rows', ...options })
  return { stored: 'sparse', wants: range, plan: overCodes('spmm_csr', range, run) }
}

/** How an int8 kernel reads codes of `range`, and whether it leaves codes or real values. */
export function staticOptions(range: ActivationRange, coding: ActivationRange | undefined): StaticOptions {
  const { scale: inputScale, zeroPoint: inputZeroPoint } = range
  return {
    inputScale,
    inputZeroPoint,
    output: coding === undefined ? { kind: 'f32' } : { kind: 'int8', ...coding },
  }
}

type StaticOptions = Required<Pick<Qs8SpmmOptions, 'inputScale' | 'inputZeroPoint' | 'output'>>

export function staticKernel(suffix: string, coding: ActivationRange | undefined): string {
  return `qs8_${coding === undefined ? 'f32' : 'qs8'}_qc8w_${suffix}`
}
