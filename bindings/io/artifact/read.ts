import { FormatError } from '../../errors.js'
import { checkCodebook, type CodebookTensor } from '../../formats/codebook.js'
import { floatFromHalf } from '../../formats/half.js'
import { checkInt4, type GroupSize, type Int4Tensor } from '../../formats/int4.js'
import type { QuantizedTensor } from '../../formats/quantized.js'
import { BYTES_PER_ELEMENT, elementCount, type Tensor } from '../../formats/tensor.js'
import { checkModel } from '../../graph/check.js'
import type { Model, Weight } from '../../graph/model.js'
import { DEFAULT_MAX_DECODED_BYTES, MAX_PACKING_BYTES } from '../../limits.js'
import { decodeGaps } from '../../ops/gaps.js'
import { checkQuantized } from '../../ops/quantize.js'
import { checkInteger, checkOptions, checkTypedArray } from '../../validate.js'
import { crc32c } from '../checksum.js'
import { END_OF_FILE, readWhole, type PieceReader } from '../pieces.js'
import { ELEMENT_TYPE_OF } from '../safetensors/dtypes.js'
import { elementsFrom } from '../safetensors/elements.js'
import { dataStartOf, type PlacedEntry, type SafetensorsEntry } from '../safetensors/header.js'
import { tensorOf } from '../safetensors/read.js'
import { Assembly, type WeightSource } from './assembly.js'
import { ARTIFACT_START_BYTES, checkIsArtifact } from './container.js'
import type { WeightRecord } from './manifest.js'
import { entryOf, openHeader, packedParts, type PackedRecord } from './open.js'
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
  checkTypedArray('bytes', bytes, 'Uint8Array')
  checkIsArtifact(bytes)
  return readWhole(receiveArtifact(options), bytes)
}

/** Is told how far an artifact has been read. */
export interface ArtifactReceiver {
  /** The header is read: the graph is known and sound, its weights are still empty tensors. */
  begin?(model: Model, totalBytes: number): void
  /** Node `index` of the model and the weights that it reads are complete. Nodes come in order. */
  node?(model: Model, index: number): void
}

/**
 * Reads an artifact piece by piece. A weight is decoded when the first node that reads it can be completed, and its stored
 * bytes are let go then.
 */
export function* receiveArtifact(
  options: ReadArtifactOptions,
  receiver: ArtifactReceiver = {},
): PieceReader<Model> {
  checkOptions('options', options, ['maxBytes', 'runtime'])
  const { maxBytes = DEFAULT_MAX_DECODED_BYTES, runtime } = options
  checkInteger('maxBytes', maxBytes, 0, Number.MAX_SAFE_INTEGER)
  const { manifest, placed, bytes } = yield* readHeader()
  checkStoredSizes(placed, maxBytes)
  const assembly = new Assembly(manifest, placed, new WeightLoader(maxBytes, runtime))
  const { model } = assembly
  checkModel(model)
  receiver.begin?.(model, bytes + (placed.at(-1)?.end ?? 0))

  let done = 0
  const complete = (arrived: number) => {
    for (; done < model.nodes.length && assembly.lastEntry(done) < arrived; done++) {
      assembly.complete(done)
      receiver.node?.(model, done)
    }
  }
  complete(0)
  for (let i = 0; i < placed.length; i++) {
    const { name, dtype, shape, begin, end } = placed[i]!
    const data = yield end - begin
    if (crc32c(data) !== manifest.checksums[i]) {
      throw new FormatError('checksum', `artifact: the data of ${JSON.stringify(name)} is damaged`)
    }
    assembly.arrived({ name, dtype, shape, bytes: data })
    complete(i + 1)
    assembly.hold(name)
  }
  yield END_OF_FILE
  assembly.finish()
  return model
}

function* readHeader(): PieceReader<ReturnType<typeof openHeader> & { bytes: number }> {
  const start = yield ARTIFACT_START_BYTES
  checkIsArtifact(start)
  const header = new Uint8Array(dataStartOf(start))
  header.set(start.subarray(0, header.length))
  if (header.length > start.length) header.set(yield header.length - start.length, start.length)
  return { ...openHeader(header), bytes: header.length }
}

/** An entry is held in memory before it is decoded, to no more bytes than its weight then takes, but for a few. */
function checkStoredSizes(placed: readonly PlacedEntry[], maxBytes: number): void {
  for (const { name, begin, end } of placed) {
    if (end - begin > maxBytes + MAX_PACKING_BYTES) {
      throw new FormatError(
        'limit',
        `artifact: ${JSON.stringify(name)} takes ${end - begin} bytes, the limit is ${maxBytes}`,
      )
    }
  }
}

/** Makes weights of entries, within a budget of bytes. */
class WeightLoader implements WeightSource {
  readonly #entries = new Map<string, SafetensorsEntry>()
  readonly #maxBytes: number
  readonly #runtime: Runtime
  #usedBytes = 0

  constructor(maxBytes: number, runtime: Runtime) {
    this.#maxBytes = maxBytes
    this.#runtime = runtime
  }

  add(entry: SafetensorsEntry): void {
    this.#entries.set(entry.name, entry)
  }

  hold(name: string): void {
    const entry = this.#entries.get(name)!
    this.#entries.set(name, { ...entry, bytes: new Uint8Array(entry.bytes) })
  }

  drop(entry: string): void {
    this.#entries.delete(entry)
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
      case 'int4':
        return this.#int4(record)
    }
  }

  tensor(name: string): Tensor {
    const entry = entryOf(this.#entries, name)
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
    const { shape, bytes } = entryOf(this.#entries, name, 'F16')
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
    const { shape, bytes } = entryOf(this.#entries, record.entry, 'I8')
    this.#spend(record.name, bytes.length)
    const scale = elementsFrom('float32', entryOf(this.#entries, record.scaleEntry, 'F32').bytes)
    const zeroPoints =
      record.zeroPointEntry === undefined
        ? undefined
        : entryOf(this.#entries, record.zeroPointEntry, 'I8').bytes
    return quantized(record, shape, new Uint8Array(bytes), scale, zeroPoints)
  }

  #int4({ name, shape, axis, groupSize, ...record }: Extract<WeightRecord, { form: 'int4' }>): Int4Tensor {
    const data = new Uint8Array(entryOf(this.#entries, record.entry, 'I32').bytes)
    const { dtype } = entryOf(this.#entries, record.scaleEntry)
    const scale =
      dtype === 'F16'
        ? this.#widened(record.scaleEntry).data
        : elementsFrom('float32', entryOf(this.#entries, record.scaleEntry, 'F32').bytes)
    this.#spend(name, data.length)
    const tensor: Int4Tensor = { kind: 'int4', shape, axis, groupSize: groupSize as GroupSize, data, scale }
    sound(name, () => checkInt4('weight', tensor))
    return tensor
  }

  /** Decodes the symbols of a packed entry. */
  #symbols(record: PackedRecord): { symbols: Uint8Array; floats: Uint8Array; zeroPoints: Uint8Array } {
    const what = `weight ${JSON.stringify(record.name)}`
    const { elements, floats, zeroPoints, values, gaps } = packedParts(this.#entries, record)
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
