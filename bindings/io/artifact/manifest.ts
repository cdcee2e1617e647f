import { FormatError } from '../../errors.js'
import type { Granularity } from '../../formats/quantized.js'
import { BYTES_PER_ELEMENT, type ElementType } from '../../formats/tensor.js'
import type { ActivationRange, Dimension, ValueInfo } from '../../graph/model.js'
import { parseJson, type Json, type JsonObject } from '../json.js'

// What the manifest of an artifact says, and its reader. The JSON is described in FORMAT.md#manifest.

export const FORMAT_MAJOR = 1
export const FORMAT_VERSION = '1.1'

export interface Manifest {
  readonly version: string
  readonly name: string
  readonly opset: number
  readonly metadata: ReadonlyMap<string, string>
  readonly graph: GraphRecord
  readonly activations: ReadonlyMap<string, ActivationRange>
  /** CRC-32C of each entry's bytes, in the order of the data. */
  readonly checksums: readonly number[]
  /** Size of the file that the model came from. */
  readonly originalBytes: number | undefined
  readonly recipe: Json | undefined
  /** What was done to a weight, by its name. */
  readonly stages: ReadonlyMap<string, Json>
}

export interface GraphRecord {
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  readonly nodes: readonly NodeRecord[]
  readonly weights: readonly WeightRecord[]
}

export interface NodeRecord {
  readonly op: string
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, AttributeRecord>
  readonly domain: string
}

export type AttributeRecord =
  | { readonly kind: 'plain'; readonly value: number | string | readonly number[] | readonly string[] }
  /** Name of the entry. */
  | { readonly kind: 'tensor'; readonly entry: string }
  | { readonly kind: 'graph'; readonly graph: GraphRecord }

/** One weight and the entries that hold it. */
export type WeightRecord = { readonly name: string; readonly entry: string } & (
  | {
      readonly form: 'dense'
      /** float32 where halves are stored for it; the entry's own type if undefined. */
      readonly dtype: 'float32' | undefined
    }
  | ({
      readonly form: 'codebook'
      readonly centroids: number
      /** Whether the centroids are stored as halves. */
      readonly half: boolean
    } & Packed)
  | ({
      readonly form: 'int8'
      readonly granularity: Granularity
      /** Whether zero points are stored; they are 0 otherwise. */
      readonly zeroPoint: boolean
    } & Packed)
  | {
      /** Codes, scales and zero points in entries of their own. */
      readonly form: 'int8-plain'
      readonly granularity: Granularity
      readonly scaleEntry: string
      readonly zeroPointEntry: string | undefined
    }
  | {
      /** Codes and scales in entries of their own. */
      readonly form: 'int4'
      readonly shape: readonly number[]
      readonly axis: number
      readonly groupSize: number
      readonly scaleEntry: string
    }
)

interface Packed {
  readonly shape: readonly number[]
  readonly sparse: { readonly zero: number; readonly bits: number } | undefined
}

function fail(what: string, expected: string): never {
  throw new FormatError('manifest', `artifact manifest: ${what} expected ${expected}`)
}

function asObject(what: string, value: Json | undefined): JsonObject {
  return value instanceof Map ? value : fail(what, 'an object')
}

function asArray(what: string, value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : fail(what, 'an array')
}

function asString(what: string, value: Json | undefined): string {
  return typeof value === 'string' ? value : fail(what, 'a string')
}

function asStrings(what: string, value: Json | undefined): string[] {
  return asArray(what, value).map((item) => asString(what, item))
}

function asInteger(what: string, value: Json | undefined, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
    return fail(what, `an integer in 0..${max}`)
  }
  return value
}

function asFlag(what: string, value: Json | undefined): boolean {
  return value === undefined || typeof value === 'boolean' ? value === true : fail(what, 'true or nothing')
}

/** Numbers that JSON lacks are objects: `{"number":"NaN"}`. */
const SPECIAL_NUMBERS: ReadonlyMap<Json | undefined, number> = new Map([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
  ['-0', -0],
])

