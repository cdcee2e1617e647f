import { FormatError } from '../errors.js'
import { elementCount } from '../formats/tensor.js'
import { MAX_RANK } from '../limits.js'
import { checkTypedArray } from '../validate.js'

/** An array of bytes from an IDX file, the format of MNIST: images are [count, height, width], labels [count]. */
export interface IdxArray {
  readonly shape: readonly number[]
  /** A view of the file's bytes. */
  readonly data: Uint8Array
}

/**
 * Reads an IDX file of unsigned bytes.
 *
 * @throws TypeError unless given bytes; FormatError for other element types, and for files that are longer or
 * shorter than their header says
 * @see http://yann.lecun.com/exdb/mnist, "the IDX file format"
 */
export function readIdx(bytes: Uint8Array): IdxArray {
  checkTypedArray('bytes', bytes, 'Uint8Array')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4 || view.getUint16(0) !== 0) {
    throw new FormatError('not-idx', 'this is not an IDX file: it does not begin with two zero bytes', 0)
  }
  const rank = bytes[3]!
  if (bytes[2] !== 8)
    throw new FormatError('element-type', 'IDX: only unsigned bytes (type 8) are supported', 2)
  if (rank === 0 || rank > MAX_RANK) {
    throw new FormatError('rank', `IDX: expected 1 to ${MAX_RANK} dimensions, got ${rank}`, 3)
  }
  const start = 4 + 4 * rank
  if (bytes.length < start)
    throw new FormatError('truncated', 'IDX: the file ends inside its header', bytes.length)
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  const elements = elementCount(shape)
  if (elements !== bytes.length - start) {
    throw new FormatError(
      'length',
      `IDX: [${shape.join(', ')}] needs ${elements} bytes of data, the file has ${bytes.length - start}`,
      start,
    )
  }
  return { shape, data: bytes.subarray(start) }
}
