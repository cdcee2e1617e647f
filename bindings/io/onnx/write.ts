import { FormatError } from '../../errors.js'
import type { CodebookTensor } from '../../formats/codebook.js'
import { checkInt4, rowStart, type Int4Tensor } from '../../formats/int4.js'
import type { QuantizedTensor } from '../../formats/quantized.js'
import { elementCount } from '../../formats/tensor.js'
import { qualifiedOp, subgraphsOf } from '../../graph/attributes.js'
import { checkModel } from '../../graph/check.js'
import type { ActivationRange, Attribute, Graph, GraphNode, Model, Weight } from '../../graph/model.js'
import { IR_OPSET } from '../../graph/opset.js'
import { unfuse } from '../../graph/passes/unfuse.js'
import { freshName, namesOf } from '../../graph/uses.js'
import { checkOptions } from '../../validate.js'
import {
  encodeModel,
  tensorMessage,
  type AttributeMessage,
  type GraphMessage,
  type NodeMessage,
  type TensorMessage,
} from './encode.js'

/** The version of the file format that came with opset 21. */
const IR_VERSION = 10

/** Operators that compute in int8 where their weights do and the range of their input is known. */
const QUANTIZED_PRODUCTS = new Set(['Conv', 'Gemm', 'MatMul'])

/**
 * Writes a model as an ONNX file of opset 21 that other runtimes read.
 *
 * - int8 and int4 weights become their codes and DequantizeLinear, by tensor, axis or block.
 * - Shared weights become their indices and Gather from the codebook.
 * - Where an activation has int8 parameters, QuantizeLinear and DequantizeLinear stand before the products that compute in
 *   int8, whose bias is an int32 then: runtimes fuse these into integer operators.
 * - Clamping and biases that `readOnnx` took into a product stand behind it again.
 *
 * @throws TypeError, RangeError for arguments that do not fit; FormatError if the graph does not hold together
 * @see ONNX QuantizeLinear and DequantizeLinear, opset 21
 */
export function writeOnnx(model: Model, options: Record<string, never> = {}): Uint8Array {
  checkOptions('options', options, [])
  checkModel(model)
  if (model.opset !== IR_OPSET) {
    throw new RangeError(
      `"model" expected operator set ${IR_OPSET}, as readOnnx gives it, got ${model.opset}`,
    )
  }
  const plain = unfuse(model)
  const domains = new Set(model.nodes.map(({ domain }) => domain))
  const { producer: _, ...metadata } = model.metadata
  return encodeModel({
    graph: new GraphWriter(plain, model.activations ?? new Map(), allNames(plain)).write(model.name),
    opsets: new Map([['', IR_OPSET], ...[...domains].filter(Boolean).map((name) => [name, 1] as const)]),
    irVersion: IR_VERSION,
    producer: 'mcompress-wasm',
    metadata,
  })
}

/** The names in a graph and in those inside it: new ones must not hide any. */
function allNames(graph: Graph): Set<string> {
  const inner = graph.nodes.flatMap(subgraphsOf).map(allNames)
  return new Set([...namesOf(graph), ...inner.flatMap((names) => [...names])])
}

/** Turns one graph into nodes and tensors of ONNX alone. */
class GraphWriter {
  readonly #graph: Graph
  readonly #activations: ReadonlyMap<string, ActivationRange>
  readonly #taken: Set<string>
  readonly #nodes: NodeMessage[] = []
  readonly #tensors = new Map<string, TensorMessage>()
  /** What stands for an activation once it went through int8. */
  readonly #coded = new Map<string, string>()

  constructor(graph: Graph, activations: ReadonlyMap<string, ActivationRange>, taken: Set<string>) {
    this.#graph = graph
    this.#activations = activations
    this.#taken = taken
  }

  write(name: string): GraphMessage {
    const { inputs, outputs, nodes, weights } = this.#graph
    for (const [key, weight] of weights) this.#weight(key, weight)
    for (const node of nodes) this.#node(node)
    return { name, inputs, outputs, nodes: this.#nodes, tensors: this.#tensors }
  }

  #name(base: string): string {
    return freshName(this.#taken, base)
  }

  #tensor(base: string, tensor: TensorMessage): string {
    const name = this.#name(base)
    this.#tensors.set(name, tensor)
    return name
  }

