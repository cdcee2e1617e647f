import { elementCount } from '../../formats/tensor.js'
import { floatAttribute, stringAttribute } from '../../graph/attributes.js'
import type { GraphNode } from '../../graph/model.js'
import { planBroadcast, type Broadcast } from '../../ops/broadcast.js'
import {
  f32Add,
  f32Clamp,
  f32Div,
  f32Max,
  f32Min,
  f32Mul,
  f32Pow,
  f32PRelu,
  f32Sub,
  f32Unary,
  type UnaryOp,
} from '../../ops/elementwise.js'
import type { Slot } from '../../ops/slot.js'
import { UnsupportedVariant, type Layer, type LayerFactory } from '../loader.js'
import { physicalShape, type Layout, type Operand, type Planner } from '../plan.js'
import { fusedBounds, type Bounds } from './bounds.js'

/** Clamps a value in place, if there is anything to clamp to. */
export function clampInPlace(planner: Planner, y: Operand, { min, max }: Bounds): void {
  if (min === -Infinity && max === Infinity) return
  planner.step('f32_clamp', [y], [y], () => f32Clamp(y, y, y.elements, min, max))
}

/** A step over every element of the first input, in place where nobody reads it later. */
function overElements(
  { inputs, outputs }: GraphNode,
  kernel: string,
  run: (x: Slot, y: Slot, length: number) => void,
): Layer {
  return {
    plan(planner) {
      const x = planner.float(inputs[0]!)
      const y = planner.overwrite(outputs[0]!, x)
      planner.step(kernel, [x], [y], () => run(x, y, x.elements))
    },
  }
}

/** Parameters of the operators that have one, by its name and default; `alpha` 1 of all others. */
const ALPHA: Readonly<Record<string, readonly [string, number]>> = {
  HardSigmoid: ['alpha', 0.2],
  HardSwish: ['', 1 / 6],
  LeakyRelu: ['alpha', 0.01],
  Shrink: ['lambd', 0.5],
}

/** An operator on single elements, whose kernel goes by its name. */
export const unary: LayerFactory = (node) => {
  const [name, fallback] = ALPHA[node.op] ?? ['alpha', 1]
  const alpha = floatAttribute(node, name, fallback)
  const beta = node.op === 'Shrink' ? floatAttribute(node, 'bias', 0) : floatAttribute(node, 'beta', 0.5)
  const approximate = node.op === 'Gelu' && stringAttribute(node, 'approximate', 'none') === 'tanh'
  const op = (approximate ? 'GeluTanh' : node.op) as UnaryOp
  return overElements(node, 'f32_unary', (x, y, length) => f32Unary(op, x, y, length, alpha, beta))
}

const clamp = (node: GraphNode, min: number, max: number) =>
  overElements(node, 'f32_clamp', (x, y, length) => f32Clamp(x, y, length, min, max))

export const relu: LayerFactory = (node) => clamp(node, 0, Infinity)

/** Clip with constant bounds. */
export const clip: LayerFactory = (node, loader) => {
  const bound = (name: string | undefined, open: number): number => {
    if (name === undefined || name === '') return open
    const weight = loader.take(name)
    if (weight === undefined) throw new UnsupportedVariant('Clip with computed bounds')
    return loader.floats(weight)[0] ?? open
  }
  return clamp(node, bound(node.inputs[1], -Infinity), bound(node.inputs[2], Infinity))
}

type BinaryRun = (plan: Broadcast, a: Slot, b: Slot, out: Slot) => void

const binary =
  (run: BinaryRun): LayerFactory =>
  (node) => {
    const bounds = fusedBounds(node)
    if (node.inputs.length !== 2) throw new UnsupportedVariant(`${node.op} of other than two inputs`)
    const [a, b] = node.inputs as [string, string]
    return {
      plan(planner) {
        clampInPlace(planner, planBinary(planner, run, a, b, node.outputs[0]!), bounds)
      },
    }
  }

export const add = binary(f32Add)
export const sub = binary(f32Sub)
export const mul = binary(f32Mul)
export const div = binary(f32Div)
export const min = binary(f32Min)
export const max = binary(f32Max)
export const prelu = binary(f32PRelu)
export const pow = binary(f32Pow)

function planBinary(planner: Planner, run: BinaryRun, a: string, b: string, output: string): Operand {
  const rank = planner.shape(output).length
  const layout = commonLayout(planner, [a, b], rank)
  const [x, y] = [operandOf(planner, a, rank, layout), operandOf(planner, b, rank, layout)]
  const plan = planBroadcast(shapeIn(x, rank, layout), shapeIn(y, rank, layout))
  // Only an operand that repeats nothing may be written over.
  const whole = [x, y].find((operand) => operand.elements === plan.elements && operand.layout === layout)
  const out = whole === undefined ? planner.create(output, layout) : planner.overwrite(output, whole)
  planner.step('f32_binary', [x, y], [out], () => run(plan, x, y, out))
  return out
}

/** A shape with axes of 1 before it, up to `rank`. */
function extended(shape: readonly number[], rank: number): readonly number[] {
  return [...new Array<number>(rank - shape.length).fill(1), ...shape]
}

function isFlat(shape: readonly number[]): boolean {
  return (shape[1] ?? 1) === 1 || elementCount(shape.slice(2)) === 1
}

/**
 * The layout in which values of different rank meet with the fewest copies: that of the images among them, unless a value
 * of lower rank would have to be turned for it.
 */
function commonLayout(planner: Planner, names: readonly string[], rank: number): Layout {
  const values = names.map((name) => planner.value(name))
  const turns = (layout: Layout) =>
    names.filter((name, i) => values[i]!.shape.length === rank && !planner.lies(name, layout)).length
  const images = values.some(({ layout, shape }) => layout === 'last' && shape.length === rank)
  const fits = values.every(({ shape }) => shape.length === rank || isFlat(extended(shape, rank)))
  return images && fits && turns('last') <= turns('first') ? 'last' : 'first'
}

/** A value of lower rank stays as it is: it has one axis at most that matters, or the layout is ONNX's. */
function operandOf(planner: Planner, name: string, rank: number, layout: Layout): Operand {
  return planner.float(name, planner.shape(name).length === rank ? layout : 'first')
}

function shapeIn({ shape }: Operand, rank: number, layout: Layout): readonly number[] {
  return physicalShape(extended(shape, rank), layout)
}
