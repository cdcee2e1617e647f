import { CapacityError, FormatError } from '../errors.js'
import { elementCount } from '../formats/tensor.js'
import { subgraphsOf } from '../graph/attributes.js'
import type { ValueType } from '../graph/call.js'
import { checkModel } from '../graph/check.js'
import { weightType } from '../graph/inference.js'
import type { Graph, Model, ValueInfo, Weight } from '../graph/model.js'
import { checkOperators } from '../graph/operators.js'
import { IR_OPSET } from '../graph/opset.js'
import { mergeScopes } from '../graph/scopes.js'
import { capturedBy } from '../graph/uses.js'
import { isArtifact } from '../io/artifact/container.js'
import { receiveArtifact } from '../io/artifact/read.js'
import { readChunks, readWhole, type PieceReader } from '../io/pieces.js'
import { MAX_MEMORY_BYTES, MAX_MODEL_NODES, MAX_SHAPE_INPUT } from '../limits.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkChoice, checkInteger, checkNames, checkOptions, describe } from '../validate.js'
import { ActivationMemory } from './arena.js'
import { canRun, GraphLoader } from './load-graph.js'
import { Loader, type LoadedNode } from './loader.js'
import { Session } from './session.js'
import { bytesOf, chunksOf, isStream, type SourceOptions, type StreamSource } from './source.js'

export interface SessionOptions {
  /** The runtime whose memory holds the model; the shared one unless given. */
  runtime?: Runtime
  /** Names of further values of the model that `run` gives, beside its outputs. */
  outputs?: readonly string[]
  /** Ceiling of the memory for weights and activations together, in bytes; that of the runtime unless given. */
  maxBytes?: number
  /**
   * `stored` (default): int8 weights compute in int8. `float32`: the real values of all weights compute in float32, for a
   * reference or where accuracy matters more than speed.
   */
  precision?: 'stored' | 'float32'
}

/** How far a model has arrived. */
export interface LoadProgress {
  readonly loadedBytes: number
  /** Size of the file; undefined until its header is there. */
  readonly totalBytes: number | undefined
  /** Nodes whose weights are decoded and packed. */
  readonly loadedNodes: number
  readonly totalNodes: number | undefined
}

export interface StreamOptions extends SessionOptions, SourceOptions {
  /** Called whenever bytes arrived. */
  onProgress?: (progress: LoadProgress) => void
}

type Resident = Uint8Array | ArrayBuffer | Model

/**
 * Loads a model: packs its weights into the memory of a runtime and checks that every operator is supported. The graph is
 * run as it is: `readOnnx` optimizes it, and an artifact holds what was optimized before.
 *
 * From a source whose bytes are still arriving, layers are decoded and packed while later ones are on the way. The session
 * keeps packed weights only: beside them, loading holds one stored weight at a time.
 *
 * @param source an mcompress artifact, as bytes or as a place where they come from: a Response (or the promise of one), a
 *   Blob, a stream, any asynchronous sequence of bytes, a URL, or the path of a file where the host has files. Or a model
 *   in the operator set of `readOnnx`
 * @returns a session; the promise of one unless the bytes or the model are at hand
 * @throws TypeError, RangeError for wrong arguments, RangeError for a response that is an error; FormatError for bytes that
 *   are no artifact, end early or were changed on the way; UnsupportedOpError naming all unsupported operators;
 *   CapacityError when memory is short. Nothing stays allocated then.
 */
export function loadModel(source: Resident, options?: SessionOptions): Session
export function loadModel(
  source: StreamSource | PromiseLike<StreamSource | Resident>,
  options?: StreamOptions,
): Promise<Session>
export function loadModel(
  source: Resident | StreamSource | PromiseLike<StreamSource | Resident>,
  options: StreamOptions = {},
): Session | Promise<Session> {
  return isStream(source) ? loadStream(source, options) : loadResident(source, options)
}

function loadResident(source: Resident, options: SessionOptions): Session {
  const load = new ModelLoad(options, [])
  if (typeof source === 'object' && source !== null && 'nodes' in source) return load.whole(source)
  const isBuffer = Object.prototype.toString.call(source).endsWith('ArrayBuffer]')
  if (!ArrayBuffer.isView(source) && !isBuffer) {
    throw new TypeError(`"source" expected a model or the bytes of an artifact, got ${describe(source)}`)
  }
  const bytes = bytesOf(source)
  refuseOnnx(bytes)
  return readWhole(load.pieces(), bytes)
}

