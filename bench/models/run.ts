// npm run bench:models -- [--filter TEXT] [--json FILE]
// Real models, as they are and compressed, against the libraries that run them today: results, time, memory, bytes, start.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { compress, type RecipeName } from '../../bindings/compress/index.js'
import type { Model } from '../../bindings/graph/model.js'
import { loadModel, type Session } from '../../bindings/infer/index.js'
import { readArtifact, writeArtifact } from '../../bindings/io/artifact/index.js'
import { readOnnx, writeOnnx } from '../../bindings/io/onnx/index.js'
import { compare, type Contender } from '../harness.js'
import { commit, printTable } from '../output.js'
import { whereabouts } from '../where.js'
import { CATALOG, readFiles, readModel, type Feed, type Files, type ModelCase } from './catalog.js'
import { runtimeBytes, startFresh, type Library } from './fresh.js'
import { loadOrt, loadTfjs, type Loaded } from './peers.js'
import { accuracy, likeness, relativeError, type Outputs } from './quality.js'

const RECIPES: readonly RecipeName[] = ['deep-compression', 'int8', 'int8-static']
const OURS = 'mcompress f32'
/** Inputs to calibrate with, and the first seed of those to judge by. */
const CALIBRATION_RUNS = 16
const FIRST_JUDGED = 1000

/** What this project set out to reach. */
const AIMS = { f32: 1.2, int8: 2, coldMs: 10 }
/** Largest difference from a peer's f32 over the range of an output. */
const TOLERANCE = 1e-4

/** One line of the table and of `--json`; null where something was not measured. */
interface Row {
  model: string
  contender: string
  medianMs: number | null
  /** The most memory that a process with this contender alone had resident, less that of an empty one. */
  peakBytes: number | null
  /** The model and the library that runs it, which counts gzip. */
  shipBytes: number | null
  /** CPU time from import to first result in a fresh process. */
  coldMs: number | null
  /** Likeness to the original as it runs in the peer: accuracy for labelled data, else the mean cosine of outputs. */
  agreement: number | null
  metric: string
  modelBytes: number | null
  /** Largest difference from the peer's f32 over the range of an output. */
  relativeError: number | null
  /** Median time of the fastest peer that computes alike, over this one's. */
  ratio: number | null
  failed?: string
  /** Where a model of ours that is slower than was aimed at spends its time. */
  slowest?: string[]
  engine?: string
  cpu?: string
  commit?: string
}

interface Entry {
  name: string
  library: Library
  loaded: Loaded
  /** What a fresh process reads. */
  files: readonly Uint8Array[]
  modelBytes: number
  row: Row
  /** In an entry of ours. */
  session?: Session
}

const { values } = parseArgs({
  options: { filter: { type: 'string', default: '' }, json: { type: 'string' } },
})

