import { MAX_RANK, MAX_TENSOR_ELEMENTS } from './limits.js'

interface TypedArrays {
  Float32Array: Float32Array
  Int8Array: Int8Array
  Uint8Array: Uint8Array
  Uint16Array: Uint16Array
  Int32Array: Int32Array
  Uint32Array: Uint32Array
}

/** What a value is, in the words an error message uses: `Float32Array(12)`, `string`, `null`. */
export function describe(value: unknown): string {
  if (value === null) return 'null'
  if (ArrayBuffer.isView(value)) {
    return `${value.constructor.name}(${'length' in value ? String(value.length) : value.byteLength})`
  }
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value)) return `array of ${value.length}`
  return typeof value
}

/**
 * Throws TypeError unless `value` is a typed array of this kind, RangeError unless it has this length.
 * Goes by the tag, not by `instanceof`: arrays of another realm are as good.
 */
export function checkTypedArray<K extends keyof TypedArrays>(
  name: string,
  value: unknown,
  kind: K,
  length?: number,
): asserts value is TypedArrays[K] {
  if (!ArrayBuffer.isView(value) || (value as Uint8Array)[Symbol.toStringTag] !== kind) {
    throw new TypeError(
      `"${name}" expected ${kind}${length === undefined ? '' : `(${length})`}, got ${describe(value)}`,
    )
  }
  if (length !== undefined && (value as Uint8Array).length !== length) {
    throw new RangeError(`"${name}" expected ${kind}(${length}), got length ${(value as Uint8Array).length}`)
  }
}

/** Throws unless `value` is an integer in `min..max`. */
export function checkInteger(
  name: string,
  value: unknown,
  min: number,
  max: number,
): asserts value is number {
  if (typeof value !== 'number') throw new TypeError(`"${name}" expected an integer, got ${describe(value)}`)
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`"${name}" expected an integer in ${min}..${max}, got ${value}`)
  }
}

/** Throws unless `value` is a finite number in `min..max`. */
export function checkNumber(
  name: string,
  value: unknown,
  min = -Infinity,
  max = Infinity,
): asserts value is number {
  if (typeof value !== 'number') throw new TypeError(`"${name}" expected a number, got ${describe(value)}`)
  if (!Number.isFinite(value) || value < min || value > max) {
    throw new RangeError(`"${name}" expected a finite number in ${min}..${max}, got ${value}`)
  }
}

/** Throws unless `value` is one of `choices`. */
export function checkChoice<T extends string>(
  name: string,
  value: unknown,
  choices: readonly T[],
): asserts value is T {
  if (!choices.includes(value as T)) {
    throw new (typeof value === 'string' ? RangeError : TypeError)(
      `"${name}" expected one of ${choices.join(', ')}, got ${describe(value)}`,
    )
  }
}

/** Throws TypeError unless `value` is a boolean. */
export function checkBoolean(name: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') throw new TypeError(`"${name}" expected a boolean, got ${describe(value)}`)
}

/** Throws TypeError unless `value` is an array of strings. */
export function checkNames(name: string, value: unknown): asserts value is readonly string[] {
  if (!Array.isArray(value))
    throw new TypeError(`"${name}" expected an array of names, got ${describe(value)}`)
  for (const item of value as unknown[]) {
    if (typeof item !== 'string') throw new TypeError(`"${name}" expected names, got ${describe(item)}`)
  }
}

/** Throws TypeError unless `options` is a plain object whose keys are all in `known`: a misspelt option is an error. */
export function checkOptions(name: string, options: unknown, known: readonly string[]): void {
  if (
    typeof options !== 'object' ||
    options === null ||
    Array.isArray(options) ||
    ArrayBuffer.isView(options)
  ) {
    throw new TypeError(`"${name}" expected an options object, got ${describe(options)}`)
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new TypeError(
        `"${name}" has no option ${JSON.stringify(key)}; it takes ${known.join(', ') || 'none'}`,
      )
    }
  }
}

/** Throws unless `shape` is an array of non-negative integers within the limits; returns its number of elements. */
export function checkShape(name: string, shape: unknown): number {
  if (!Array.isArray(shape))
    throw new TypeError(`"${name}" expected an array of dimensions, got ${describe(shape)}`)
  if (shape.length > MAX_RANK) {
    throw new RangeError(`"${name}" expected at most ${MAX_RANK} dimensions, got ${shape.length}`)
  }
  let elements = 1
  for (const dimension of shape as unknown[]) {
    checkInteger(name, dimension, 0, MAX_TENSOR_ELEMENTS)
    elements *= dimension
    if (elements > MAX_TENSOR_ELEMENTS) {
      throw new RangeError(
        `"${name}" expected at most ${MAX_TENSOR_ELEMENTS} elements, got [${shape.join(', ')}]`,
      )
    }
  }
  return elements
}
