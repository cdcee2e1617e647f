import type { Tensor } from '../../formats/tensor.js'
import type { Attribute, Dimension, GraphNode, Model } from '../../graph/model.js'
import { IR_OPSET } from '../../graph/opset.js'
import { prepare } from '../../graph/prepare.js'
import { MAX_RANK, MAX_WINDOW } from '../../limits.js'
import {
  checkBoolean,
  checkChoice,
  checkInteger,
  checkNumber,
  checkOptions,
  describe,
} from '../../validate.js'
import { readSafetensors } from '../safetensors/index.js'

export { readSafetensors, writeSafetensors } from '../safetensors/index.js'
export type { SafetensorsTensors, WriteSafetensorsOptions } from '../safetensors/index.js'

/** What is done to a layer's values one by one. */
export type StackActivation = keyof typeof ACTIVATIONS

/** One number for both axes of an image, or height and width. */
export type Pair = number | readonly [height: number, width: number]

/**
 * A layer, by name and layout as PyTorch's `state_dict` has it: `weights: 'c1'` stands for the tensors `c1.weight` and, if
 * the file has it, `c1.bias`.
 */
export type StackLayer =
  | {
      readonly type: 'conv'
      /** [outputs, inputs / groups, height, width] */
      readonly weights: string
      readonly stride?: Pair
      readonly padding?: Pair | 'same'
      readonly dilation?: Pair
      readonly groups?: number
      readonly activation?: StackActivation
    }
  | {
      readonly type: 'linear'
      /** [outputs, inputs] */
      readonly weights: string
      readonly activation?: StackActivation
    }
  | {
      readonly type: 'batch-norm'
      /** Further tensors: `running_mean`, `running_var`. */
      readonly weights: string
      readonly epsilon?: number
      readonly activation?: StackActivation
    }
  | {
      readonly type: 'max-pool' | 'average-pool'
      readonly size: Pair
      /** As `size` unless given. */
      readonly stride?: Pair
      readonly padding?: Pair
    }
  | { readonly type: 'global-average-pool' | 'flatten' }
  | { readonly type: 'activation'; readonly activation: StackActivation }

/** A network whose layers follow one another. Plain data: JSON holds it. */
export interface StackConfig {
  readonly name?: string
  readonly input: {
    readonly name?: string
    /** Batch first; a name or null for a dimension that is not fixed: `['N', 1, 28, 28]`. */
    readonly shape: readonly Dimension[]
  }
  readonly layers: readonly StackLayer[]
  /** Name of the output; `output` unless given. */
  readonly output?: string
}

export interface ReadStackOptions {
  /** Takes normalization, biases and clamping into other nodes. On unless false. */
  optimize?: boolean
}

const direct = (op: string, attributes: Attributes = {}) => [op, attributes] as const

/** ONNX's operators for activations. */
const ACTIVATIONS = {
  elu: direct('Elu'),
  gelu: direct('Gelu'),
  'leaky-relu': direct('LeakyRelu'),
  'log-softmax': direct('LogSoftmax', { axis: -1 }),
  relu: direct('Relu'),
  sigmoid: direct('Sigmoid'),
  softmax: direct('Softmax', { axis: -1 }),
  tanh: direct('Tanh'),
} as const

type Attributes = Readonly<Record<string, Attribute>>

/**
 * Makes a model of the weights in a safetensors file and a description of its layers.
 *
 * @param file bytes of a safetensors file
 * @throws TypeError, RangeError for a description that does not fit, or names weights that are not there; FormatError for
 *   bytes that are no safetensors file
 */
export function readStack(file: Uint8Array, config: StackConfig, options: ReadStackOptions = {}): Model {
  checkOptions('options', options, ['optimize'])
  const { optimize = true } = options
  checkBoolean('optimize', optimize)
  const { tensors, metadata } = readSafetensors(file)
  const model = new StackBuilder(tensors).build(config, Object.fromEntries(metadata))
  return optimize ? prepare(model) : model
}

class StackBuilder {
  readonly #tensors: ReadonlyMap<string, Tensor>
  readonly #weights = new Map<string, Tensor>()
  readonly #nodes: GraphNode[] = []
  #value = ''

  constructor(tensors: ReadonlyMap<string, Tensor>) {
    this.#tensors = tensors
  }

