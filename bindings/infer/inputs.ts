import {
  checkElements,
  elementCount,
  ELEMENT_ARRAYS,
  type ElementArrays,
  type ElementType,
  type Tensor,
} from '../formats/tensor.js'
import type { Dimension, ValueInfo } from '../graph/model.js'
import { checkShape, describe } from '../validate.js'

/**
 * A tensor, or bare values where the declared shape leaves at most one dimension open: the typed array of the input's
 * element type (Float32Array, Uint8Array for bool, BigInt64Array), or numbers in any array for 64-bit integers.
 */
export type InputValue = Tensor | ElementArrays[ElementType] | readonly number[]

/** One input of a run, checked against its declaration. */
export interface CheckedInput {
  readonly name: string
  readonly dtype: ElementType
  readonly shape: readonly number[]
  readonly data: ElementArrays[ElementType]
}

/**
 * Checks the values of a run against the declared inputs: all there and no others, element types, shapes, and dimensions
 * of one name equal everywhere.
 */
export function checkInputs(infos: readonly ValueInfo[], inputs: Record<string, InputValue>): CheckedInput[] {
  if (typeof inputs !== 'object' || inputs === null || ArrayBuffer.isView(inputs)) {
    throw new TypeError(`"inputs" expected an object of tensors by name, got ${describe(inputs)}`)
  }
  const names = infos.map(({ name }) => name)
  for (const name of Object.keys(inputs)) {
    if (!names.includes(name)) {
      throw new RangeError(
        `"inputs" has no input ${JSON.stringify(name)}; the model takes ${names.join(', ')}`,
      )
    }
  }
  const symbols = new Map<string, number>()
  return infos.map((info) => {
    const value = Object.hasOwn(inputs, info.name) ? inputs[info.name] : undefined
    if (value === undefined) {
      throw new RangeError(`"inputs" expected a value for ${JSON.stringify(info.name)}`)
    }
    const input = checkInput(info, value)
    bindDimensions(info, input.shape, symbols)
    return input
  })
}

function checkInput({ name, dtype, shape: declared }: ValueInfo, value: InputValue): CheckedInput {
  const label = `inputs.${name}`
  if (ArrayBuffer.isView(value) || (Array.isArray(value) && is64Bit(dtype))) {
    const elements = widened(dtype, value)
    checkElements(label, elements, dtype)
    return { name, dtype, shape: deriveShape(label, declared, elements.length), data: elements }
  }
  if (!isTensor(value)) {
    const array = ELEMENT_ARRAYS[dtype].name
    throw new TypeError(`"${label}" expected a tensor or ${array}, got ${describe(value)}`)
  }
  const { shape, data } = value
  if (value.dtype !== dtype) {
    throw new TypeError(`"${label}" expected a ${dtype} tensor, got ${String(value.dtype)}`)
  }
  checkElements(label, data, dtype, checkShape(`${label}.shape`, shape))
  const fits =
    declared === undefined ||
    (declared.length === shape.length &&
      declared.every((dimension, axis) => typeof dimension !== 'number' || dimension === shape[axis]))
  if (!fits) throw new RangeError(`"${label}" expected shape ${show(declared)}, got [${shape.join(', ')}]`)
  return { name, dtype, shape: [...shape], data }
}

const isTensor = (value: InputValue): value is Tensor =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'dense'

const is64Bit = (dtype: ElementType) => dtype === 'int64' || dtype === 'uint64'

/** Safe integers as 64-bit ones; any other values as they are. */
function widened(dtype: ElementType, values: Exclude<InputValue, Tensor>): unknown {
  const list =
    is64Bit(dtype) && (Array.isArray(values) || (values as Int32Array)[Symbol.toStringTag] === 'Int32Array')
  if (!list || !(values as number[]).every(Number.isSafeInteger)) return values
  return (ELEMENT_ARRAYS[dtype as 'int64'] as BigInt64ArrayConstructor).from(values as number[], BigInt)
}

/** The shape of bare values: the one open dimension is what their number makes it. */
function deriveShape(
  label: string,
  declared: readonly Dimension[] | undefined,
  length: number,
): readonly number[] {
  const open = declared?.filter((dimension) => typeof dimension !== 'number').length
  if (declared === undefined || open! > 1) {
    throw new RangeError(
      `"${label}" expected a tensor: ${show(declared)} does not follow from ${length} values`,
    )
  }
  const known = elementCount(declared.filter((dimension) => typeof dimension === 'number'))
  const rest = known === 0 ? 0 : length / known
  if (!Number.isInteger(rest) || (open === 0 && length !== known)) {
    throw new RangeError(`"${label}" expected values of shape ${show(declared)}, got ${length} values`)
  }
  return declared.map((dimension) => (typeof dimension === 'number' ? dimension : rest))
}

function bindDimensions(info: ValueInfo, shape: readonly number[], symbols: Map<string, number>): void {
  info.shape?.forEach((dimension, axis) => {
    if (typeof dimension !== 'string') return
    const bound = symbols.get(dimension) ?? shape[axis]!
    if (bound !== shape[axis]) {
      throw new RangeError(
        `"inputs.${info.name}" expected ${dimension} = ${bound}, got [${shape.join(', ')}]`,
      )
    }
    symbols.set(dimension, bound)
  })
}

function show(shape: readonly Dimension[] | undefined): string {
  return shape === undefined ? 'of any rank' : `[${shape.map((dimension) => dimension ?? '?').join(', ')}]`
}
