import { checkModel } from '../../graph/check.js'
import type { Model } from '../../graph/model.js'
import { prepare } from '../../graph/prepare.js'
import { checkBoolean, checkNames, checkOptions, describe } from '../../validate.js'
import { parseJson, type JsonObject } from '../json.js'
import { objectOf } from './fields.js'
import { readGraphModel } from './graph-model.js'
import { readLayersModel } from './layers-model.js'
import { pathsOf, readWeights, type TfjsWeights } from './weights.js'

export type { TfjsWeights } from './weights.js'

export interface ReadTfjsOptions {
  /**
   * Folds constants, moves transposes out of the way, takes BatchNormalization, biases and clamping into other nodes and
   * drops what is dead. On unless false.
   */
  optimize?: boolean
  /** Names of values to preserve beside the outputs, for sessions that are to give them. */
  keep?: readonly string[]
}

/**
 * Reads a TensorFlow.js model: a graph model (`tf.loadGraphModel`) or a layers model (`tf.loadLayersModel`, Keras).
 *
 * - The result computes what TensorFlow.js computes, in ONNX's operators: inputs, outputs and their shapes stay as the
 *   file has them, images with the channels last.
 * - Inputs and outputs of a graph model go by the names of their nodes, those of a layers model by the names of their layers.
 * - int64 becomes int32, as in TensorFlow.js. Quantized weights expand to float32.
 *
 * @param model text of model.json, its bytes, or what `JSON.parse` makes of it
 * @param weights the contents of the binary files: joined in the manifest's order, or by their paths in the manifest
 * @throws TypeError, RangeError for arguments of the wrong kind; FormatError for anything that is not a sound model;
 *   UnsupportedOpError naming all operators or layers that have no counterpart
 */
export function readTfjs(
  model: string | Uint8Array | object,
  weights: TfjsWeights,
  options: ReadTfjsOptions = {},
): Model {
  checkOptions('options', options, ['optimize', 'keep'])
  const { optimize = true, keep = [] } = options
  checkBoolean('optimize', optimize)
  checkNames('keep', keep)
  const file = parsed(model)
  const topology = objectOf('modelTopology', file.get('modelTopology'))
  const tensors = readWeights(file.get('weightsManifest'), weights)
  const read = topology.has('node')
    ? readGraphModel(file, topology, tensors)
    : readLayersModel(topology, tensors)
  if (optimize) return prepare(read, keep)
  checkModel(read)
  return read
}

/** The paths of the binary files that a model.json names, relative to it. */
export function weightPathsOf(model: string | Uint8Array | object): string[] {
  return pathsOf(parsed(model).get('weightsManifest'))
}

function parsed(model: unknown): JsonObject {
  return objectOf('model.json', parseJson('model.json', textOf(model)))
}

function textOf(model: unknown): string {
  if (typeof model === 'string') return model
  if (ArrayBuffer.isView(model)) return new TextDecoder().decode(model)
  if (typeof model !== 'object' || model === null) {
    throw new TypeError(
      `"model" expected the text of model.json, its bytes or an object, got ${describe(model)}`,
    )
  }
  return JSON.stringify(model)
}
