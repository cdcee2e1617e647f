import { FormatError } from '../../errors.js'
import type { Granularity } from '../../formats/quantized.js'
import { elementCount } from '../../formats/tensor.js'
import { MAX_RANK, MAX_TENSOR_ELEMENTS } from '../../limits.js'
import { checkTypedArray } from '../../validate.js'
import {
  parseHeader,
  parseSafetensors,
  type PlacedEntry,
  type SafetensorsEntry,
  type SafetensorsFile,
  type SafetensorsHeader,
} from '../safetensors/header.js'
import { MANIFEST_KEY, verifyHeader } from './container.js'
import { parseManifest, type GraphRecord, type Manifest, type WeightRecord } from './manifest.js'
import { splitSequences } from './sequence.js'

/** An artifact whose header is verified and whose data has not been looked at. */
export interface OpenArtifact {
  readonly manifest: Manifest
  readonly entries: Entries
}

/** Entries by name. */
export type Entries = ReadonlyMap<string, SafetensorsEntry>

/** @throws FormatError */
export function openArtifact(bytes: Uint8Array): OpenArtifact {
  checkTypedArray('bytes', bytes, 'Uint8Array')
  verifyHeader(bytes)
  const file = parseSafetensors(bytes)
  const entries = new Map(file.entries.map((entry) => [entry.name, entry]))
  return { manifest: manifestOf(file), entries }
}

/**
 * The same from the header alone: what is to come, in the order of the data.
 *
 * @param bytes what the file has before its data
 * @throws FormatError
 */
export function openHeader(bytes: Uint8Array): { manifest: Manifest; placed: readonly PlacedEntry[] } {
  verifyHeader(bytes)
  const header = parseHeader(bytes)
  return { manifest: manifestOf(header), placed: header.entries }
}

function manifestOf({ metadata, entries }: SafetensorsHeader | SafetensorsFile): Manifest {
  const text = metadata.get(MANIFEST_KEY)
  if (text === undefined) throw new FormatError('manifest', 'artifact: the manifest is missing')
  const manifest = parseManifest(text)
  if (manifest.checksums.length !== entries.length) {
    throw new FormatError(
      'manifest',
      `artifact: ${manifest.checksums.length} checksums for ${entries.length} entries`,
    )
  }
  return manifest
}

/** Names of the entries that hold a weight. */
export function entriesOf(record: WeightRecord): string[] {
  const further =
    record.form === 'int8-plain'
      ? [record.scaleEntry, record.zeroPointEntry]
      : record.form === 'int4'
        ? [record.scaleEntry]
        : []
  return [record.entry, ...further.filter((name) => name !== undefined)]
}

/** @throws FormatError if there is none, or not of this dtype */
export function entryOf(entries: Entries, name: string, dtype?: string): SafetensorsEntry {
  const entry = entries.get(name)
  if (entry === undefined) throw new FormatError('manifest', `artifact: no entry ${JSON.stringify(name)}`)
  if (dtype !== undefined && entry.dtype !== dtype) {
    throw new FormatError(
      'manifest',
      `artifact: ${JSON.stringify(name)} expected ${dtype}, got ${entry.dtype}`,
    )
  }
  return entry
}

/** Weights of a graph and of those inside it. */
export function weightRecords(graph: GraphRecord): WeightRecord[] {
  const inner = graph.nodes.flatMap((node) =>
    [...node.attributes.values()].flatMap((value) =>
      value.kind === 'graph' ? weightRecords(value.graph) : [],
    ),
  )
  return [...graph.weights, ...inner]
}

export type PackedRecord = Extract<WeightRecord, { form: 'codebook' | 'int8' }>

/** The parts of a packed entry: centroids or scales, zero points, sequences. */
export interface PackedParts {
  readonly elements: number
  /** Centroids, or scales. */
  readonly floats: Uint8Array
  readonly zeroPoints: Uint8Array
  readonly values: Uint8Array
  readonly gaps: Uint8Array | undefined
}

/** @throws FormatError if the entry is too short for what the record says */
export function packedParts(entries: Entries, record: PackedRecord): PackedParts {
  const what = `weight ${JSON.stringify(record.name)}`
  const { bytes } = entryOf(entries, record.entry, 'U8')
  const { shape } = record
  const elements = elementCount(shape)
  if (shape.length > MAX_RANK || !(elements <= MAX_TENSOR_ELEMENTS)) {
    throw new FormatError('limit', `${what}: [${shape.join(', ')}] is beyond the limits`)
  }
  const channels = record.form === 'int8' ? scaleCount(what, shape, record.granularity) : 0
  const floatBytes = record.form === 'codebook' ? record.centroids * (record.half ? 2 : 4) : channels * 4
  const zeroBytes = record.form === 'int8' && record.zeroPoint ? channels : 0
  if (floatBytes + zeroBytes > bytes.length)
    throw new FormatError('truncated', `${what}: the entry ends early`)
  const [values, gaps] = splitSequences(
    what,
    bytes.subarray(floatBytes + zeroBytes),
    record.sparse !== undefined,
  )
  return {
    elements,
    floats: bytes.subarray(0, floatBytes),
    zeroPoints: bytes.subarray(floatBytes, floatBytes + zeroBytes),
    values,
    gaps,
  }
}

function scaleCount(what: string, shape: readonly number[], granularity: Granularity): number {
  const count =
    granularity.per === 'tensor'
      ? 1
      : granularity.per === 'channel'
        ? shape[granularity.axis]
        : elementCount(shape) / granularity.size
  if (count === undefined || !Number.isInteger(count)) {
    throw new FormatError('manifest', `${what}: the granularity does not fit [${shape.join(', ')}]`)
  }
  return count
}
