import { checkCodebook, type CodebookTensor } from '../../formats/codebook.js'
import { floatFromHalf, halfFromFloat } from '../../formats/half.js'
import { checkInt4, type Int4Tensor } from '../../formats/int4.js'
import type { Granularity, QuantizedTensor } from '../../formats/quantized.js'
import { BYTES_PER_ELEMENT, elementCount, type Tensor } from '../../formats/tensor.js'
import { checkModel } from '../../graph/check.js'
import type { Model, Weight } from '../../graph/model.js'
import { dequantizeInt4 } from '../../ops/int4.js'
import { checkQuantized } from '../../ops/quantize.js'
import { checkChoice, checkInteger, checkOptions, checkTypedArray, describe } from '../../validate.js'
import { crc32c } from '../checksum.js'
import { DTYPE_OF } from '../safetensors/dtypes.js'
import { bytesOf } from '../safetensors/elements.js'
import { joinSafetensors } from '../safetensors/write.js'
import { chooseForm } from './choose.js'
import {
  BLANK_CHECKSUM,
  CHECKSUM_KEY,
  FORMAT_KEY,
  FORMAT_NAME,
  MANIFEST_KEY,
  sealHeader,
} from './container.js'
import { describeGraph, type Jsonable } from './describe.js'
import { concat, EntryList } from './entries.js'
import { FORMAT_VERSION } from './manifest.js'
import type { TensorReport } from './report.js'
import type { SequenceCoding } from './sequence.js'
import type { Runtime } from './sequence-codec.js'

export type FloatStorage = 'float32' | 'float16'

export interface WriteArtifactOptions {
  /**
   * How codebook indices and int8 codes are stored. `auto` (default): whatever is smallest, if it saves enough to
   * be worth a slower decoder. `huffman`: Huffman-coded.
   * `none`: in fields of as many bits as they need; int8 codes of eight bits are plain tensors then.
   */
  coding?: 'auto' | 'huffman' | 'none'
  /** How float32 weights and centroids are stored: `float32` (default) or, rounded, `float16`. */
  floatAs?: FloatStorage | ((name: string, weight: Weight) => FloatStorage)
  /** What was done to each weight, by its name, for the record: plain JSON objects. */
  stages?: ReadonlyMap<string, readonly object[]>
  /** How the model was made, for the record: plain JSON. */
  recipe?: unknown
  /** The file that the model came from. */
  original?: { bytes: number }
  runtime?: NonNullable<Runtime>
}

export interface WrittenArtifact {
  readonly bytes: Uint8Array
  /** In the order of their first use. */
  readonly tensors: readonly TensorReport[]
}

const ALLOWED: Readonly<Record<'auto' | 'huffman' | 'none', readonly SequenceCoding[]>> = {
  auto: ['packed', 'huffman', 'rans', 'context'],
  huffman: ['huffman'],
  none: ['packed'],
}

/** Nesting of recipes and stages; far below what the reader takes. */
const MAX_NOTE_DEPTH = 32

/**
 * Writes a model as one small file. Every weight is stored in the smallest of the forms that `coding` allows, measured
 * by its real size; the same model and options give the same bytes.
 *
 * @throws TypeError, RangeError for options or weights that do not fit; FormatError if the graph does not hold together
 * @see FORMAT.md
 */
export function writeArtifact(model: Model, options: WriteArtifactOptions = {}): WrittenArtifact {
  checkOptions('options', options, ['coding', 'floatAs', 'stages', 'recipe', 'original', 'runtime'])
  const { coding = 'auto', floatAs = 'float32', stages = new Map(), recipe, original, runtime } = options
  checkChoice('coding', coding, ['auto', 'huffman', 'none'])
  if (typeof floatAs !== 'function') checkChoice('floatAs', floatAs, ['float32', 'float16'])
  if (original !== undefined) checkInteger('original.bytes', original.bytes, 0, Number.MAX_SAFE_INTEGER)
  for (const name of stages.keys()) {
    if (!model.weights.has(name))
      throw new RangeError(`"stages" names ${JSON.stringify(name)}, which is no weight`)
  }
  checkModel(model)

  const writer = new WeightWriter(ALLOWED[coding], floatAs, runtime)
  const graph = describeGraph(model, {
    weight: (name, weight) => writer.weight(name, weight),
    attribute: (name, tensor) => writer.attribute(name, tensor),
  })
  const entries = writer.entries.aligned()
  const { name, opset, metadata, activations } = model
  const manifest: Record<string, Jsonable> = { version: FORMAT_VERSION, name, opset }
  if (Object.keys(metadata).length > 0) manifest['metadata'] = metadata
  manifest['graph'] = graph
  if (activations !== undefined && activations.size > 0) {
    manifest['activations'] = Object.fromEntries(
      Array.from(activations, ([value, { scale, zeroPoint }]) => [value, [scale, zeroPoint]]),
    )
  }
  manifest['checksums'] = entries.map(({ bytes }) => crc32c(bytes))
  if (original !== undefined) manifest['originalBytes'] = original.bytes
  if (recipe !== undefined) manifest['recipe'] = checkNote('recipe', recipe)
  if (stages.size > 0) manifest['stages'] = checkNote('stages', Object.fromEntries(stages))

  const header = new Map([
    [FORMAT_KEY, FORMAT_NAME],
    [CHECKSUM_KEY, BLANK_CHECKSUM],
    [MANIFEST_KEY, JSON.stringify(manifest)],
  ])
  const bytes = joinSafetensors(header, entries)
  sealHeader(bytes)
  return { bytes, tensors: writer.reports }
}

