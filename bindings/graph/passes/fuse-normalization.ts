import type { Tensor } from '../../formats/tensor.js'
import { intAttribute } from '../attributes.js'
import type { GraphNode, Model } from '../model.js'
import { inferRanks, type RankedType } from '../ranks.js'
import { fusePatterns, Match, type Patterns } from './match.js'
import type { Keep } from './rewrite.js'

/** The normalization itself: what is normalized, over how many of the last axes. */
interface Normalized {
  readonly x: string
  readonly axis: number
  readonly epsilon: number
  readonly isCentred: boolean
}

/**
 * LayerNormalization and RMSNormalization in place of the operators that exporters write for them: means over the last axes,
 * `(x - mean) / sqrt(mean of squares + epsilon)`, a constant factor and a constant sum. Results differ by rounding alone.
 */
export function fuseNormalization(model: Model, keep: Keep): Model {
  const ranks = inferRanks(model)
  return fusePatterns(model, keep, (node, patterns) => {
    if (node.op !== 'Div' && node.op !== 'Mul') return undefined
    const match = new Match(patterns, node)
    const normalized = normalization(match, node, patterns, ranks)
    if (normalized === undefined) return undefined
    const { x, axis, epsilon, isCentred } = normalized
    const parameter = (name: string, op: string): { next: GraphNode; weight: string } | undefined => {
      const next = patterns.reader(name, op)
      const weight = next?.inputs.find((input) => input !== name)
      const tensor = patterns.weights.floats(weight)
      if (next === undefined || tensor === undefined || !fits(tensor, ranks.get(x), axis)) return undefined
      return { next, weight: weight! }
    }
    const scale = parameter(node.outputs[0]!, 'Mul')
    const shift = isCentred ? parameter((scale?.next ?? node).outputs[0]!, 'Add') : undefined
    const last = shift?.next ?? scale?.next ?? node
    const one = (): string =>
      patterns.weights.add(`${last.name}.scale`, {
        ...{ kind: 'dense', dtype: 'float32', shape: [1] },
        data: Float32Array.of(1),
      })
    for (const part of [scale, shift]) if (part !== undefined) match.nodes.add(part.next)
    if (!patterns.isClosed(match.nodes, last)) return undefined
    const inputs = [x, scale?.weight ?? one(), ...(shift === undefined ? [] : [shift.weight])]
    const op = isCentred ? 'LayerNormalization' : 'RMSNormalization'
    return { nodes: match.nodes, last, fused: { ...last, op, inputs, attributes: { axis, epsilon } } }
  })
}

/** Whether a parameter repeats over the last axes only and makes none of them longer. */
function fits({ shape }: Tensor, x: RankedType | undefined, axis: number): boolean {
  if (shape.length > -axis) return false
  return shape.every((size, i) => size === 1 || (x?.shape.at(i - shape.length) ?? size) === size)
}

function normalization(
  match: Match,
  node: GraphNode,
  { weights }: Patterns,
  ranks: ReadonlyMap<string, RankedType>,
): Normalized | undefined {
  /** The axes of a ReduceMean that keeps them, counted from the end; undefined unless they are the last ones. */
  const axisOf = (mean: GraphNode): number | undefined => {
    const axes = weights.get(mean.inputs[1] ?? '')
    if (axes?.kind !== 'dense' || intAttribute(mean, 'keepdims', 1) !== 1 || axes.data.length === 0)
      return undefined
    const rank = ranks.get(mean.inputs[0]!)?.rank
    const counted = Array.from(axes.data, Number).map((axis) => (axis < 0 ? axis : axis - (rank ?? NaN)))
    counted.sort((a, b) => a - b)
    return counted.every((axis, i) => axis === i - counted.length) ? counted[0] : undefined
  }
  /** Epsilon and the value whose squares are averaged, of a variance with epsilon. */
  const variance = (name: string | undefined) =>
    match.either(match.made(name, 'Add'), (a, b) => {
      const epsilon = match.constant(b)
      const mean = epsilon === undefined ? undefined : match.made(a, 'ReduceMean')
      const axis = mean && axisOf(mean)
      const square = match.made(mean?.inputs[0], 'Pow', 'Mul')
      const [d, other] = square?.inputs ?? []
      const isSquare = square?.op === 'Pow' ? match.constant(other) === 2 : d === other
      return isSquare && axis !== undefined && d !== undefined ? { d, axis, epsilon: epsilon! } : undefined
    })
  /** The same of `1 / sqrt(variance)`. */
  const inverse = (name: string) => {
    const root = match.made(name, 'Reciprocal', 'Div', 'Pow')
    if (root?.op === 'Pow')
      return match.constant(root.inputs[1]) === -0.5 ? variance(root.inputs[0]) : undefined
    const isInverse = root?.op === 'Reciprocal' || match.constant(root?.inputs[0]) === 1
    return isInverse ? variance(match.made(root!.inputs.at(-1), 'Sqrt')?.inputs[0]) : undefined
  }
  const divided = (d: string, root: string) => {
    const found = node.op === 'Div' ? variance(match.made(root, 'Sqrt')?.inputs[0]) : inverse(root)
    if (found === undefined) return undefined
    const centred = match.attempt(() => {
      const [x, mean] = match.made(d, 'Sub')?.inputs ?? []
      const average = match.made(mean, 'ReduceMean')
      return average && { x, mean, average }
    })
    if (centred === undefined) return d === found.d ? { x: d, isCentred: false, ...found } : undefined
    const { x, mean, average } = centred
    // Some exporters subtract the mean twice.
    const again = found.d === d ? [x, mean] : (match.made(found.d, 'Sub')?.inputs ?? [])
    const isSame = again[0] === x && again[1] === mean && average.inputs[0] === x
    return isSame && axisOf(average) === found.axis ? { x: x!, isCentred: true, ...found } : undefined
  }
  const [a, b] = node.inputs as [string, string]
  const swapped = () => (node.op === 'Mul' ? match.attempt(() => divided(b, a)) : undefined)
  return match.attempt(() => divided(a, b)) ?? swapped()
}
