import { BYTES_PER_ELEMENT } from '../../formats/tensor.js'
import { attribute } from '../../graph/attributes.js'
import { broadcastStrides, stridesOf } from '../../graph/broadcast.js'
import { padsOf, splitSizes } from '../../graph/families/arrange.js'
import { rearrangement } from '../../graph/families/matrix.js'
import { slicesOf } from '../../graph/rules.js'
import { copy, planCopy, type Side } from '../../ops/copy.js'
import { viewSlot } from '../../ops/slot.js'
import { elementTranspose } from '../../ops/transpose.js'
import type { LayerFactory } from '../loader.js'
import { physicalShape, type Operand, type Planner } from '../plan.js'
import { evaluated } from './evaluated.js'

/** A step that copies elements of `shape`, which is in the order of memory. */
function planStep(planner: Planner, shape: readonly number[], x: [Operand, Side], y: [Operand, Side]): void {
  const [from, to] = [x[0], y[0]]
  const bytes = from.coding === undefined ? BYTES_PER_ELEMENT[from.dtype] : 1
  const plan = planCopy(shape, x[1], y[1], bytes)
  planner.step('x8_copy_rows', [from], [to], () => copy(plan, from, to))
}

const sumOf = (counts: readonly number[], strides: readonly number[]) =>
  counts.reduce((sum, count, axis) => sum + count * strides[axis]!, 0)

/** Strides of a value along the axes of memory. */
const stridesIn = ({ shape, layout }: Operand) => stridesOf(physicalShape(shape, layout))

/** Slice; codes stay codes. */
export const slice: LayerFactory = (node) => ({
  anyType: true,
  passesCodes: true,
  plan(planner) {
    const slices = slicesOf(planner.call(node))
    const x = planner.value(node.inputs[0]!)
    const y = planner.create(node.outputs[0]!, x.layout, x.coding)
    const inMemory = (key: 'start' | 'step') => physicalShape(slices.map((axis) => axis[key]), x.layout) // prettier-ignore
    const own = stridesIn(x)
    const strides = inMemory('step').map((step, axis) => step * own[axis]!)
    const from = { start: sumOf(inMemory('start'), own), strides }
    planStep(planner, physicalShape(y.shape, x.layout), [x, from], [y, { strides: stridesIn(y) }])
  },
})

export const split: LayerFactory = (node) => ({
  anyType: true,
  plan(planner) {
    const { axis, sizes } = splitSizes(planner.call(node))
    const x = planner.decoded(node.inputs[0]!)
    const strides = stridesIn(x)
    let start = 0
    node.outputs.forEach((name, i) => {
      const starts = physicalShape(x.shape.map((_, at) => (at === axis ? start : 0)), x.layout) // prettier-ignore
      start += sizes[i]!
      if (name === '') return
      const y = planner.create(name, x.layout)
      const from = { start: sumOf(starts, strides), strides }
      planStep(planner, physicalShape(y.shape, x.layout), [x, from], [y, { strides: stridesIn(y) }])
    })
  },
})

/** Pad with a constant; by an evaluator where the padding is made of the value. */
export const pad: LayerFactory = (node, loader) => {
  if ((attribute(node, 'mode') ?? 'constant') !== 'constant') return evaluated(node, loader)
  return {
    anyType: true,
    plan(planner) {
      const { before, after } = padsOf(planner.call(node))
      const x = planner.decoded(node.inputs[0]!)
      const constant = node.inputs[2] ? planner.plain(node.inputs[2]) : undefined
      const y = planner.create(node.outputs[0]!, x.layout)
      const { dtype, elements } = y
      planner.step('fill', constant ? [constant] : [], [y], () => {
        const filling = viewSlot(y, dtype, elements) as Float32Array
        const zero = (dtype.endsWith('int64') ? 0n : 0) as number
        filling.fill(constant === undefined ? zero : (viewSlot(constant, dtype, 1)[0] as number))
      })
      const inMemory = (list: readonly number[]) => physicalShape(list, x.layout)
      const outside = (list: readonly number[]) => inMemory(list.map((size) => Math.max(0, -size)))
      const inside = (list: readonly number[]) => inMemory(list.map((size) => Math.max(0, size)))
      const kept = x.shape.map((size, axis) => Math.max(0, size + Math.min(0, before[axis]!) + Math.min(0, after[axis]!))) // prettier-ignore
      const [xStrides, yStrides] = [stridesIn(x), stridesIn(y)]
      const from = { start: sumOf(outside(before), xStrides), strides: xStrides }
      const to = { start: sumOf(inside(before), yStrides), strides: yStrides }
      planStep(planner, inMemory(kept), [x, from], [y, to])
    },
  }
}

export const expand: LayerFactory = (node) => ({
  anyType: true,
  plan(planner) {
    const x = planner.plain(node.inputs[0]!)
    const y = planner.create(node.outputs[0]!)
    const strides = broadcastStrides(x.shape, y.shape)
    planStep(planner, y.shape, [x, { strides }], [y, { strides: stridesOf(y.shape) }])
  },
})

/** Tile: every axis becomes two, of which the first repeats. */
export const tile: LayerFactory = (node) => ({
  anyType: true,
  plan(planner) {
    const x = planner.plain(node.inputs[0]!)
    const y = planner.create(node.outputs[0]!)
    const strides = stridesOf(x.shape)
    const shape = x.shape.flatMap((size, axis) => [y.shape[axis]! / (size || 1), size])
    const from = { strides: strides.flatMap((stride) => [0, stride]) }
    planStep(planner, shape, [x, from], [y, { strides: stridesOf(shape) }])
  },
})

/** Where the axes of a split image, in ONNX's order, stand in one whose channels are last. */
const DEEP = [0, 4, 5, 1, 2, 3]
const WIDE = [0, 2, 3, 4, 5, 1]

/** DepthToSpace, SpaceToDepth. */
export const rearrange: LayerFactory = (node) => ({
  anyType: true,
  plan(planner) {
    const { shape, permutation } = rearrangement(planner.call(node))
    const x = planner.decoded(node.inputs[0]!)
    const y = planner.create(node.outputs[0]!, x.layout)
    const [given, made] = node.op === 'DepthToSpace' ? [DEEP, WIDE] : [WIDE, DEEP]
    const isLast = x.layout === 'last'
    const order = isLast ? made.map((axis) => given.indexOf(permutation[axis]!)) : permutation
    const sizes = isLast ? given.map((axis) => shape[axis]!) : shape
    const { plan, kernel, run } = elementTranspose(sizes, order, BYTES_PER_ELEMENT[x.dtype])
    planner.step(kernel, [x], [y], () => run(plan, x, y))
  },
})
