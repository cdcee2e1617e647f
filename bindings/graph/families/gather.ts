// Operators that read or write elements at places that another input names.
import { elementCount, type Tensor } from '../../formats/tensor.js'
import { attribute, intAttribute, stringAttribute } from '../attributes.js'
import { stridesOf } from '../broadcast.js'
import { show, type Call } from '../call.js'
import { allocate, copyStrided, elementsOf, type Elements } from '../evaluators.js'
import { operator, operatorTable, type Evaluator, type Rule } from '../operators.js'

/** Integer elements of an input as indices in 0..size - 1, from the end where they are negative. */
function indicesOf(call: Call, position: number, size: (i: number) => number): Int32Array {
  const source = elementsOf(call, position)
  const indices = new Int32Array(source.length)
  for (let i = 0; i < indices.length; i++) indices[i] = call.axis(Number(source[i]), size(i))
  return indices
}

const gatherElements: Rule = (call) => {
  const [x, indices] = [call.input(0), call.input(1)]
  const axis = call.axis(intAttribute(call.node, 'axis', 0), x.shape.length)
  checkPlaces(call, x.shape, indices.shape, axis)
  return [{ dtype: x.dtype, shape: indices.shape }]
}

/** Indices must have the rank of what they point into, and be no larger but along the axis. */
function checkPlaces(call: Call, shape: readonly number[], places: readonly number[], axis: number): void {
  if (places.length !== shape.length || places.some((size, at) => at !== axis && size > shape[at]!)) {
    call.fail(`indices ${show(places)} do not fit ${show(shape)}`)
  }
}

/** Offsets in input 0 of the elements that indices along an axis name. */
function elementOffsets(call: Call): Int32Array {
  const { shape } = call.input(0)
  const axis = call.axis(intAttribute(call.node, 'axis', 0), shape.length)
  const offsets = indicesOf(call, 1, () => shape[axis]!)
  const strides = stridesOf(shape)
  // Where an element would be if its index were 0.
  const bases = new Int32Array(offsets.length)
  const positions = Int32Array.from({ length: elementCount(shape) }, (_, i) => i)
  copyStrided(
    positions as unknown as Elements,
    0,
    strides.with(axis, 0),
    call.input(1).shape,
    bases as unknown as Elements,
  )
  for (let i = 0; i < offsets.length; i++) offsets[i] = bases[i]! + offsets[i]! * strides[axis]!
  return offsets
}

const gatheredElements: Evaluator = (call, [output]) => {
  const source = elementsOf(call, 0)
  const { tensor, elements } = allocate(output)
  elementOffsets(call).forEach((offset, i) => (elements[i] = source[offset]!))
  return [tensor]
}

/** How the last axis of indices points into a shape: its length, and the axes before that are walked along. */
function tuples(call: Call, batch: number): { depth: number; slice: readonly number[]; count: number } {
  const [shape, places] = [call.input(0).shape, call.input(1).shape]
  const depth = places.at(-1) ?? -1
  const alike = show(shape.slice(0, batch)) === show(places.slice(0, batch))
  if (depth < 0 || batch + depth > shape.length || batch >= places.length || !alike) {
    call.fail(`indices ${show(places)} do not fit ${show(shape)}`)
  }
  return { depth, slice: shape.slice(batch + depth), count: elementCount(places.slice(0, -1)) }
}

/** Offsets in input 0 of the slices that tuples of indices name. */
function sliceOffsets(call: Call, batch: number): { offsets: Int32Array; length: number } {
  const { shape } = call.input(0)
  const { depth, slice, count } = tuples(call, batch)
  const strides = stridesOf(shape)
  const indices = indicesOf(call, 1, (i) => shape[batch + (i % depth)]!)
  const batches = elementCount(shape.slice(0, batch))
  const perBatch = elementCount(shape.slice(batch))
  const offsets = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    let offset = batch === 0 ? 0 : Math.floor((i * batches) / count) * perBatch
    for (let k = 0; k < depth; k++) offset += indices[i * depth + k]! * strides[batch + k]!
    offsets[i] = offset
  }
  return { offsets, length: elementCount(slice) }
}

const gatherND: Rule = (call) => {
  const { dtype } = call.input(0)
  const { slice } = tuples(call, intAttribute(call.node, 'batch_dims', 0))
  return [{ dtype, shape: [...call.input(1).shape.slice(0, -1), ...slice] }]
}

const gatheredSlices: Evaluator = (call, [output]) => {
  const source = elementsOf(call, 0)
  const { tensor, elements } = allocate(output)
  const { offsets, length } = sliceOffsets(call, intAttribute(call.node, 'batch_dims', 0))
  offsets.forEach((offset, i) => elements.set(source.subarray(offset, offset + length), i * length))
  return [tensor]
}

const scatterElements: Rule = (call) => {
  const [x, indices, updates] = [call.input(0), call.input(1), call.input(2)]
  const axis = call.axis(intAttribute(call.node, 'axis', 0), x.shape.length)
  checkPlaces(call, x.shape, indices.shape, axis)
  call.expectShape('updates', updates, indices.shape)
  reductionOf(call)
  return [{ dtype: call.sameType(x, updates), shape: x.shape }]
}