/** Stores weights as entries, and keeps the accounts. */
class WeightWriter {
  readonly entries = new EntryList()
  readonly reports: TensorReport[] = []
  readonly #allowed: readonly SequenceCoding[]
  readonly #floatAs: FloatStorage | ((name: string, weight: Weight) => FloatStorage)
  readonly #runtime: Runtime

  constructor(
    allowed: readonly SequenceCoding[],
    floatAs: FloatStorage | ((name: string, weight: Weight) => FloatStorage),
    runtime: Runtime,
  ) {
    this.#allowed = allowed
    this.#floatAs = floatAs
    this.#runtime = runtime
  }

  weight(name: string, weight: Weight): Jsonable {
    switch (weight.kind) {
      case 'dense':
        return this.#dense(name, weight)
      case 'codebook':
        return this.#codebook(name, weight)
      case 'quantized':
        return this.#quantized(name, weight)
      case 'int4':
        return this.#int4(name, weight)
    }
  }

  attribute(name: string, tensor: Tensor): string {
    return this.entries.add(name, DTYPE_OF[tensor.dtype], tensor.shape, bytesOf(tensor.data))
  }

  #storage(name: string, weight: Weight): FloatStorage {
    if (typeof this.#floatAs !== 'function') return this.#floatAs
    const storage = this.#floatAs(name, weight)
    checkChoice(`floatAs(${JSON.stringify(name)})`, storage, ['float32', 'float16'])
    return storage
  }

  #report(
    name: string,
    weight: Weight,
    report: Pick<TensorReport, 'layout' | 'coding' | 'bytes'>,
    zeros: number,
  ): void {
    const elements = elementCount(weight.shape)
    this.reports.push({
      name,
      form: weight.kind,
      shape: weight.shape,
      ...report,
      bitsPerWeight: elements === 0 ? 0 : (report.bytes * 8) / elements,
      originalBytes: elements * (weight.kind === 'dense' ? BYTES_PER_ELEMENT[weight.dtype] : 4),
      sparsity: elements === 0 ? 0 : zeros / elements,
    })
  }

  #dense(name: string, weight: Tensor): Jsonable {
    const { dtype, shape, data } = weight
    const asHalf = dtype === 'float32' && this.#storage(name, weight) === 'float16'
    const bytes = bytesOf(asHalf ? toHalves(name, data as Float32Array) : data)
    const entry = this.entries.add(name, DTYPE_OF[asHalf ? 'float16' : dtype], shape, bytes)
    let zeros = 0
    for (let i = 0; i < data.length; i++) if (Number(data[i]) === 0) zeros++
    this.#report(name, weight, { layout: 'dense', coding: 'none', bytes: bytes.length }, zeros)
    if (asHalf) return { ...named(name, entry), dtype }
    return entry === name ? name : named(name, entry)
  }

  #codebook(name: string, weight: CodebookTensor): Jsonable {
    const { shape, indices, codebook } = weight
    checkTypedArray(`${name}.indices`, indices, 'Uint8Array', elementCount(shape))
    checkCodebook(`${name}.codebook`, codebook)
    const { centroids } = codebook
    const bad = indices.findIndex((index) => index >= centroids.length)
    if (bad >= 0) {
      throw new RangeError(
        `"${name}.indices" expected 0..${centroids.length - 1}, got ${indices[bad]} at ${bad}`,
      )
    }
    const halves = this.#storage(name, weight) === 'float16' ? toHalves(name, centroids) : undefined
    // Rounding may make two centroids one, which a codebook does not allow.
    const half = halves !== undefined && new Set(halves).size === centroids.length
    const choice = chooseForm(indices, shape, this.#allowed, this.#runtime)
    const bytes = joinPacked(bytesOf(half ? halves : centroids), choice.encode())
    const entry = this.entries.add(name, 'U8', [bytes.length], bytes)
    const { layout, coding } = choice
    const zeroIndex = centroids.indexOf(0)
    this.#report(name, weight, { layout, coding, bytes: bytes.length }, count(indices, zeroIndex))
    return {
      ...named(name, entry),
      shape,
      codebook: centroids.length,
      ...(half ? { half } : {}),
      ...(choice.sparse === undefined ? {} : { sparse: [choice.sparse.zero, choice.sparse.bits] }),
    }
  }

  /** With the names and the bytes that compressed-tensors gives to these two. */
  #int4(name: string, weight: Int4Tensor): Jsonable {
    const { rows, rowBytes, groups } = checkInt4(name, weight)
    const { shape, axis, groupSize, data, scale } = weight
    const halves = Uint16Array.from(scale, halfFromFloat)
    const fit = halves.every((half, i) => floatFromHalf(half) === scale[i])
    const scales = bytesOf(fit ? halves : scale)
    const entry = this.entries.add(`${name}_packed`, 'I32', [rows, rowBytes / 4], data)
    const scaleEntry = this.entries.add(`${name}_scale`, fit ? 'F16' : 'F32', [rows, groups], scales)
    let zeros = 0
    for (const value of dequantizeInt4(weight)) if (value === 0) zeros++
    const bytes = data.length + scales.length
    this.#report(name, weight, { layout: 'dense', coding: 'none', bytes }, zeros)
    return { name, entry, shape, int4: [axis, groupSize], scale: scaleEntry }
  }

  #quantized(name: string, weight: QuantizedTensor): Jsonable {
    const { outer, channels, inner } = checkQuantized(name, weight)
    const { shape, data, scale, zeroPoint } = weight
    const symbols = new Uint8Array(data.buffer, data.byteOffset, data.length)
    const choice = chooseForm(symbols, shape, this.#allowed, this.#runtime)
    const int8 = describeGranularity(weight.granularity)
    const hasZeros = zeroPoint.some((zero) => zero !== 0)
    let zeros = 0
    for (let i = 0, o = 0; o < outer; o++) {
      for (let c = 0; c < channels; c++) {
        for (const end = i + inner; i < end; i++) if (data[i] === zeroPoint[c]) zeros++
      }
    }
    if (choice.layout === 'dense' && choice.coding === 'packed' && choice.bytes > symbols.length) {
      // The names that compressed-tensors gives to these three.
      const entry = this.entries.add(name, 'I8', shape, symbols)
      const scaleEntry = this.entries.add(`${name}_scale`, 'F32', [scale.length], bytesOf(scale))
      const zeroEntry = hasZeros
        ? this.entries.add(`${name}_zero_point`, 'I8', [zeroPoint.length], bytesOf(zeroPoint))
        : undefined
      const bytes = symbols.length + scale.byteLength + (hasZeros ? zeroPoint.length : 0)
      this.#report(name, weight, { layout: 'dense', coding: 'none', bytes }, zeros)
      return {
        ...named(name, entry),
        int8,
        scale: scaleEntry,
        ...(zeroEntry === undefined ? {} : { zeroPoint: zeroEntry }),
      }
    }
    const zeroBytes = hasZeros ? bytesOf(zeroPoint) : new Uint8Array(0)
    const bytes = joinPacked(concat(bytesOf(scale), zeroBytes), choice.encode())
    const entry = this.entries.add(name, 'U8', [bytes.length], bytes)
    const { layout, coding } = choice
    this.#report(name, weight, { layout, coding, bytes: bytes.length }, zeros)
    return {
      ...named(name, entry),
      shape,
      int8,
      ...(hasZeros ? { zeroPoint: true } : {}),
      ...(choice.sparse === undefined ? {} : { sparse: [choice.sparse.zero, choice.sparse.bits] }),
    }
  }
}

