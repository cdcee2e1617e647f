import { MAX_TENSOR_ELEMENTS } from '../limits.js'
import {
  checkInteger,
  checkNumber,
  checkOptions,
  checkShape,
  checkTypedArray,
  describe,
} from '../validate.js'
import { checkCodebook, checkIndices, zeroIndex, type Codebook, type CodebookTensor } from './codebook.js'
import type { QuantizedTensor } from './quantized.js'
import { elementCount, type Tensor } from './tensor.js'

/** Real values, int8 codes, or indices of a codebook. */
export type CsrValues = Float32Array | Int8Array | Uint8Array

/** Compressed sparse rows: row `i` holds entries `rowPtr[i]` to `rowPtr[i + 1]`, columns ascending, none twice. */
export interface CsrMatrix<V extends CsrValues = CsrValues> {
  readonly kind: 'csr'
  readonly rows: number
  readonly cols: number
  /** `rows + 1` offsets into `colIndices` and `values`. */
  readonly rowPtr: Uint32Array
  readonly colIndices: Uint32Array
  readonly values: V
  /** For int8 values: one scale a row, or one for all (`real = scale * q`). */
  readonly scale?: Float32Array
  /** For Uint8Array values: `real = codebook.centroids[value]`. */
  readonly codebook?: Codebook
}

export interface ToCsrOptions {
  /** Entries with |w| at or below this are dropped, in units of the real value; 0 unless given. Float32 only. */
  threshold?: number
}

export interface CsrToDenseOptions {
  /** Dimensions of the result; `[rows, cols]` unless given, and as many elements. */
  shape?: readonly number[]
}

/**
 * Checks everything a kernel relies on: array kinds and lengths, monotone `rowPtr`, ascending columns in range, positive
 * scales. Values are not looked at.
 *
 * @throws TypeError, RangeError
 */
export function checkCsr(name: string, csr: unknown): asserts csr is CsrMatrix {
  if (typeof csr !== 'object' || csr === null || (csr as CsrMatrix).kind !== 'csr') {
    throw new TypeError(`"${name}" expected a CsrMatrix, got ${describe(csr)}`)
  }
  const { rows, cols, rowPtr, colIndices, values, scale, codebook } = csr as CsrMatrix
  checkInteger(`${name}.rows`, rows, 0, MAX_TENSOR_ELEMENTS)
  checkInteger(`${name}.cols`, cols, 0, Math.floor(MAX_TENSOR_ELEMENTS / Math.max(rows, 1)))
  checkPattern(name, 'rowPtr', { lines: rows, cols, ptr: rowPtr, colIndices })
  const isInt8 = ArrayBuffer.isView(values) && (values as Int8Array)[Symbol.toStringTag] === 'Int8Array'
  const kind = codebook !== undefined ? 'Uint8Array' : isInt8 ? 'Int8Array' : 'Float32Array'
  checkTypedArray(`${name}.values`, values, kind, colIndices.length)
  if (codebook !== undefined) {
    checkCodebook(`${name}.codebook`, codebook)
    checkIndices(`${name}.values`, values, codebook)
  }
  checkScale(`${name}.scale`, scale, isInt8, rows)
}

/** Columns of lines (rows, or groups of them): line i holds those from `ptr[i]` to `ptr[i + 1]`, ascending, none twice. */
export interface Pattern {
  readonly lines: number
  readonly cols: number
  readonly ptr: Uint32Array
  readonly colIndices: Uint32Array
}

/** Throws unless every offset and column is in its place. */
export function checkPattern(name: string, ptrName: string, { lines, cols, ptr, colIndices }: Pattern): void {
  checkTypedArray(`${name}.${ptrName}`, ptr, 'Uint32Array', lines + 1)
  checkTypedArray(`${name}.colIndices`, colIndices, 'Uint32Array')
  if (ptr[0] !== 0 || ptr[lines] !== colIndices.length) {
    throw new RangeError(
      `"${name}.${ptrName}" expected to go from 0 to ${colIndices.length}, got ${ptr[0]} to ${ptr[lines]}`,
    )
  }
  // All offsets first: only then do they stay within the arrays.
  for (let line = 0; line < lines; line++) {
    if (ptr[line + 1]! < ptr[line]!) {
      throw new RangeError(
        `"${name}.${ptrName}" expected ascending offsets, got ${ptr[line + 1]} after ${ptr[line]}`,
      )
    }
  }
  for (let line = 0, entry = 0; line < lines; line++) {
    for (let least = 0; entry < ptr[line + 1]!; entry++) {
      const column = colIndices[entry]!
      if (column < least || column >= cols) {
        throw new RangeError(
          `"${name}.colIndices" expected ascending columns below ${cols} in ${ptrName.slice(0, -3)} ${line}, got ${column} at ${entry}`,
        )
      }
      least = column + 1
    }
  }
}

