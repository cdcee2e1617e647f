// Shape rules of the operators that inference runs.
import { UnsupportedOpError } from '../errors.js'
import { elementCount } from '../formats/tensor.js'
import { attribute, intAttribute, intsAttribute } from './attributes.js'
import { broadcastShapes } from './broadcast.js'
import { show, type Call, type ValueType } from './call.js'
import { dataTypeName, elementTypeOf } from './element-types.js'
import type { Rule } from './operators.js'
import { windowsOf } from './windows.js'

/** The output is like the first input. */
export const same: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  return [{ dtype, shape }]
}

export const broadcasting: Rule = (call) => {
  const types = call.inputs()
  return [{ dtype: call.sameType(...types), shape: call.broadcast(...types) }]
}

export const clip: Rule = (call) => {
  for (const position of [1, 2]) {
    const bound = call.optional(position)
    if (bound !== undefined && elementCount(bound.shape) !== 1) {
      call.fail(`bound expected one element, got ${show(bound.shape)}`)
    }
  }
  return same(call)
}

export const softmax: Rule = (call) => {
  call.axis(intAttribute(call.node, 'axis', -1), call.input(0).shape.length)
  return same(call)
}

export const cast: Rule = (call) => {
  const code = intAttribute(call.node, 'to')
  const dtype = elementTypeOf(code)
  if (dtype === undefined) {
    throw new UnsupportedOpError([{ op: `Cast to ${dataTypeName(code)}`, nodes: [call.node.name] }])
  }
  return [{ dtype, shape: call.input(0).shape }]
}

export const dropout: Rule = (call) => {
  const training = call.optional(2)
  if (training !== undefined && Number(training.value?.data[0] ?? 1) !== 0) {
    throw new UnsupportedOpError([{ op: 'Dropout in training mode', nodes: [call.node.name] }])
  }
  return [same(call)[0]!, { dtype: 'bool', shape: call.input(0).shape }]
}

export const conv: Rule = (call) => {
  const { node } = call
  const [x, w] = [call.input(0), call.input(1)]
  const group = intAttribute(node, 'group', 1)
  const [filters, channels, ...kernel] = w.shape
  if (
    x.shape.length < 3 ||
    w.shape.length !== x.shape.length ||
    group < 1 ||
    filters! % group !== 0 ||
    x.shape[1] !== channels! * group
  ) {
    call.fail(
      `input ${show(x.shape)} does not fit weight ${show(w.shape)} in ${group} group${group > 1 ? 's' : ''}`,
    )
  }
  const declared = intsAttribute(node, 'kernel_shape', kernel)
  if (show(declared) !== show(kernel)) {
    call.fail(`kernel_shape ${show(declared)} does not fit weight ${show(w.shape)}`)
  }
  const bias = call.optional(2)
  if (bias !== undefined) call.expectShape('bias', bias, [filters!])
  const { output } = windowsOf(node, x.shape.slice(2), kernel)
  return [{ dtype: call.sameType(x, w), shape: [x.shape[0]!, filters!, ...output] }]
}

export const pool: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  if (shape.length < 3) call.fail(`input expected [N, C, ...], got ${show(shape)}`)
  const output = [...shape.slice(0, 2), ...windowsOf(call.node, shape.slice(2)).output]
  return [
    { dtype, shape: output },
    { dtype: 'int64', shape: output },
  ]
}

export const globalPool: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  if (shape.length < 3) call.fail(`input expected [N, C, ...], got ${show(shape)}`)
  return [{ dtype, shape: shape.map((size, axis) => (axis < 2 ? size : 1)) }]
}

export const gemm: Rule = (call) => {
  const [a, b] = [call.input(0), call.input(1)]
  call.expectShape('A', a, [null, null])
  call.expectShape('B', b, [null, null])
  const turned = ({ shape }: ValueType, attribute: string) =>
    intAttribute(call.node, attribute, 0) !== 0 ? [shape[1]!, shape[0]!] : [shape[0]!, shape[1]!]
  const [m, k] = turned(a, 'transA') as [number, number]
  const [rows, n] = turned(b, 'transB') as [number, number]
  if (k !== rows) call.fail(`A ${show(a.shape)} does not fit B ${show(b.shape)}: ${k} columns, ${rows} rows`)
  const c = call.optional(2)
  if (c !== undefined && show(broadcastShapes(c.shape, [m, n]) ?? []) !== show([m, n])) {
    call.fail(`C ${show(c.shape)} does not broadcast to ${show([m, n])}`)
  }
  return [{ dtype: call.sameType(a, b), shape: [m, n] }]
}

export const matmul: Rule = (call) => {
  const [a, b] = [call.input(0), call.input(1)]
  const [x, y] = [a.shape, b.shape]
  const k = x.at(-1)
  const rows = y.length === 1 ? y[0] : y.at(-2)
  const multiply = x.length > 0 && y.length > 0 && k === rows
  const batch =
    (multiply ? broadcastShapes(x.slice(0, -2), y.slice(0, -2)) : undefined) ??
    call.fail(`${show(x)} and ${show(y)} do not multiply`)
  const bias = call.optional(2)
  if (bias !== undefined) call.expectShape('bias', bias, y.slice(-1))
  const shape = [...batch, ...x.slice(-2, -1), ...(y.length === 1 ? [] : y.slice(-1))]
  return [{ dtype: call.sameType(a, b), shape }]
}