  build(config: StackConfig, metadata: Model['metadata']): Model {
    checkOptions('config', config, ['name', 'input', 'layers', 'output'])
    checkOptions('config.input', config.input, ['name', 'shape'])
    const { name = '', layers, output = 'output' } = config
    const { name: input = 'input', shape } = config.input
    for (const [label, text] of Object.entries({ name, output, 'input.name': input })) {
      if (typeof text !== 'string')
        throw new TypeError(`"config.${label}" expected a string, got ${describe(text)}`)
    }
    checkDimensions(shape)
    if (!Array.isArray(layers) || layers.length === 0) {
      throw new TypeError(`"config.layers" expected an array of layers, got ${describe(layers)}`)
    }
    const taken = [input, output].find((value) => this.#tensors.has(value))
    if (taken !== undefined || input === output) {
      throw new RangeError(`"config" expected names of its own for input and output, got ${taken ?? output}`)
    }
    this.#value = input
    layers.forEach((layer: StackLayer, i) => this.#layer(layer, `config.layers[${i}]`, i))
    const last = this.#nodes.at(-1)!
    this.#nodes[this.#nodes.length - 1] = { ...last, outputs: [output] }
    return {
      ...{ name, opset: IR_OPSET, metadata, nodes: this.#nodes, weights: this.#weights },
      inputs: [{ name: input, dtype: 'float32', shape: [...shape] }],
      outputs: [{ name: output, dtype: 'float32', shape: undefined }],
    }
  }

  #layer(layer: StackLayer, label: string, index: number): void {
    if (typeof layer !== 'object' || layer === null || Array.isArray(layer)) {
      throw new TypeError(`"${label}" expected a layer, got ${describe(layer)}`)
    }
    checkChoice(`${label}.type`, layer.type, TYPES)
    checkOptions(label, layer, ['type', ...FIELDS[layer.type]])
    const emit = (op: string, weights: readonly string[] = [], attributes: Attributes = {}) => {
      const name = `${'weights' in layer ? layer.weights : layer.type}_${index}_${op}`
      const inputs = [this.#value, ...weights]
      this.#value = name
      this.#nodes.push({ name, op, domain: '', inputs, outputs: [name], attributes })
    }
    switch (layer.type) {
      case 'conv':
        emit('Conv', this.#parameters(layer.weights, label, 4), convAttributes(layer, label))
        break
      case 'linear':
        emit('Gemm', this.#parameters(layer.weights, label, 2), { transB: 1 })
        break
      case 'batch-norm': {
        const { epsilon = 1e-5, weights } = layer
        checkNumber(`${label}.epsilon`, epsilon, 0)
        const parts = ['weight', 'bias', 'running_mean', 'running_var']
        emit(
          'BatchNormalization',
          parts.map((part) => this.#weight(weights, part, label, 1)),
          { epsilon },
        )
        break
      }
      case 'max-pool':
      case 'average-pool': {
        const kernel_shape = pair(`${label}.size`, layer.size, 1)
        const strides = layer.stride === undefined ? kernel_shape : pair(`${label}.stride`, layer.stride, 1)
        const pads = twice(pair(`${label}.padding`, layer.padding ?? 0, 0))
        // PyTorch counts the padding in its mean.
        const more = layer.type === 'average-pool' ? { count_include_pad: 1 } : {}
        emit(layer.type === 'max-pool' ? 'MaxPool' : 'AveragePool', [], {
          kernel_shape,
          strides,
          pads,
          ...more,
        })
        break
      }
      case 'global-average-pool':
        emit('GlobalAveragePool')
        break
      case 'flatten':
        emit('Flatten', [], { axis: 1 })
        break
      case 'activation':
        break
    }
    const activation = 'activation' in layer ? layer.activation : undefined
    if (activation === undefined && layer.type !== 'activation') return
    checkChoice(`${label}.activation`, activation!, Object.keys(ACTIVATIONS) as StackActivation[])
    const [op, attributes] = ACTIVATIONS[activation!]
    emit(op, [], attributes)
  }

  /** Weight and bias of a layer, the bias only if the file has one. */
  #parameters(prefix: string, label: string, rank: number): string[] {
    const weight = this.#weight(prefix, 'weight', label, rank)
    return this.#tensors.has(`${prefix}.bias`) ? [weight, this.#weight(prefix, 'bias', label, 1)] : [weight]
  }

  #weight(prefix: unknown, part: string, label: string, rank: number): string {
    if (typeof prefix !== 'string') {
      throw new TypeError(`"${label}.weights" expected a name, got ${describe(prefix)}`)
    }
    const name = `${prefix}.${part}`
    const tensor = this.#tensors.get(name)
    if (tensor === undefined)
      throw new RangeError(`"${label}.weights": the file has no ${JSON.stringify(name)}`)
    if (tensor.dtype !== 'float32' || tensor.shape.length !== rank) {
      throw new RangeError(
        `"${label}.weights" expected ${name} as float32 of ${rank} dimensions, got ${tensor.dtype} [${tensor.shape.join(', ')}]`,
      )
    }
    this.#weights.set(name, tensor)
    return name
  }
}

/** What each type of layer may say. */
const FIELDS = {
  conv: ['weights', 'stride', 'padding', 'dilation', 'groups', 'activation'],
  linear: ['weights', 'activation'],
  'batch-norm': ['weights', 'epsilon', 'activation'],
  'max-pool': ['size', 'stride', 'padding'],
  'average-pool': ['size', 'stride', 'padding'],
  'global-average-pool': [],
  flatten: [],
  activation: ['activation'],
} as const satisfies Record<StackLayer['type'], readonly string[]>

const TYPES = Object.keys(FIELDS) as StackLayer['type'][]

function convAttributes(layer: Extract<StackLayer, { type: 'conv' }>, label: string): Attributes {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = layer
  checkInteger(`${label}.groups`, groups, 1, MAX_WINDOW)
  return {
    strides: pair(`${label}.stride`, stride, 1),
    dilations: pair(`${label}.dilation`, dilation, 1),
    group: groups,
    ...(padding === 'same'
      ? { auto_pad: 'SAME_UPPER' }
      : { pads: twice(pair(`${label}.padding`, padding, 0)) }),
  }
}

function pair(label: string, value: unknown, least: number): number[] {
  const both: unknown[] = Array.isArray(value) ? value : [value, value]
  if (both.length !== 2)
    throw new RangeError(`"${label}" expected height and width, got ${both.length} numbers`)
  return both.map((size) => {
    checkInteger(label, size, least, MAX_WINDOW)
    return size
  })
}

/** The same padding before and after. */
const twice = (sizes: readonly number[]): number[] => [...sizes, ...sizes]

function checkDimensions(shape: unknown): asserts shape is readonly Dimension[] {
  if (!Array.isArray(shape) || shape.length > MAX_RANK) {
    throw new TypeError(`"config.input.shape" expected an array of dimensions, got ${describe(shape)}`)
  }
  for (const size of shape as unknown[]) {
    if (size !== null && typeof size !== 'string') checkInteger('config.input.shape', size, 0, 2 ** 30)
  }
}