const scatterND: Rule = (call) => {
  const [x, indices, updates] = [call.input(0), call.input(1), call.input(2)]
  call.expectShape('updates', updates, [...indices.shape.slice(0, -1), ...tuples(call, 0).slice])
  reductionOf(call)
  return [{ dtype: call.sameType(x, updates), shape: x.shape }]
}

const REDUCTIONS: Readonly<Record<string, (old: number, update: number) => number>> = {
  none: (_, update) => update,
  add: (old, update) => old + update,
  mul: (old, update) => old * update,
  max: (old, update) => (old > update || old !== old ? old : update),
  min: (old, update) => (old < update || old !== old ? old : update),
}

function reductionOf(call: Call) {
  const name = stringAttribute(call.node, 'reduction', 'none')
  return (Object.hasOwn(REDUCTIONS, name) ? REDUCTIONS[name] : undefined) ?? call.fail(`reduction "${name}"`)
}

/** Input 0 with slices of input 2 written, or added and so on, at offsets. */
function scattered(
  call: Call,
  [output]: Parameters<Evaluator>[1],
  offsets: Int32Array,
  length: number,
): Tensor[] {
  const { tensor, elements } = allocate(output)
  elements.set(elementsOf(call, 0))
  const updates = elementsOf(call, 2)
  const reduce = reductionOf(call)
  offsets.forEach((offset, i) => {
    for (let k = 0; k < length; k++)
      elements[offset + k] = reduce(elements[offset + k]!, updates[i * length + k]!)
  })
  return [tensor]
}

const compress: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const kept = keptBy(call).length
  const { axis } = compressAxis(call)
  return [{ dtype, shape: axis === undefined ? [kept] : shape.with(axis, kept) }]
}

function compressAxis(call: Call): { axis: number | undefined; size: number } {
  const { shape } = call.input(0)
  if (attribute(call.node, 'axis') === undefined) return { axis: undefined, size: elementCount(shape) }
  const axis = call.axis(intAttribute(call.node, 'axis'), shape.length)
  return { axis, size: shape[axis]! }
}

function keptBy(call: Call): number[] {
  const condition = call.known(1)
  const { size } = compressAxis(call)
  if (condition.length > size)
    call.fail(`condition expected at most ${size} elements, got ${condition.length}`)
  return [...condition.keys()].filter((i) => condition[i])
}

const compressed: Evaluator = (call, [output]) => {
  const { shape } = call.input(0)
  const { axis, size } = compressAxis(call)
  const inner = axis === undefined ? 1 : elementCount(shape.slice(axis + 1))
  const source = elementsOf(call, 0)
  const { tensor, elements } = allocate(output)
  const kept = keptBy(call)
  let at = 0
  for (let start = 0; at < elements.length; start += size * inner) {
    for (const index of kept) {
      const from = start + index * inner
      elements.set(source.subarray(from, from + inner), at)
      at += inner
    }
  }
  return [tensor]
}

const oneHot: Rule = (call) => {
  const { shape } = call.input(0)
  const depth = Math.trunc(Number(call.known(1)[0]))
  const axis = call.axis(intAttribute(call.node, 'axis', -1), shape.length + 1)
  call.expectShape('values', call.input(2), [2])
  return [{ dtype: call.input(2).dtype, shape: shape.toSpliced(axis, 0, depth) }]
}

const hot: Evaluator = (call, [output]) => {
  const indices = elementsOf(call, 0)
  const [off, on] = [elementsOf(call, 2)[0]!, elementsOf(call, 2)[1]!]
  const axis = call.axis(intAttribute(call.node, 'axis', -1), output.shape.length)
  const depth = output.shape[axis]!
  const inner = elementCount(output.shape.slice(axis + 1))
  const { tensor, elements } = allocate(output)
  elements.fill(off)
  for (let i = 0; i < indices.length; i++) {
    const given = Math.trunc(Number(indices[i]))
    const index = given < 0 ? given + depth : given
    if (index >= 0 && index < depth)
      elements[(Math.floor(i / inner) * depth + index) * inner + (i % inner)] = on
  }
  return [tensor]
}

export const GATHER = operatorTable(
  [
    ['Compress', operator(2, 2, compress)],
    ['GatherElements', operator(2, 2, gatherElements)],
    ['GatherND', operator(2, 2, gatherND)],
    ['OneHot', operator(3, 3, oneHot)],
    ['ScatterElements', operator(3, 3, scatterElements)],
    ['ScatterND', operator(3, 3, scatterND)],
  ],
  {
    Compress: compressed,
    GatherElements: gatheredElements,
    GatherND: gatheredSlices,
    OneHot: hot,
    ScatterElements: (call, outputs) => scattered(call, outputs, elementOffsets(call), 1),
    ScatterND: (call, outputs) => {
      const { offsets, length } = sliceOffsets(call, 0)
      return scattered(call, outputs, offsets, length)
    },
  },
)
