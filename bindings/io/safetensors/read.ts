import { FormatError } from '../../errors.js'
import { floatFromBfloat } from '../../formats/half.js'
import type { Tensor } from '../../formats/tensor.js'
import { checkTypedArray } from '../../validate.js'
import { ELEMENT_TYPE_OF } from './dtypes.js'
import { elementsFrom } from './elements.js'
import { parseSafetensors, type SafetensorsEntry } from './header.js'

export interface SafetensorsTensors {
  readonly metadata: ReadonlyMap<string, string>
  /** In the order of their data. */
  readonly tensors: ReadonlyMap<string, Tensor>
}

/**
 * Reads a safetensors file. Strict: overlapping or missing data, keys that occur twice and anything else that the
 * format forbids is an error. Data is copied; BF16 widens to float32, exactly.
 *
 * @throws TypeError unless given bytes; FormatError for anything that is not a sound file, and for F8 tensors
 * @see https://github.com/huggingface/safetensors#format
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsTensors {
  checkTypedArray('bytes', bytes, 'Uint8Array')
  const { metadata, entries } = parseSafetensors(bytes)
  return { metadata, tensors: new Map(entries.map((entry) => [entry.name, tensorOf(entry)])) }
}

/** The tensor of an entry. */
export function tensorOf({ name, dtype, shape, bytes }: SafetensorsEntry): Tensor {
  if (dtype === 'BF16') {
    const data = Float32Array.from(elementsFrom('uint16', bytes), floatFromBfloat)
    return { kind: 'dense', dtype: 'float32', shape, data }
  }
  const type = ELEMENT_TYPE_OF.get(dtype)
  if (type === undefined) {
    throw new FormatError('dtype', `safetensors: ${JSON.stringify(name)} is ${dtype}, which cannot be read`)
  }
  return { kind: 'dense', dtype: type, shape, data: elementsFrom(type, bytes) }
}
