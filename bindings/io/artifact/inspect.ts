import type { ValueInfo } from '../../graph/model.js'
import { BYTES_PER_ELEMENT, elementCount } from '../../formats/tensor.js'
import type { Json } from '../json.js'
import { ELEMENT_TYPE_OF } from '../safetensors/dtypes.js'
import type { WeightRecord } from './manifest.js'
import {
  entriesOf,
  entryOf,
  openArtifact,
  packedParts,
  weightRecords,
  type OpenArtifact,
  type PackedParts,
  type PackedRecord,
} from './open.js'
import type { TensorReport } from './report.js'
import { peekSequence, slowerCoding } from './sequence.js'

/** What an artifact says about itself. */
export interface ArtifactSummary {
  /** Of the format. */
  readonly version: string
  readonly name: string
  readonly opset: number
  readonly metadata: Readonly<Record<string, string>>
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  /** Operators in the order of the nodes, those of inner graphs left out. */
  readonly operators: readonly string[]
  readonly bytes: number
  readonly headerBytes: number
  /** Size of the file that the model came from, if it is on record. */
  readonly originalBytes: number | undefined
  readonly tensors: readonly TensorReport[]
  /** As given to the writer. */
  readonly recipe: unknown
  readonly stages: Readonly<Record<string, unknown>>
}

/**
 * Reads the header of an artifact and the first bytes of its streams: nothing is decoded, and no wasm is needed.
 *
 * @throws TypeError unless given bytes; FormatError for damaged or foreign ones
 */
export function inspectArtifact(bytes: Uint8Array): ArtifactSummary {
  const artifact = openArtifact(bytes)
  const { manifest, entries } = artifact
  const dataBytes = [...entries.values()].reduce((sum, entry) => sum + entry.bytes.length, 0)
  return {
    version: manifest.version,
    name: manifest.name,
    opset: manifest.opset,
    metadata: Object.fromEntries(manifest.metadata),
    inputs: manifest.graph.inputs,
    outputs: manifest.graph.outputs,
    operators: manifest.graph.nodes.map((node) => node.op),
    bytes: bytes.length,
    headerBytes: bytes.length - dataBytes,
    originalBytes: manifest.originalBytes,
    tensors: weightRecords(manifest.graph).map((record) => report(artifact, record)),
    recipe: plain(manifest.recipe),
    stages: Object.fromEntries(Array.from(manifest.stages, ([name, stages]) => [name, plain(stages)])),
  }
}

function report(artifact: OpenArtifact, record: WeightRecord): TensorReport {
  const entry = entryOf(artifact.entries, record.entry)
  const of = (
    figures: Pick<TensorReport, 'form' | 'shape' | 'layout' | 'coding' | 'bytes' | 'sparsity'>,
    elementBytes = 4,
  ): TensorReport => {
    const elements = elementCount(figures.shape)
    return {
      name: record.name,
      ...figures,
      bitsPerWeight: elements === 0 ? 0 : (figures.bytes * 8) / elements,
      originalBytes: elements * elementBytes,
    }
  }
  const { shape } = entry
  const plainly = { layout: 'dense', coding: 'none', sparsity: null } as const
  if (record.form === 'dense') {
    const type = record.dtype ?? ELEMENT_TYPE_OF.get(entry.dtype)
    return of(
      { form: 'dense', shape, bytes: entry.bytes.length, ...plainly },
      type === undefined ? undefined : BYTES_PER_ELEMENT[type],
    )
  }
  if (record.form === 'int8-plain' || record.form === 'int4') {
    const bytes = entriesOf(record).reduce(
      (sum, name) => sum + entryOf(artifact.entries, name).bytes.length,
      0,
    )
    return record.form === 'int4'
      ? of({ form: 'int4', shape: record.shape, bytes, ...plainly })
      : of({ form: 'quantized', shape, bytes, ...plainly })
  }
  const what = `weight ${JSON.stringify(record.name)}`
  const parts = packedParts(artifact.entries, record)
  const { values, gaps } = parts
  const first = peekSequence(what, values)
  const second = gaps === undefined ? undefined : peekSequence(what, gaps)
  return of({
    form: record.form === 'codebook' ? 'codebook' : 'quantized',
    shape: record.shape,
    layout: second === undefined ? 'dense' : 'sparse',
    coding: slowerCoding(first.coding, second?.coding),
    bytes: entry.bytes.length,
    sparsity: second !== undefined && leavesOutZeros(record, parts) ? 1 - first.count / parts.elements : null,
  })
}

/** Whether the symbol that a sparse weight leaves out means 0. */
function leavesOutZeros(record: PackedRecord, { elements, floats, zeroPoints }: PackedParts): boolean {
  if (record.sparse === undefined || elements === 0) return false
  const { zero } = record.sparse
  if (record.form === 'int8')
    return record.zeroPoint ? zeroPoints.every((point) => point === zero) : zero === 0
  const size = record.half ? 2 : 4
  // Both zeros of IEEE 754 are zeros in all bits but the sign.
  const bits = floats.slice(zero * size, (zero + 1) * size)
  return bits.length === size && bits.every((byte, i) => (i === size - 1 ? byte & 127 : byte) === 0)
}

/** Maps to objects. */
function plain(value: Json | undefined): unknown {
  if (value instanceof Map) return Object.fromEntries(Array.from(value, ([key, item]) => [key, plain(item)]))
  return Array.isArray(value) ? value.map(plain) : value
}
