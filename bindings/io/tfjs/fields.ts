import { FormatError } from '../../errors.js'
import type { Json, JsonObject } from '../json.js'

/** Throws FormatError `tfjs`. */
export function fail(message: string): never {
  throw new FormatError('tfjs', message)
}

/** What a JSON value is, for messages. */
function describeJson(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null || typeof value !== 'object') return JSON.stringify(value).slice(0, 80)
  return Array.isArray(value) ? `a list of ${value.length}` : 'an object'
}

const expected = (what: string, kind: string, value: Json | undefined): never =>
  fail(`${what} expected ${kind}, got ${describeJson(value)}`)

export function objectOf(what: string, value: Json | undefined): JsonObject {
  return value instanceof Map ? value : expected(what, 'an object', value)
}

export function listOf(what: string, value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : expected(what, 'a list', value)
}

export function textOf(what: string, value: Json | undefined): string {
  return typeof value === 'string' ? value : expected(what, 'a string', value)
}

export function flagOf(what: string, value: Json | undefined): boolean {
  return typeof value === 'boolean' ? value : expected(what, 'true or false', value)
}

/** A number; protobuf's JSON writes 64-bit integers, NaN and infinities as strings. */
export function numberOf(what: string, value: Json | undefined): number {
  if (typeof value === 'number') return value
  const parsed = typeof value === 'string' && /\S/.test(value) ? Number(value) : NaN
  return Number.isNaN(parsed) && value !== 'NaN' ? expected(what, 'a number', value) : parsed
}

export function integerOf(what: string, value: Json | undefined): number {
  const number = numberOf(what, value)
  return Number.isSafeInteger(number) ? number : expected(what, 'an integer', value)
}

export function integersOf(what: string, value: Json | undefined): number[] {
  return listOf(what, value).map((item) => integerOf(what, item))
}
