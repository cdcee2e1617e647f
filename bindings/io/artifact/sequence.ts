import { FormatError } from '../../errors.js'

// A sequence of bytes as it stands in an entry, FORMAT.md#sequence: a mode, then a frame or a code. All begin with the
// count.

/** From the fastest to the smallest. */
export type SequenceCoding = 'packed' | 'huffman' | 'rans' | 'context'

/** LEB128 from the front of `bytes`. */
export function takeCount(what: string, bytes: Uint8Array): { count: number; size: number } {
  let count = 0
  for (let i = 0; i < 5; i++) {
    const byte = bytes[i]
    if (byte === undefined || (byte === 0 && i > 0)) break
    count += (byte % 128) * 2 ** (7 * i)
    if (byte < 128) return { count, size: i + 1 }
  }
  throw new FormatError('corrupt', `${what}: a count is not valid`)
}

/** What a sequence declares, without decoding it. */
export function peekSequence(what: string, bytes: Uint8Array): { coding: SequenceCoding; count: number } {
  const mode = bytes[0]
  if (mode === undefined || mode > 10) throw new FormatError('corrupt', `${what}: mode ${mode} is not known`)
  const coding = mode === 0 ? 'huffman' : mode === 9 ? 'rans' : mode === 10 ? 'context' : 'packed'
  return { coding, count: takeCount(what, bytes.subarray(1)).count }
}

/** The slower one to decode, of two sequences that make up a weight. */
export function slowerCoding(a: SequenceCoding, b: SequenceCoding = 'packed'): SequenceCoding {
  const order: readonly SequenceCoding[] = ['packed', 'huffman', 'rans', 'context']
  return order.indexOf(a) > order.indexOf(b) ? a : b
}

/** The sequences of a packed entry, behind centroids or scales: one, or values and gaps. */
export function splitSequences(
  what: string,
  bytes: Uint8Array,
  isSparse: boolean,
): [values: Uint8Array, gaps: Uint8Array | undefined] {
  const padding = bytes[0]
  if (padding === undefined || padding > 3 || bytes.subarray(1, 1 + padding).some((byte) => byte !== 0)) {
    throw new FormatError('corrupt', `${what}: the padding is not valid`)
  }
  const rest = bytes.subarray(1 + padding)
  if (!isSparse) return [rest, undefined]
  const { count, size } = takeCount(what, rest)
  if (count > rest.length - size) throw new FormatError('truncated', `${what}: the values end early`)
  return [rest.subarray(size, size + count), rest.subarray(size + count)]
}
