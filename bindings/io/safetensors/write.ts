import { elementCount, type Tensor } from '../../formats/tensor.js'
import { MAX_SAFETENSORS_HEADER_BYTES } from '../../limits.js'
import { checkOptions, checkShape, describe } from '../../validate.js'
import { DTYPE_BITS, DTYPE_OF } from './dtypes.js'
import { bytesOf } from './elements.js'
import type { SafetensorsEntry } from './header.js'

/** Data begins at a multiple of this, so that a file mapped into memory can be used in place. */
const DATA_ALIGNMENT = 16

export interface WriteSafetensorsOptions {
  /** Free text that goes into the header. */
  metadata?: Readonly<Record<string, string>>
}

/**
 * Writes tensors as a safetensors file, in the order given.
 *
 * @throws TypeError, RangeError for names, shapes or data that do not fit
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  options: WriteSafetensorsOptions = {},
): Uint8Array {
  checkOptions('options', options, ['metadata'])
  const { metadata = {} } = options
  const entries = Array.from(tensors, ([name, tensor]) => {
    if (typeof tensor !== 'object' || tensor === null || tensor.kind !== 'dense') {
      throw new TypeError(`tensor ${JSON.stringify(name)} expected a dense Tensor, got ${describe(tensor)}`)
    }
    if (tensor.data.length !== checkShape(`${name}.shape`, tensor.shape)) {
      throw new RangeError(
        `tensor ${JSON.stringify(name)} of [${tensor.shape.join(', ')}] has ${tensor.data.length} elements`,
      )
    }
    return { name, dtype: DTYPE_OF[tensor.dtype], shape: tensor.shape, bytes: bytesOf(tensor.data) }
  })
  return joinSafetensors(new Map(Object.entries(metadata)), entries)
}

/** The file of these entries: header, padded with spaces, and data. */
export function joinSafetensors(
  metadata: ReadonlyMap<string, string>,
  entries: readonly SafetensorsEntry[],
): Uint8Array {
  const parts: string[] = []
  if (metadata.size > 0) {
    const pairs = Array.from(metadata, ([key, text]) => {
      if (typeof text !== 'string') {
        throw new TypeError(`metadata ${JSON.stringify(key)} expected a string, got ${describe(text)}`)
      }
      return `${JSON.stringify(key)}:${JSON.stringify(text)}`
    })
    parts.push(`"__metadata__":{${pairs.join()}}`)
  }
  const names = new Set<string>()
  let end = 0
  for (const { name, dtype, shape, bytes } of entries) {
    if (name === '__metadata__' || names.has(name)) {
      throw new RangeError(`a tensor cannot be named ${JSON.stringify(name)}: the name is taken`)
    }
    names.add(name)
    if (bytes.length !== (elementCount(shape) * DTYPE_BITS.get(dtype)!) / 8) {
      throw new Error(`internal: ${name} of ${dtype} [${shape.join()}] has ${bytes.length} bytes`)
    }
    const begin = end
    end += bytes.length
    parts.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join()}],"data_offsets":[${begin},${end}]}`,
    )
  }
  const text = new TextEncoder().encode(`{${parts.join()}}`)
  const dataStart = Math.ceil((8 + text.length) / DATA_ALIGNMENT) * DATA_ALIGNMENT
  if (dataStart - 8 > MAX_SAFETENSORS_HEADER_BYTES) {
    throw new RangeError(`header of ${text.length} bytes, the limit is ${MAX_SAFETENSORS_HEADER_BYTES}`)
  }
  const file = new Uint8Array(dataStart + end)
  new DataView(file.buffer).setUint32(0, dataStart - 8, true)
  file.set(text, 8)
  file.fill(0x20, 8 + text.length, dataStart)
  let at = dataStart
  for (const { bytes } of entries) {
    file.set(bytes, at)
    at += bytes.length
  }
  return file
}
