import { FormatError } from '../../errors.js'
import { checkCodebook, type CodebookTensor } from '../../formats/codebook.js'
import { floatFromHalf } from '../../formats/half.js'
import type { QuantizedTensor } from '../../formats/quantized.js'
import { BYTES_PER_ELEMENT, elementCount, type Tensor } from '../../formats/tensor.js'
import { checkModel } from '../../graph/check.js'
import type { Attribute, Graph, Model, Weight } from '../../graph/model.js'
import { DEFAULT_MAX_DECODED_BYTES } from '../../limits.js'
import { decodeGaps } from '../../ops/gaps.js'
import { checkQuantized } from '../../ops/quantize.js'
import { checkInteger, checkOptions } from '../../validate.js'
import { crc32c } from '../checksum.js'
import { ELEMENT_TYPE_OF } from '../safetensors/dtypes.js'
import { elementsFrom } from '../safetensors/elements.js'
import { tensorOf } from '../safetensors/read.js'
import type { AttributeRecord, GraphRecord, WeightRecord } from './manifest.js'
import { entryOf, openArtifact, packedParts, type OpenArtifact, type PackedRecord } from './open.js'
import { decodeSequence, type Runtime } from './sequence-codec.js'

export interface ReadArtifactOptions {
  /** The most that all weights may take in memory once read; 256 MiB unless given. */
  maxBytes?: number
  runtime?: NonNullable<Runtime>
}

/**
 * Reads what `writeArtifact` wrote. Weights stay in the form they are stored in: codebook indices are not expanded, int8
 * codes are not dequantized.
 *
 * Made for untrusted bytes: a changed byte anywhere is an error, and sizes are checked before anything is allocated.
 *
 * @throws TypeError, RangeError for arguments that do not fit; FormatError for damaged or foreign bytes, `version` for a
 * newer major version of the format, `limit` past `maxBytes`
 * @see FORMAT.md
 */
export function readArtifact(bytes: Uint8Array, options: ReadArtifactOptions = {}): Model {
  checkOptions('options', options, ['maxBytes', 'runtime'])
  const { maxBytes = DEFAULT_MAX_DECODED_BYTES, runtime } = options
  checkInteger('maxBytes', maxBytes, 0, Number.MAX_SAFE_INTEGER)
  const artifact = openArtifact(bytes)
  verifyEntries(artifact)

  const { manifest } = artifact
  const loader = new WeightLoader(artifact, maxBytes, runtime)
  const { name, opset, activations } = manifest
  const model: Model = {
    ...graphOf(manifest.graph, loader),
    name,
    opset,
    metadata: Object.fromEntries(manifest.metadata),
    ...(activations.size > 0 ? { activations } : {}),
  }
  checkModel(model)
  return model
}

function verifyEntries({ manifest, entries }: OpenArtifact): void {
  let index = 0
  for (const { name, bytes } of entries.values()) {
    if (crc32c(bytes) !== manifest.checksums[index++]) {
      throw new FormatError('checksum', `artifact: the data of ${JSON.stringify(name)} is damaged`)
    }
  }
}

function graphOf(record: GraphRecord, loader: WeightLoader): Graph {
  const weights = new Map<string, Weight>()
  for (const weight of record.weights) {
    if (weights.has(weight.name)) {
      throw new FormatError('manifest', `artifact: weight ${JSON.stringify(weight.name)} is defined twice`)
    }
    weights.set(weight.name, loader.weight(weight))
  }
  return {
    inputs: record.inputs,
    outputs: record.outputs,
    nodes: record.nodes.map(({ attributes, ...node }) => ({
      ...node,
      attributes: Object.fromEntries(
        Array.from(attributes, ([key, value]) => [key, attributeOf(value, loader)]),
      ),
    })),
    weights,
  }
}

function attributeOf(record: AttributeRecord, loader: WeightLoader): Attribute {
  switch (record.kind) {
    case 'plain':
      return record.value
    case 'tensor':
      return loader.tensor(record.entry)
    case 'graph':
      return graphOf(record.graph, loader)
  }
}

/** Makes weights of entries, within a budget of bytes. */
class WeightLoader {
  readonly #artifact: OpenArtifact
  readonly #maxBytes: number
  readonly #runtime: Runtime
  #usedBytes = 0

  constructor(artifact: OpenArtifact, maxBytes: number, runtime: Runtime) {
    this.#artifact = artifact
    this.#maxBytes = maxBytes
    this.#runtime = runtime
  }

  weight(record: WeightRecord): Weight {
    switch (record.form) {
      case 'dense':
        return record.dtype === undefined ? this.tensor(record.entry) : this.#widened(record.entry)
      case 'codebook':
        return this.#codebook(record)
      case 'int8':
        return this.#int8(record)
      case 'int8-plain':
        return this.#plain(record)
    }
  }