const emptyRow = (model: string, contender: string, metric: string): Row => ({
  ...{ model, contender, medianMs: null, peakBytes: null, shipBytes: null, coldMs: null, agreement: null },
  ...{ metric, modelBytes: null, relativeError: null, ratio: null },
})

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message.slice(0, 300)}` : String(error)

const ours = (session: Session, file: Uint8Array) => ({
  session,
  files: [file],
  loaded: { run: (feed: Feed) => session.run(feed), dispose: () => session.dispose() },
})

/** An int8 model as the peer runs it fastest: activations unsigned, which are the same codes plus 128. */
function unsigned(model: Model): Model {
  const zeros = new Set(
    model.nodes.filter(({ op }) => op === 'QuantizeLinear').map(({ inputs }) => inputs[2] ?? ''),
  )
  const weights = new Map(
    Array.from(model.weights, ([name, weight]) => {
      if (!zeros.has(name) || weight.kind !== 'dense') return [name, weight] as const
      const data = Uint8Array.from(weight.data as Int8Array, (zero) => zero + 128)
      return [name, { ...weight, dtype: 'uint8', data } as const] as const
    }),
  )
  return { ...model, weights }
}

/** Everything that can run a case; what cannot has a row that says why. */
async function prepare(
  bench: ModelCase,
): Promise<{ entries: Entry[]; failures: Row[]; model: Model | undefined }> {
  const entries: Entry[] = []
  const failures: Row[] = []
  const add = async (
    name: string,
    library: Library,
    make: () => Promise<Pick<Entry, 'loaded' | 'files' | 'session'>>,
  ) => {
    const row = emptyRow(bench.name, name, bench.metric)
    try {
      console.error(`${bench.name}: ${name}`)
      const made = await make()
      const modelBytes = made.files.reduce((sum, { length }) => sum + length, 0)
      entries.push({ name, library, ...made, modelBytes, row })
    } catch (error) {
      failures.push({ ...row, failed: messageOf(error) })
    }
  }
  let model: Model | undefined
  let files: Files
  try {
    files = readFiles(bench.source)
    model = readModel(bench.source, files)
  } catch (error) {
    return {
      entries,
      failures: [{ ...emptyRow(bench.name, OURS, bench.metric), failed: messageOf(error) }],
      model,
    }
  }
  const read = model
  const outputs = read.outputs.map(({ name }) => name)
  await add(OURS, 'ours', async () => {
    return ours(loadModel(read), writeArtifact(read, { coding: 'none' }).bytes)
  })
  const isOnnx = bench.source.format === 'onnx'
  if (!isOnnx) {
    await add('tfjs-wasm f32', 'tfjs', async () => ({
      loaded: await loadTfjs(bench.source, files, outputs),
      files: [...files.contents.values()],
    }))
  }
  await add(isOnnx ? 'onnxruntime-web f32' : 'onnxruntime-web f32, exported', 'onnxruntime', async () => {
    const bytes = isOnnx ? files.contents.get(bench.source.path)! : writeOnnx(read)
    return { loaded: await loadOrt(bytes), files: [bytes] }
  })
  const calibration =
    bench.calibration?.() ?? Array.from({ length: CALIBRATION_RUNS }, (_, seed) => bench.feed(read, seed))
  for (const recipe of RECIPES) {
    let artifact: Uint8Array | undefined
    await add(`mcompress ${recipe}`, 'ours', async () => {
      artifact = compress(read, recipe, { calibration }).artifact
      return ours(loadModel(artifact), artifact)
    })
    if (recipe !== 'int8-static' || artifact === undefined) continue
    const compressed = artifact
    await add('onnxruntime-web int8', 'onnxruntime', async () => {
      const exported = readOnnx(writeOnnx(readArtifact(compressed)), { optimize: false })
      const bytes = writeOnnx(unsigned(exported))
      return { loaded: await loadOrt(bytes), files: [bytes] }
    })
  }
  return { entries, failures, model }
}

async function outputsOf({ loaded }: Entry, feeds: readonly Feed[]): Promise<Outputs[]> {
  const all: Outputs[] = []
  for (const feed of feeds) all.push(await loaded.run(feed))
  return all
}

async function measure(bench: ModelCase): Promise<Row[]> {
  const { entries, failures, model } = await prepare(bench)
  if (model === undefined || entries.length === 0) return failures
  const feeds = Array.from({ length: bench.judged }, (_, i) => bench.feed(model, FIRST_JUDGED + i))
  const working: { entry: Entry; outputs: Outputs[] }[] = []
  for (const entry of entries) {
    try {
      working.push({ entry, outputs: await outputsOf(entry, feeds) })
    } catch (error) {
      failures.push({ ...entry.row, failed: messageOf(error) })
    }
  }
  const peers = working.filter(({ entry }) => entry.library !== 'ours' && entry.name.includes('f32'))
  const reference = peers[0] ?? working[0]!
  const labelled = bench.labelled?.()
  for (const { entry, outputs } of working) {
    const { row } = entry
    const isOurs = entry.library === 'ours'
    row.modelBytes = entry.modelBytes
    row.relativeError = peers.length > 0 ? relativeError(outputs, reference.outputs) : null
    if (labelled !== undefined && isOurs) {
      const session = loadModel(entry.files[0]!)
      row.agreement = accuracy(session, labelled)
      session.dispose()
    } else {
      row.metric = 'cosine'
      row.agreement = likeness(outputs, reference.outputs)
    }
    const runtime =
      entry.library !== 'tfjs'
        ? entry.library
        : bench.source.format === 'tfjs-layers'
          ? 'tfjs-layers'
          : 'tfjs'
    row.shipBytes = entry.modelBytes + (await runtimeBytes(runtime))
    try {
      Object.assign(row, await startFresh(entry.library, feeds[0]!, entry.files))
    } catch (error) {
      row.failed = `fresh process: ${messageOf(error)}`
    }
  }
  await time(
    bench,
    working.map(({ entry }) => entry),
    feeds[0]!,
  )
  entries.forEach(({ loaded }) => loaded.dispose())
  return [...working.map(({ entry }) => entry.row), ...failures]
}

async function time(bench: ModelCase, entries: readonly Entry[], feed: Feed): Promise<void> {
  const contenders = entries.map(({ name, loaded }): Contender => ({
    name,
    target: '',
    run: () => loaded.run(feed),
    exact: () => true,
  }))
  const rows = await compare({ kernel: 'model', shape: bench.name, unit: 'GFLOP/s', work: 1 }, contenders)
  rows.forEach(({ medianMs }, i) => (entries[i]!.row.medianMs = medianMs))
  const fastest = (names: (name: string) => boolean): number =>
    Math.min(
      ...entries
        .filter(({ library, name }) => library !== 'ours' && names(name))
        .map(({ row }) => row.medianMs!),
    )
  for (const { library, name, row, session } of entries) {
    if (library !== 'ours') continue
    const isInt8 = name.includes('int8')
    const peer = fastest((other) => (isInt8 ? other.includes('int8') : other.includes('f32')))
    row.ratio = Number.isFinite(peer) ? peer / row.medianMs! : null
    if (isSlow(row)) row.slowest = slowestOf(session!, feed)
  }
}

/** Whether a row of ours is slower than was aimed at; what is neither f32 nor int8 has no aim. */
function isSlow({ contender, ratio }: Row): boolean {
  if (ratio === null) return false
  return contender === OURS ? ratio < AIMS.f32 : contender.includes('int8') && ratio < AIMS.int8
}

/** What a row of ours misses. */
function misses(row: Row): string[] {
  const { contender, ratio, coldMs, relativeError: error, failed } = row
  if (!contender.startsWith('mcompress')) return []
  if (failed !== undefined) return [failed]
  const isWrong = contender === OURS && error !== null && !(error <= TOLERANCE)
  const aim = contender === OURS ? AIMS.f32 : AIMS.int8
  return [
    ...(isWrong ? [`relative error ${error.toExponential(1)}`] : []),
    ...(isSlow(row) ? [`${ratio!.toFixed(2)} times the speed of the peer, to reach ${aim}`] : []),
    ...(coldMs !== null && coldMs > AIMS.coldMs
      ? [`cold start ${coldMs.toFixed(1)} ms, to stay below ${AIMS.coldMs}`]
      : []),
  ]
}

/** The nodes in which a model of ours spends its time. */
function slowestOf(session: Session, feed: Feed): string[] {
  const { nodes, ms } = session.profile(feed, { runs: 20 })
  return [...nodes]
    .sort((a, b) => b.ms - a.ms)
    .slice(0, 3)
    .map(
      ({ name, op, kernels, ms: own }) =>
        `${((100 * own) / ms).toFixed(0)} % ${op} ${name} (${kernels.join(', ')})`,
    )
}

const digits = (value: number | null, precision = 3): string =>
  value === null ? '' : value.toPrecision(precision)
const kilobytes = (bytes: number | null): string => (bytes === null ? '' : (bytes / 1000).toFixed(0))

const rows: Row[] = []
const measured = commit()
for (const bench of CATALOG) {
  if (!bench.name.includes(values.filter)) continue
  const found = await measure(bench)
  rows.push(
    ...found.map((row) => ({
      ...row,
      ...whereabouts(),
      ...(measured === undefined ? {} : { commit: measured }),
    })),
  )
}

printTable({
  head: [
    'model',
    'contender',
    'ms',
    'theirs / ours',
    'cold ms',
    'peak kB',
    'model kB',
    'ship kB',
    'agreement',
    'error',
  ],
  body: rows.map((row) => [
    row.model,
    row.contender,
    row.failed === undefined ? digits(row.medianMs) : row.failed.slice(0, 60),
    row.ratio === null ? '' : row.ratio.toFixed(2),
    digits(row.coldMs),
    kilobytes(row.peakBytes),
    kilobytes(row.modelBytes),
    kilobytes(row.shipBytes),
    row.agreement === null ? '' : `${row.agreement.toFixed(4)} ${row.metric}`,
    row.relativeError === null ? '' : row.relativeError.toExponential(1),
  ]),
})
for (const row of rows) {
  const missed = misses(row)
  if (missed.length === 0) continue
  console.log(`missed: ${row.model}, ${row.contender}: ${missed.join('; ')}`)
  for (const node of row.slowest ?? []) console.log(`  ${node}`)
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 1)}\n`)
if (
  rows.some(
    ({ contender, relativeError: error }) => contender === OURS && error !== null && !(error <= TOLERANCE),
  )
) {
  process.exitCode = 1
}
