import { checkInteger, checkShape, checkTypedArray, describe } from '../validate.js'
import { elementCount } from './tensor.js'

/** How many codes may share a scale. Products of 256 of them with int8 activations stay far from the ends of an int32. */
export const GROUP_SIZES = [16, 32, 64, 128, 256] as const
export type GroupSize = (typeof GROUP_SIZES)[number]

/**
 * Weights of 4 bits, of which `groupSize` neighbours along `axis` share a scale: `real = scale * q`, q in -8..7.
 *
 * Bytes hold q + 8, the earlier one of two neighbours along `axis` in the low bits. A row along `axis` takes whole 32-bit
 * words, those of the other axes follow each other in row-major order; so a matrix whose groups run along its last axis
 * has the bytes of `weight_packed` of compressed-tensors, and of MatMulNBits where whole groups fill its rows. A row that
 * ends inside a word is padded with anything; one that ends inside a group has a scale for the rest.
 */
export interface Int4Tensor {
  readonly kind: 'int4'
  readonly shape: readonly number[]
  readonly axis: number
  readonly groupSize: GroupSize
  readonly data: Uint8Array
  /** Finite and not 0, but negative ones are allowed; in the order of the groups. */
  readonly scale: Float32Array
}

export function checkGroupSize(name: string, size: GroupSize): void {
  if (!GROUP_SIZES.includes(size)) {
    throw new RangeError(`"${name}" expected one of ${GROUP_SIZES.join(', ')}, got ${describe(size)}`)
  }
}

/** Sizes of the parts of an Int4Tensor. */
export interface Int4View {
  /** Rows along the axis, elements of each, its bytes and its scales. */
  readonly rows: number
  readonly columns: number
  readonly rowBytes: number
  readonly groups: number
  /** Elements between neighbours along the axis, and between those of row i and i + 1, see `rowStart`. */
  readonly stride: number
}

/** @throws TypeError, RangeError for an axis or group size that does not fit */
export function int4View(shape: readonly number[], axis: number, groupSize: GroupSize): Int4View {
  checkShape('shape', shape)
  checkInteger('axis', axis, 0, shape.length - 1)
  checkGroupSize('groupSize', groupSize)
  const columns = shape[axis]!
  const rows = elementCount(shape.filter((_, i) => i !== axis))
  const stride = elementCount(shape.slice(axis + 1))
  return {
    rows,
    columns,
    rowBytes: Math.ceil(columns / 8) * 4,
    groups: Math.ceil(columns / groupSize),
    stride,
  }
}

/** The first element of row `i` among the elements of the tensor; the others follow a stride apart. */
export function rowStart({ columns, stride }: Int4View, i: number): number {
  return Math.floor(i / stride) * stride * columns + (i % stride)
}

/** @throws TypeError, RangeError unless the parts of `tensor` fit each other; returns their sizes */
export function checkInt4(name: string, tensor: Int4Tensor): Int4View {
  if (typeof tensor !== 'object' || tensor === null || tensor.kind !== 'int4') {
    throw new TypeError(`"${name}" expected an Int4Tensor, got ${describe(tensor)}`)
  }
  const { shape, axis, groupSize, data, scale } = tensor
  const view = int4View(shape, axis, groupSize)
  checkTypedArray(`${name}.data`, data, 'Uint8Array', view.rows * view.rowBytes)
  checkTypedArray(`${name}.scale`, scale, 'Float32Array', view.rows * view.groups)
  const bad = scale.findIndex((value) => !Number.isFinite(value) || value === 0)
  if (bad >= 0)
    throw new RangeError(`"${name}.scale" expected finite scales other than 0, got ${scale[bad]} at ${bad}`)
  return view
}