  tensor(name: string): Tensor {
    const entry = entryOf(this.#artifact, name)
    const type = ELEMENT_TYPE_OF.get(entry.dtype)
    this.#spend(name, elementCount(entry.shape) * (type === undefined ? 4 : BYTES_PER_ELEMENT[type]))
    return tensorOf(entry)
  }

  #spend(name: string, bytes: number): void {
    this.#usedBytes += bytes
    if (this.#usedBytes > this.#maxBytes) {
      throw new FormatError(
        'limit',
        `artifact: the weights up to ${JSON.stringify(name)} take ${this.#usedBytes} bytes, the limit is ${this.#maxBytes}`,
      )
    }
  }

  #widened(name: string): Tensor<'float32'> {
    const { shape, bytes } = entryOf(this.#artifact, name, 'F16')
    this.#spend(name, bytes.length * 2)
    const data = Float32Array.from(elementsFrom('float16', bytes), floatFromHalf)
    return { kind: 'dense', dtype: 'float32', shape, data }
  }

  #codebook(record: Extract<WeightRecord, { form: 'codebook' }>): CodebookTensor {
    const { name, shape, centroids, half } = record
    const { symbols, floats } = this.#symbols(record)
    const values = half
      ? Float32Array.from(elementsFrom('float16', floats), floatFromHalf)
      : elementsFrom('float32', floats)
    const codebook = { centroids: values }
    sound(name, () => checkCodebook('codebook', codebook))
    if (symbols.some((symbol) => symbol >= centroids)) {
      throw new FormatError('corrupt', `weight ${JSON.stringify(name)}: an index passes the codebook`)
    }
    return { kind: 'codebook', shape, indices: symbols, codebook }
  }

  #int8(record: Extract<WeightRecord, { form: 'int8' }>): QuantizedTensor {
    const { symbols, floats, zeroPoints } = this.#symbols(record)
    const scale = elementsFrom('float32', floats)
    return quantized(record, record.shape, symbols, scale, record.zeroPoint ? zeroPoints : undefined)
  }

  #plain(record: Extract<WeightRecord, { form: 'int8-plain' }>): QuantizedTensor {
    const { shape, bytes } = entryOf(this.#artifact, record.entry, 'I8')
    this.#spend(record.name, bytes.length)
    const scale = elementsFrom('float32', entryOf(this.#artifact, record.scaleEntry, 'F32').bytes)
    const zeroPoints =
      record.zeroPointEntry === undefined
        ? undefined
        : entryOf(this.#artifact, record.zeroPointEntry, 'I8').bytes
    return quantized(record, shape, new Uint8Array(bytes), scale, zeroPoints)
  }

  /** Decodes the symbols of a packed entry. */
  #symbols(record: PackedRecord): { symbols: Uint8Array; floats: Uint8Array; zeroPoints: Uint8Array } {
    const what = `weight ${JSON.stringify(record.name)}`
    const { elements, floats, zeroPoints, values, gaps } = packedParts(this.#artifact, record)
    this.#spend(record.name, elements + floats.length)
    const symbols = decodeSequence(what, values, elements, this.#runtime)
    if (gaps === undefined) {
      if (symbols.length === elements) return { symbols, floats, zeroPoints }
      throw new FormatError('corrupt', `${what}: ${symbols.length} symbols for ${elements} elements`)
    }
    const { zero, bits } = record.sparse!
    if (bits < 3) throw new FormatError('manifest', `${what}: gaps of ${bits} bits`)
    const dense = decodeGaps(
      {
        kind: 'gaps',
        length: elements,
        zero,
        bits,
        gaps: decodeSequence(what, gaps, elements, this.#runtime),
        values: symbols,
      },
      { maxBytes: elements, ...(this.#runtime === undefined ? {} : { runtime: this.#runtime }) },
    )
    return { symbols: dense, floats, zeroPoints }
  }
}

function quantized(
  { name, granularity }: Extract<WeightRecord, { form: 'int8' | 'int8-plain' }>,
  shape: readonly number[],
  symbols: Uint8Array,
  scale: Float32Array,
  zeroPoints: Uint8Array | undefined,
): QuantizedTensor {
  const tensor: QuantizedTensor = {
    kind: 'quantized',
    bits: 8,
    shape,
    data: new Int8Array(symbols.buffer, symbols.byteOffset, symbols.length),
    scale,
    zeroPoint: zeroPoints === undefined ? new Int8Array(scale.length) : Int8Array.from(zeroPoints),
    granularity,
  }
  sound(name, () => checkQuantized('weight', tensor))
  return tensor
}

/** What is a mistake of the caller elsewhere is damage here. */
function sound(name: string, check: () => void): void {
  try {
    check()
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error
    throw new FormatError('corrupt', `weight ${JSON.stringify(name)}: ${error.message}`)
  }
}
