import type { QuantizedTensor } from '../../formats/quantized.js'
import type { Tensor } from '../../formats/tensor.js'
import { intAttribute } from '../attributes.js'
import type { ActivationRange, GraphNode, Model, Weight } from '../model.js'
import { consumers, freshName, namesOf, producers } from '../uses.js'
import { eliminateDead } from './eliminate-dead.js'
import { type Keep, pinnedNames } from './rewrite.js'

/** Operators whose products run in int8 where the second input is stored so. */
const PRODUCTS = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul'])

/**
 * Takes what other tools write for quantized networks into the forms that layers run in int8:
 *
 * - QLinearConv and QLinearMatMul become Conv and MatMul between QuantizeLinear and DequantizeLinear.
 * - DequantizeLinear of constant 8-bit codes becomes a stored weight.
 * - QuantizeLinear and DequantizeLinear behind each other become the int8 parameters of an activation, and a Clip to the
 *   range that they span where somebody reads it that does not compute in int8. The rounding between such readers is left out.
 * - DynamicQuantizeLinear, a product of integers, and the scales behind it become a product with a stored weight.
 */
export function lowerQuantized(model: Model, keep: Keep): Model {
  const expanded = expandProducts(model)
  // What nobody reads any more would stand in the way of later passes.
  return eliminateDead(lowerPairs(lowerDynamic(lowerWeights(expanded, keep), keep), keep), keep)
}

const isOp = ({ op, domain }: GraphNode, name: string) =>
  op === name && (domain === '' || domain === 'com.microsoft')

function expandProducts(model: Model): Model {
  const names = namesOf(model)
  const nodes = model.nodes.flatMap((node): GraphNode[] => {
    const isConv = isOp(node, 'QLinearConv')
    if (!isConv && !isOp(node, 'QLinearMatMul')) return [node]
    const [a, aScale, aZero, b, bScale, bZero, yScale, yZero, bias] = node.inputs as string[]
    const made: GraphNode[] = []
    const add = (op: string, inputs: readonly string[], attributes = {}, output?: string): string => {
      const name = freshName(names, `${node.name}.${op}`)
      const result = output ?? name
      made.push({ name, op, domain: '', inputs, outputs: [result], attributes })
      return result
    }
    const inputs = [
      add('DequantizeLinear', [a!, aScale!, aZero!], isConv ? {} : { axis: -2 }),
      add('DequantizeLinear', [b!, bScale!, bZero!], { axis: isConv ? 0 : -1 }),
    ]
    if (bias !== undefined && bias !== '') {
      inputs.push(add('DequantizeLinear', [bias, add('Mul', [aScale!, bScale!])], { axis: 0 }))
    }
    const y = add(isConv ? 'Conv' : 'MatMul', inputs, node.attributes)
    add('QuantizeLinear', [y, yScale!, yZero!], isConv ? {} : { axis: -2 }, node.outputs[0]!)
    return made
  })
  return { ...model, nodes }
}

/** A dense weight and its numbers. */
function numbers(model: Model, name: string | undefined): number[] | undefined {
  const weight = name === undefined ? undefined : model.weights.get(name)
  return weight?.kind === 'dense' ? Array.from(weight.data, Number) : undefined
}

/** The codes of a weight as int8, those of uint8 moved by 128; undefined for other types. */
function signed(
  weight: Weight | undefined,
): { shape: readonly number[]; data: Int8Array; moved: number } | undefined {
  if (weight?.kind !== 'dense' || (weight.dtype !== 'int8' && weight.dtype !== 'uint8')) return undefined
  const moved = weight.dtype === 'uint8' ? 128 : 0
  return {
    shape: weight.shape,
    data: Int8Array.from(weight.data as Uint8Array, (code) => code - moved),
    moved,
  }
}

/** A stored weight of constant codes with one scale, or one a slice along an axis; undefined if they do not fit each other. */
function stored(
  codes: Weight | undefined,
  scale: readonly number[] | undefined,
  zero: readonly number[],
  axis: number,
): QuantizedTensor | undefined {
  const own = signed(codes)
  if (own === undefined || scale === undefined) return undefined
  const { shape, data, moved } = own
  const at = axis < 0 ? axis + shape.length : axis
  const count = scale.length
  if (count !== 1 && shape[at] !== count) return undefined
  const zeroPoint = scale.map((_, i) => (zero[zero.length === 1 ? 0 : i] ?? 0) - moved)
  return {
    kind: 'quantized',
    bits: 8,
    shape,
    data,
    scale: Float32Array.from(scale),
    zeroPoint: Int8Array.from(zeroPoint),
    granularity: count === 1 ? { per: 'tensor' } : { per: 'channel', axis: at },
  }
}

function lowerWeights(model: Model, keep: Keep): Model {
  const pinned = pinnedNames(model, keep)
  const weights = new Map(model.weights)
  const nodes = model.nodes.filter((node) => {
    const [codes, scale, zero] = node.inputs
    const [output] = node.outputs as [string]
    const isWhole = intAttribute(node, 'block_size', 0) === 0
    if (!isOp(node, 'DequantizeLinear') || pinned.has(output) || !isWhole) return true
    const weight = stored(
      weights.get(codes!),
      numbers(model, scale),
      numbers(model, zero) ?? (zero === undefined || zero === '' ? [] : [NaN]),
      intAttribute(node, 'axis', 1),
    )
    if (weight === undefined) return true
    weights.set(output, weight)
    return false
  })
  return { ...model, nodes, weights }
}