export const batchNormalization: Rule = (call) => {
  if (intAttribute(call.node, 'training_mode', 0) !== 0) {
    throw new UnsupportedOpError([{ op: 'BatchNormalization in training mode', nodes: [call.node.name] }])
  }
  const { shape } = call.input(0)
  if (shape.length < 2) call.fail(`input expected [N, C, ...], got ${show(shape)}`)
  const names = ['scale', 'bias', 'mean', 'variance']
  names.forEach((name, i) => call.expectShape(name, call.input(i + 1), [shape[1]!]))
  return same(call)
}

export const flatten: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const axis = call.axis(intAttribute(call.node, 'axis', 1), shape.length, shape.length + 1)
  return [{ dtype, shape: [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))] }]
}

export const reshape: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const target = call.ints(1)
  const copyZeros = intAttribute(call.node, 'allowzero', 0) === 0
  const sizes = target.map((size, axis) => (size === 0 && copyZeros ? (shape[axis] ?? -2) : size))
  const free = sizes.indexOf(-1)
  const known = elementCount(sizes.filter((_, axis) => axis !== free))
  const elements = elementCount(shape)
  if (free >= 0) sizes[free] = known > 0 ? elements / known : 0
  const fits = elementCount(sizes) === elements && sizes.every((size) => Number.isInteger(size) && size >= 0)
  if (!fits || (free >= 0 && known === 0)) call.fail(`${show(shape)} cannot become ${show(target)}`)
  return [{ dtype, shape: sizes }]
}

export const transpose: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const perm = intsAttribute(call.node, 'perm', [...shape.keys()].reverse())
  if (perm.length !== shape.length || call.axes(perm, shape.length).some((axis, i) => axis !== perm[i])) {
    call.fail(`perm ${show(perm)} does not fit ${show(shape)}`)
  }
  return [{ dtype, shape: perm.map((axis) => shape[axis]!) }]
}

export const squeeze: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const given = call.optionalInts(1)
  const axes = given && call.axes(given, shape.length)
  if (axes?.some((axis) => shape[axis] !== 1)) call.fail(`axes ${show(axes)} of ${show(shape)} are not all 1`)
  return [{ dtype, shape: shape.filter((size, axis) => (axes ? !axes.includes(axis) : size !== 1)) }]
}

export const unsqueeze: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const given = call.ints(1)
  const rank = shape.length + given.length
  const axes = call.axes(given, rank)
  const sizes = shape.values()
  return [
    {
      dtype,
      shape: Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : sizes.next().value!)),
    },
  ]
}

export const concat: Rule = (call) => {
  const types = call.inputs()
  const first = types[0]!.shape
  const axis = call.axis(intAttribute(call.node, 'axis'), first.length)
  for (const { shape } of types) {
    if (shape.length !== first.length || shape.some((size, at) => at !== axis && size !== first[at])) {
      call.fail(`${show(first)} and ${show(shape)} do not join along axis ${axis}`)
    }
  }
  const total = types.reduce((sum, { shape }) => sum + shape[axis]!, 0)
  return [{ dtype: call.sameType(...types), shape: first.with(axis, total) }]
}

/** One axis of a Slice: where it begins, in which steps it goes, how many elements it takes. */
export interface SliceAxis {
  readonly start: number
  readonly step: number
  readonly size: number
}

/** What a Slice takes of every axis of its input. */
export function slicesOf(call: Call): SliceAxis[] {
  const { shape } = call.input(0)
  const slices: SliceAxis[] = shape.map((size) => ({ start: 0, step: 1, size }))
  const [starts, ends] = [call.ints(1), call.ints(2)]
  const axes = call.axes(call.optionalInts(3) ?? [...starts.keys()], shape.length)
  const steps = call.optionalInts(4) ?? starts.map(() => 1)
  if ([ends, axes, steps].some((list) => list.length !== starts.length) || steps.includes(0)) {
    call.fail(
      `starts ${show(starts)}, ends ${show(ends)}, axes ${show(axes)}, steps ${show(steps)} do not match`,
    )
  }
  axes.forEach((axis, i) => {
    const size = shape[axis]!
    const step = steps[i]!
    const clamp = (at: number, low: number, high: number) =>
      Math.min(Math.max(at < 0 ? at + size : at, low), high)
    // Going backwards, the end that stands for "before the first" is -1 after clamping.
    const start = step > 0 ? clamp(starts[i]!, 0, size) : clamp(starts[i]!, 0, size - 1)
    const end = step > 0 ? clamp(ends[i]!, 0, size) : clamp(ends[i]!, -1, size - 1)
    slices[axis] = { start, step, size: size === 0 ? 0 : Math.max(0, Math.ceil((end - start) / step)) }
  })
  return slices
}

export const slice: Rule = (call) => [
  { dtype: call.input(0).dtype, shape: slicesOf(call).map(({ size }) => size) },
]

export const gather: Rule = (call) => {
  const [x, indices] = [call.input(0), call.input(1)]
  const axis = call.axis(intAttribute(call.node, 'axis', 0), x.shape.length)
  return [
    { dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] },
  ]
}

/** The slice of the input's dimensions that a Shape node gives. */
export function shapeValue(call: Call): number[] {
  const { shape } = call.input(0)
  const { node } = call
  const end = attribute(node, 'end') === undefined ? shape.length : intAttribute(node, 'end')
  return shape.slice(intAttribute(node, 'start', 0), end)
}

export const shape: Rule = (call) => [{ dtype: 'int64', shape: [shapeValue(call).length] }]

export const constantOfShape: Rule = (call) => {
  const value = attribute(call.node, 'value')
  const tensor = typeof value === 'object' && 'kind' in value ? value : undefined
  if (tensor !== undefined && tensor.data.length !== 1) {
    call.fail(`value expected one element, got ${show(tensor.shape)}`)
  }
  return [{ dtype: tensor?.dtype ?? 'float32', shape: call.ints(0) }]
}
