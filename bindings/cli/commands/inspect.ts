import { elementCount } from '../../formats/tensor.js'
import type { ValueInfo } from '../../graph/model.js'
import { inspectArtifact, isArtifact, type ArtifactSummary } from '../../io/artifact/index.js'
import { readOnnx } from '../../io/onnx/index.js'
import { naming } from '../errors.js'
import { checkWritable, readBytes } from '../files.js'
import { isJson, readTfjsFiles } from '../inputs.js'
import { kilobytes, percent, print, printTable, writeRows } from '../output.js'

export interface InspectCommand {
  readonly json?: string
}

/** Shows what is in an artifact, an ONNX file or a model of TensorFlow.js. Nothing is decoded or run. */
export function inspectCommand(path: string, { json }: InspectCommand): void {
  if (json !== undefined) checkWritable(json)
  const bytes = readBytes(path)
  const rows = naming(path, () =>
    isArtifact(bytes) ? artifactRows(inspectArtifact(bytes)) : modelRows(path, bytes),
  )
  printTable(
    ['tensor', 'shape', 'form', 'coding', 'before', 'after', 'bits/weight', 'zeros'],
    rows.map((row) => [
      row.tensor,
      row.shape,
      row.form,
      row.coding,
      kilobytes(row.bytesBefore),
      kilobytes(row.bytesAfter),
      row.bitsPerWeight.toFixed(2),
      row.sparsity === null ? '-' : percent(row.sparsity, 1),
    ]),
  )
  writeRows(json, rows)
}

interface TensorRow extends Record<string, string | number | null> {
  tensor: string
  shape: string
  form: string
  coding: string
  bytesBefore: number
  bytesAfter: number
  bitsPerWeight: number
  sparsity: number | null
}

function artifactRows(summary: ArtifactSummary): TensorRow[] {
  const { version, bytes, headerBytes, originalBytes } = summary
  const ratio =
    originalBytes === undefined
      ? ''
      : `, ${(originalBytes / bytes).toFixed(1)} times smaller than its original`
  print(`mcompress artifact ${version}: ${bytes} bytes, of these ${headerBytes} of header${ratio}`)
  printSignature(summary.inputs, summary.outputs, summary.operators)
  if (summary.recipe !== undefined) print(`recipe ${JSON.stringify(summary.recipe)}`)
  return summary.tensors.map((tensor) => ({
    tensor: tensor.name,
    shape: tensor.shape.join('x'),
    form: tensor.layout === 'sparse' ? `${tensor.form}, sparse` : tensor.form,
    coding: tensor.coding,
    bytesBefore: tensor.originalBytes,
    bytesAfter: tensor.bytes,
    bitsPerWeight: tensor.bitsPerWeight,
    sparsity: tensor.sparsity,
  }))
}

function modelRows(path: string, bytes: Uint8Array): TensorRow[] {
  const isTfjs = isJson(bytes)
  const { model, bytes: size } = isTfjs
    ? readTfjsFiles(path, bytes, false)
    : { model: readOnnx(bytes, { optimize: false }), bytes: bytes.length }
  print(`${isTfjs ? 'TensorFlow.js' : 'ONNX'} model: ${size} bytes`)
  printSignature(
    model.inputs,
    model.outputs,
    model.nodes.map(({ op }) => op),
  )
  return Array.from(model.weights, ([name, weight]) => {
    const data = weight.kind === 'codebook' ? weight.indices : weight.data
    const elements = elementCount(weight.shape)
    let zeros = 0
    for (let i = 0; i < data.length; i++) if (Number(data[i]) === 0) zeros++
    return {
      tensor: name,
      shape: weight.shape.join('x'),
      form: weight.kind === 'dense' ? weight.dtype : weight.kind,
      coding: 'none',
      bytesBefore: data.byteLength,
      bytesAfter: data.byteLength,
      bitsPerWeight: elements === 0 ? 0 : (data.byteLength * 8) / elements,
      sparsity: elements === 0 ? 0 : zeros / elements,
    }
  })
}

function printSignature(
  inputs: readonly ValueInfo[],
  outputs: readonly ValueInfo[],
  operators: readonly string[],
): void {
  const show = ({ name, dtype, shape }: ValueInfo): string =>
    `${name} ${dtype}[${shape?.map((size) => size ?? '?').join(', ') ?? '...'}]`
  print(`${inputs.map(show).join(', ')} -> ${operators.join(' ')} -> ${outputs.map(show).join(', ')}`)
}
