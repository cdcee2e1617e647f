import { FormatError } from '../../errors.js'
import { crc32c } from '../checksum.js'
import { headerEnd } from '../safetensors/header.js'

// How the header of an artifact begins, FORMAT.md#container. The eight digits are at a fixed place, so that the checksum
// can cover all of the header around them.
const PREFIX = '{"__metadata__":{"format":"mcompress","mcompress.crc32c":"'
const HEADER_START = 8
const DIGITS_START = HEADER_START + PREFIX.length
const DIGITS = 8

/** What `isArtifact` looks at. */
export const ARTIFACT_START_BYTES = DIGITS_START + DIGITS

export const FORMAT_KEY = 'format'
export const CHECKSUM_KEY = 'mcompress.crc32c'
export const MANIFEST_KEY = 'mcompress.manifest'
export const FORMAT_NAME = 'mcompress'
/** What stands in the place of the digits while the checksum is computed. */
export const BLANK_CHECKSUM = '0'.repeat(DIGITS)

/** Whether bytes begin as an artifact of any version does. Looks at the first bytes only. */
export function isArtifact(bytes: Uint8Array): boolean {
  if (bytes.length < ARTIFACT_START_BYTES) return false
  for (let i = 0; i < PREFIX.length; i++) if (bytes[HEADER_START + i] !== PREFIX.charCodeAt(i)) return false
  return true
}

/** The checksum of a header, with zeros for its own digits, as the digits that belong there. */
function headerChecksum(bytes: Uint8Array): string {
  const after = ARTIFACT_START_BYTES
  let crc = crc32c(bytes.subarray(0, DIGITS_START))
  crc = crc32c(new TextEncoder().encode(BLANK_CHECKSUM), crc)
  crc = crc32c(bytes.subarray(after, headerEnd(bytes)), crc)
  return crc.toString(16).padStart(DIGITS, '0')
}

/** Puts the checksum into the header of a file whose metadata begins with format and a blank checksum. */
export function sealHeader(bytes: Uint8Array): void {
  if (!isArtifact(bytes)) throw new Error('internal: the header does not begin as an artifact does')
  bytes.set(new TextEncoder().encode(headerChecksum(bytes)), DIGITS_START)
}

/** @throws FormatError if bytes do not begin as an artifact does */
export function checkIsArtifact(bytes: Uint8Array): void {
  if (!isArtifact(bytes)) throw new FormatError('not-artifact', 'this is not an mcompress artifact', 0)
}

/** @throws FormatError if the file is no artifact or its header was changed */
export function verifyHeader(bytes: Uint8Array): void {
  checkIsArtifact(bytes)
  const digits = String.fromCharCode(...bytes.subarray(DIGITS_START, DIGITS_START + DIGITS))
  if (headerEnd(bytes) < ARTIFACT_START_BYTES || digits !== headerChecksum(bytes)) {
    throw new FormatError('checksum', 'artifact: the header is damaged', DIGITS_START)
  }
}