function checkScale(name: string, scale: Float32Array | undefined, isInt8: boolean, rows: number): void {
  if (!isInt8) {
    if (scale !== undefined) throw new TypeError(`"${name}" expected none but for int8 values`)
    return
  }
  checkTypedArray(name, scale, 'Float32Array')
  if (scale.length !== 1 && scale.length !== rows) {
    throw new RangeError(`"${name}" expected Float32Array(1) or (${rows}), got length ${scale.length}`)
  }
  const bad = scale.findIndex((s) => !(s > 0 && s < Infinity))
  if (bad >= 0) throw new RangeError(`"${name}" expected positive finite scales, got ${scale[bad]} at ${bad}`)
}

/**
 * The non-zero elements of a weight. The first dimension gives the rows, the product of the others the columns, as a
 * matrix multiplication sees a convolution's weights. A quantized tensor must be symmetric (all zero points 0), with one
 * scale a tensor or a slice of axis 0; its codes are kept as they are, and so are the indices of a codebook.
 *
 * @throws TypeError, RangeError
 */
export function toCsr(dense: Tensor<'float32'>, options?: ToCsrOptions): CsrMatrix<Float32Array>
export function toCsr(dense: QuantizedTensor, options?: ToCsrOptions): CsrMatrix<Int8Array>
export function toCsr(dense: CodebookTensor, options?: ToCsrOptions): CsrMatrix<Uint8Array>
export function toCsr(dense: SparseSource, options?: ToCsrOptions): CsrMatrix
export function toCsr(dense: SparseSource, options: ToCsrOptions = {}): CsrMatrix {
  checkOptions('options', options, ['threshold'])
  if (typeof dense !== 'object' || dense === null) {
    throw new TypeError(`"dense" expected a tensor, got ${describe(dense)}`)
  }
  const elements = checkShape('dense.shape', dense.shape)
  if (dense.shape.length === 0) throw new RangeError('"dense" expected at least one dimension, got a scalar')
  const rows = dense.shape[0]!
  const order = rowMajor(rows, elementCount(dense.shape.slice(1)))
  const { threshold } = options
  if (threshold !== undefined) {
    if (dense.kind !== 'dense') throw new TypeError('"threshold" applies to float32 tensors only')
    checkNumber('threshold', threshold, 0)
  }
  switch (dense.kind) {
    case 'dense':
      checkTypedArray('dense.data', dense.data, 'Float32Array', elements)
      break
    case 'codebook':
      checkCodebook('dense.codebook', dense.codebook)
      checkTypedArray('dense.indices', dense.indices, 'Uint8Array', elements)
      checkIndices('dense.indices', dense.indices, dense.codebook)
      break
    case 'quantized': {
      checkTypedArray('dense.data', dense.data, 'Int8Array', elements)
      const { granularity, zeroPoint, scale } = dense
      if (granularity.per === 'group' || (granularity.per === 'channel' && granularity.axis !== 0)) {
        throw new RangeError('"dense.granularity" expected per tensor, or per channel of axis 0')
      }
      const channels = granularity.per === 'tensor' ? 1 : rows
      checkTypedArray('dense.zeroPoint', zeroPoint, 'Int8Array', channels)
      if (zeroPoint.some((zero) => zero !== 0)) {
        throw new RangeError('"dense.zeroPoint" expected all 0: only symmetric codes have a zero to drop')
      }
      checkTypedArray('dense.scale', scale, 'Float32Array', channels)
      checkScale('dense.scale', scale, true, rows)
      break
    }
    default:
      throw new TypeError(`"dense" expected a float32, quantized or codebook tensor`)
  }
  return csrInOrder(dense, order, threshold)
}

/** What has zeros to drop. */
export type SparseSource = Tensor<'float32'> | QuantizedTensor | CodebookTensor

/** Where the elements of a matrix lie in its data: that of row r and column c at `r * rowStep + columns[c]`. */
export interface ElementOrder {
  readonly rows: number
  readonly rowStep: number
  readonly columns: Uint32Array
}

export function rowMajor(rows: number, cols: number): ElementOrder {
  return { rows, rowStep: cols, columns: Uint32Array.from({ length: cols }, (_, column) => column) }
}

/** What a weight holds for each element, and which of that is a real 0 (-1: none is). */
export function codesOf(weight: SparseSource): { codes: CsrValues; zero: number } {
  return weight.kind === 'codebook'
    ? { codes: weight.indices, zero: zeroIndex(weight.codebook) }
    : { codes: weight.data, zero: 0 }
}

