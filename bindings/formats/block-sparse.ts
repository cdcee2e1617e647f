import { checkOptions, checkShape, checkTypedArray, describe } from '../validate.js'
import { checkPattern, type ElementOrder, rowMajor } from './csr.js'
import { elementCount, type Tensor } from './tensor.js'

/** Rows of a block. */
export const BLOCK_ROWS = 4

/**
 * A matrix of blocks of four rows and one column: group `i`, the rows from 4 i on, holds blocks `groupPtr[i]` to
 * `groupPtr[i + 1]`, columns ascending, none twice. The last group may reach past the last row.
 */
export interface BlockSparseMatrix {
  readonly kind: 'blocks'
  readonly rows: number
  readonly cols: number
  /** `ceil(rows / 4) + 1` offsets into `colIndices`. */
  readonly groupPtr: Uint32Array
  readonly colIndices: Uint32Array
  /** Four a block, one below the other. */
  readonly values: Float32Array
}

/**
 * Checks everything a kernel relies on. Values are not looked at.
 *
 * @throws TypeError, RangeError
 */
export function checkBlockSparse(name: string, matrix: unknown): asserts matrix is BlockSparseMatrix {
  if (typeof matrix !== 'object' || matrix === null || (matrix as BlockSparseMatrix).kind !== 'blocks') {
    throw new TypeError(`"${name}" expected a BlockSparseMatrix, got ${describe(matrix)}`)
  }
  const { rows, cols, groupPtr, colIndices, values } = matrix as BlockSparseMatrix
  checkShape(name, [rows, cols])
  const groups = Math.ceil(rows / BLOCK_ROWS)
  checkPattern(name, 'groupPtr', { lines: groups, cols, ptr: groupPtr, colIndices })
  checkTypedArray(`${name}.values`, values, 'Float32Array', BLOCK_ROWS * colIndices.length)
}

/**
 * The blocks of four rows and a column in which an element is not zero. The first dimension gives the rows, the product of
 * the others the columns.
 *
 * @throws TypeError, RangeError
 */
export function toBlockSparse(dense: Tensor<'float32'>): BlockSparseMatrix {
  const [rows, cols] = matrixShape(dense)
  return blocksInOrder(dense.data, rowMajor(rows, cols))
}

/** The two dimensions of a tensor as a matrix multiplication sees it. */
export function matrixShape(dense: Tensor<'float32'>): [rows: number, cols: number] {
  if (typeof dense !== 'object' || dense === null || dense.kind !== 'dense') {
    throw new TypeError(`"dense" expected a float32 tensor, got ${describe(dense)}`)
  }
  const elements = checkShape('dense.shape', dense.shape)
  if (dense.shape.length === 0) throw new RangeError('"dense" expected at least one dimension, got a scalar')
  checkTypedArray('dense.data', dense.data, 'Float32Array', elements)
  return [dense.shape[0]!, elementCount(dense.shape.slice(1))]
}

/** Element `i` of a block; 0 past the last row. */
function elementOf(
  data: Float32Array,
  { rows, rowStep, columns }: ElementOrder,
  group: number,
  column: number,
  i: number,
): number {
  const row = BLOCK_ROWS * group + i
  return row < rows ? data[row * rowStep + columns[column]!]! : 0
}

function isUsed(data: Float32Array, order: ElementOrder, group: number, column: number): boolean {
  for (let i = 0; i < BLOCK_ROWS; i++) if (elementOf(data, order, group, column, i) !== 0) return true
  return false
}

/** Where the blocks of each group begin, then how many there are, for a matrix of any order. */
export function blockPtr(data: Float32Array, order: ElementOrder): Uint32Array {
  const groups = Math.ceil(order.rows / BLOCK_ROWS)
  const groupPtr = new Uint32Array(groups + 1)
  for (let group = 0; group < groups; group++) {
    let used = groupPtr[group]!
    for (let column = 0; column < order.columns.length; column++) {
      if (isUsed(data, order, group, column)) used++
    }
    groupPtr[group + 1] = used
  }
  return groupPtr
}

/** `toBlockSparse` for a matrix of any order. */
export function blocksInOrder(data: Float32Array, order: ElementOrder): BlockSparseMatrix {
  const groupPtr = blockPtr(data, order)
  const { rows } = order
  const cols = order.columns.length
  const colIndices = new Uint32Array(groupPtr.at(-1)!)
  const values = new Float32Array(BLOCK_ROWS * colIndices.length)
  for (let group = 0, block = 0; group + 1 < groupPtr.length; group++) {
    for (let column = 0; column < cols; column++) {
      if (!isUsed(data, order, group, column)) continue
      colIndices[block] = column
      for (let i = 0; i < BLOCK_ROWS; i++) {
        values[BLOCK_ROWS * block + i] = elementOf(data, order, group, column, i)
      }
      block++
    }
  }
  return { kind: 'blocks', rows, cols, groupPtr, colIndices, values }
}

/** @throws TypeError, RangeError */
export function blockSparseToDense(
  matrix: BlockSparseMatrix,
  options: { shape?: readonly number[] } = {},
): Tensor<'float32'> {
  checkOptions('options', options, ['shape'])
  checkBlockSparse('matrix', matrix)
  const { rows, cols, groupPtr, colIndices, values } = matrix
  const data = new Float32Array(rows * cols)
  for (let group = 0; group + 1 < groupPtr.length; group++) {
    for (let block = groupPtr[group]!; block < groupPtr[group + 1]!; block++) {
      for (let i = 0; i < BLOCK_ROWS && BLOCK_ROWS * group + i < rows; i++) {
        data[(BLOCK_ROWS * group + i) * cols + colIndices[block]!] = values[BLOCK_ROWS * block + i]!
      }
    }
  }
  return inShape(data, [rows, cols], options.shape)
}

/** A tensor over a matrix in other dimensions of as many elements. */
export function inShape(
  data: Float32Array,
  own: readonly number[],
  shape: readonly number[] = own,
): Tensor<'float32'> {
  if (checkShape('shape', shape) !== data.length) {
    throw new RangeError(`"shape" expected ${data.length} elements, got [${shape.join(', ')}]`)
  }
  return { kind: 'dense', dtype: 'float32', shape: [...shape], data }
}
