// Shape rules of operators that inference does not run: what importing folds, or tools only measure.
import { intAttribute } from './attributes.js'
import { broadcastShapes } from './broadcast.js'
import { show } from './call.js'
import type { Rule } from './operators.js'

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