  #add(
    op: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, AttributeMessage>> = {},
  ): void {
    const name = this.#name(`${output}_${op}`)
    this.#nodes.push({ name, op, domain: '', inputs, outputs: [output], attributes })
  }

  #weight(name: string, weight: Weight): void {
    if (weight.kind === 'quantized') this.#quantized(name, weight)
    else if (weight.kind === 'int4') this.#int4(name, weight)
    else if (weight.kind === 'codebook') this.#shared(name, weight)
    else this.#tensors.set(name, tensorMessage(weight.dtype, weight.shape, weight.data))
  }

  #quantized(name: string, { shape, data, scale, zeroPoint, granularity }: QuantizedTensor): void {
    const last = shape.length - 1
    const figures =
      granularity.per === 'tensor'
        ? []
        : granularity.per === 'channel'
          ? [shape[granularity.axis]!]
          : [...shape.slice(0, last), shape[last]! / granularity.size]
    const inputs = [
      this.#tensor(`${name}_codes`, tensorMessage('int8', shape, data)),
      this.#tensor(`${name}_scale`, tensorMessage('float32', figures, scale)),
    ]
    if (zeroPoint.some((zero) => zero !== 0)) {
      inputs.push(this.#tensor(`${name}_zero_point`, tensorMessage('int8', figures, zeroPoint)))
    }
    const attributes =
      granularity.per === 'tensor'
        ? {}
        : granularity.per === 'channel'
          ? { axis: granularity.axis }
          : { axis: last, block_size: granularity.size }
    this.#add('DequantizeLinear', inputs, name, attributes)
  }

  #int4(name: string, weight: Int4Tensor): void {
    const view = checkInt4(name, weight)
    const { rows, columns, rowBytes, groups, stride } = view
    const { shape, axis, groupSize, data, scale } = weight
    const codes = new Uint8Array(Math.ceil((rows * columns) / 2))
    const scales = new Float32Array(scale.length)
    for (let i = 0; i < rows; i++) {
      for (let p = 0; p < columns; p++) {
        const code = (data[i * rowBytes + (p >> 1)]! >> ((p & 1) << 2)) & 15
        const at = rowStart(view, i) + p * stride
        // Two's complement.
        codes[at >> 1]! |= (code ^ 8) << ((at & 1) << 2)
      }
      for (let g = 0; g < groups; g++) {
        scales[rowStart({ ...view, columns: groups }, i) + g * stride] = scale[i * groups + g]!
      }
    }
    const figures = shape.map((size, i) => (i === axis ? groups : size))
    const inputs = [
      this.#tensor(`${name}_codes`, { dtype: 'int4', shape, bytes: codes }),
      this.#tensor(`${name}_scale`, tensorMessage('float32', figures, scales)),
    ]
    this.#add('DequantizeLinear', inputs, name, { axis, block_size: groupSize })
  }

  #shared(name: string, { shape, indices, codebook: { centroids } }: CodebookTensor): void {
    const bytes = this.#tensor(`${name}_indices`, tensorMessage('uint8', shape, indices))
    const table = this.#tensor(`${name}_codebook`, tensorMessage('float32', [centroids.length], centroids))
    const places = this.#name(`${name}_places`)
    this.#add('Cast', [bytes], places, { to: 6 })
    this.#add('Gather', [table, places], name, { axis: 0 })
  }

  #node(node: GraphNode): void {
    const { 'mcompress.min': min, 'mcompress.max': max, ...rest } = node.attributes
    const own = Object.keys(rest).find((key) => key.startsWith('mcompress.'))
    if (own !== undefined || node.domain === 'mcompress') {
      throw new FormatError('onnx', `${qualifiedOp(node)} ${JSON.stringify(node.name)} has no form in ONNX`)
    }
    const isClamped = min !== undefined || max !== undefined
    const [output, ...further] = node.outputs as [string, ...string[]]
    const produced = isClamped ? this.#name(`${output}_unclamped`) : output
    this.#nodes.push({
      ...node,
      inputs: this.#inputs(node),
      outputs: [produced, ...further],
      attributes: Object.fromEntries(
        Object.entries(rest).map(([key, value]) => [key, this.#attribute(key, value)]),
      ),
    })
    if (isClamped) this.#clamp(produced, output, min as number | undefined, max as number | undefined)
  }

  #clamp(input: string, output: string, min: number | undefined, max: number | undefined): void {
    if (min === 0 && max === undefined) return this.#add('Relu', [input], output)
    const bound = (key: string, value: number | undefined) =>
      value === undefined
        ? ''
        : this.#tensor(`${output}_${key}`, tensorMessage('float32', [], Float32Array.of(value)))
    const inputs = [input, bound('min', min), bound('max', max)]
    while (inputs.at(-1) === '') inputs.pop()
    this.#add('Clip', inputs, output)
  }

  #attribute(key: string, value: Attribute): AttributeMessage {
    const isGraph = typeof value === 'object' && 'nodes' in value
    if (!isGraph) return value
    return new GraphWriter(value, this.#activations, this.#taken).write(key)
  }

  /** The inputs of a node, through int8 where it computes in it. */
  #inputs(node: GraphNode): readonly string[] {
    const [x, w, bias] = node.inputs
    const range = x === undefined ? undefined : this.#activations.get(x)
    const weight = w === undefined ? undefined : this.#graph.weights.get(w)
    const isProduct = node.domain === '' && QUANTIZED_PRODUCTS.has(node.op)
    if (!isProduct || range === undefined || weight?.kind !== 'quantized') return node.inputs
    if (weight.granularity.per === 'group' || weight.zeroPoint.some((zero) => zero !== 0)) return node.inputs
    const inputs = [this.#throughCodes(x!, range), w!]
    if (bias === undefined || bias === '') return inputs
    return [...inputs, this.#integerBias(bias, node, range, weight) ?? bias]
  }

  #throughCodes(name: string, { scale, zeroPoint }: ActivationRange): string {
    const known = this.#coded.get(name)
    if (known !== undefined) return known
    const parameters = [
      this.#tensor(`${name}_scale`, tensorMessage('float32', [], Float32Array.of(scale))),
      this.#tensor(`${name}_zero_point`, tensorMessage('int8', [], Int8Array.of(zeroPoint))),
    ]
    const [codes, real] = [this.#name(`${name}_codes`), this.#name(`${name}_real`)]
    this.#add('QuantizeLinear', [name, ...parameters], codes)
    this.#add('DequantizeLinear', [codes, ...parameters], real)
    this.#coded.set(name, real)
    return real
  }

  /** The bias in units of the products' scale; undefined where it is not constant, or not in the range of int32. */
  #integerBias(
    name: string,
    node: GraphNode,
    range: ActivationRange,
    { scale }: QuantizedTensor,
  ): string | undefined {
    const bias = this.#graph.weights.get(name)
    const isPlain = bias?.kind === 'dense' && bias.dtype === 'float32' && bias.shape.length === 1
    const fits = isPlain && (scale.length === 1 || scale.length === elementCount(bias.shape))
    if (!fits) return undefined
    const data = bias.data as Float32Array
    const steps = Float32Array.from(data, (_, i) => range.scale * scale[scale.length === 1 ? 0 : i]!)
    const codes = data.map((value, i) => value / steps[i]!)
    if (!codes.every((code) => Math.abs(code) < 2 ** 30)) return undefined
    const integers = Int32Array.from(codes, (code) => Math.round(code))
    const real = this.#name(`${node.name}_bias`)
    const inputs = [
      this.#tensor(`${real}_codes`, tensorMessage('int32', bias.shape, integers)),
      this.#tensor(`${real}_scale`, tensorMessage('float32', bias.shape, steps)),
    ]
    this.#add('DequantizeLinear', inputs, real, { axis: 0 })
    return real
  }
}
