import { FormatError, UnsupportedOpError } from '../../errors.js'
import type { Tensor } from '../../formats/tensor.js'
import type { Dimension, Model } from '../../graph/model.js'
import { MAX_IMPORTED_NODES } from '../../limits.js'
import type { Json, JsonObject } from '../json.js'
import { GraphBuilder } from './builder.js'
import { fail, integerOf, listOf, objectOf, textOf } from './fields.js'
import { ACTIVATION_LAYERS } from './layers/activations.js'
import { BASIC_LAYERS } from './layers/basic.js'
import { IMAGE_LAYERS } from './layers/images.js'
import { Config, LayerCall, type LayerConverter, type NamedWeight } from './layers/layer.js'
import { RECURRENT_LAYERS } from './layers/recurrent.js'
import { Unsupported } from './node.js'

const CONVERTERS: ReadonlyMap<string, LayerConverter> = new Map([
  ...ACTIVATION_LAYERS,
  ...BASIC_LAYERS,
  ...IMAGE_LAYERS,
  ...RECURRENT_LAYERS,
])

/** Layers that hold others. */
const MODELS: ReadonlySet<string> = new Set(['Functional', 'Model', 'Sequential'])

/** One output of one use of a layer. */
interface Place {
  readonly layer: string
  readonly use: number
  readonly output: number
}

interface Layer {
  readonly name: string
  readonly kind: string
  readonly config: JsonObject
  /** What each use of the layer is applied to. */
  readonly uses: readonly (readonly Place[])[]
}

interface Network {
  readonly layers: readonly Layer[]
  readonly inputs: readonly Place[]
  readonly outputs: readonly Place[]
}

/** Converts a layers model: Sequential or Functional. */
export function readLayersModel(topology: JsonObject, weights: ReadonlyMap<string, Tensor>): Model {
  const root = topology.has('model_config')
    ? objectOf('model_config', topology.get('model_config'))
    : topology
  const builder = new GraphBuilder()
  builder.reserve(weights.keys())
  const conversion = new Conversion(builder, indexWeights(weights))
  const kind = textOf('the class of the model', root.get('class_name'))
  const network = readNetwork(kind, root.get('config'), 'the model')
  const inputs = network.inputs.map((place) => conversion.input(network, place))
  const outputs = conversion.run(network, inputs, '')
  conversion.finish()
  const names = new Set<string>()
  const results = outputs.map((value, i) => {
    const { layer, output } = network.outputs[i]!
    const name = names.has(layer) ? `${layer}:${output}` : layer
    names.add(name)
    return [name, value, 'float32'] as const
  })
  return builder.model('', results, {})
}

/** Longest name of a layer in segments of a path, and where in a path it may begin: real ones stay below five. */
const MAX_SEGMENTS = 8

/** Weights by every run of segments of their paths, one of which is the name of their layer. */
function indexWeights(weights: ReadonlyMap<string, Tensor>): Map<string, NamedWeight[]> {
  const index = new Map<string, NamedWeight[]>()
  for (const [path, tensor] of weights) {
    const segments = path.split('/')
    for (let start = 0; start < Math.min(segments.length - 1, MAX_SEGMENTS); start++) {
      for (let end = start + 1; end < Math.min(segments.length, start + MAX_SEGMENTS); end++) {
        const key = segments.slice(start, end).join('/')
        const entry = index.get(key)
        if (entry === undefined) index.set(key, [{ path, tensor }])
        else if (entry.at(-1)!.path !== path) entry.push({ path, tensor })
      }
    }
  }
  return index
}

/** The last segment of a path, without the number of an output. */
const lastName = (path: string): string => path.slice(path.lastIndexOf('/') + 1).replace(/:\d+$/, '')

function readNetwork(kind: string, json: Json | undefined, what: string): Network {
  const config = Array.isArray(json)
    ? new Map<string, Json>([['layers', json]])
    : objectOf(`config of ${what}`, json)
  const items = listOf(`layers of ${what}`, config.get('layers')).map((item) =>
    objectOf(`a layer of ${what}`, item),
  )
  return kind === 'Sequential' ? sequential(items) : functional(items, config, what)
}

function readLayer(item: JsonObject): Omit<Layer, 'uses'> {
  const config = objectOf('config of a layer', item.get('config') ?? new Map())
  const name = textOf('the name of a layer', item.get('name') ?? config.get('name'))
  return { name, kind: textOf(`class of ${JSON.stringify(name)}`, item.get('class_name')), config }
}

/** Each layer reads the one before; an input is put before the first where there is none. */
function sequential(items: readonly JsonObject[]): Network {
  const layers: Layer[] = []
  for (const item of items) {
    const layer = readLayer(item)
    if (layers.length === 0 && layer.kind !== 'InputLayer') {
      layers.push({ name: `${layer.name}_input`, kind: 'InputLayer', config: layer.config, uses: [[]] })
    }
    const from = layers.at(-1)
    layers.push({ ...layer, uses: [from === undefined ? [] : [{ layer: from.name, use: 0, output: 0 }]] })
  }
  const [first, last] = [layers[0], layers.at(-1)]
  if (first === undefined || last === undefined) return fail('a model without layers')
  const place = ({ name }: Layer): Place => ({ layer: name, use: 0, output: 0 })
  return { layers, inputs: [place(first)], outputs: [place(last)] }
}

