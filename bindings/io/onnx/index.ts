import { FormatError } from '../../errors.js'
import { checkModel } from '../../graph/check.js'
import type { Graph, Model } from '../../graph/model.js'
import { MAX_OPSET, MIN_OPSET } from '../../graph/opset.js'
import { expandFunctions } from '../../graph/passes/expand-functions.js'
import { upgrade } from '../../graph/passes/upgrade.js'
import { prepare } from '../../graph/prepare.js'
import { RUNNABLE } from '../../graph/runnable.js'
import { checkBoolean, checkNames, checkOptions, describe } from '../../validate.js'
import { readGraph } from './graph.js'
import { ProtoReader } from './wire.js'

export { writeOnnx } from './write.js'

export interface ReadOnnxOptions {
  /**
   * Folds constants, BatchNormalization, biases and clamping into other nodes and drops what is dead, so that the model
   * runs faster and computes the same up to rounding. On unless false.
   */
  optimize?: boolean
  /** Names of values to preserve beside the outputs, for sessions that are to give them. */
  keep?: readonly string[]
}

/**
 * Reads an ONNX file of opset 6 to 24.
 *
 * - Operators come out in the form that opset 21 gives them (`upgrade`), whatever the file's opset.
 * - Initializers, also those that are graph inputs, and Constant nodes become weights.
 * - float16 and bfloat16 widen to float32, exactly: such a network computes in single precision.
 * - Weights may be views of `bytes`: leave it unchanged while the model is in use.
 *
 * Any operator is read; `checkOperators` tells which are not supported.
 *
 * @throws TypeError unless given bytes; FormatError for anything that is not a sound, self-contained model; RangeError
 * past the limits
 * @see onnx.proto, IR version 3 and later
 */
export function readOnnx(bytes: Uint8Array | ArrayBuffer, options: ReadOnnxOptions = {}): Model {
  checkOptions('options', options, ['optimize', 'keep'])
  const { optimize = true, keep = [] } = options
  checkBoolean('optimize', optimize)
  checkNames('keep', keep)
  const isView = ArrayBuffer.isView(bytes)
  if (!isView && Object.prototype.toString.call(bytes) !== '[object ArrayBuffer]') {
    throw new TypeError(`"bytes" expected Uint8Array or ArrayBuffer, got ${describe(bytes)}`)
  }
  // A Buffer is a Uint8Array whose subarray() and slice() differ: read through a plain view.
  const view = isView
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes)
  const proto = new ProtoReader(view)
  let graph: (Graph & { readonly name: string }) | undefined
  let producer = ''
  let producerVersion = ''
  const opsets = new Map<string, number>()
  const metadata = new Map<string, string>()
  proto.fields((field) => {
    if (field === 2) producer = proto.string()
    else if (field === 3) producerVersion = proto.string()
    else if (field === 7) graph = readGraph(proto)
    else if (field === 8) readOpset(proto, opsets)
    else if (field === 14) readMetadata(proto, metadata)
    else return false
    return true
  })
  if (graph === undefined) throw new FormatError('not-onnx', 'no graph: this is not an ONNX model', 0)
  const opset = opsets.get('')
  if (opset === undefined || opset < MIN_OPSET || opset > MAX_OPSET) {
    throw new FormatError(
      'opset',
      `ONNX operator sets ${MIN_OPSET} to ${MAX_OPSET} are supported, the model has ${opset ?? 'none'}`,
    )
  }
  if (producer !== '' && !metadata.has('producer')) {
    metadata.set('producer', `${producer} ${producerVersion}`.trim())
  }
  const model = { ...graph, opset, metadata: Object.fromEntries(metadata) }
  if (optimize) return prepare(model, keep)
  checkModel(model)
  return expandFunctions(upgrade(model), new Set(keep), (op) => RUNNABLE.has(op) && op !== 'Pow')
}

function readOpset(proto: ProtoReader, opsets: Map<string, number>): void {
  let domain = ''
  let version = 0
  proto.message((field) => {
    if (field === 1) domain = proto.string()
    else if (field === 2) version = proto.int()
    else return false
    return true
  })
  opsets.set(domain === 'ai.onnx' ? '' : domain, version)
}

function readMetadata(proto: ProtoReader, metadata: Map<string, string>): void {
  let key = ''
  let value = ''
  proto.message((field) => {
    if (field === 1) key = proto.string()
    else if (field === 2) value = proto.string()
    else return false
    return true
  })
  metadata.set(key, value)
}
