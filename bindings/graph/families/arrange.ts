// Operators that repeat, pad, cut up and count elements of any type.
import { elementCount } from '../../formats/tensor.js'
import { intAttribute, stringAttribute } from '../attributes.js'
import { broadcastShapes, broadcastStrides, stridesOf } from '../broadcast.js'
import { show, type Call } from '../call.js'
import { allocate, copyStrided, elementFrom, elementsOf, strided } from '../evaluators.js'
import { operator, operatorTable, type Evaluator, type Rule } from '../operators.js'

const expand: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const target = call.ints(1)
  const spread = broadcastShapes(shape, target)
  return [{ dtype, shape: spread ?? call.fail(`${show(shape)} does not broadcast with ${show(target)}`) }]
}

const tile: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const repeats = call.ints(1)
  if (repeats.length !== shape.length || repeats.some((count) => count < 0)) {
    call.fail(`repeats ${show(repeats)} do not fit ${show(shape)}`)
  }
  return [{ dtype, shape: shape.map((size, axis) => size * repeats[axis]!) }]
}

/** Every axis becomes two, of which the first repeats. */
const tiled: Evaluator = (call, [output]) => {
  const { shape } = call.input(0)
  const strides = stridesOf(shape)
  const pairs = shape.flatMap((size, axis) => [output.shape[axis]! / (size || 1), size])
  const { tensor, elements } = allocate(output)
  const steps = strides.flatMap((stride) => [0, stride])
  copyStrided(elementsOf(call, 0), 0, steps, pairs, elements)
  return [tensor]
}

/** Sizes of the outputs of a Split along its axis. */
export function splitSizes(call: Call): { axis: number; sizes: readonly number[] } {
  const { shape } = call.input(0)
  const axis = call.axis(intAttribute(call.node, 'axis', 0), shape.length)
  const pieces = call.node.outputs.length
  const size = Math.ceil(shape[axis]! / pieces)
  const sizes =
    call.optionalInts(1) ??
    Array.from({ length: pieces }, (_, i) => Math.max(0, Math.min(size, shape[axis]! - i * size)))
  const total = sizes.reduce((sum, length) => sum + length, 0)
  if (sizes.length !== pieces || total !== shape[axis] || sizes.some((length) => length < 0)) {
    call.fail(`parts ${show(sizes)} do not fit axis ${axis} of ${show(shape)} in ${pieces} outputs`)
  }
  return { axis, sizes }
}

const split: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const { axis, sizes } = splitSizes(call)
  return sizes.map((length) => ({ dtype, shape: shape.with(axis, length) }))
}

const pieces: Evaluator = (call, outputs) => {
  const { shape } = call.input(0)
  const { axis } = splitSizes(call)
  const strides = stridesOf(shape)
  let start = 0
  return outputs.map((output) => {
    const [tensor] = strided(call, output, strides, start)
    start += output.shape[axis]! * strides[axis]!
    return tensor!
  })
}

/** Elements before and after each axis; negative ones cut off. */
export function padsOf(call: Call): { before: number[]; after: number[] } {
  const { shape } = call.input(0)
  const pads = call.ints(1)
  const axes = call.axes(call.optionalInts(3) ?? [...shape.keys()], shape.length)
  if (pads.length !== 2 * axes.length) call.fail(`pads ${show(pads)} do not fit ${axes.length} axes`)
  const [before, after] = [shape.map(() => 0), shape.map(() => 0)]
  axes.forEach((axis, i) => {
    before[axis] = pads[i]!
    after[axis] = pads[i + axes.length]!
  })
  return { before, after }
}

const pad: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const { before, after } = padsOf(call)
  const sizes = shape.map((size, axis) => size + before[axis]! + after[axis]!)
  if (
    sizes.some((size, axis) => size < 0 || (size > 0 && shape[axis] === 0 && modeOf(call) !== 'constant'))
  ) {
    call.fail(`pads ${show(before)} and ${show(after)} do not fit ${show(shape)}`)
  }
  return [{ dtype, shape: sizes }]
}

const modeOf = (call: Call) => stringAttribute(call.node, 'mode', 'constant')

/** The index in an axis of `size` elements that stands at `at`, which may lie outside; -1 for the constant. */
function padIndex(mode: string, at: number, size: number): number {
  if (at >= 0 && at < size) return at
  if (mode === 'edge') return at < 0 ? 0 : size - 1
  if (mode === 'wrap') return ((at % size) + size) % size
  if (mode !== 'reflect') return -1
  // There and back again: a period goes over the ends once.
  const period = 2 * size - 2
  const place = period === 0 ? 0 : ((at % period) + period) % period
  return Math.min(place, period - place)
}

/** Looks up every axis once, then walks the rows of the output. */
const padded: Evaluator = (call, [output]) => {
  const mode = modeOf(call)
  const { shape } = call.input(0)
  const source = elementsOf(call, 0)
  const { before } = padsOf(call)
  const { tensor, elements } = allocate(output)
  const strides = stridesOf(shape)
  const constant = call.optional(2) && elementsOf(call, 2)[0]
  elements.fill(constant ?? elementFrom(output.dtype, 0))
  const offsets = output.shape.map((size, axis) =>
    Array.from({ length: size }, (_, i) => {
      const index = padIndex(mode, i - before[axis]!, shape[axis]!)
      return index < 0 ? -1 : index * strides[axis]!
    }),
  )
  const last = offsets.pop() ?? [0]
  let at = 0
  const walk = (axis: number, from: number) => {
    if (axis < offsets.length) {
      for (const offset of offsets[axis]!) walk(axis + 1, from < 0 || offset < 0 ? -1 : from + offset)
    } else {
      if (from >= 0) last.forEach((offset, i) => offset >= 0 && (elements[at + i] = source[from + offset]!))
      at += last.length
    }
  }
  walk(0, 0)
  return [tensor]
}

const range: Rule = (call) => {
  const types = call.inputs()
  const [start, limit, delta] = types.map((type, position) => {
    if (elementCount(type.shape) !== 1)
      call.fail(`input ${position} expected one element, got ${show(type.shape)}`)
    return Number(call.known(position)[0])
  }) as [number, number, number]
  const length = Math.max(0, Math.ceil((limit - start) / delta))
  if (Number.isNaN(length) || delta === 0) call.fail(`from ${start} to ${limit} by ${delta} has no length`)
  return [{ dtype: call.sameType(...types), shape: [length] }]
}

const counted: Evaluator = (call, [output]) => {
  const [start, , delta] = [0, 1, 2].map((position) => elementsOf(call, position)[0]!) as [
    number,
    number,
    number,
  ]
  const { tensor, elements } = allocate(output)
  for (let i = 0; i < elements.length; i++) elements[i] = start + elementFrom(output.dtype, i) * delta
  return [tensor]
}

export const ARRANGE = operatorTable(
  [
    ['Expand', operator(2, 2, expand)],
    ['Pad', operator(2, 4, pad)],
    ['Range', operator(3, 3, range)],
    ['Size', operator(1, 1, () => [{ dtype: 'int64', shape: [] }])],
    ['Split', operator(1, 2, split, Infinity)],
    ['Tile', operator(2, 2, tile)],
  ],
  {
    Expand: (call, [output]) => strided(call, output, broadcastStrides(call.input(0).shape, output.shape)),
    Pad: padded,
    Range: counted,
    Size: (call, [output]) => {
      const { tensor, elements } = allocate(output)
      elements[0] = elementFrom('int64', elementCount(call.input(0).shape))
      return [tensor]
    },
    Split: pieces,
    Tile: tiled,
  },
)
