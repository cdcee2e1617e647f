import { FormatError } from '../../errors.js'
import type { Tensor } from '../../formats/tensor.js'
import { dataTypeName, elementTypeOf } from '../../graph/element-types.js'
import type { Attribute, Dimension, Graph, GraphNode, ValueInfo } from '../../graph/model.js'
import { sortNodes } from '../../graph/check.js'
import { MAX_GRAPH_DEPTH } from '../../limits.js'
import { readTensor } from './tensor.js'
import type { ProtoReader } from './wire.js'

/** A node as the file has it: its name may be absent or taken. */
type FileNode = Omit<GraphNode, 'name'> & { readonly name: string }

/**
 * Reads a GraphProto: initializers and Constant nodes become weights, an input that has an initializer is a weight
 * too (before IR version 4 every initializer had to be an input), nodes get unique names and topological order.
 */
export function readGraph(proto: ProtoReader, depth = 0): Graph & { readonly name: string } {
  if (depth > MAX_GRAPH_DEPTH) {
    throw new FormatError('graph', `graphs are nested more than ${MAX_GRAPH_DEPTH} deep`, proto.offset)
  }
  let name = ''
  const inputs: ValueInfo[] = []
  const outputs: ValueInfo[] = []
  const nodes: FileNode[] = []
  const weights = new Map<string, Tensor>()
  const addWeight = (weight: string, tensor: Tensor, offset: number) => {
    if (weights.has(weight)) {
      throw new FormatError('graph', `weight ${JSON.stringify(weight)} is defined twice`, offset)
    }
    weights.set(weight, tensor)
  }
  proto.message((field) => {
    const offset = proto.offset
    if (field === 1) {
      const node = readNode(proto, depth)
      if (node.op === 'Constant' && node.domain === '') {
        addWeight(node.outputs[0] ?? '', constantOf(node, offset), offset)
      } else nodes.push(node)
    } else if (field === 2) name = proto.string()
    else if (field === 5) {
      const initializer = readTensor(proto)
      addWeight(initializer.name, initializer.tensor, offset)
    } else if (field === 11) inputs.push(readValueInfo(proto, 'input', depth > 0))
    else if (field === 12) outputs.push(readValueInfo(proto, 'output', true))
    else if (field === 15) {
      throw new FormatError('sparse-tensor', 'sparse initializers are not supported', offset)
    } else return false
    return true
  })
  return {
    name,
    inputs: inputs.filter((input) => !weights.has(input.name)),
    outputs,
    nodes: sortNodes(withUniqueNames(nodes)),
    weights,
  }
}

/** Names are optional in ONNX, and all messages here go by them. */
function withUniqueNames(nodes: readonly FileNode[]): GraphNode[] {
  const taken = new Set(nodes.map((node) => node.name))
  const used = new Set<string>([''])
  return nodes.map((node, index) => {
    let { name } = node
    if (used.has(name)) {
      name = `${node.op}_${index}`
      while (taken.has(name)) name += '_'
      taken.add(name)
    }
    used.add(name)
    return name === node.name ? node : { ...node, name }
  })
}

function readNode(proto: ProtoReader, depth: number): FileNode {
  let name = ''
  let op = ''
  let domain = ''
  const inputs: string[] = []
  const outputs: string[] = []
  const attributes = new Map<string, Attribute>()
  proto.message((field) => {
    if (field === 1) inputs.push(proto.string())
    else if (field === 2) outputs.push(proto.string())
    else if (field === 3) name = proto.string()
    else if (field === 4) op = proto.string()
    else if (field === 5) {
      const [key, value] = readAttribute(proto, depth)
      attributes.set(key, value)
    } else if (field === 7) domain = proto.string()
    else return false
    return true
  })
  if (domain === 'ai.onnx') domain = ''
  // Half precision is widened everywhere, so a cast to it is one to float32.
  const to = attributes.get('to')
  if (op === 'Cast' && (to === 10 || to === 16)) attributes.set('to', 1)
  return { name, op, domain, inputs, outputs, attributes: Object.fromEntries(attributes) }
}

/** AttributeProto.AttributeType */
const AttributeType = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const

