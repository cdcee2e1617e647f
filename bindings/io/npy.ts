import { FormatError } from '../errors.js'
import type { Tensor } from '../formats/tensor.js'
import { checkShape, checkTypedArray } from '../validate.js'

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] // \x93NUMPY

/**
 * Reads a NumPy array of float32 or float64 in C order; float64 is rounded to float32.
 *
 * @throws TypeError unless given bytes; FormatError for anything else; RangeError past the limits on shapes
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function readNpy(bytes: Uint8Array): Tensor<'float32'> {
  checkTypedArray('bytes', bytes, 'Uint8Array')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 12 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new FormatError('not-npy', 'this is not a .npy file', 0)
  }
  const isFirst = bytes[6] === 1
  const start = (isFirst ? 10 : 12) + (isFirst ? view.getUint16(8, true) : view.getUint32(8, true))
  if (start > bytes.length)
    throw new FormatError('truncated', 'npy: the file ends inside its header', bytes.length)
  const header = new TextDecoder().decode(bytes.subarray(isFirst ? 10 : 12, start))
  const type = /'descr':\s*'<f([48])'/.exec(header)?.[1]
  const dimensions = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1]
  if (type === undefined || dimensions === undefined || !/'fortran_order':\s*False/.test(header)) {
    throw new FormatError('header', `npy: expected '<f4' or '<f8' in C order, got ${header.trim()}`, 10)
  }
  const shape = dimensions
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number)
  const size = Number(type)
  const elements = checkShape('shape', shape)
  if (elements * size !== bytes.length - start) {
    throw new FormatError(
      'length',
      `npy: [${shape.join(', ')}] needs ${elements * size} bytes of data, the file has ${bytes.length - start}`,
      start,
    )
  }
  const read = size === 4 ? view.getFloat32.bind(view) : view.getFloat64.bind(view)
  const data = Float32Array.from({ length: elements }, (_, i) => read(start + i * size, true))
  return { kind: 'dense', dtype: 'float32', shape, data }
}

/** Writes a float32 tensor as a .npy file, version 1.0. */
export function writeNpy({ shape, data }: Tensor<'float32'>): Uint8Array {
  const tuple = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`
  const padded = Math.ceil((10 + text.length + 1) / 64) * 64
  const bytes = new Uint8Array(padded + data.length * 4)
  const view = new DataView(bytes.buffer)
  bytes.set([...MAGIC, 1, 0])
  view.setUint16(8, padded - 10, true)
  bytes.set(new TextEncoder().encode(`${text.padEnd(padded - 11)}\n`), 10)
  data.forEach((value, i) => view.setFloat32(padded + i * 4, value, true))
  return bytes
}