async function loadStream(
  source: StreamSource | PromiseLike<StreamSource | Resident>,
  options: StreamOptions,
): Promise<Session> {
  const load = new ModelLoad(options, ['signal', 'retries', 'onProgress'])
  const { signal, retries = 3, onProgress } = options
  checkInteger('retries', retries, 0, Number.MAX_SAFE_INTEGER)
  const settled = await source
  signal?.throwIfAborted()
  if (!isStream(settled)) {
    const { signal: _, retries: __, onProgress: ___, ...rest } = options
    return loadResident(settled, rest)
  }
  async function* watched(): AsyncGenerator<Uint8Array> {
    let loadedBytes = 0
    for await (const chunk of chunksOf(settled as StreamSource, { ...options, retries })) {
      if (loadedBytes === 0) refuseOnnx(chunk)
      loadedBytes += chunk.length
      yield chunk
      onProgress?.({ loadedBytes, ...load.progress })
    }
  }
  return readChunks(load.pieces(), watched())
}

/** One load: checks the graph when it is known, then packs one node after the other. */
class ModelLoad {
  readonly #options: Required<Omit<SessionOptions, 'maxBytes'>> & { readonly maxBytes: number | undefined }
  readonly #nodes: LoadedNode[] = []
  readonly #types = new Map<string, ValueType>()
  /** The last node that reads each weight; Infinity: it is needed while the model runs. */
  readonly #lastReader = new Map<string, number>()
  #outputs: ValueInfo[] = []
  #loader: Loader | undefined
  #graphs: GraphLoader | undefined
  #model: Model | undefined
  #totalBytes: number | undefined

  constructor(options: SessionOptions, further: readonly string[]) {
    checkOptions('options', options, ['runtime', 'outputs', 'maxBytes', 'precision', ...further])
    const { outputs = [], maxBytes, precision = 'stored' } = options
    if (maxBytes !== undefined) checkInteger('maxBytes', maxBytes, 0, MAX_MEMORY_BYTES)
    checkChoice('precision', precision, ['stored', 'float32'])
    checkNames('outputs', outputs)
    this.#options = { outputs, maxBytes, precision, runtime: options.runtime ?? defaultRuntime() }
  }

  get progress(): Omit<LoadProgress, 'loadedBytes'> {
    return {
      totalBytes: this.#totalBytes,
      loadedNodes: this.#nodes.length,
      totalNodes: this.#model?.nodes.length,
    }
  }

  /** Loads a model that is there. */
  whole(model: Model): Session {
    checkModel(model)
    try {
      return this.#all(model)
    } catch (error) {
      this.#loader?.dispose()
      throw error
    }
  }

  #all(model: Model): Session {
    // Weights are let go one by one: of a map that is not the caller's.
    const own = mergeScopes({ ...model, weights: new Map(model.weights) })
    this.#begin(own)
    own.nodes.forEach((_, i) => this.#node(own, i))
    return this.#finish(own)
  }

  /** Loads an artifact whose bytes come piece by piece. */
  *pieces(): PieceReader<Session> {
    const { runtime, maxBytes } = this.#options
    const options = maxBytes === undefined ? { runtime } : { runtime, maxBytes }
    try {
      const model = yield* receiveArtifact(options, {
        begin: (model, totalBytes) => {
          this.#totalBytes = totalBytes
          if (!nests(model)) this.#begin(model)
        },
        node: (model, index) => this.#loader && this.#node(model, index),
      })
      // Nested graphs share names, until all of their weights are there.
      return this.#loader === undefined ? this.#all(model) : this.#finish(model)
    } catch (error) {
      this.#loader?.dispose()
      throw error
    }
  }