function asNumber(what: string, value: Json | undefined): number {
  if (typeof value === 'number') return value
  const special = value instanceof Map ? SPECIAL_NUMBERS.get(value.get('number')) : undefined
  return special ?? fail(what, 'a number')
}

/**
 * Reads the manifest's JSON.
 *
 * @throws FormatError `version` for a newer major version, by name; `json` or `manifest` for anything else
 */
export function parseManifest(text: string): Manifest {
  const root = asObject('it', parseJson('artifact manifest', text))
  const version = asString('version', root.get('version'))
  const [, major] = /^(\d{1,5})\.\d{1,5}$/.exec(version) ?? fail('version', 'major.minor')
  if (Number(major) !== FORMAT_MAJOR) {
    throw new FormatError(
      'version',
      `artifact: format version ${version}, this reader knows ${FORMAT_MAJOR}.x`,
    )
  }
  const optional = (key: string): JsonObject => asObject(key, root.get(key) ?? new Map())
  const original = root.get('originalBytes')
  return {
    version,
    name: asString('name', root.get('name')),
    opset: asInteger('opset', root.get('opset')),
    metadata: new Map(
      [...optional('metadata')].map(([key, value]) => [key, asString(`metadata ${key}`, value)]),
    ),
    graph: graphRecord('graph', root.get('graph')),
    activations: new Map(
      [...optional('activations')].map(([name, value]) => [name, activation(name, value)]),
    ),
    checksums: asArray('checksums', root.get('checksums')).map((crc) =>
      asInteger('checksums', crc, 2 ** 32 - 1),
    ),
    originalBytes: original === undefined ? undefined : asInteger('originalBytes', original),
    recipe: root.get('recipe'),
    stages: optional('stages'),
  }
}

function activation(name: string, value: Json): ActivationRange {
  const what = `activation ${JSON.stringify(name)}`
  const [scale, zeroPoint] = asArray(what, value)
  if (typeof scale !== 'number' || !(scale > 0)) return fail(what, 'a positive scale')
  if (typeof zeroPoint !== 'number' || !Number.isInteger(zeroPoint) || zeroPoint < -128 || zeroPoint > 127) {
    return fail(what, 'a zero point in -128..127')
  }
  return { scale, zeroPoint }
}

function graphRecord(what: string, value: Json | undefined): GraphRecord {
  const graph = asObject(what, value)
  const list = <T>(key: string, read: (what: string, value: Json) => T): T[] =>
    asArray(`${what}.${key}`, graph.get(key)).map((item, index) => read(`${what}.${key}[${index}]`, item))
  return {
    inputs: list('inputs', valueInfo),
    outputs: list('outputs', valueInfo),
    nodes: list('nodes', nodeRecord),
    weights: list('weights', weightRecord),
  }
}

function valueInfo(what: string, value: Json): ValueInfo {
  const [name, dtype, shape] = asArray(what, value)
  const type = asString(`${what} dtype`, dtype)
  if (!Object.hasOwn(BYTES_PER_ELEMENT, type)) return fail(`${what} dtype`, 'an element type')
  return {
    name: asString(`${what} name`, name),
    dtype: type as ElementType,
    shape:
      shape === undefined ? undefined : asArray(`${what} shape`, shape).map((item) => dimension(what, item)),
  }
}

function dimension(what: string, value: Json): Dimension {
  return value === null || typeof value === 'string' ? value : asInteger(`${what} shape`, value)
}

function nodeRecord(what: string, value: Json): NodeRecord {
  const [op, name, inputs, outputs, attributes = new Map(), domain = ''] = asArray(what, value)
  return {
    op: asString(`${what} operator`, op),
    name: asString(`${what} name`, name),
    inputs: asStrings(`${what} inputs`, inputs),
    outputs: asStrings(`${what} outputs`, outputs),
    attributes: new Map(
      [...asObject(`${what} attributes`, attributes)].map(([key, item]) => [
        key,
        attributeRecord(`${what} ${key}`, item),
      ]),
    ),
    domain: asString(`${what} domain`, domain),
  }
}