/** The non-zero elements of a weight that is known to be sound, as a matrix of any order. */
export function csrInOrder(
  weight: QuantizedTensor,
  order: ElementOrder,
  threshold?: number,
): CsrMatrix<Int8Array>
export function csrInOrder(weight: SparseSource, order: ElementOrder, threshold?: number): CsrMatrix
export function csrInOrder(weight: SparseSource, order: ElementOrder, threshold = 0): CsrMatrix {
  const { codes, zero } = codesOf(weight)
  const csr = gather(codes, zero, threshold, order)
  if (weight.kind === 'codebook') return { ...csr, codebook: weight.codebook }
  return weight.kind === 'quantized' ? { ...csr, scale: weight.scale.slice() } : csr
}

/** Keeps what is further than the threshold from zero, NaN included: a bad weight must not vanish in silence. */
function gather<V extends CsrValues>(
  codes: V,
  zero: number,
  threshold: number,
  { rows, rowStep, columns }: ElementOrder,
): CsrMatrix<V> {
  const cols = columns.length
  const rowPtr = new Uint32Array(rows + 1)
  let count = 0
  for (let row = 0; row < rows; row++) {
    const start = row * rowStep
    for (let column = 0; column < cols; column++) {
      if (!(Math.abs(codes[start + columns[column]!]! - zero) <= threshold)) count++
    }
    rowPtr[row + 1] = count
  }
  const colIndices = new Uint32Array(count)
  const values = new (codes.constructor as new (length: number) => V)(count)
  for (let row = 0, at = 0; row < rows; row++) {
    const start = row * rowStep
    for (let column = 0; column < cols; column++) {
      const code = codes[start + columns[column]!]!
      if (Math.abs(code - zero) <= threshold) continue
      colIndices[at] = column
      values[at++] = code
    }
  }
  return { kind: 'csr', rows, cols, rowPtr, colIndices, values }
}

/**
 * Expands a sparse matrix into the stored form it came from: float32 values into a tensor, int8 values with their
 * scales into a symmetric quantized tensor, indices into a codebook tensor.
 *
 * @throws TypeError, RangeError; RangeError when elements are missing whose 0 is not in the codebook
 */
export function csrToDense(csr: CsrMatrix<Float32Array>, options?: CsrToDenseOptions): Tensor<'float32'>
export function csrToDense(csr: CsrMatrix<Int8Array>, options?: CsrToDenseOptions): QuantizedTensor
export function csrToDense(csr: CsrMatrix<Uint8Array>, options?: CsrToDenseOptions): CodebookTensor
export function csrToDense(csr: CsrMatrix, options?: CsrToDenseOptions): SparseSource
export function csrToDense(csr: CsrMatrix, options: CsrToDenseOptions = {}): SparseSource {
  checkOptions('options', options, ['shape'])
  checkCsr('csr', csr)
  const { rows, cols, values, scale, codebook } = csr
  const { shape = [rows, cols] } = options
  const elements = checkShape('shape', shape)
  if (elements !== rows * cols || (scale !== undefined && scale.length > 1 && shape[0] !== rows)) {
    throw new RangeError(
      `"shape" expected [${rows}, ...] of ${rows * cols} elements, got [${shape.join(', ')}]`,
    )
  }
  if (codebook !== undefined) {
    const zero = zeroIndex(codebook)
    if (zero < 0 && values.length < elements) {
      throw new RangeError('"csr.codebook" expected a centroid of 0 for elements that are missing')
    }
    const indices = scatter(csr as CsrMatrix<Uint8Array>, new Uint8Array(elements).fill(zero))
    return { kind: 'codebook', shape: [...shape], indices, codebook }
  }
  if (scale === undefined) {
    const data = scatter(csr as CsrMatrix<Float32Array>, new Float32Array(elements))
    return { kind: 'dense', dtype: 'float32', shape: [...shape], data }
  }
  return {
    kind: 'quantized',
    bits: 8,
    shape: [...shape],
    data: scatter(csr as CsrMatrix<Int8Array>, new Int8Array(elements)),
    scale: scale.slice(),
    zeroPoint: new Int8Array(scale.length),
    granularity: scale.length === 1 ? { per: 'tensor' } : { per: 'channel', axis: 0 },
  }
}

function scatter<V extends CsrValues>(csr: CsrMatrix<V>, data: V): V {
  const { rows, cols, rowPtr, colIndices, values } = csr
  for (let row = 0; row < rows; row++) {
    for (let entry = rowPtr[row]!; entry < rowPtr[row + 1]!; entry++) {
      data[row * cols + colIndices[entry]!] = values[entry]!
    }
  }
  return data
}