/** `Mul(Cast(MatMulInteger(q, W, z, wz)), Mul(s, ws))` with `q, s, z = DynamicQuantizeLinear(x)` is `x W`. */
function lowerDynamic(model: Model, keep: Keep): Model {
  const made = producers(model)
  const pinned = pinnedNames(model, keep)
  const readers = consumers(model)
  const names = namesOf(model)
  const weights = new Map(model.weights)
  const maker = (name: string | undefined, op: string) => {
    const node = made.get(name ?? '')
    return node !== undefined && isOp(node, op) ? node : undefined
  }
  const nodes = model.nodes.map((node): GraphNode => {
    if (!isOp(node, 'Mul')) return node
    for (const [first, second] of [node.inputs, [...node.inputs].reverse()]) {
      const cast = maker(first, 'Cast')
      const integers = maker(cast?.inputs[0], 'MatMulInteger') ?? maker(cast?.inputs[0], 'ConvInteger')
      const source = maker(integers?.inputs[0], 'DynamicQuantizeLinear')
      const scales = maker(second, 'Mul')
      if (cast === undefined || integers === undefined || source === undefined || scales === undefined)
        continue
      if (integers.inputs[2] !== source.outputs[2]) continue
      const own = scales.inputs.find((name) => name !== source.outputs[1])
      const isConv = integers.op === 'ConvInteger'
      const scale = scales.inputs.includes(source.outputs[1]!) ? numbers(model, own) : undefined
      const shared = [cast.outputs[0]!, integers.outputs[0]!].some(
        (name) => pinned.has(name) || readers.get(name)!.length > 1,
      )
      const zero = integers.inputs[3] === undefined ? [] : numbers(model, integers.inputs[3])
      const weight = zero && stored(model.weights.get(integers.inputs[1]!), scale, zero, isConv ? 0 : -1)
      if (weight === undefined || shared) continue
      const name = freshName(names, `${node.name}.weight`)
      weights.set(name, weight)
      const { attributes } = integers
      return { ...node, op: isConv ? 'Conv' : 'MatMul', inputs: [source.inputs[0]!, name], attributes }
    }
    return node
  })
  return { ...model, nodes, weights }
}

/** One scale and zero point of 8 bits as those of int8 codes; undefined where there are others. */
function rangeOf(
  model: Model,
  [, scale, zero]: readonly string[],
): (ActivationRange & { low: number; high: number }) | undefined {
  const zeroPoint = signed(model.weights.get(zero ?? ''))
  const step = numbers(model, scale)
  if (zeroPoint?.data.length !== 1 || step?.length !== 1 || !(step[0]! > 0 && step[0]! < Infinity))
    return undefined
  const at = zeroPoint.data[0]!
  const real = (code: number) => Math.fround(step[0]! * (code - at))
  return { scale: step[0]!, zeroPoint: at, low: real(-128), high: real(127) }
}

function lowerPairs(model: Model, keep: Keep): Model {
  const pinned = pinnedNames(model, keep)
  const made = producers(model)
  const readers = consumers(model)
  const names = namesOf(model)
  const weights = new Map(model.weights)
  const activations = new Map(model.activations)
  /** What stands for a value that is gone. */
  const source = new Map<string, string>()
  const nodes = model.nodes.flatMap((node): GraphNode[] => {
    const quantize = made.get(node.inputs[0] ?? '')
    const isPair =
      isOp(node, 'DequantizeLinear') && quantize !== undefined && isOp(quantize, 'QuantizeLinear')
    const range = isPair ? rangeOf(model, node.inputs) : undefined
    const before = range && rangeOf(model, quantize!.inputs)
    if (range === undefined || before?.scale !== range.scale || before.zeroPoint !== range.zeroPoint)
      return [node]
    const [output] = node.outputs as [string]
    const input = source.get(quantize!.inputs[0]!) ?? quantize!.inputs[0]!
    const { scale, zeroPoint, low, high } = range
    const isProduct = (reader: GraphNode) =>
      PRODUCTS.has(reader.op) &&
      reader.domain === '' &&
      reader.inputs.indexOf(output) === 0 &&
      reader.inputs.lastIndexOf(output) === 0 &&
      weights.get(reader.inputs[1] ?? '')?.kind === 'quantized'
    const all = (readers.get(output) ?? []).every(isProduct)
    if (all && !pinned.has(output) && !activations.has(input)) {
      source.set(output, input)
      activations.set(input, { scale, zeroPoint })
      return []
    }
    activations.set(output, { scale, zeroPoint })
    const bound = (name: string, value: number): string => {
      const fresh = freshName(names, `${node.name}.${name}`)
      weights.set(fresh, {
        kind: 'dense',
        dtype: 'float32',
        shape: [],
        data: Float32Array.of(value),
      } as Tensor)
      return fresh
    }
    const inputs = [input, bound('low', low), bound('high', high)]
    return [{ ...node, op: 'Clip', domain: '', inputs, attributes: {} }]
  })
  const redirect = (node: GraphNode): GraphNode => ({
    ...node,
    inputs: node.inputs.map((name) => source.get(name) ?? name),
  })
  const ranges = activations.size === 0 ? {} : { activations }
  return { ...model, nodes: nodes.map(redirect), weights, ...ranges }
}
