// Operators on matrices and on blocks of pixels.
import { attribute, intAttribute, stringAttribute } from '../attributes.js'
import { stridesOf } from '../broadcast.js'
import { show, type Call } from '../call.js'
import { dataTypeName, elementTypeOf } from '../element-types.js'
import { allocate, copyStrided, elementFrom, elementsOf } from '../evaluators.js'
import { operator, operatorTable, type Evaluator, type Rule } from '../operators.js'
import { same } from '../rules.js'

const trilu: Rule = (call) => {
  if (call.input(0).shape.length < 2) call.fail(`input expected a matrix, got ${show(call.input(0).shape)}`)
  return same(call)
}

const triangle: Evaluator = (call, [output]) => {
  const [rows, columns] = output.shape.slice(-2) as [number, number]
  const diagonal = call.optional(1) === undefined ? 0 : Number(elementsOf(call, 1)[0])
  const upper = intAttribute(call.node, 'upper', 1) !== 0
  const source = elementsOf(call, 0)
  const zero = elementFrom(output.dtype, 0)
  const { tensor, elements } = allocate(output)
  for (let i = 0; i < elements.length; i++) {
    const distance = (i % columns) - (Math.floor(i / columns) % rows) - diagonal
    elements[i] = (upper ? distance >= 0 : distance <= 0) ? source[i]! : zero
  }
  return [tensor]
}

const eyeLike: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  call.expectShape('input', call.input(0), [null, null])
  if (attribute(call.node, 'dtype') === undefined) return [{ dtype, shape }]
  const code = intAttribute(call.node, 'dtype')
  return [{ dtype: elementTypeOf(code) ?? call.fail(`no values of ${dataTypeName(code)}`), shape }]
}

const eye: Evaluator = (call, [output]) => {
  const [rows, columns] = output.shape as [number, number]
  const k = intAttribute(call.node, 'k', 0)
  const { tensor, elements } = allocate(output)
  const [zero, one] = [0, 1].map((x) => elementFrom(output.dtype, x)) as [number, number]
  elements.fill(zero)
  for (let row = Math.max(0, -k); row < rows && row + k < columns; row++)
    elements[row * columns + row + k] = one
  return [tensor]
}

const determinant: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  if (shape.length < 2 || shape.at(-1) !== shape.at(-2)) call.fail(`${show(shape)} holds no square matrices`)
  return [{ dtype, shape: shape.slice(0, -2) }]
}

/** By elimination with the largest pivot of each column, in float64. */
const determinants: Evaluator = (call, [output]) => {
  const n = call.input(0).shape.at(-1)!
  const source = elementsOf(call, 0)
  const { tensor, elements } = allocate(output)
  for (let m = 0; m < elements.length; m++) {
    const rows = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => source[(m * n + i) * n + j]!),
    )
    let product = 1
    for (let k = 0; k < n; k++) {
      let pivot = k
      for (let i = k + 1; i < n; i++) if (Math.abs(rows[i]![k]!) > Math.abs(rows[pivot]![k]!)) pivot = i
      if (pivot !== k) {
        ;[rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!]
        product = -product
      }
      const top = rows[k]!
      product *= top[k]!
      if (product === 0) break
      for (let i = k + 1; i < n; i++) {
        const factor = rows[i]![k]! / top[k]!
        for (let j = k; j < n; j++) rows[i]![j]! -= factor * top[j]!
      }
    }
    elements[m] = product
  }
  return [tensor]
}

/** A value seen as one of more axes, which are permuted. */
export interface Rearrangement {
  readonly shape: readonly number[]
  readonly permutation: readonly number[]
}

/** What DepthToSpace or SpaceToDepth does to an image [N, C, H, W], whose axes are split in blocks. */
export function rearrangement(call: Call): Rearrangement & { readonly output: readonly number[] } {
  const { shape: image } = call.input(0)
  const { node } = call
  const block = intAttribute(node, 'blocksize')
  call.expectShape('input', call.input(0), [null, null, null, null])
  const [n, c, h, w] = image as [number, number, number, number]
  const isDeep = node.op === 'DepthToSpace'
  if (block < 1 || (isDeep ? c % block ** 2 : h % block || w % block)) {
    call.fail(`blocks of ${block} do not fit ${show(image)}`)
  }
  if (!isDeep) {
    const shape = [n, c, h / block, block, w / block, block]
    return { shape, permutation: [0, 3, 5, 1, 2, 4], output: [n, c * block * block, h / block, w / block] }
  }
  const depth = c / (block * block)
  const output = [n, depth, h * block, w * block]
  return stringAttribute(node, 'mode', 'DCR') === 'CRD'
    ? { shape: [n, depth, block, block, h, w], permutation: [0, 1, 4, 2, 5, 3], output }
    : { shape: [n, block, block, depth, h, w], permutation: [0, 3, 4, 1, 5, 2], output }
}

const rearrange: Rule = (call) => [{ dtype: call.input(0).dtype, shape: rearrangement(call).output }]

const rearranged: Evaluator = (call, [output]) => {
  const { shape, permutation } = rearrangement(call)
  const strides = stridesOf(shape)
  const { tensor, elements } = allocate(output)
  const turn = (list: readonly number[]) => permutation.map((axis) => list[axis]!)
  copyStrided(elementsOf(call, 0), 0, turn(strides), turn(shape), elements)
  return [tensor]
}

export const MATRIX = operatorTable(
  [
    ['DepthToSpace', operator(1, 1, rearrange)],
    ['Det', operator(1, 1, determinant)],
    ['EyeLike', operator(1, 1, eyeLike)],
    ['SpaceToDepth', operator(1, 1, rearrange)],
    ['Trilu', operator(1, 2, trilu)],
  ],
  {
    DepthToSpace: rearranged,
    Det: determinants,
    EyeLike: eye,
    SpaceToDepth: rearranged,
    Trilu: triangle,
  },
)
