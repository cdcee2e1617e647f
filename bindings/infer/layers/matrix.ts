import { csrInOrder, type ElementOrder, type SparseSource } from '../../formats/csr.js'
import type { ActivationRange, Weight } from '../../graph/model.js'
import { f32Gemm, packF32Weights, type PackedF32Weights } from '../../ops/f32-gemm.js'
import { int4Gemm, packInt4Weights, type PackedInt4Weights } from '../../ops/qb4w-gemm.js'
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
import type { MatrixKernel } from '../cost.js'
import type { Layer, Loader, StoredForm } from '../loader.js'
import type { Planner } from '../plan.js'
import { isSymmetric, kernelFor, partsOf, sparseFor } from '../weights.js'
import type { Bounds } from './bounds.js'

/** A weight matrix of `n` outputs over `k` inputs, in any stored form. */
export interface MatrixWeights {
  readonly weight: Weight
  readonly n: number
  readonly k: number
  /** `nk`: one output a row. `kn`: one output a column. */
  readonly layout: 'nk' | 'kn'
  readonly bias?: Float32Array | undefined
  /** How many input rows the model declares, if it does. */
  readonly samples?: number | undefined
  /** int8 parameters of the input, when it was calibrated. */
  readonly range?: ActivationRange | undefined
}

/** A matrix in memory, and how rows are multiplied by it. */
export interface Matrix extends Omit<Layer, 'plan'> {
  /** Appends `output = clamp(input * matrix + bias)` for the `rows` of the value `input`. */
  plan(planner: Planner, input: string, output: string, rows: number, bounds: Bounds): void
  /** The same between places with float32 rows and without bounds; absent where the input comes as codes. */
  readonly product?: Product
}

export interface Product {
  readonly kernel: string
  run(x: Slot, y: Slot, rows: number): void
}

/** Packs a weight matrix in the form that suits how it is stored. */
export function packMatrix(loader: Loader, matrix: MatrixWeights): Matrix {
  const { weight, layout, n, k, bias } = matrix
  const { runtime } = loader
  const order = outputsFirst(matrix)
  const choose = (stored: SparseSource): MatrixKernel =>
    kernelFor(stored, order, matrix.samples, runtime.target.name)
  if (loader.integers && isSymmetric(weight, layout === 'nk' ? 0 : 1)) {
    if (choose(weight) === 'qd8_f32_qc8w_spmm_csr') {
      return sparseInt8(loader.own(packSparseInt8(runtime, csrInOrder(weight, order), bias)), matrix.range)
    }
    const { data, scale } = weight
    return denseInt8(loader.own(packInt8Weights(runtime, { data, n, k, layout, scale, bias })), matrix.range)
  }
  // Groups along the outputs are for other shapes than those of a product.
  if (weight.kind === 'int4' && weight.axis === (layout === 'nk' ? 1 : 0)) {
    return int4(loader.own(packInt4Weights(runtime, weight, bias)), loader.integers)
  }
  const real = loader.real(weight)
  const kernel = choose(real)
  if (kernel.endsWith('gemm')) {
    return dense(loader.own(packF32Weights(runtime, { ...partsOf(real), n, k, layout, bias })))
  }
  return sparse(loader.own(packSparse(runtime, sparseFor(kernel, real, order), bias)))
}

/** One output a row, whatever the layout. */
function outputsFirst({ layout, n, k }: MatrixWeights): ElementOrder {
  const [rowStep, step] = layout === 'nk' ? [k, 1] : [1, n]
  return { rows: n, rowStep, columns: Uint32Array.from({ length: k }, (_, column) => column * step) }
}

type RunRows = (x: Slot, y: Slot, rows: number, bounds: Bounds) => void

const OPEN: Bounds = { min: -Infinity, max: Infinity }

/** A product over float32 rows. */
function overFloats(stored: StoredForm, kernel: string, run: RunRows): Matrix {
  return {
    stored,
    product: { kernel, run: (x, y, rows) => run(x, y, rows, OPEN) },
    plan(planner, input, output, rows, bounds) {
      const x = planner.float(input, 'first')
      const y = planner.create(output)
      planner.step(kernel, [x], [y], () => run(x, y, rows, bounds))
    },
  }
}

function dense(weights: PackedF32Weights): Matrix {
  const run: RunRows = (x, y, rows, bounds) => f32Gemm(weights, x, y, rows, bounds)
  return overFloats(denseForm(weights), weights.kernel, run)
}

/** How a float matrix that is not sparse is held. */
export function denseForm({ indexBits }: PackedF32Weights): StoredForm {
  return indexBits === 0 ? 'float32' : 'codebook'
}

function int4(weights: PackedInt4Weights, integers: boolean): Matrix {
  const inputs = integers ? 'int8' : 'float32'
  const run: RunRows = (x, y, rows, bounds) => int4Gemm(weights, x, y, rows, { ...bounds, inputs })
  return overFloats('int4', `${integers ? 'qd8_f32' : 'f32'}_qb4w_gemm`, run)
}

function sparse(weights: SparseWeights): Matrix {
  const run: RunRows = (x, y, rows, bounds) => f32Spmm(weights, x, y, rows, { layout: 'rows', ...bounds })
  return overFloats('sparse', weights.kernel, run)
}

function denseInt8(weights: PackedInt8Weights, range: ActivationRange | undefined): Matrix {
  return range === undefined
    ? overFloats('int8', 'qd8_f32_qc8w_gemm', (x, y, rows, bounds) => qd8Gemm(weights, x, y, rows, bounds))
    : overCodes('int8', 'gemm', range, (x, y, rows, options) => qs8Gemm(weights, x, y, rows, options))
}

function sparseInt8(weights: SparseInt8Weights, range: ActivationRange | undefined): Matrix {
  if (range === undefined) {
    const run: RunRows = (x, y, rows, bounds) => qd8Spmm(weights, x, y, rows, bounds)
    return overFloats('sparse', 'qd8_f32_qc8w_spmm_csr', run)
  }
  const run: RunCodes = (x, y, rows, options) => qs8Spmm(weights, x, y, rows, { layout: 'rows', ...options })
  return overCodes('sparse', 'spmm_csr', range, run)
}

type RunCodes = (x: Slot, y: Slot, rows: number, options: StaticOptions & Bounds) => void

/** A product over int8 rows. */
function overCodes(stored: StoredForm, suffix: string, range: ActivationRange, run: RunCodes): Matrix {
  return {
    stored,
    wants: range,
    plan(planner, input, output, rows, bounds) {
      const x = planner.codes(input, range, 'first')
      const coding = planner.demand(output)
      const y = planner.create(output, 'first', coding)
      const options = { ...bounds, ...staticOptions(range, coding) }
      planner.step(staticKernel(suffix, coding), [x], [y], () => run(x, y, rows, options))
    },
  }
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
