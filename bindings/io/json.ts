import { FormatError } from '../errors.js'
import { MAX_JSON_DEPTH } from '../limits.js'

export type Json = null | boolean | number | string | Json[] | JsonObject

/** Objects as maps: a key named `__proto__` is a key like any other. */
export type JsonObject = Map<string, Json>

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORDS = { true: true, false: false, null: null } as const

/**
 * RFC 8259, as strict as it gets for untrusted text: a key that occurs twice, a number that overflows and nesting
 * deeper than MAX_JSON_DEPTH are errors. `JSON.parse` keeps the last of two equal keys without a word.
 *
 * @param what the text's name in messages
 * @throws FormatError `json`; the offset counts UTF-16 units of the text
 */
export function parseJson(what: string, text: string): Json {
  let at = 0

  const fail = (message: string): never => {
    throw new FormatError('json', `${what}: ${message} at offset ${at}`, at)
  }

  const skipSpace = (): void => {
    for (;;) {
      const code = text.charCodeAt(at)
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return
      at++
    }
  }

  /** Takes `character` if it is next. */
  const accept = (character: string): boolean => {
    skipSpace()
    if (text[at] !== character) return false
    at++
    return true
  }

  const expect = (character: string): void => {
    if (!accept(character)) fail(`expected ${JSON.stringify(character)}`)
  }

  const string = (): string => {
    const start = at
    if (text[at] !== '"') fail('expected a string')
    at++
    while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
    if (at >= text.length) fail('a string without an end')
    at++
    try {
      return JSON.parse(text.slice(start, at)) as string
    } catch {
      at = start
      return fail('not a valid string')
    }
  }

  const number = (): number => {
    NUMBER.lastIndex = at
    const match = NUMBER.exec(text)?.[0]
    if (match === undefined) return fail('expected a value')
    const value = Number(match)
    if (!Number.isFinite(value)) fail('a number out of range')
    at += match.length
    return value
  }

  const value = (depth: number): Json => {
    if (depth > MAX_JSON_DEPTH) fail(`nested more than ${MAX_JSON_DEPTH} deep`)
    if (accept('{')) {
      const object: JsonObject = new Map()
      if (accept('}')) return object
      do {
        skipSpace()
        const key = string()
        if (object.has(key)) fail(`the key ${JSON.stringify(key)} occurs twice`)
        expect(':')
        object.set(key, value(depth + 1))
      } while (accept(','))
      expect('}')
      return object
    }
    if (accept('[')) {
      const array: Json[] = []
      if (accept(']')) return array
      do array.push(value(depth + 1))
      while (accept(','))
      expect(']')
      return array
    }
    if (text[at] === '"') return string()
    for (const [word, meaning] of Object.entries(WORDS)) {
      if (text.startsWith(word, at)) {
        at += word.length
        return meaning
      }
    }
    return number()
  }

  const result = value(0)
  skipSpace()
  if (at < text.length) fail('more text after the value')
  return result
}
