// The same models in other libraries, one thread each.
import * as tf from '@tensorflow/tfjs-core'
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm'
import { loadGraphModel } from '@tensorflow/tfjs-converter'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import * as ort from 'onnxruntime-web'
import type { Tensor } from '../../bindings/formats/tensor.js'
import type { Feed, Files, Source } from './catalog.js'

ort.env.wasm.numThreads = 1
ort.env.logLevel = 'error'
setThreadsCount(1)

/** A loaded model of any library. */
export interface Loaded {
  run(feed: Feed): Promise<Record<string, Tensor>> | Record<string, Tensor>
  dispose(): void
}

const ortTensor = ({ dtype, data, shape }: Tensor): ort.Tensor =>
  new ort.Tensor(dtype as 'float32', data as Float32Array, [...shape])

export async function loadOrt(bytes: Uint8Array): Promise<Loaded> {
  const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: 'all' })
  return {
    async run(feed) {
      const inputs = Object.fromEntries(Object.entries(feed).map(([name, value]) => [name, ortTensor(value)]))
      const outputs = await session.run(inputs)
      return Object.fromEntries(
        Object.entries(outputs).map(([name, { data, dims, type }]) => [
          name,
          { kind: 'dense', dtype: type, shape: dims, data } as unknown as Tensor,
        ]),
      )
    },
    dispose: () => void session.release(),
  }
}

/** @param outputs names in the order in which a layers model gives them */
export async function loadTfjs(
  { format, path }: Source,
  { contents }: Files,
  outputs: readonly string[],
): Promise<Loaded> {
  await tf.setBackend('wasm')
  const json = JSON.parse(new TextDecoder().decode(contents.get(path)!)) as Record<string, unknown>
  const manifest = json['weightsManifest'] as { weights: tf.io.WeightsManifestEntry[] }[]
  const [, ...shards] = contents.values()
  const artifacts = {
    ...json,
    weightSpecs: manifest.flatMap(({ weights }) => weights),
    weightData: await new Blob(shards as BlobPart[]).arrayBuffer(),
  } as tf.io.ModelArtifacts
  const handler = tf.io.fromMemory(artifacts)
  const tensors = (feed: Feed) =>
    Object.fromEntries(
      Object.entries(feed).map(([name, { data, shape, dtype }]) => [
        name,
        tf.tensor(data as Float32Array, [...shape], dtype as 'float32'),
      ]),
    )
  const results = (values: tf.Tensor[]): Record<string, Tensor> =>
    Object.fromEntries(
      values.map((value, i) => [
        outputs[i]!,
        {
          kind: 'dense',
          dtype: value.dtype,
          shape: value.shape,
          data: value.dataSync(),
        } as unknown as Tensor,
      ]),
    )
  const done = (inputs: Record<string, tf.Tensor>, values: tf.Tensor[]) => {
    const found = results(values)
    tf.dispose([...Object.values(inputs), ...values])
    return found
  }
  if (format === 'tfjs-layers') {
    const model = await loadLayersModel(handler)
    return {
      run(feed) {
        const inputs = tensors(feed)
        const y = model.predict(Object.values(inputs)) as tf.Tensor | tf.Tensor[]
        return done(inputs, Array.isArray(y) ? y : [y])
      },
      dispose: () => model.dispose(),
    }
  }
  const model = await loadGraphModel(handler)
  return {
    async run(feed) {
      const inputs = tensors(feed)
      const y = await model.executeAsync(inputs, [...outputs])
      return done(inputs, Array.isArray(y) ? y : [y])
    },
    dispose: () => model.dispose(),
  }
}
