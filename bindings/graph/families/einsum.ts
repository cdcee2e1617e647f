import { stringAttribute } from '../attributes.js'
import { stridesOf } from '../broadcast.js'
import { show, type Call } from '../call.js'
import { allocate, elementFrom, elementsOf } from '../evaluators.js'
import { operator, operatorTable, type Evaluator, type Rule } from '../operators.js'

/** An equation with the labels of each axis; those of an ellipsis are numbered from the last. */
export interface Equation {
  readonly inputs: readonly (readonly string[])[]
  readonly output: readonly string[]
}

/** @param ranks of the inputs; without them, no ellipsis is understood. undefined: the equation is not sound. */
export function parseEquation(equation: string, ranks?: readonly number[]): Equation | undefined {
  const text = equation.replaceAll(' ', '')
  const [left = '', right] = text.split('->')
  if (!/^[A-Za-z.,]*(->[A-Za-z.]*)?$/.test(text)) return undefined
  const terms = left.split(',')
  let hidden = 0
  const expand = (term: string, count: number): string[] => {
    const parts = term.split('...')
    const dots = Array.from({ length: parts.length > 1 ? count : 0 }, (_, i) => String(count - i))
    return [...parts[0]!, ...dots, ...(parts[1] ?? '')]
  }
  const isSound = (term: string) => /^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/.test(term)
  if (![...terms, right ?? ''].every(isSound)) return undefined
  if (text.includes('.') && ranks === undefined) return undefined
  const inputs = terms.map((term, i) => {
    const named = term.replace('...', '').length
    const count = term === '' && ranks !== undefined ? 0 : (ranks?.[i] ?? named) - named
    hidden = Math.max(hidden, count)
    return expand(term, count)
  })
  const all = inputs.flat()
  const isDot = (label: string) => label < 'A'
  const once = [...new Set(all)].filter(
    (label) => !isDot(label) && all.indexOf(label) === all.lastIndexOf(label),
  )
  const output = right === undefined ? [...expand('...', hidden), ...once.sort()] : expand(right, hidden)
  const fits = output.every((label, i) => all.includes(label) && output.indexOf(label) === i)
  return fits && inputs.every((labels, i) => labels.length === (ranks?.[i] ?? labels.length))
    ? { inputs, output }
    : undefined
}

/** The equation of a node and the size of each label. */
function equationOf(call: Call): Equation & { readonly sizes: ReadonlyMap<string, number> } {
  const shapes = call.inputs().map(({ shape }) => shape)
  const text = stringAttribute(call.node, 'equation')
  const equation = parseEquation(text, shapes.map((shape) => shape.length)) // prettier-ignore
  const sizes = new Map<string, number>()
  if (equation?.inputs.length !== shapes.length) {
    call.fail(`equation "${text}" does not fit ${shapes.map(show).join(' and ')}`)
  }
  equation.inputs.forEach((labels, i) => {
    labels.forEach((label, axis) => {
      const [old = 1, size] = [sizes.get(label), shapes[i]![axis]!]
      if (old !== size && old !== 1 && size !== 1) call.fail(`${label} of "${text}" is ${old} and ${size}`)
      sizes.set(label, old === 1 ? size : old)
    })
  })
  return { ...equation, sizes }
}

const einsum: Rule = (call) => {
  const { output, sizes } = equationOf(call)
  return [{ dtype: call.sameType(...call.inputs()), shape: output.map((label) => sizes.get(label)!) }]
}

/** Goes through all labels, those of the output outermost, and adds up products of all inputs. */
const summed: Evaluator = (call, [result]) => {
  const { inputs, output, sizes } = equationOf(call)
  const labels = [...output, ...[...sizes.keys()].filter((label) => !output.includes(label))]
  const limits = labels.map((label) => sizes.get(label)!)
  const sources = inputs.map((_, i) => elementsOf(call, i))
  // What a step along each label means in each input: a label that is there twice walks the diagonal.
  const steps = inputs.map((own, i) => {
    const { shape } = call.input(i)
    const strides = stridesOf(shape)
    return labels.map((label) =>
      own.reduce((sum, other, axis) => sum + (other === label && shape[axis] !== 1 ? strides[axis]! : 0), 0),
    )
  })
  const { tensor, elements } = allocate(result)
  const [zero, one] = [0, 1].map((x) => elementFrom(result.dtype, x)) as [number, number]
  const round = result.dtype === 'float32' ? Math.fround : (x: number) => x
  const offsets = inputs.map(() => 0)
  const walk = (depth: number): number => {
    if (depth === labels.length) {
      return sources.reduce((product, source, i) => round(product * source[offsets[i]!]!), one)
    }
    let sum = zero
    const start = [...offsets]
    for (let at = 0; at < limits[depth]!; at++) {
      sum = round(sum + walk(depth + 1))
      steps.forEach((step, i) => (offsets[i]! += step[depth]!))
    }
    start.forEach((offset, i) => (offsets[i] = offset))
    return sum
  }
  const index = output.map(() => 0)
  for (let at = 0; at < elements.length; at++) {
    steps.forEach(
      (step, i) => (offsets[i] = index.reduce((sum, place, axis) => sum + place * step[axis]!, 0)),
    )
    elements[at] = walk(output.length)
    for (let axis = output.length - 1; axis >= 0 && ++index[axis]! === limits[axis]; axis--) index[axis] = 0
  }
  return [tensor]
}

export const EINSUM = operatorTable([['Einsum', operator(1, Infinity, einsum)]], { Einsum: summed })