  #begin(model: Model): void {
    const { outputs, runtime, precision } = this.#options
    this.#outputs = checkOutputs(model, outputs)
    if (model.opset < IR_OPSET) {
      throw new RangeError(
        `"source" expected operator set ${IR_OPSET}, as readOnnx gives it, got ${model.opset}`,
      )
    }
    const count = nodeCount(model)
    if (count > MAX_MODEL_NODES) {
      throw new RangeError(`"source" expected at most ${MAX_MODEL_NODES} nodes, got ${count}`)
    }
    // All names are looked up before anything is packed.
    checkOperators(model, canRun)
    model.nodes.forEach((node, i) => {
      for (const name of node.inputs) this.#lastReader.set(name, Math.max(i, this.#lastReader.get(name) ?? 0))
      for (const graph of subgraphsOf(node)) {
        for (const name of capturedBy(graph)) this.#lastReader.set(name, Infinity)
      }
    })
    for (const { name } of model.outputs) this.#lastReader.set(name, Infinity)
    this.#model = model
    const loader = new Loader(model, runtime, precision === 'stored')
    const memory = new ActivationMemory(runtime, () => this.#maxBytes - loader.bytes)
    this.#loader = loader
    this.#graphs = new GraphLoader(loader, memory, this.#types)
  }

  #node(model: Model, index: number): void {
    const node = model.nodes[index]!
    this.#nodes.push(...this.#graphs!.load([node]))
    this.#checkBytes()
    for (const name of node.inputs) if (this.#lastReader.get(name) === index) this.#release(model, name)
  }

  get #maxBytes(): number {
    return this.#options.maxBytes ?? MAX_MEMORY_BYTES
  }

  #checkBytes(): void {
    const { bytes } = this.#loader!
    if (bytes > this.#maxBytes) throw new CapacityError('the weights of this model', bytes, this.#maxBytes)
  }

  /** Leaves of a weight its type, and its elements only where shapes or evaluators may ask for them. */
  #release(model: Model, name: string): void {
    const weights = model.weights as Map<string, Weight>
    const weight = weights.get(name)
    if (weight === undefined) return
    weights.delete(name)
    const type = weightType(weight)
    const isPacked = !this.#loader!.keeps(name) && elementCount(type.shape) > MAX_SHAPE_INPUT
    this.#types.set(
      name,
      isPacked && type.dtype === 'float32' ? { dtype: type.dtype, shape: type.shape } : type,
    )
  }

  #finish(model: Model): Session {
    const graphs = this.#graphs!
    graphs.checkRefused()
    this.#loader!.bind(model.outputs.map(({ name }) => name))
    this.#checkBytes()
    for (const [name, weight] of model.weights) this.#types.set(name, weightType(weight))
    graphs.demand(this.#outputs, this.#nodes)
    return new Session({
      model,
      outputs: this.#outputs,
      program: graphs.program(model.inputs, this.#outputs, this.#nodes),
      trips: graphs.trips,
    })
  }
}

function refuseOnnx(bytes: Uint8Array): void {
  if (isArtifact(bytes) || !looksLikeOnnx(bytes)) return
  throw new FormatError(
    'onnx',
    '"source" looks like an ONNX model: read it with readOnnx of mcompress-wasm/onnx and pass the result',
    0,
  )
}

/** Writers of ONNX begin with the IR version, field 1 of ModelProto, and go on with another of its fields. */
function looksLikeOnnx(bytes: Uint8Array): boolean {
  const nextFields = [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72]
  return bytes[0] === 8 && bytes[1]! >= 1 && bytes[1]! < 32 && nextFields.includes(bytes[2]!)
}

/** The outputs of the model, then the further ones. */
function checkOutputs(model: Model, names: readonly string[]): ValueInfo[] {
  const known = new Set(model.nodes.flatMap(({ outputs }) => outputs))
  for (const name of names) {
    if (name === '' || !known.has(name)) {
      throw new RangeError(
        `"outputs" expected values of the model, which has no ${JSON.stringify(name)}; what optimizing took away stays with readOnnx(bytes, { keep: [...] })`,
      )
    }
  }
  const own = model.outputs.map(({ name }) => name)
  const further = [...new Set(names)].filter((name) => !own.includes(name))
  return [...model.outputs, ...further.map((name) => ({ name, dtype: 'float32', shape: undefined }) as const)]
}

const nests = ({ nodes }: Graph) => nodes.some((node) => subgraphsOf(node).length > 0)

/** Nodes of a graph and of those inside it. */
function nodeCount({ nodes }: Graph): number {
  return nodes.reduce(
    (sum, node) => subgraphsOf(node).reduce((inner, graph) => inner + nodeCount(graph), sum),
    nodes.length,
  )
}
