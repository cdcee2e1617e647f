// Shape rules of operators that inference does not run: what importing folds, or tools only measure.
import { elementCount } from '../formats/tensor.js'
import { intAttribute } from './attributes.js'
import { broadcastShapes } from './broadcast.js'
import { show } from './call.js'
import type { Rule } from './operators.js'
import { broadcasting } from './rules.js'

export const comparison: Rule = (call) => [{ ...broadcasting(call)[0]!, dtype: 'bool' }]

export const pow: Rule = (call) => [
  { dtype: call.input(0).dtype, shape: call.broadcast(call.input(0), call.input(1)) },
]

export const where: Rule = (call) => {
  const [condition, a, b] = [call.input(0), call.input(1), call.input(2)]
  return [{ dtype: call.sameType(a, b), shape: call.broadcast(condition, a, b) }]
}

export const layerNormalization: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const axis = call.axis(intAttribute(call.node, 'axis', -1), shape.length)
  for (const type of [call.input(1), call.optional(2)]) {
    if (type === undefined) continue
    const spread = broadcastShapes(type.shape, shape.slice(axis))
    if (spread === undefined || show(spread) !== show(shape.slice(axis))) {
      call.fail(`parameters ${show(type.shape)} do not broadcast to ${show(shape.slice(axis))}`)
    }
  }
  const statistics = { dtype, shape: shape.map((size, at) => (at < axis ? size : 1)) }
  return [{ dtype, shape }, statistics, statistics]
}

export const split: Rule = (call) => {
  const { dtype, shape } = call.input(0)
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
  return sizes.map((length) => ({ dtype, shape: shape.with(axis, length) }))
}

export const pad: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const pads = call.ints(1)
  const axes = call.axes(call.optionalInts(3) ?? [...shape.keys()], shape.length)
  if (pads.length !== 2 * axes.length) call.fail(`pads ${show(pads)} do not fit ${axes.length} axes`)
  const sizes = [...shape]
  axes.forEach((axis, i) => (sizes[axis]! += pads[i]! + pads[i + axes.length]!))
  return [{ dtype, shape: sizes }]
}

export const expand: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const target = call.ints(1)
  return [
    {
      dtype,
      shape:
        broadcastShapes(shape, target) ?? call.fail(`${show(shape)} does not broadcast with ${show(target)}`),
    },
  ]
}

export const reduce: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const given = call.optionalInts(1) ?? []
  const none = given.length === 0
  if (none && intAttribute(call.node, 'noop_with_empty_axes', 0) !== 0) return [{ dtype, shape }]
  const axes = none ? [...shape.keys()] : call.axes(given, shape.length)
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
  const keep = intAttribute(call.node, 'keepdims', 1) !== 0
  return [{ dtype, shape: keep ? kept : kept.filter((_, axis) => !axes.includes(axis)) }]
}

export const argReduce: Rule = (call) => {
  const { shape } = call.input(0)
  const axis = call.axis(intAttribute(call.node, 'axis', 0), shape.length)
  const keep = intAttribute(call.node, 'keepdims', 1) !== 0
  return [{ dtype: 'int64', shape: keep ? shape.with(axis, 1) : shape.toSpliced(axis, 1) }]
}

export const range: Rule = (call) => {
  const types = call.inputs()
  const [start, limit, delta] = types.map(({ shape }, position) => {
    if (elementCount(shape) !== 1) call.fail(`input ${position} expected one element, got ${show(shape)}`)
    return call.ints(position)[0]!
  }) as [number, number, number]
  if (delta === 0) call.fail('step 0')
  return [{ dtype: call.sameType(...types), shape: [Math.max(0, Math.ceil((limit - start) / delta))] }]
}
