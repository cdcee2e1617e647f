import { floatAttribute } from '../attributes.js'
import type { GraphNode, Model } from '../model.js'
import { fusePatterns, isNear, Match } from './match.js'
import type { Keep } from './rewrite.js'

type Attributes = GraphNode['attributes']

/** One operator of one value in place of several. */
interface Found {
  readonly op: string
  readonly x: string
  readonly attributes?: Attributes
}

/**
 * Gelu, Swish (x * sigmoid(alpha x), alpha 1: SiLU) and HardSwish in place of the operators that exporters write for them.
 * Results differ by rounding alone.
 */
export function fuseFunctions(model: Model, keep: Keep): Model {
  return fusePatterns(model, keep, (node, patterns) => {
    if (node.op !== 'Mul' && node.op !== 'Div') return undefined
    for (const recognize of [gelu, swish, hardSwish]) {
      const match = new Match(patterns, node)
      const { constant, names } = match.product(node.outputs[0]!, true)
      if (names.length !== 2) continue
      const [a, b] = names as [string, string]
      const found =
        match.attempt(() => recognize(match, constant, a, b)) ??
        match.attempt(() => recognize(match, constant, b, a))
      if (found === undefined) continue
      const { op, x, attributes = {} } = found
      return { nodes: match.nodes, last: node, fused: { ...node, op, inputs: [x], attributes } }
    }
    return undefined
  })
}

/** Whether a value is `factor` times a power of x. */
function isPower(match: Match, name: string, factor: number, x: string, exponent: number): boolean {
  const { constant, names } = match.product(name)
  return isNear(constant, factor) && names.length === exponent && names.every((other) => other === x)
}

/** x / 2 * (1 + erf(x / sqrt 2)), or tanh(sqrt(2 / pi) (x + 0.044715 x^3)) for the error function. */
function gelu(match: Match, constant: number, x: string, factor: string): Found | undefined {
  if (!isNear(constant, 0.5)) return undefined
  const inner = match.made(match.plus(factor, 1), 'Erf', 'Tanh')
  const [u] = inner?.inputs ?? []
  if (u === undefined) return undefined
  if (inner!.op === 'Erf') return isPower(match, u, Math.SQRT1_2, x, 1) ? { op: 'Gelu', x } : undefined
  const { constant: outer, names } = match.product(u)
  if (!isNear(outer, Math.sqrt(2 / Math.PI))) return undefined
  const found: Found = { op: 'Gelu', x, attributes: { approximate: 'tanh' } }
  const [first, second] = names as [string, string?]
  if (second === undefined) {
    return match.either(match.made(first, 'Add'), (a, b) =>
      a === x && isPower(match, b, 0.044715, x, 3) ? found : undefined,
    )
  }
  // x (1 + 0.044715 x^2)
  const other = first === x ? second : first
  const square = names.length === 2 && names.includes(x) ? match.plus(other, 1) : undefined
  return square !== undefined && isPower(match, square, 0.044715, x, 2) ? found : undefined
}

function swish(match: Match, constant: number, x: string, factor: string): Found | undefined {
  const [u] = constant === 1 ? (match.made(factor, 'Sigmoid')?.inputs ?? []) : []
  if (u === undefined) return undefined
  if (u === x) return { op: 'Swish', x }
  const { constant: alpha, names } = match.product(u)
  return names.length === 1 && names[0] === x ? { op: 'Swish', x, attributes: { alpha } } : undefined
}

/** x times HardSigmoid of it with alpha 1/6, or x * clip(x + 3, 0, 6) / 6. */
function hardSwish(match: Match, constant: number, x: string, factor: string): Found | undefined {
  const sigmoid = constant === 1 ? match.made(factor, 'HardSigmoid') : undefined
  if (sigmoid !== undefined) {
    const isHalf = isNear(floatAttribute(sigmoid, 'beta', 0.5), 0.5)
    const isSixth = isNear(floatAttribute(sigmoid, 'alpha', 0.2), 1 / 6)
    return isHalf && isSixth && sigmoid.inputs[0] === x ? { op: 'HardSwish', x } : undefined
  }
  const clip = isNear(constant, 1 / 6) ? match.made(factor, 'Clip') : undefined
  const [shifted, min, max] = clip?.inputs ?? []
  if (match.constant(min) !== 0 || match.constant(max) !== 6) return undefined
  return match.plus(shifted, 3) === x ? { op: 'HardSwish', x } : undefined
}
