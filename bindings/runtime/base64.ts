/** Decodes standard padded base64; `atob` is absent in AudioWorklets. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const bytes = new Uint8Array((text.length / 4) * 3 - padding)
  let position = 0
  for (let i = 0; i < text.length; i += 4) {
    const word =
      (sextet(text.charCodeAt(i)) << 18) |
      (sextet(text.charCodeAt(i + 1)) << 12) |
      (sextet(text.charCodeAt(i + 2)) << 6) |
      sextet(text.charCodeAt(i + 3))
    // Writes beyond the end of a typed array are ignored, which drops the padding.
    bytes[position++] = word >> 16
    bytes[position++] = word >> 8
    bytes[position++] = word
  }
  return bytes
}

function sextet(code: number): number {
  if (code >= 97) return code - 71 // a-z: 26..51
  if (code >= 65) return code - 65 // A-Z: 0..25
  if (code >= 48) return code + 4 // 0-9: 52..61
  return code === 43 ? 62 : code === 47 ? 63 : 0
}
