import { permuted } from '../../formats/permute.js'
import type { Tensor } from '../../formats/tensor.js'
import { attribute, intAttribute, intsAttribute } from '../attributes.js'
import type { Attribute, GraphNode, Model } from '../model.js'
import { eliminateDead } from './eliminate-dead.js'
import { removeIdentity } from './remove-identity.js'
import { type Keep, pinnedNames, Weights } from './rewrite.js'

/** A value as another one with its axes in another order. */
interface Turned {
  readonly source: string
  /** Axis i of the value is axis perm[i] of the source. */
  readonly perm: readonly number[]
}

/** Operators that treat every element alike: operands of one shape, or constants that broadcast. */
const ELEMENTWISE = new Set(
  'Abs Add And Cast Ceil Clip Cos Div Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish Identity LeakyRelu Less LessOrEqual Log Max Mean Min Mod Mul Neg Not Or PRelu Pow Reciprocal Relu Round Selu Sigmoid Sign Sin Softplus Sqrt Sub Sum Tanh Where'.split(
    ' ',
  ),
)
/** Operators with one axis, which moves with the others. */
const ALONG_AXIS = new Set(['Concat', 'LogSoftmax', 'Softmax', 'Split'])

/**
 * Moves every Transpose behind the operators that do not mind, until it meets one that undoes it. What comes from a
 * framework that keeps channels last, with a Transpose on both sides of each Conv, then computes with channels first
 * throughout. Where that does not leave fewer of them, the model stays as it is.
 */
export function sinkTransposes(model: Model, keep: Keep): Model {
  const before = countTransposes(model)
  if (before < 2) return model
  const sunk = removeIdentity(eliminateDead(new Sinking(model, keep).run(), keep), keep)
  return countTransposes(sunk) < before ? sunk : model
}

const isIdentity = (perm: readonly number[]): boolean => perm.every((axis, i) => axis === i)

const countTransposes = ({ nodes }: Model): number => nodes.filter(({ op }) => op === 'Transpose').length

class Sinking {
  readonly #model: Model
  readonly #weights: Weights
  readonly #pinned: ReadonlySet<string>
  readonly #turned = new Map<string, Turned>()
  /** What stands for values whose transposes cancelled. */
  readonly #same = new Map<string, string>()
  readonly #nodes: GraphNode[] = []

  constructor(model: Model, keep: Keep) {
    this.#model = model
    this.#weights = new Weights(model, keep)
    this.#pinned = pinnedNames(model, keep)
  }

