import { FormatError } from '../../errors.js'

// A sequence of bytes as it stands in an entry, FORMAT.md#sequence: a mode, then a Huffman frame (mode 0) or a count and
// fields of `mode` bits. Both begin with the count.

export type SequenceCoding = 'huffman' | 'packed'

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
  if (mode === undefined || mode > 8) throw new FormatError('corrupt', `${what}: mode ${mode} is not known`)
  return { coding: mode === 0 ? 'huffman' : 'packed', count: takeCount(what, bytes.subarray(1)).count }
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
