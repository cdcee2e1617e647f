/** Castagnoli's polynomial, bit-reversed. */
const POLYNOMIAL = 0x82f63b78
const SLICES = 8

let tables: Uint32Array | undefined

/** Table t tells what a byte does to the remainder once t more bytes have followed. */
function makeTables(): Uint32Array {
  const table = new Uint32Array(256 * SLICES)
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte
    for (let i = 0; i < 8; i++) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0)
    table[byte] = remainder
  }
  for (let i = 256; i < table.length; i++) table[i] = (table[i - 256]! >>> 8) ^ table[table[i - 256]! & 255]!
  return table
}

/**
 * CRC-32C of `bytes`, eight at a step; pass the result for what came before to go on. It detects every burst of up to
 * 32 bits, so every damaged byte.
 *
 * @see RFC 3720, appendix B.4; M. Kounavis, F. Berry: Novel Table Lookup-Based Algorithms for CRC Generation, 2008
 */
export function crc32c(bytes: Uint8Array, before = 0): number {
  const t = (tables ??= makeTables())
  let crc = ~before
  let i = 0
  for (const whole = bytes.length - 7; i < whole; i += 8) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    crc =
      t[1792 + (crc & 255)]! ^
      t[1536 + ((crc >>> 8) & 255)]! ^
      t[1280 + ((crc >>> 16) & 255)]! ^
      t[1024 + (crc >>> 24)]! ^
      t[768 + bytes[i + 4]!]! ^
      t[512 + bytes[i + 5]!]! ^
      t[256 + bytes[i + 6]!]! ^
      t[bytes[i + 7]!]!
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t[(crc ^ bytes[i]!) & 255]!
  return ~crc >>> 0
}