function attributeRecord(what: string, value: Json): AttributeRecord {
  if (value instanceof Map) {
    const entry = value.get('tensor')
    if (entry !== undefined) return { kind: 'tensor', entry: asString(what, entry) }
    const graph = value.get('graph')
    if (graph !== undefined) return { kind: 'graph', graph: graphRecord(what, graph) }
  }
  if (typeof value === 'string') return { kind: 'plain', value }
  if (!Array.isArray(value)) return { kind: 'plain', value: asNumber(what, value) }
  const isText = typeof value[0] === 'string'
  return { kind: 'plain', value: isText ? asStrings(what, value) : value.map((item) => asNumber(what, item)) }
}

function weightRecord(what: string, value: Json): WeightRecord {
  if (typeof value === 'string') return { name: value, entry: value, form: 'dense', dtype: undefined }
  const record = asObject(what, value)
  const name = asString(`${what} name`, record.get('name'))
  const entry = asString(`${what} entry`, record.get('entry') ?? name)
  const codebook = record.get('codebook')
  if (codebook !== undefined) {
    const centroids = asInteger(`${what} codebook`, codebook, 256)
    const half = asFlag(`${what} half`, record.get('half'))
    return { name, entry, form: 'codebook', centroids, half, ...packed(what, record) }
  }
  const int8 = record.get('int8')
  if (int8 !== undefined) {
    const granularity = granularityOf(`${what} int8`, int8)
    const scale = record.get('scale')
    const zeroPoint = record.get('zeroPoint')
    if (scale === undefined) {
      const hasZeros = asFlag(`${what} zeroPoint`, zeroPoint)
      return { name, entry, form: 'int8', granularity, zeroPoint: hasZeros, ...packed(what, record) }
    }
    return {
      name,
      entry,
      form: 'int8-plain',
      granularity,
      scaleEntry: asString(`${what} scale`, scale),
      zeroPointEntry: zeroPoint === undefined ? undefined : asString(`${what} zeroPoint`, zeroPoint),
    }
  }
  const int4 = record.get('int4')
  if (int4 !== undefined) {
    const [axis, groupSize] = asArray(`${what} int4`, int4)
    return {
      name,
      entry,
      form: 'int4',
      shape: shapeOf(what, record),
      axis: asInteger(`${what} int4`, axis),
      groupSize: asInteger(`${what} int4`, groupSize),
      scaleEntry: asString(`${what} scale`, record.get('scale')),
    }
  }
  const dtype = record.get('dtype')
  if (dtype !== undefined && dtype !== 'float32') return fail(`${what} dtype`, 'float32 or nothing')
  return { name, entry, form: 'dense', dtype }
}

function shapeOf(what: string, record: JsonObject): number[] {
  return asArray(`${what} shape`, record.get('shape')).map((item) => asInteger(`${what} shape`, item))
}

function packed(what: string, record: JsonObject): Packed {
  const shape = shapeOf(what, record)
  const sparse = record.get('sparse')
  if (sparse === undefined) return { shape, sparse }
  const [zero, bits] = asArray(`${what} sparse`, sparse)
  return {
    shape,
    sparse: { zero: asInteger(`${what} sparse`, zero, 255), bits: asInteger(`${what} sparse`, bits, 8) },
  }
}

function granularityOf(what: string, value: Json): Granularity {
  if (value === 'tensor') return { per: 'tensor' }
  const [per, figure] = asArray(what, value)
  if (per === 'axis') return { per: 'channel', axis: asInteger(what, figure) }
  if (per === 'group') return { per: 'group', size: asInteger(what, figure) }
  return fail(what, 'tensor, axis or group')
}
