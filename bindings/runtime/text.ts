/**
 * Decodes bytes that build.mjs wrote as text: a value v, shifted by 4 modulo 256 so that frequent opcodes come first,
 * is the character number v of the alphabet, or `{`, `|` or `}` for once, twice or three times the alphabet's length
 * and the character for the rest.
 *
 * Other than base64 this keeps bytes apart, so that gzip finds their repetitions: on the wire it costs 2 % over the
 * bytes themselves, base64 40 %. (And `atob` is absent in AudioWorklets.)
 */
export function decodeText(text: string, alphabet: string): Uint8Array<ArrayBuffer> {
  const values = new Uint8Array(128)
  for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i
  const bytes = new Uint8Array(text.length)
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const lengths = code - 122 // '{' is 123
    bytes[length++] =
      (lengths > 0 ? lengths * alphabet.length + values[text.charCodeAt(++i)]! : values[code]!) - 4
  }
  return bytes.slice(0, length)
}
