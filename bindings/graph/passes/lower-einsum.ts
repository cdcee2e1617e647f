import { stringAttribute } from '../attributes.js'
import { parseEquation } from '../families/einsum.js'
import type { GraphNode, Model } from '../model.js'
import { inferRanks } from '../ranks.js'
import { freshName, namesOf } from '../uses.js'

/** An Einsum of two operands as a product of matrices: the labels of each side, and of the product. */
interface Product {
  readonly left: readonly string[]
  readonly right: readonly string[]
  readonly result: readonly string[]
}

/**
 * Sorts labels into those of a batch, rows, columns and the one that is summed. Matrices have one axis each for columns and
 * sum; the rows of a product without a batch may have several.
 */
function productOf(
  a: readonly string[],
  b: readonly string[],
  output: readonly string[],
): Product | undefined {
  const isPlain = [a, b].every((labels) => new Set(labels).size === labels.length)
  const batch = output.filter((label) => a.includes(label) && b.includes(label))
  const rows = output.filter((label) => a.includes(label) && !b.includes(label))
  const columns = output.filter((label) => !a.includes(label) && b.includes(label))
  const summed = a.filter((label) => b.includes(label) && !output.includes(label))
  const isWhole =
    batch.length + rows.length + summed.length === a.length &&
    batch.length + columns.length + summed.length === b.length
  const isMatrix = columns.length === 1 && summed.length === 1 && rows.length > 0
  if (!isPlain || !isWhole || !isMatrix || (batch.length > 0 && rows.length > 1)) return undefined
  return {
    left: [...batch, ...rows, ...summed],
    right: [...batch, ...summed, ...columns],
    result: [...batch, ...rows, ...columns],
  }
}

/** Writes an Einsum that multiplies matrices as MatMul, between transpositions: a layer that can hold packed weights. */
export function lowerEinsum(model: Model): Model {
  if (!model.nodes.some(({ op }) => op === 'Einsum')) return model
  const names = namesOf(model)
  const types = inferRanks(model)
  const nodes = model.nodes.flatMap((node): readonly GraphNode[] => {
    if (node.op !== 'Einsum' || node.domain !== '' || node.inputs.length !== 2) return [node]
    if (node.inputs.some((name) => types.get(name)?.dtype !== 'float32')) return [node]
    const equation = parseEquation(stringAttribute(node, 'equation'))
    if (equation?.inputs.length !== 2) return [node]
    const [a, b] = equation.inputs as [readonly string[], readonly string[]]
    const straight = productOf(a, b, equation.output)
    const product = straight ?? productOf(b, a, equation.output)
    if (product === undefined) return [node]
    const made: GraphNode[] = []
    const turn = (name: string, from: readonly string[], to: readonly string[], result?: string): string => {
      if (from.join() === to.join()) return name
      const fresh = freshName(names, `${node.name}.turned`)
      const output = result ?? fresh
      const perm = to.map((label) => from.indexOf(label))
      made.push({
        ...node,
        name: fresh,
        op: 'Transpose',
        inputs: [name],
        outputs: [output],
        attributes: { perm },
      })
      return output
    }
    const [x, y] = node.inputs as [string, string]
    const left = straight === undefined ? turn(y, b, product.left) : turn(x, a, product.left)
    const right = straight === undefined ? turn(x, a, product.right) : turn(y, b, product.right)
    const [output] = node.outputs as [string]
    const isTurned = product.result.join() !== equation.output.join()
    const multiplied = isTurned ? freshName(names, `${node.name}.product`) : output
    made.push({ ...node, op: 'MatMul', inputs: [left, right], outputs: [multiplied], attributes: {} })
    turn(multiplied, product.result, equation.output, output)
    return made
  })
  return { ...model, nodes }
}
