import { toCsr } from '../../formats/csr.js'
import type { ActivationRange, Weight } from '../../graph/model.js'
import { f32Gemm, packF32Weights } from '../../ops/f32-gemm.js'
import { packInt8Weights, qd8Gemm, qs8Gemm } from '../../ops/qs8-gemm.js'
import { f32Spmm, packSparse } from '../../ops/spmm.js'
import type { Layer, Loader } from '../loader.js'
import type { Operand, Planner } from '../plan.js'
import { isSymmetric, zeroShare } from '../weights.js'
import type { Bounds } from './bounds.js'

/**
 * Share of zeros from which a float matrix is held as sparse rows. At 70 % both forms of memory (8 bytes an entry against
 * 4 an element) and the products of a batch favour sparse rows; a single vector breaks even at about 80 %.
 */
const SPARSE_FROM = 0.7

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
    const packed = loader.own(packInt8Weights(runtime, { data, n, k, layout, scale, bias }))
    return matrix.range === undefined ? dynamicInt8(packed) : staticInt8(packed, matrix.range)
  }
  const data = loader.floats(weight)
  if (zeroShare(data) >= SPARSE_FROM) {
    const rows = layout === 'nk' ? data : transposed(data, k, n)
    const csr = toCsr({ kind: 'dense', dtype: 'float32', shape: [n, k], data: rows })
    return sparse(loader.own(packSparse(runtime, csr, bias === undefined ? {} : { bias })))
  }
  return dense(loader.own(packF32Weights(runtime, { data, n, k, layout, bias })))
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(data.length)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j]!
  }
  return turned
}

/** Steps over float32 rows. */
function overFloats(run: (x: Operand, y: Operand, rows: number, bounds: Bounds) => void): Matrix['plan'] {
  return (planner, input, output, rows, bounds) => {
    const x = planner.float(input, 'first')
    const y = planner.create(output)
    planner.step([x], [y], () => run(x, y, rows, bounds))
  }
}

function dense(weights: ReturnType<typeof packF32Weights>): Matrix {
  return {
    kernel: 'f32_gemm',
    stored: 'float32',
    plan: overFloats((x, y, rows, bounds) => f32Gemm(weights, x, y, rows, bounds)),
  }
}

function sparse(weights: ReturnType<typeof packSparse>): Matrix {
  return {
    kernel: 'f32_spmm_csr',
    stored: 'sparse',
    plan: overFloats((x, y, rows, { min, max }) =>
      f32Spmm(weights, x, y, rows, { layout: 'rows', min, max }),
    ),
  }
}

function dynamicInt8(weights: ReturnType<typeof packInt8Weights>): Matrix {
  return {
    kernel: 'qd8_f32_qc8w_gemm',
    stored: 'int8',
    plan: overFloats((x, y, rows, bounds) => qd8Gemm(weights, x, y, rows, bounds)),
  }
}

function staticInt8(weights: ReturnType<typeof packInt8Weights>, range: ActivationRange): Matrix {
  return {
    kernel: 'qs8_f32_qc8w_gemm',
    stored: 'int8',
    wants: range,
    plan(planner, input, output, rows, bounds) {
      const x = planner.codes(input, range, 'first')
      const coding = planner.demand(output)
      const y = planner.create(output, 'first', coding)
      const options = {
        ...bounds,
        inputScale: range.scale,
        inputZeroPoint: range.zeroPoint,
        output: coding === undefined ? ({ kind: 'f32' } as const) : ({ kind: 'int8', ...coding } as const),
      }
      planner.step([x], [y], () => qs8Gemm(weights, x, y, rows, options))
    },
  }
}
