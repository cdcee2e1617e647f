import type { Attributes } from './builder.js'

/** Operators whose result has the rank of their first input. */
const KEEPS = new Set(
  'Abs AveragePool BatchNormalization Cast Clip Concat Conv ConvTranspose CumSum DepthToSpace Elu Exp GlobalAveragePool GlobalMaxPool HardSigmoid Identity LayerNormalization LeakyRelu Log MaxPool Neg Not Pad PRelu Relu Resize Selu Sigmoid Slice Softmax Softplus Softsign Split Sqrt Tanh Tile'.split(
    ' ',
  ),
)
/** Those whose operands broadcast. */
const BROADCASTS = new Set(
  'Add And Div Equal Greater Less MatMul Max Min Mod Mul Or Pow Sub Sum Where'.split(' '),
)

/** What is known of an operand: its rank, and its length if it is a weight. */
export interface Operand {
  readonly rank: number | undefined
  readonly length: number | undefined
}

/** The rank of a node's outputs, where it follows from what is known of its inputs. */
export function rankOfOutput(
  op: string,
  inputs: readonly Operand[],
  attributes: Attributes,
): number | undefined {
  const [x, y] = inputs
  // NaN stands for what is not known.
  const [rank, second] = [x?.rank ?? NaN, y?.rank ?? NaN]
  const length = y?.length ?? NaN
  const found = (): number => {
    if (op === 'Transpose') return (attributes['perm'] as readonly number[]).length
    if (op === 'Gemm' || op === 'Flatten') return 2
    if (op === 'Shape') return 1
    if (op === 'ConstantOfShape') return x?.length ?? NaN
    if (op === 'Reshape' || op === 'Expand') return length
    if (op === 'Unsqueeze') return rank + length
    if (op === 'Squeeze') return rank - length
    if (op === 'Gather') return rank + second - 1
    if (op.startsWith('Reduce')) return attributes['keepdims'] === 1 ? rank : rank - length
    if (KEEPS.has(op)) return rank
    return BROADCASTS.has(op) ? Math.max(...inputs.map((input) => input.rank ?? NaN)) : NaN
  }
  const result = found()
  return Number.isNaN(result) ? undefined : result
}
