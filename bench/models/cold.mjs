// A fresh process: from the first import to the first result. node cold.mjs KIND FEED FILE...
import { Blob, Buffer } from 'node:buffer'
import { existsSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [kind, feedPath, ...paths] = process.argv.slice(2)

/** Inputs as they were written: [name, dtype, shape, elements in base64]. */
function readFeed() {
  const arrays = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array }
  return JSON.parse(readFileSync(feedPath, 'utf8')).map(([name, dtype, shape, text]) => {
    const bytes = new Uint8Array(Buffer.from(text, 'base64'))
    return { name, dtype, shape, data: new arrays[dtype](bytes.buffer) }
  })
}

const run = {
  async none() {},

  async ours(feed) {
    const { loadModel } = await import(pathToFileURL(paths[1]).href)
    const session = loadModel(readFileSync(paths[0]))
    session.run(Object.fromEntries(feed.map(({ name, ...value }) => [name, { kind: 'dense', ...value }])))
  },

  async onnxruntime(feed) {
    const ort = await import('onnxruntime-web')
    ort.env.wasm.numThreads = 1
    ort.env.logLevel = 'error'
    const session = await ort.InferenceSession.create(readFileSync(paths[0]))
    await session.run(
      Object.fromEntries(
        feed.map(({ name, dtype, data, shape }) => [name, new ort.Tensor(dtype, data, shape)]),
      ),
    )
  },

  async tfjs(feed) {
    const [tf, wasm] = await Promise.all([
      import('@tensorflow/tfjs-core'),
      import('@tensorflow/tfjs-backend-wasm'),
    ])
    wasm.setThreadsCount(1)
    await tf.setBackend('wasm')
    const json = JSON.parse(readFileSync(paths[0], 'utf8'))
    const shards = paths.slice(1).map((path) => readFileSync(path))
    const weightData = await new Blob(shards).arrayBuffer()
    const weightSpecs = json.weightsManifest.flatMap(({ weights }) => weights)
    const handler = tf.io.fromMemory({ ...json, weightSpecs, weightData })
    const inputs = feed.map(({ dtype, data, shape }) => tf.tensor(data, shape, dtype))
    const isLayers = json.modelTopology.model_config !== undefined
    const model = isLayers
      ? await (await import('@tensorflow/tfjs-layers')).loadLayersModel(handler)
      : await (await import('@tensorflow/tfjs-converter')).loadGraphModel(handler)
    const named = Object.fromEntries(feed.map(({ name }, i) => [name, inputs[i]]))
    const y = isLayers ? model.predict(inputs) : await model.executeAsync(named)
    for (const value of [y].flat()) value.dataSync()
  },
}

/** The most memory that was resident. getrusage would count that of the process that started this one. */
function mostResident() {
  const line =
    existsSync('/proc/self/status') && /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))
  return line ? Number(line[1]) * 1024 : process.memoryUsage().rss
}

const feed = kind === 'none' ? [] : readFeed()
const before = process.cpuUsage()
await run[kind](feed)
const { user, system } = process.cpuUsage(before)
console.log(JSON.stringify({ coldMs: (user + system) / 1e3, residentBytes: mostResident() }))
process.exit(0)
