import { checkOptions, checkShape, checkTypedArray, describe } from '../validate.js'
import { inShape, matrixShape } from './block-sparse.js'
import { rowMajor, type ElementOrder } from './csr.js'
import type { Tensor } from './tensor.js'

/** Neighbouring columns of which some are kept. */
export const NM_GROUP = 4

/** A matrix that keeps `n` (1 or 2) of each four neighbouring elements of a row: 1:4 or 2:4 sparsity. */
export interface NmSparseMatrix {
  readonly kind: 'nm'
  readonly rows: number
  /** A multiple of 4. */
  readonly cols: number
  readonly n: 1 | 2
  /** Kept elements, row by row. */
  readonly values: Float32Array
  /** Where in its four each lies, 2 bits each, the first in the lowest bits; ascending within four. */
  readonly positions: Uint8Array
}

/** The position of kept element `at`. */
export function positionAt(positions: Uint8Array, at: number): number {
  return (positions[at >> 2]! >> (2 * (at & 3))) & 3
}

/**
 * Checks sizes and positions.
 *
 * @throws TypeError, RangeError
 */
export function checkNmSparse(name: string, matrix: unknown): asserts matrix is NmSparseMatrix {
  if (typeof matrix !== 'object' || matrix === null || (matrix as NmSparseMatrix).kind !== 'nm') {
    throw new TypeError(`"${name}" expected an NmSparseMatrix, got ${describe(matrix)}`)
  }
  const { rows, cols, n, values, positions } = matrix as NmSparseMatrix
  checkShape(name, [rows, cols])
  checkKept(name, n, cols)
  const kept = (rows * cols * n) / NM_GROUP
  checkTypedArray(`${name}.values`, values, 'Float32Array', kept)
  checkTypedArray(`${name}.positions`, positions, 'Uint8Array', Math.ceil(kept / 4))
  for (let at = 1; at < kept && n === 2; at += 2) {
    const [first, second] = [positionAt(positions, at - 1), positionAt(positions, at)]
    if (first >= second) {
      throw new RangeError(
        `"${name}.positions" expected ascending ones, got ${first}, ${second} at ${at - 1}`,
      )
    }
  }
}

function checkKept(name: string, n: unknown, cols: number): asserts n is 1 | 2 {
  if (n !== 1 && n !== 2) throw new RangeError(`"${name}.n" expected 1 or 2, got ${describe(n)}`)
  if (cols % NM_GROUP !== 0) {
    throw new RangeError(`"${name}.cols" expected a multiple of ${NM_GROUP}, got ${cols}`)
  }
}

/**
 * Keeps the elements that are not zero, of which each four neighbours of a row have at most `n`, as
 * `pruneMagnitude(weights, { pattern: '2:4' })` leaves them. The first dimension gives the rows, the product of the others the
 * columns.
 *
 * @throws TypeError, RangeError; RangeError if four neighbours hold more
 */
export function toNmSparse(dense: Tensor<'float32'>, n: 1 | 2): NmSparseMatrix {
  const [rows, cols] = matrixShape(dense)
  checkKept('dense', n, cols)
  const order = rowMajor(rows, cols)
  if (leastNm(dense.data, order) > n) {
    throw new RangeError(
      `"dense" expected at most ${n} of each ${NM_GROUP} elements of a row to be other than 0`,
    )
  }
  return nmInOrder(dense.data, order, n)
}

/** The least of 1, 2 or 4 such that no four neighbours hold more elements that are not zero; 4 where columns are no multiple. */
export function leastNm(data: Float32Array, { rows, rowStep, columns }: ElementOrder): 1 | 2 | 4 {
  if (columns.length % NM_GROUP !== 0) return NM_GROUP
  let most = 1
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns.length; column += NM_GROUP) {
      let used = 0
      for (let i = 0; i < NM_GROUP; i++) if (data[row * rowStep + columns[column + i]!] !== 0) used++
      if (used > most) most = used
      if (most > 2) return NM_GROUP
    }
  }
  return most as 1 | 2
}

/** The matrix of an order in which it fits. */
export function nmInOrder(
  data: Float32Array,
  { rows, rowStep, columns }: ElementOrder,
  n: 1 | 2,
): NmSparseMatrix {
  const cols = columns.length
  const values = new Float32Array((rows * cols * n) / NM_GROUP)
  const positions = new Uint8Array(Math.ceil(values.length / 4))
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < cols; column += NM_GROUP) {
      const element = (i: number): number => data[row * rowStep + columns[column + i]!]!
      let missing = n
      for (let i = 0; i < NM_GROUP; i++) if (element(i) !== 0) missing--
      // Where fewer are left than may be, the first zeros fill up.
      for (let i = 0, left: number = n; left > 0; i++) {
        if (element(i) === 0 && missing-- <= 0) continue
        positions[at >> 2]! |= i << (2 * (at & 3))
        values[at++] = element(i)
        left--
      }
    }
  }
  return { kind: 'nm', rows, cols, n, values, positions }
}

/** @throws TypeError, RangeError */
export function nmSparseToDense(
  matrix: NmSparseMatrix,
  options: { shape?: readonly number[] } = {},
): Tensor<'float32'> {
  checkOptions('options', options, ['shape'])
  checkNmSparse('matrix', matrix)
  const { rows, cols, n, values, positions } = matrix
  const data = new Float32Array(rows * cols)
  values.forEach((value, at) => {
    data[NM_GROUP * Math.floor(at / n) + positionAt(positions, at)] = value
  })
  return inShape(data, [rows, cols], options.shape)
}
