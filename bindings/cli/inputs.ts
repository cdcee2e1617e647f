import { dirname, isAbsolute, join } from 'node:path'
import type { Dataset } from '../evaluate/index.js'
import { elementCount, type Tensor } from '../formats/tensor.js'
import type { Model, ValueInfo } from '../graph/model.js'
import { isArtifact, readArtifact } from '../io/artifact/index.js'
import { readIdx } from '../io/idx.js'
import { readNpy } from '../io/npy.js'
import { readOnnx } from '../io/onnx/index.js'
import { readTfjs, weightPathsOf } from '../io/tfjs/index.js'
import { CliError, naming, UsageError } from './errors.js'
import { readBytes } from './files.js'

export interface LoadedModel {
  readonly model: Model
  /** Size of the file. */
  readonly bytes: number
}

/** Reads an ONNX file, an artifact or a model.json of TensorFlow.js with the files beside it; the contents decide, not the name. */
export function readModel(path: string): LoadedModel {
  const bytes = readBytes(path)
  return naming(path, () => {
    if (isArtifact(bytes)) return { model: readArtifact(bytes), bytes: bytes.length }
    return isJson(bytes) ? readTfjsFiles(path, bytes) : { model: readOnnx(bytes), bytes: bytes.length }
  })
}

/** Whether a file begins as a JSON object; no ONNX file does, its first byte names a field of the model. */
export function isJson(bytes: Uint8Array): boolean {
  return bytes.find((byte) => byte > 0x20) === 0x7b
}

/** Reads a model.json and the binary files that it names. */
export function readTfjsFiles(path: string, bytes: Uint8Array, optimize = true): LoadedModel {
  const paths = weightPathsOf(bytes)
  const outside = paths.find((name) => isAbsolute(name) || name.split(/[\\/]/).includes('..'))
  if (outside !== undefined) throw new CliError(`${path}: weights in ${outside}, outside its folder`)
  const shards = new Map(paths.map((name) => [name, readBytes(join(dirname(path), name))]))
  const size = [...shards.values()].reduce((sum, shard) => sum + shard.length, bytes.length)
  return { model: readTfjs(bytes, shards, { optimize }), bytes: size }
}

/** How pixels become numbers: (pixel / 255 - mean) / std. */
export interface Pixels {
  readonly mean: number
  readonly std: number
}

/**
 * Images of an IDX file as samples for a model.
 *
 * @param most samples to take at most, spread evenly over the file
 */
export function readImages(path: string, model: Model, { mean, std }: Pixels, most = Infinity): Dataset {
  const bytes = readBytes(path)
  return naming(path, () => {
    const { shape, data } = readIdx(bytes)
    const [count = 0, ...sample] = shape
    const size = elementCount(sample)
    const taken = Math.min(count, most)
    const inputs = new Float32Array(taken * size)
    for (let i = 0; i < taken; i++) {
      const from = Math.floor((i * count) / taken) * size
      for (let p = 0; p < size; p++) inputs[i * size + p] = (data[from + p]! / 255 - mean) / std
    }
    return { inputs, shape: sampleShape(model.inputs[0], sample) }
  })
}

/** The shape of a sample as the model declares it, if that has as many elements as the file's. */
function sampleShape(input: ValueInfo | undefined, shape: readonly number[]): readonly number[] {
  const declared = input?.shape?.slice(1)
  const isKnown = declared?.every((size): size is number => typeof size === 'number') === true
  return isKnown && elementCount(declared as number[]) === elementCount(shape)
    ? (declared as number[])
    : shape
}

/** Images with their labels. */
export function readLabelled(images: string, labels: string, model: Model, pixels: Pixels): Dataset {
  const dataset = readImages(images, model, pixels)
  const bytes = readBytes(labels)
  const found = naming(labels, () => readIdx(bytes))
  const count = dataset.inputs.length / elementCount(dataset.shape)
  if (found.shape.length !== 1 || found.data.length !== count) {
    throw new CliError(
      `${labels}: expected ${count} labels, one for each image of ${images}, got [${found.shape.join(', ')}]`,
    )
  }
  return { ...dataset, labels: found.data }
}

/** A tensor from a .npy file, or from nested arrays of numbers in a .json file. */
export function readTensor(path: string): Tensor<'float32'> {
  const bytes = readBytes(path)
  return naming(path, () =>
    /\.npy(\.gz)?$/.test(path) ? readNpy(bytes) : tensorOfJson(JSON.parse(new TextDecoder().decode(bytes))),
  )
}

function tensorOfJson(value: unknown): Tensor<'float32'> {
  const shape: number[] = []
  for (let level = value; Array.isArray(level); level = level[0]) shape.push(level.length)
  const numbers = Array.isArray(value) ? (value.flat(shape.length - 1) as unknown[]) : [value]
  const isRegular = (level: unknown, depth: number): boolean =>
    depth === shape.length
      ? typeof level === 'number'
      : Array.isArray(level) &&
        level.length === shape[depth] &&
        level.every((item) => isRegular(item, depth + 1))
  if (!isRegular(value, 0)) throw new TypeError('expected numbers in nested arrays of equal lengths')
  return { kind: 'dense', dtype: 'float32', shape, data: Float32Array.from(numbers as number[]) }
}

/** `name=file` for each input, or just the file for a model of one input. */
export function parseInputs(model: Model, values: readonly string[]): Map<string, string> {
  const names = model.inputs.map(({ name }) => name)
  const paths = new Map<string, string>()
  for (const value of values) {
    const name = names.find((known) => value.startsWith(`${known}=`))
    if (name === undefined && names.length !== 1) {
      throw new UsageError(`--input expected NAME=FILE for one of ${names.join(', ')}, got ${value}`)
    }
    paths.set(name ?? names[0]!, name === undefined ? value : value.slice(name.length + 1))
  }
  const missing = names.filter((name) => !paths.has(name))
  if (missing.length > 0) throw new UsageError(`--input is missing for ${missing.join(', ')}`)
  return paths
}