  run(): Model {
    for (const original of this.#model.nodes) {
      const node = { ...original, inputs: original.inputs.map((name) => this.#same.get(name) ?? name) }
      const isKnown = node.domain === '' && node.inputs.some((name) => this.#turned.has(name))
      if (node.op === 'Transpose' && node.domain === '') this.#compose(node)
      else if (!isKnown || !this.#sink(node)) this.#nodes.push(node)
    }
    return { ...this.#model, nodes: this.#nodes, weights: this.#weights.all() }
  }

  /** Takes two transposes in a row together. */
  #compose(node: GraphNode): void {
    const [input, output] = [node.inputs[0]!, node.outputs[0]!]
    const before = this.#turned.get(input)
    if (attribute(node, 'perm') === undefined && before === undefined) {
      this.#nodes.push(node)
      return
    }
    const own = intsAttribute(node, 'perm', before && [...before.perm.keys()].reverse())
    const source = before?.source ?? input
    const perm = before === undefined ? own : own.map((axis) => before.perm[axis]!)
    if (isIdentity(perm)) {
      this.#same.set(output, source)
      if (this.#pinned.has(output)) this.#emitIdentity(node.name, source, output)
      return
    }
    this.#emitTranspose(node.name, output, { source, perm })
  }

  #emitIdentity(name: string, source: string, output: string): void {
    this.#nodes.push({
      name,
      op: 'Identity',
      domain: '',
      inputs: [source],
      outputs: [output],
      attributes: {},
    })
  }

  #emitTranspose(name: string, output: string, { source, perm }: Turned): void {
    this.#turned.set(output, { source, perm })
    this.#nodes.push({
      name,
      op: 'Transpose',
      domain: '',
      inputs: [source],
      outputs: [output],
      attributes: { perm },
    })
  }

  /** Puts a node before the Transpose of its inputs, if that is possible. */
  #sink(node: GraphNode): boolean {
    const perms = node.inputs.map((name) => this.#turned.get(name)?.perm)
    const perm = perms.find((found) => found !== undefined)!
    const moved = this.#moved(node, perm)
    if (moved === undefined) return false
    const { attributes = node.attributes, outPerm = perm } = moved
    if (isIdentity(outPerm)) {
      this.#nodes.push({ ...node, attributes, inputs: moved.inputs })
      return true
    }
    const outputs = node.outputs.map((name) => this.#weights.reserve(`${name}.source`))
    this.#nodes.push({ ...node, attributes, inputs: moved.inputs, outputs })
    node.outputs.forEach((output, i) => {
      const name = this.#weights.reserve(`${node.name}.turned`)
      this.#emitTranspose(name, output, { source: outputs[i]!, perm: outPerm })
    })
    return true
  }

  #moved(
    node: GraphNode,
    perm: readonly number[],
  ): { inputs: string[]; attributes?: GraphNode['attributes']; outPerm?: readonly number[] } | undefined {
    const { op } = node
    const rank = perm.length
    const along = (axis: number): number => perm[axis < 0 ? axis + rank : axis] ?? -1
    const source = this.#turned.get(node.inputs[0]!)?.source
    if (ELEMENTWISE.has(op) || op === 'Concat') {
      const inputs = this.#operands(node, perm)
      if (inputs === undefined) return undefined
      return op === 'Concat' ? { inputs, attributes: withAxis(node, along) } : { inputs }
    }
    if (source === undefined) return undefined
    const rest = node.inputs.slice(1)
    if (ALONG_AXIS.has(op)) return { inputs: [source, ...rest], attributes: withAxis(node, along) }
    if (op === 'Pad' && node.inputs.length < 4) {
      const pads = this.#ints(node.inputs[1])
      if (pads?.length !== 2 * rank) return undefined
      const turned = [...pads]
      perm.forEach((axis, i) => {
        turned[axis] = pads[i]!
        turned[axis + rank] = pads[i + rank]!
      })
      return { inputs: [source, this.#vector(node, turned), ...rest.slice(1)] }
    }
    if (op.startsWith('Reduce')) {
      const axes = this.#ints(node.inputs[1])?.map(along)
      if (axes === undefined || axes.length === 0 || axes.includes(-1)) return undefined
      const inputs = [
        source,
        this.#vector(
          node,
          [...axes].sort((a, b) => a - b),
        ),
      ]
      if (intAttribute(node, 'keepdims', 1) !== 0) return { inputs }
      const left = perm.filter((axis) => !axes.includes(axis))
      const ranked = [...left].sort((a, b) => a - b)
      return { inputs, outPerm: left.map((axis) => ranked.indexOf(axis)) }
    }
    return undefined
  }

  /** The operands as they are before the Transpose; undefined where one is neither turned like the others nor constant. */
  #operands(node: GraphNode, perm: readonly number[]): string[] | undefined {
    const names: string[] = []
    for (const name of node.inputs) {
      const turned = this.#turned.get(name)
      const operand = turned === undefined ? this.#constant(node, name, perm) : turned.source
      if (operand === undefined || (turned !== undefined && turned.perm.join() !== perm.join()))
        return undefined
      names.push(operand)
    }
    return names
  }

  #constant(node: GraphNode, name: string, perm: readonly number[]): string | undefined {
    if (name === '') return name
    const weight = this.#weights.get(name)
    if (weight?.kind !== 'dense' || weight.shape.length > perm.length) return undefined
    const broadcasts = node.op !== 'Concat'
    if (broadcasts && weight.data.length === 1 && weight.shape.length < 2) return name
    const turned = turnBack(weight, perm)
    return this.#weights.add(`${name}.turned`, broadcasts ? trimmed(turned) : turned)
  }

  #ints(name: string | undefined): number[] | undefined {
    const weight = this.#weights.get(name ?? '')
    return weight?.kind === 'dense' ? Array.from(weight.data, Number) : undefined
  }

  #vector(node: GraphNode, values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt)
    return this.#weights.add(`${node.name}.axes`, {
      kind: 'dense',
      dtype: 'int64',
      shape: [values.length],
      data,
    })
  }
}

function withAxis(node: GraphNode, along: (axis: number) => number): Readonly<Record<string, Attribute>> {
  const axis = intAttribute(node, 'axis', node.op === 'Split' ? 0 : -1)
  return { ...node.attributes, axis: along(axis) }
}

/** A constant that meets a value of order `perm`, in the order of the value's source. */
function turnBack(constant: Tensor, perm: readonly number[]): Tensor {
  const missing = perm.length - constant.shape.length
  const whole = { ...constant, shape: [...new Array<number>(missing).fill(1), ...constant.shape] }
  return permuted(
    whole,
    perm.map((_, axis) => perm.indexOf(axis)),
  )
}

/** Without leading axes of 1, which broadcasting adds. */
function trimmed(tensor: Tensor): Tensor {
  const first = tensor.shape.findIndex((size) => size !== 1)
  return { ...tensor, shape: tensor.shape.slice(first < 0 ? tensor.shape.length : first) }
}