function functional(items: readonly JsonObject[], config: JsonObject, what: string): Network {
  const layers = items.map((item): Layer => {
    const layer = readLayer(item)
    const nodes = listOf(`inbound_nodes of ${JSON.stringify(layer.name)}`, item.get('inbound_nodes') ?? [])
    const uses = nodes.map((node) => readPlaces(layer.name, node))
    return { ...layer, uses: layer.kind === 'InputLayer' && uses.length === 0 ? [[]] : uses }
  })
  const ends = (key: string): Place[] => {
    const places = readPlaces(what, config.get(key) ?? [])
    return places.length > 0 ? places : fail(`${what} has no ${key}`)
  }
  const outputs = ends('output_layers')
  const places = [...outputs, ...layers.flatMap(({ uses }) => uses.flat())]
  const counted = usesFromZero(layers, places)
  return {
    layers: layers.map((layer) => ({ ...layer, uses: layer.uses.map((use) => use.map(counted)) })),
    inputs: ends('input_layers'),
    outputs: outputs.map(counted),
  }
}

/** Some versions count the making of a model that is a layer as its first use, which is not in the list of its uses. */
function usesFromZero(layers: readonly Layer[], places: readonly Place[]): (place: Place) => Place {
  const models = new Map(
    layers.filter(({ kind }) => MODELS.has(kind)).map(({ name, uses }) => [name, uses.length]),
  )
  const shifted = new Set(
    places.filter(({ layer, use }) => use === models.get(layer)).map(({ layer }) => layer),
  )
  return (place) => (shifted.has(place.layer) ? { ...place, use: place.use - 1 } : place)
}

/**
 * The places that a use of a layer names: `[layer, use, output]` in lists, or in tensors of Keras 3 among its arguments.
 */
function readPlaces(what: string, json: Json): Place[] {
  if (json instanceof Map) {
    const history =
      json.get('config') instanceof Map ? (json.get('config') as JsonObject).get('keras_history') : undefined
    if (history !== undefined) return readPlaces(what, history)
    return [...json.values()].flatMap((value) => readPlaces(what, value))
  }
  if (!Array.isArray(json)) return []
  const [layer, use, output] = json
  if (typeof layer !== 'string') return json.flatMap((item) => readPlaces(what, item))
  const label = `an input of ${JSON.stringify(what)}`
  return [{ layer, use: integerOf(label, use), output: integerOf(label, output) }]
}

const keyOf = (layer: string, use: number): string => `${use} ${layer}`

class Conversion {
  readonly #to: GraphBuilder
  readonly #weights: ReadonlyMap<string, readonly NamedWeight[]>
  readonly #refused = new Map<string, string[]>()
  /** What is inside layers that are models. */
  readonly #networks = new Map<JsonObject, Network>()
  #uses = 0

  constructor(to: GraphBuilder, weights: ReadonlyMap<string, readonly NamedWeight[]>) {
    this.#to = to
    this.#weights = weights
  }

  /** Declares an input of the model. */
  input(network: Network, { layer: name }: Place): string {
    const layer =
      network.layers.find((other) => other.name === name) ?? fail(`there is no layer ${JSON.stringify(name)}`)
    if (layer.kind !== 'InputLayer') fail(`the input ${JSON.stringify(name)} is a layer of ${layer.kind}`)
    return this.#to.input(name, 'float32', shapeOf(layer))
  }

