import { csrInOrder, type ElementOrder } from '../../formats/csr.js'
import type { ActivationRange, Weight } from '../../graph/model.js'
import { f32Gemm, packF32Weights, type PackedF32Weights } from '../../ops/f32-gemm.js'
import {
  packInt8Weights,
  qd8Gemm,
  qs8Gemm,
  type PackedInt8Weights,
  type Qs8GemmOptions,
} from '../../ops/qs8-gemm.js'
import type { Slot } from '../../ops/slot.js'
import { f32Spmm, packSparse, type SparseWeights } from '../../ops/spmm.js'
import type { Layer, Loader, StoredForm } from '../loader.js'
import type { Planner } from '../plan.js'
import { isSymmetric, SPARSE_FROM, zeroShare } from '../weights.js'
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
  if (loader.integers && isSymmetric(weight, layout === 'nk' ? 0 : 1)) {
    const { data, scale } = weight
    const packed = loader.own(packInt8Weights(runtime, { data, n, k, layout, scale, bias }))
    return matrix.range === undefined ? dynamicInt8(packed) : staticInt8(packed, matrix.range)
  }
  const real = loader.real(weight)
  if (zeroShare(real) >= SPARSE_FROM) {
    return sparse(loader.own(packSparse(runtime, csrInOrder(real, outputsFirst(matrix)), bias)))
  }
  return dense(loader.own(packF32Weights(runtime, { data: loader.floats(real), n, k, layout, bias })))
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
  return overFloats('float32', 'f32_gemm', run)
}

function sparse(weights: SparseWeights): Matrix {
  const run: RunRows = (x, y, rows, bounds) => f32Spmm(weights, x, y, rows, { layout: 'rows', ...bounds })
  return overFloats('sparse', weights.kernel, run)
}

function dynamicInt8(weights: PackedInt8Weights): Matrix {
  const run: RunRows = (x, y, rows, bounds) => qd8Gemm(weights, x, y, rows, bounds)
  return overFloats('int8', 'qd8_f32_qc8w_gemm', run)
}

function staticInt8(weights: PackedInt8Weights, range: ActivationRange): Matrix {
  return {
    stored: 'int8',
    wants: range,
    plan(planner, input, output, rows, bounds) {
      const x = planner.codes(input, range, 'first')
      const coding = planner.demand(output)
      const y = planner.create(output, 'first', coding)
      const options = { ...bounds, ...staticOptions(range, coding) }
      planner.step(staticKernel('gemm', coding), [x], [y], () => qs8Gemm(weights, x, y, rows, options))
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

type StaticOptions = Pick<Qs8GemmOptions, 'inputScale' | 'inputZeroPoint' | 'output'>

export function staticKernel(suffix: string, coding: ActivationRange | undefined): string {
  return `qs8_${coding === undefined ? 'f32' : 'qs8'}_qc8w_${suffix}`
}