function readAttribute(proto: ProtoReader, depth: number): [string, Attribute] {
  const start = proto.offset
  let name = ''
  let type = 0
  const values = new Map<number, Attribute>()
  const floats: number[] = []
  const ints: number[] = []
  const strings: string[] = []
  proto.message((field) => {
    if (field === 1) name = proto.string()
    else if (field === 2) values.set(AttributeType.float, proto.float())
    else if (field === 3) values.set(AttributeType.int, proto.int())
    else if (field === 4) values.set(AttributeType.string, proto.string())
    else if (field === 5) values.set(AttributeType.tensor, readTensor(proto).tensor)
    else if (field === 6) values.set(AttributeType.graph, readGraph(proto, depth + 1))
    else if (field === 7) proto.floats(floats)
    else if (field === 8) proto.ints(ints)
    else if (field === 9) strings.push(proto.string())
    else if (field === 20) type = proto.int()
    else return false
    return true
  })
  values.set(AttributeType.floats, floats)
  values.set(AttributeType.ints, ints)
  values.set(AttributeType.strings, strings)
  const value = values.get(type)
  if (value === undefined) {
    throw new FormatError(
      'attribute',
      `attribute ${JSON.stringify(name)} has no value of its type ${type}`,
      start,
    )
  }
  return [name, value]
}

/** The tensor that a Constant node stands for. */
function constantOf(node: FileNode, offset: number): Tensor {
  const { value, value_float, value_floats, value_int, value_ints } = node.attributes
  if (typeof value === 'object' && 'kind' in value) return value
  const floats = value_float ?? value_floats
  const ints = value_int ?? value_ints
  const list = (floats ?? ints) as number | readonly number[] | undefined
  if (list === undefined) {
    const given = Object.keys(node.attributes).join(', ') || 'none'
    throw new FormatError(
      'attribute',
      `Constant ${JSON.stringify(node.outputs[0] ?? '')} needs a dense numeric value, got ${given}`,
      offset,
    )
  }
  const shape = typeof list === 'number' ? [] : [list.length]
  const values = typeof list === 'number' ? [list] : list
  if (floats !== undefined) {
    return { kind: 'dense', dtype: 'float32', shape, data: Float32Array.from(values) }
  }
  return { kind: 'dense', dtype: 'int64', shape, data: BigInt64Array.from(values, BigInt) }
}

/** Reads a ValueInfoProto that describes a tensor. */
function readValueInfo(proto: ProtoReader, what: 'input' | 'output', untyped: boolean): ValueInfo {
  const start = proto.offset
  let name = ''
  let code = 0
  let shape: Dimension[] | undefined
  let kind = ''
  const readTensorType = (field: number) => {
    if (field === 1) code = proto.int()
    else if (field === 2) shape = readShape(proto)
    else return false
    return true
  }
  const readType = (field: number) => {
    if (field === 1) proto.message(readTensorType)
    else if (field === 4) kind = 'sequence'
    else if (field === 5) kind = 'map'
    else if (field === 8) kind = 'sparse tensor'
    else if (field === 9) kind = 'optional'
    return field === 1
  }
  proto.message((field) => {
    if (field === 1) name = proto.string()
    else if (field === 2) proto.message(readType)
    else return false
    return true
  })
  // An output, and an input of a nested graph, may leave its type to inference.
  const dtype = code === 0 && kind === '' && untyped ? 'float32' : elementTypeOf(code)
  if (dtype === undefined || kind !== '') {
    const type = kind || `tensor of ${dataTypeName(code)}`
    throw new FormatError('element-type', `${what} ${JSON.stringify(name)} is a ${type}`, start)
  }
  return { name, dtype, shape }
}

/** TensorShapeProto. Some exporters write -1 for a dimension that they do not know. */
function readShape(proto: ProtoReader): Dimension[] {
  const shape: Dimension[] = []
  proto.message((field) => {
    if (field !== 1) return false
    let dimension: Dimension = null
    proto.message((inner) => {
      if (inner === 1) dimension = proto.int()
      else if (inner === 2) dimension = proto.string() || null
      else return false
      return true
    })
    if (dimension === -1) dimension = null
    if (typeof dimension === 'number' && dimension < 0) {
      throw new FormatError('dims', `a dimension is ${String(dimension)}`, proto.offset)
    }
    shape.push(dimension)
    return true
  })
  return shape
}