  /** Throws UnsupportedOpError if anything was refused. */
  finish(): void {
    if (this.#refused.size === 0) return
    throw new UnsupportedOpError([...this.#refused].map(([op, nodes]) => ({ op, nodes })))
  }

  /** Converts a network that is applied to some values; gives its outputs. */
  run(network: Network, inputs: readonly string[], prefix: string): string[] {
    /** Outputs of uses of layers. */
    const values = new Map<string, readonly string[]>()
    if (inputs.length !== network.inputs.length)
      fail(`${prefix || 'the model'} has ${network.inputs.length} inputs`)
    network.inputs.forEach(({ layer }, i) => values.set(keyOf(layer, 0), [inputs[i]!]))
    const valueAt = ({ layer, use, output }: Place): string =>
      values.get(keyOf(layer, use))?.[output] ??
      fail(`layer ${JSON.stringify(layer)} has no output ${output} in use ${use}`)
    for (const { layer, use } of sortUses(network)) {
      const key = keyOf(layer.name, use)
      if (values.has(key)) continue
      const name = prefix + layer.name + (use === 0 ? '' : `:${use}`)
      values.set(key, this.#convert(layer, layer.uses[use]!.map(valueAt), name))
    }
    return network.outputs.map(valueAt)
  }

  #convert(layer: Layer, inputs: readonly string[], name: string): readonly string[] {
    const { kind, config } = layer
    if (++this.#uses > MAX_IMPORTED_NODES) {
      throw new RangeError(`the model expands to more than ${MAX_IMPORTED_NODES} layers`)
    }
    if (MODELS.has(kind)) return this.run(this.#network(kind, config, name), inputs, `${name}/`)
    const first = this.#to.nodeCount
    try {
      const result = this.#call(layer, inputs, name)
      const outputs = typeof result === 'string' ? [result] : result
      return outputs.map((output, i) => {
        const isNew = this.#to.isMadeSince(first, output) && outputs.indexOf(output) === i
        return isNew && i === 0 && this.#to.isFree(name) ? this.#to.rename(output, name) : output
      })
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
      this.#refused.set(error.message, [...(this.#refused.get(error.message) ?? []), name])
      // What reads it is converted all the same, so that everything unsupported is found.
      return inputs.length > 0 ? inputs : [name]
    }
  }

  #network(kind: string, config: JsonObject, name: string): Network {
    const known = this.#networks.get(config) ?? readNetwork(kind, config, name)
    this.#networks.set(config, known)
    return known
  }

  #call(layer: Layer, inputs: readonly string[], name: string): string | readonly string[] {
    const { kind } = layer
    if (kind === 'InputLayer') return fail(`the input ${JSON.stringify(layer.name)} is not among the model's`)
    const converter = CONVERTERS.get(kind)
    this.#to.begin(name)
    const own = new Map<string, NamedWeight[]>()
    for (const weight of this.#weights.get(layer.name) ?? []) {
      const last = lastName(weight.path)
      own.set(last, [...(own.get(last) ?? []), weight])
    }
    const call = new LayerCall(
      kind,
      new Config(layer.config, `${kind} ${JSON.stringify(name)}`),
      this.#to,
      inputs,
      own,
    )
    if (kind === 'TimeDistributed') return timeDistributed(call)
    if (converter === undefined) throw new Unsupported(kind)
    return converter(call)
  }
}

/** Layers that treat every step of a sequence alike as they are. */
const STEPWISE: ReadonlySet<string> = new Set([
  'Activation',
  'Dense',
  'Dropout',
  'ELU',
  'LeakyReLU',
  'ReLU',
  'Softmax',
])

function timeDistributed(call: LayerCall): string | readonly string[] {
  const inner = objectOf(`${call.config}: "layer"`, call.config.get('layer'))
  const kind = textOf(`${call.config}: the class of its layer`, inner.get('class_name'))
  if (!STEPWISE.has(kind)) call.refuse(`${kind} in it`)
  const config = new Config(objectOf(`${call.config}: "config"`, inner.get('config')), String(call.config))
  return CONVERTERS.get(kind)!(call.within(kind, config))
}

/** The declared shape of an input, or of the first layer of a Sequential model. */
function shapeOf({ name, config }: Layer): Dimension[] | undefined {
  const shape = config.get('batch_input_shape') ?? config.get('batch_shape')
  if (!Array.isArray(shape)) return undefined
  return shape.map((size) => {
    if (size === null) return null
    const number = integerOf(`the shape of ${JSON.stringify(name)}`, size)
    return number >= 0 ? number : fail(`${JSON.stringify(name)} has a dimension of ${number}`)
  })
}

/** All uses of all layers, each after those that it reads. */
function sortUses({ layers }: Network): { layer: Layer; use: number }[] {
  const all = layers.flatMap((layer) => layer.uses.map((_, use) => ({ layer, use })))
  const waiting = new Map<string, number>()
  const readers = new Map<string, { layer: Layer; use: number }[]>()
  for (const entry of all) {
    const key = keyOf(entry.layer.name, entry.use)
    if (waiting.has(key)) fail(`two layers are named ${JSON.stringify(entry.layer.name)}`)
    const sources = new Set(entry.layer.uses[entry.use]!.map(({ layer, use }) => keyOf(layer, use)))
    waiting.set(key, sources.size)
    for (const source of sources) {
      const list = readers.get(source)
      if (list === undefined) readers.set(source, [entry])
      else list.push(entry)
    }
  }
  const order = all.filter(({ layer, use }) => waiting.get(keyOf(layer.name, use)) === 0)
  for (let at = 0; at < order.length; at++) {
    const { layer, use } = order[at]!
    for (const reader of readers.get(keyOf(layer.name, use)) ?? []) {
      const key = keyOf(reader.layer.name, reader.use)
      const left = waiting.get(key)! - 1
      waiting.set(key, left)
      if (left === 0) order.push(reader)
    }
  }
  if (order.length < all.length) {
    const stuck = all.find(({ layer, use }) => waiting.get(keyOf(layer.name, use))! > 0)!
    throw new FormatError(
      'cycle',
      `layer ${JSON.stringify(stuck.layer.name)} reads what is not there, or itself`,
    )
  }
  return order
}
