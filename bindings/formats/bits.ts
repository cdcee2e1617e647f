import { checkChoice, checkOptions, checkShape, checkTypedArray, describe } from '../validate.js'
import { elementCount, floatsOf, type Tensor } from './tensor.js'

/**
 * A matrix, or a stack of rows [..., k], of the numbers 1 and -1, or of 1, 0 and -1, as planes of bits. Element p of a row
 * is bit p mod 8 of its byte p / 8; rows take whole 128 bits, the rest of which is 0.
 */
export interface BitTensor {
  readonly kind: 'bits'
  readonly shape: readonly number[]
  /** 1 where an element is -1. */
  readonly signs: Uint8Array
  /** 1 where an element is not 0; none: nowhere is it 0. */
  readonly ones?: Uint8Array
}

/** Rows, elements of a row and bytes that they take. */
export function bitRows(shape: readonly number[]): { rows: number; columns: number; rowBytes: number } {
  checkShape('shape', shape)
  if (shape.length === 0) throw new RangeError('"shape" expected at least one dimension, got a scalar')
  const columns = shape.at(-1)!
  return { rows: elementCount(shape.slice(0, -1)), columns, rowBytes: Math.ceil(columns / 128) * 16 }
}

/** @throws TypeError, RangeError unless the planes have the size that the shape says, with zeros after the rows' ends */
export function checkBits(name: string, bits: BitTensor): ReturnType<typeof bitRows> {
  if (typeof bits !== 'object' || bits === null || bits.kind !== 'bits') {
    throw new TypeError(`"${name}" expected a BitTensor, got ${describe(bits)}`)
  }
  const view = bitRows(bits.shape)
  const { rows, columns, rowBytes } = view
  for (const [key, plane] of [
    ['signs', bits.signs],
    ['ones', bits.ones],
  ] as const) {
    if (key === 'ones' && plane === undefined) continue
    checkTypedArray(`${name}.${key}`, plane, 'Uint8Array', rows * rowBytes)
    for (let row = 0; row < rows; row++) {
      for (let p = columns >> 3; p < rowBytes; p++) {
        const inside = p === columns >> 3 ? (1 << (columns & 7)) - 1 : 0
        if ((plane[row * rowBytes + p]! & ~inside) !== 0) {
          throw new RangeError(`"${name}.${key}" expected zeros after the end of row ${row}`)
        }
      }
    }
  }
  return view
}

export interface PackBitsOptions {
  /** `binary` (default): 1 and -1. `ternary`: 1, 0 and -1. */
  kind?: 'binary' | 'ternary'
  /** Dimensions of `x`; one dimension of all of it unless given. */
  shape?: readonly number[]
}

/**
 * The signs of numbers: `binary` 1 and -1, a zero counting as 1; `ternary` 1, 0 and -1.
 *
 * @param x values in row-major order, or a float32 tensor; a NaN counts as 0
 */
export function packBits(x: Float32Array | Tensor<'float32'>, options: PackBitsOptions = {}): BitTensor {
  checkOptions('options', options, ['kind', 'shape'])
  const values = floatsOf('x', x)
  const { kind = 'binary', shape = 'shape' in x ? x.shape : [x.length] } = options
  checkChoice('kind', kind, ['binary', 'ternary'])
  const { rows, columns, rowBytes } = bitRows(shape)
  checkTypedArray('x', values, 'Float32Array', rows * columns)
  const signs = new Uint8Array(rows * rowBytes)
  const ones = new Uint8Array(kind === 'ternary' ? rows * rowBytes : 0)
  for (let i = 0; i < values.length; i++) {
    const column = i % columns
    const at = ((i - column) / columns) * rowBytes + (column >> 3)
    const bit = 1 << (column & 7)
    if (values[i]! < 0) signs[at]! |= bit
    if (kind === 'ternary' && (values[i]! < 0 || values[i]! > 0)) ones[at]! |= bit
  }
  return { kind: 'bits', shape: [...shape], signs, ...(kind === 'ternary' ? { ones } : {}) }
}
