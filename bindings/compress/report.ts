import { UnsupportedOpError } from '../errors.js'
import { elementCount } from '../formats/tensor.js'
import { countMacs } from '../graph/cost.js'
import type { Model } from '../graph/model.js'
import { inferShapes } from '../graph/shapes.js'
import type { TensorReport } from '../io/artifact/index.js'
import type { Layer } from './layers.js'
import type { Recipe, RecipeName } from './recipe.js'

/** What became of one layer. */
export interface LayerReport {
  /** Name of the node. */
  readonly name: string
  readonly op: string
  readonly shape: readonly number[]
  /** Of weight and bias, as the original has them. */
  readonly bytesBefore: number
  /** Of weight and bias in the artifact, centroids and scales included; the header is not shared out. */
  readonly bytesAfter: number
  /** Share of the weights that are 0. */
  readonly sparsity: number
  /** Bits in the artifact for each weight, zeros counting too. */
  readonly bitsPerWeight: number
  /** Multiply-accumulates of a run on one sample. */
  readonly macs: number
  /** The same without those by a weight that is 0. */
  readonly macsAfter: number
  /**
   * Squared error of the layer's output over the samples to judge by, as a share of its variance, all layers before
   * it compressed too; undefined without calibration.
   */
  readonly outputError: number | undefined
}

export interface CompressionReport {
  readonly recipe: RecipeName | Recipe
  /** Of the original file if its size was given; otherwise of the weights as they came. */
  readonly bytesBefore: number
  /** Of the artifact, to the last byte. */
  readonly bytesAfter: number
  /** bytesBefore / bytesAfter */
  readonly ratio: number
  /** Header of the artifact with graph and checksums, and padding. */
  readonly headerBytes: number
  /** Over the weights of all layers, as below. */
  readonly sparsity: number
  readonly bitsPerWeight: number
  readonly macs: number
  readonly macsAfter: number
  /** As for a layer, the greatest of all outputs of the model. */
  readonly outputError: number | undefined
  readonly layers: readonly LayerReport[]
  /** Only where there was data to evaluate on. */
  readonly evaluation: EvaluationReport | undefined
}

export interface EvaluationReport {
  /** Share of samples whose class is right. */
  readonly accuracyBefore: number
  readonly accuracyAfter: number
  /** Share of samples to which both models give the same class. */
  readonly agreement: number
  readonly count: number
}

/** All that a report is made from. */
export interface Outcome {
  readonly original: Model
  readonly layers: readonly Layer[]
  readonly recipe: RecipeName | Recipe
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly tensors: readonly TensorReport[]
  /** By value name; outputs of layers and of the model. */
  readonly errors: ReadonlyMap<string, number> | undefined
  readonly evaluation: EvaluationReport | undefined
}

export function reportOf(outcome: Outcome): CompressionReport {
  const { original, recipe, bytesBefore, bytesAfter, tensors, errors, evaluation } = outcome
  const macs = macsOf(original)
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const layers = outcome.layers.map((layer): LayerReport => {
    const weight = byName.get(layer.weight)!
    const bias = layer.bias && byName.get(layer.bias.name)
    const { name, op, outputs } = layer.node
    const sparsity = weight.sparsity ?? 0
    return {
      name,
      op,
      shape: layer.shape,
      bytesBefore: weight.originalBytes + (bias?.originalBytes ?? 0),
      bytesAfter: weight.bytes + (bias?.bytes ?? 0),
      sparsity,
      bitsPerWeight: weight.bitsPerWeight,
      macs: macs.get(name) ?? 0,
      macsAfter: Math.round((macs.get(name) ?? 0) * (1 - sparsity)),
      outputError: errors?.get(outputs[0]!),
    }
  })
  const sum = (value: (layer: LayerReport) => number): number =>
    layers.reduce((total, layer) => total + value(layer), 0)
  const weights = sum(({ shape }) => elementCount(shape)) || 1
  return {
    recipe,
    bytesBefore,
    bytesAfter,
    ratio: bytesBefore / bytesAfter,
    headerBytes: bytesAfter - tensors.reduce((total, { bytes }) => total + bytes, 0),
    sparsity: sum(({ shape, sparsity }) => elementCount(shape) * sparsity) / weights,
    bitsPerWeight: sum(({ shape, bitsPerWeight }) => elementCount(shape) * bitsPerWeight) / weights,
    macs: sum((layer) => layer.macs),
    macsAfter: sum(({ macsAfter }) => macsAfter),
    outputError: errors && Math.max(...original.outputs.map(({ name }) => errors.get(name)!)),
    layers,
    evaluation,
  }
}

/** By node, for one sample; none where the shapes do not follow from a batch of 1, or depend on the data. */
function macsOf(model: Model): ReadonlyMap<string, number> {
  const shapes = model.inputs.map(({ name, shape = [] }): [string, number[]] => [
    name,
    shape.map((size) => (typeof size === 'number' ? size : 1)),
  ])
  try {
    const { nodes } = countMacs(model, inferShapes(model, Object.fromEntries(shapes)))
    return new Map(nodes.map(({ name, macs }) => [name, macs]))
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof UnsupportedOpError)) throw error
    return new Map()
  }
}
