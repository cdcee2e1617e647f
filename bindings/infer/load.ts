import { CapacityError, FormatError, UnsupportedOpError } from '../errors.js'
import { qualifiedOp } from '../graph/attributes.js'
import { checkModel } from '../graph/check.js'
import type { GraphNode, Model, ValueInfo } from '../graph/model.js'
import { IR_OPSET } from '../graph/opset.js'
import { RUNNABLE } from '../graph/runnable.js'
import { isArtifact } from '../io/artifact/container.js'
import { readArtifact, type ReadArtifactOptions } from '../io/artifact/read.js'
import { MAX_MEMORY_BYTES, MAX_MODEL_NODES } from '../limits.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkChoice, checkInteger, checkNames, checkOptions, describe } from '../validate.js'
import { evaluated, ofFloats } from './layers/evaluated.js'
import { LAYERS } from './layers/index.js'
import { Loader, UnsupportedVariant, type Layer } from './loader.js'
import { Session, type LoadedLayer } from './session.js'

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

/**
 * Loads a model: packs its weights into the memory of a runtime and checks that every operator is supported. The graph is
 * run as it is: `readOnnx` optimizes it, and an artifact holds what was optimized before.
 *
 * @param source bytes of an mcompress artifact, or a model in the operator set of `readOnnx`
 * @throws TypeError, RangeError for wrong arguments; FormatError for bytes that are no artifact; UnsupportedOpError
 *   naming all unsupported operators; CapacityError when memory is short. Nothing stays allocated then.
 */
export function loadModel(source: Uint8Array | ArrayBuffer | Model, options: SessionOptions = {}): Session {
  checkOptions('options', options, ['runtime', 'outputs', 'maxBytes', 'precision'])
  const { outputs = [], maxBytes = MAX_MEMORY_BYTES, precision = 'stored' } = options
  checkInteger('maxBytes', maxBytes, 0, MAX_MEMORY_BYTES)
  checkChoice('precision', precision, ['stored', 'float32'])
  const runtime = options.runtime ?? defaultRuntime()
  const model = modelOf(source, options.maxBytes === undefined ? { runtime } : { runtime, maxBytes })
  const asked = checkOutputs(model, outputs)
  if (model.opset < IR_OPSET) {
    throw new RangeError(
      `"source" expected operator set ${IR_OPSET}, as readOnnx gives it, got ${model.opset}`,
    )
  }
  if (model.nodes.length > MAX_MODEL_NODES) {
    throw new RangeError(`"source" expected at most ${MAX_MODEL_NODES} nodes, got ${model.nodes.length}`)
  }
  const loader = new Loader(model, runtime, precision === 'stored')
  try {
    const layers = loadLayers(model, loader)
    loader.bind(model.outputs.map(({ name }) => name))
    if (loader.bytes > maxBytes) throw new CapacityError('the weights of this model', loader.bytes, maxBytes)
    return new Session({ model, outputs: asked, layers, loader, maxBytes })
  } catch (error) {
    loader.dispose()
    throw error
  }
}

function modelOf(source: Uint8Array | ArrayBuffer | Model, options: ReadArtifactOptions): Model {
  if (typeof source !== 'object' || source === null) {
    throw new TypeError(`"source" expected a model or the bytes of an artifact, got ${describe(source)}`)
  }
  if ('nodes' in source) {
    checkModel(source)
    return source
  }
  const bytes = bytesOf(source)
  if (!isArtifact(bytes) && looksLikeOnnx(bytes)) {
    throw new FormatError(
      'onnx',
      '"source" looks like an ONNX model: read it with readOnnx of mcompress-wasm/onnx and pass the result',
      0,
    )
  }
  return readArtifact(bytes, options)
}

/** Bytes of any kind of array or buffer, those of another realm too. */
function bytesOf(source: Uint8Array | ArrayBuffer): Uint8Array {
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
  if (!Object.prototype.toString.call(source).endsWith('ArrayBuffer]')) {
    throw new TypeError(`"source" expected a model or the bytes of an artifact, got ${describe(source)}`)
  }
  return new Uint8Array(source)
}

/** Writers of ONNX begin with the IR version, field 1 of ModelProto, and go on with another of its fields. */
function looksLikeOnnx(bytes: Uint8Array): boolean {
  const nextFields = [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72]
  return bytes[0] === 8 && bytes[1]! >= 1 && bytes[1]! < 32 && nextFields.includes(bytes[2]!)
}

/** The outputs of the model, then the further ones. */
function checkOutputs(model: Model, names: readonly string[]): ValueInfo[] {
  checkNames('outputs', names)
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

/** Makes a layer of every node; names all that cannot be made. */
function loadLayers(model: Model, loader: Loader): LoadedLayer[] {
  const unsupported = new Map<string, string[]>()
  const refuse = (what: string, name: string) => {
    unsupported.set(what, [...(unsupported.get(what) ?? []), name])
  }
  const throwRefused = () => {
    if (unsupported.size === 0) return
    throw new UnsupportedOpError([...unsupported].map(([op, nodes]) => ({ op, nodes })))
  }
  const layers: LoadedLayer[] = []
  // All names are looked up before anything is packed.
  for (const node of model.nodes) if (!canRun(node)) refuse(qualifiedOp(node), node.name)
  throwRefused()
  for (const node of model.nodes) {
    const before = loader.bytes
    try {
      const layer = makeLayer(loader, node)
      layers.push({ layer, weightBytes: loader.bytes - before })
    } catch (error) {
      if (!(error instanceof UnsupportedVariant)) throw error
      refuse(error.message, node.name)
    }
  }
  throwRefused()
  return layers
}

function canRun(node: GraphNode): boolean {
  const op = qualifiedOp(node)
  return LAYERS.has(op) || RUNNABLE.get(op)?.evaluate !== undefined
}

/** The layer of a node. The evaluator of an operator takes over variants that its kernels do not have. */
function makeLayer(loader: Loader, node: GraphNode): Layer {
  const op = qualifiedOp(node)
  const factory = LAYERS.get(op)
  if (factory === undefined) return loader.make(evaluated, node)
  try {
    const layer = loader.make(factory, node)
    return layer.anyType === true ? layer : ofFloats(node, layer)
  } catch (error) {
    if (!(error instanceof UnsupportedVariant) || RUNNABLE.get(op)?.evaluate === undefined) throw error
    return loader.make(evaluated, node)
  }
}
