import { checkBits, type BitTensor } from '../formats/bits.js'
import type { Int4Tensor } from '../formats/int4.js'
import { checkOptions, checkTypedArray } from '../validate.js'

export interface BitsToInt4Options {
  /** One a row, finite and not 0; 1 for all unless given. */
  scale?: Float32Array
}

/** The most neighbours that can share a scale: here all of a row do. */
const GROUP_SIZE = 256

/**
 * Binary or ternary weights [n, k] as weights of 4 bits, for products with int8 or f32 inputs: `int4Matmul`, or a layer of a
 * model. Exact: a bit becomes -1, 0 or 1.
 *
 * @throws TypeError, RangeError for arguments that do not fit
 * @see Li and Liu 2016, Ternary Weight Networks
 */
export function bitsToInt4(bits: BitTensor, options: BitsToInt4Options = {}): Int4Tensor {
  checkOptions('options', options, ['scale'])
  const { rows, columns, rowBytes } = checkBits('bits', bits)
  const { scale = new Float32Array(rows).fill(1) } = options
  checkTypedArray('scale', scale, 'Float32Array', rows)
  const bad = scale.findIndex((value) => !Number.isFinite(value) || value === 0)
  if (bad >= 0) {
    throw new RangeError(`"scale" expected finite scales other than 0, got ${scale[bad]} at ${bad}`)
  }
  const { shape, signs, ones } = bits
  const bytes = Math.ceil(columns / 8) * 4
  const groups = Math.ceil(columns / GROUP_SIZE)
  const data = new Uint8Array(rows * bytes)
  for (let row = 0; row < rows; row++) {
    for (let p = 0; p < columns; p++) {
      const at = row * rowBytes + (p >> 3)
      const isOne = ones === undefined ? 1 : (ones[at]! >> (p & 7)) & 1
      const q = isOne * (1 - 2 * ((signs[at]! >> (p & 7)) & 1))
      data[row * bytes + (p >> 1)]! |= (q + 8) << ((p & 1) << 2)
    }
  }
  return {
    kind: 'int4',
    shape: [...shape],
    axis: shape.length - 1,
    groupSize: GROUP_SIZE,
    data,
    scale: Float32Array.from({ length: rows * groups }, (_, i) => scale[Math.floor(i / groups)]!),
  }
}
