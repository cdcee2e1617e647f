// npm run bench:ratio [-- --filter TEXT] [--json FILE]
// The example models through every recipe, and through compressors of bytes: what each makes of the file, and at what cost.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import * as zlib from 'node:zlib'
import '../bindings/embedded.js'
import { compress, RECIPES, type Recipe } from '../bindings/compress/index.js'
import { evaluate } from '../bindings/evaluate/index.js'
import type { Model } from '../bindings/graph/model.js'
import { loadModel } from '../bindings/infer/index.js'
import { writeArtifact } from '../bindings/io/artifact/index.js'
import { readOnnx } from '../bindings/io/onnx/index.js'
import { images } from './models/data.js'
import { printTable } from './output.js'

const MODELS = [
  ['lenet-300-100', 'mnist'],
  ['lenet-5', 'mnist'],
  ['resnet8-fashion', 'fashion'],
  ['lstm-128', 'mnist'],
  ['vit-tiny', 'mnist'],
] as const
const CALIBRATION_IMAGES = 2000

interface RatioRow {
  readonly model: string
  readonly recipe: string
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly ratio: number
  readonly metric: 'accuracy'
  /** Per cent. */
  readonly before: number
  readonly after: number
  readonly seconds: number
}

type Squeeze = (bytes: Uint8Array) => Uint8Array

/** Compressors of bytes at their best; zstd is part of Node from 22.15 on. */
const SQUEEZERS: readonly (readonly [string, Squeeze])[] = [
  ['gzip -9', (bytes) => zlib.gzipSync(bytes, { level: 9 })],
  ['brotli -q 11', (bytes) => zlib.brotliCompressSync(bytes)],
  ...('zstdCompressSync' in zlib ? [['zstd -19', (bytes: Uint8Array) => zstd(bytes)] as const] : []),
]

function zstd(bytes: Uint8Array): Uint8Array {
  const { zstdCompressSync, constants } = zlib as unknown as {
    zstdCompressSync(bytes: Uint8Array, options: object): Uint8Array
    constants: Record<string, number>
  }
  return zstdCompressSync(bytes, { params: { [constants['ZSTD_c_compressionLevel']!]: 19 } })
}

function timed<T>(work: () => T): { result: T; seconds: number } {
  const start = performance.now()
  const result = work()
  return { result, seconds: (performance.now() - start) / 1000 }
}

function rowsOf(name: string, data: 'mnist' | 'fashion', folder: string): RatioRow[] {
  const test = images(data, 't10k', 10_000)
  const training = images(data, 'train', CALIBRATION_IMAGES)
  if (test === undefined || training === undefined) {
    console.error(`${name}: its data set is not installed (Debian: dataset-fashion-mnist)`)
    return []
  }
  const shape = [1, 28, 28]
  const onnx = readFileSync(new URL(`../examples/models/${name}.onnx`, import.meta.url))
  const model = readOnnx(onnx)
  const accuracyOf = (source: Model | Uint8Array): number => {
    using session = loadModel(source as Uint8Array)
    return 100 * evaluate(session, { ...test, shape }).accuracy
  }
  const before = accuracyOf(model)
  const row = (recipe: string, bytesAfter: number, after: number, seconds: number): RatioRow => {
    const ratio = onnx.length / bytesAfter
    return {
      model: name,
      recipe,
      bytesBefore: onnx.length,
      bytesAfter,
      ratio,
      metric: 'accuracy',
      before,
      after,
      seconds,
    }
  }
  const squeezed = (what: string, bytes: Uint8Array, after: number): RatioRow[] =>
    SQUEEZERS.map(([label, squeeze]) => {
      const { result, seconds } = timed(() => squeeze(bytes))
      return row(`${what}, ${label}`, result.length, after, seconds)
    })
  const calibration = { inputs: training.inputs, shape }
  const compressed = (
    recipe: string,
    stages: Recipe,
    coding?: 'none',
  ): { bytes: Uint8Array; row: RatioRow } => {
    const { result, seconds } = timed(() => {
      const { artifact, model: small } = compress(model, stages, { calibration, originalBytes: onnx.length })
      return coding === undefined ? artifact : writeArtifact(small, { coding }).bytes
    })
    // What is measured is the file, as a user would load it.
    const path = join(folder, 'model.safetensors')
    writeFileSync(path, result)
    const bytes = readFileSync(path)
    return { bytes, row: row(recipe, bytes.length, accuracyOf(bytes), seconds) }
  }
  const plain = compressed('int8, not coded', RECIPES.int8, 'none')
  return [
    ...squeezed('float32', onnx, before),
    plain.row,
    ...squeezed('int8', plain.bytes, plain.row.after),
    ...Object.entries(RECIPES).map(([recipe, stages]) => compressed(recipe, stages).row),
  ]
}

const { values } = parseArgs({
  options: { filter: { type: 'string', default: '' }, json: { type: 'string' } },
})
const folder = mkdtempSync(join(tmpdir(), 'mcompress-ratio-'))
const rows: RatioRow[] = []
try {
  for (const [name, data] of MODELS) {
    if (!name.includes(values.filter)) continue
    console.error(name)
    rows.push(...rowsOf(name, data, folder))
  }
} finally {
  rmSync(folder, { recursive: true })
}
printTable({
  head: ['model', 'recipe', 'bytes', 'ratio', 'accuracy before', 'after', 'points', 'seconds'],
  body: rows.map(({ model, recipe, bytesAfter, ratio, before, after, seconds }) => [
    model,
    recipe,
    String(bytesAfter),
    `${ratio.toFixed(2)}x`,
    `${before.toFixed(2)} %`,
    `${after.toFixed(2)} %`,
    (after - before).toFixed(2),
    seconds.toFixed(1),
  ]),
})
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 1)}\n`)