function named(name: string, entry: string): { name: string; entry?: string } {
  return entry === name ? { name } : { name, entry }
}

/** A packed entry: parameters, padding to a multiple of 4 with its length before it, sequences. */
function joinPacked(parameters: Uint8Array, sequences: Uint8Array): Uint8Array {
  const padding = -(parameters.length + 1 + sequences.length) & 3
  const head = new Uint8Array(1 + padding)
  head[0] = padding
  return concat(parameters, head, sequences)
}

function count(symbols: Uint8Array, symbol: number): number {
  let total = 0
  for (let i = 0; i < symbols.length; i++) if (symbols[i] === symbol) total++
  return total
}

function describeGranularity(granularity: Granularity): Jsonable {
  switch (granularity.per) {
    case 'tensor':
      return 'tensor'
    case 'channel':
      return ['axis', granularity.axis]
    case 'group':
      return ['group', granularity.size]
  }
}

function toHalves(name: string, values: Float32Array): Uint16Array {
  const halves = Uint16Array.from(values, halfFromFloat)
  const bad = halves.findIndex((half, i) => (half & 0x7fff) === 0x7c00 && Number.isFinite(values[i]))
  if (bad >= 0)
    throw new RangeError(`"${name}" expected values that fit float16, got ${values[bad]} at ${bad}`)
  return halves
}

/** @throws TypeError unless `value` is plain JSON, which is then returned */
function checkNote(name: string, value: unknown, depth = 0): Jsonable {
  if (depth > MAX_NOTE_DEPTH) throw new TypeError(`"${name}" is nested more than ${MAX_NOTE_DEPTH} deep`)
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (Array.isArray(value)) return value.map((item) => checkNote(name, item, depth + 1))
  if (typeof value !== 'object' || ArrayBuffer.isView(value) || value instanceof Map) {
    throw new TypeError(`"${name}" expected plain JSON, got ${describe(value)}`)
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(entries.map(([key, item]) => [key, checkNote(name, item, depth + 1)]))
}
