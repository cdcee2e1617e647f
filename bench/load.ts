// npm run bench:load -- [--megabytes 100] [--json FILE]
// Loads models of so many megabytes of weights from files, each in a fresh process, and compares the memory that this takes at its
// peak with what is to be kept: the stored file and the packed weights, and 32 MB.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import '../bindings/embedded.js'
import type { Model, Weight } from '../bindings/graph/model.js'
import { loadModel } from '../bindings/infer/index.js'
import { writeArtifact } from '../bindings/io/artifact/index.js'
import { quantizeInt8 } from '../bindings/ops/quantize.js'
import { Random } from '../tests/support/random.js'

const WIDTH = 2048
const TINY = 16
const SLACK = 32e6

type Form = 'float32' | 'int8' | 'codebook' | 'sparse codebook'

interface LoadRow {
  readonly model: Form
  readonly source: 'path' | 'bytes'
  readonly shipBytes: number
  readonly packedBytes: number
  readonly peakBytes: number
  readonly limitBytes: number
  readonly ms: number
  readonly ok: boolean
}

function weightOf(form: Form, width: number, random: Random): Weight {
  const shape = [width, width]
  if (form === 'float32' || form === 'int8') {
    const data = Float32Array.from({ length: width * width }, () => random.normal() * 0.02)
    const dense = { kind: 'dense', dtype: 'float32', shape, data } as const
    return form === 'float32' ? dense : quantizeInt8(dense, { granularity: { per: 'channel', axis: 1 } })
  }
  const kept = form === 'codebook' ? 1 : 0.1
  const indices = Uint8Array.from({ length: width * width }, () =>
    random.next() < kept ? Math.min(15, Math.max(0, Math.round(random.normal() * 3 + 8))) : 8,
  )
  return {
    kind: 'codebook',
    shape,
    indices,
    codebook: { centroids: Float32Array.from({ length: 16 }, (_, i) => i - 8) },
  }
}

/** A chain of products whose weights, as float32 or int8 or indices, take so many bytes. */
function modelOf(form: Form, bytes: number, width = WIDTH): Model {
  const random = new Random(1)
  const layers = Math.ceil(bytes / (width * width * (form === 'float32' ? 4 : 1)))
  const name = (i: number) => `h${i}`
  return {
    name: form,
    opset: 21,
    metadata: {},
    inputs: [{ name: name(0), dtype: 'float32', shape: ['N', width] }],
    outputs: [{ name: name(layers), dtype: 'float32', shape: ['N', width] }],
    nodes: Array.from({ length: layers }, (_, i) => ({
      name: `layer${i}`,
      op: 'MatMul',
      domain: '',
      inputs: [name(i), `w${i}`],
      outputs: [name(i + 1)],
      attributes: {},
    })),
    weights: new Map(Array.from({ length: layers }, (_, i) => [`w${i}`, weightOf(form, width, random)])),
  }
}

/** The most that this process ever held, as Linux counts it; elsewhere the figure of a child may hold that of its parent. */
function peakRss(): number {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : ''
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(status) ?? []
  return 1024 * Number(kilobytes ?? process.resourceUsage().maxRSS)
}

/** In the child: loads and reports. */
async function loadHere(path: string, source: LoadRow['source']): Promise<void> {
  // What the runtime, the kernels and a first session take is not what the model takes.
  loadModel(writeArtifact(modelOf('int8', 1, TINY)).bytes).dispose()
  const before = process.memoryUsage.rss()
  const start = performance.now()
  const session =
    source === 'path'
      ? await loadModel(path, { maxBytes: 2 ** 31 })
      : loadModel(readFileSync(path), { maxBytes: 2 ** 31 })
  const ms = performance.now() - start
  const peakBytes = peakRss() - before
  console.log(JSON.stringify({ ms, peakBytes, packedBytes: session.stats.weightBytes }))
}

function measure(path: string, model: Form, source: LoadRow['source'], shipBytes: number): LoadRow {
  const here = fileURLToPath(import.meta.url)
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...process.execArgv, here, '--child', path, '--source', source],
    {
      encoding: 'utf8',
    },
  )
  if (status !== 0) throw new Error(stderr)
  const { ms, peakBytes, packedBytes } = JSON.parse(stdout) as Pick<
    LoadRow,
    'ms' | 'peakBytes' | 'packedBytes'
  >
  const limitBytes = shipBytes + packedBytes + SLACK
  return { model, source, shipBytes, packedBytes, peakBytes, limitBytes, ms, ok: peakBytes < limitBytes }
}

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '100' },
    json: { type: 'string' },
    child: { type: 'string' },
    source: { type: 'string', default: 'path' },
  },
})

if (values.child !== undefined) {
  await loadHere(values.child, values.source as LoadRow['source'])
} else {
  const folder = mkdtempSync(join(tmpdir(), 'mcompress-load-'))
  const rows: LoadRow[] = []
  try {
    for (const form of ['float32', 'int8', 'codebook', 'sparse codebook'] as const) {
      const path = join(folder, 'model.safetensors')
      const { bytes } = writeArtifact(modelOf(form, Number(values.megabytes) * 1e6))
      writeFileSync(path, bytes)
      for (const source of ['path', 'bytes'] as const) rows.push(measure(path, form, source, bytes.length))
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  const table = new Table({
    head: ['weights', 'from', 'file MB', 'packed MB', 'peak MB', 'limit MB', 'ms', ''],
    style: { head: [], border: [] },
  })
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1)
  for (const { model, source, shipBytes, packedBytes, peakBytes, limitBytes, ms, ok } of rows) {
    table.push([
      model,
      source,
      mb(shipBytes),
      mb(packedBytes),
      mb(peakBytes),
      mb(limitBytes),
      ms.toFixed(0),
      ok ? 'ok' : 'over',
    ])
  }
  console.log(table.toString())
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 1)}\n`)
  // Bytes that the caller holds already are no concern of a load; what V8 has not collected yet counts too.
  if (rows.some(({ source, ok }) => source === 'path' && !ok)) process.exitCode = 1
}
