// TensorFlow's operators that move elements or compute with shapes and positions.
import { ELEMENT_ARRAYS, type Tensor } from '../../formats/tensor.js'
import type { TfType } from './builder.js'
import { fail } from './fields.js'
import type { Converter, TfCall } from './node.js'

/** Stands for the end of any axis. */
const END = 2 ** 31 - 1
/** More outputs than any real operator has. */
const MAX_OUTPUTS = 4096

const reshape: Converter = (call) => {
  // ONNX copies a dimension for 0, TensorFlow means 0.
  const allowzero = call.weight(1) === undefined || call.ints(1, 'shape').includes(0) ? 1 : 0
  return call.to.emit('Reshape', [call.x(0), call.sizes(1)], { allowzero })
}

const squeeze: Converter = (call) => {
  const axes = [...call.node.ints('squeeze_dims'), ...call.node.ints('axis')]
  return call.to.emit('Squeeze', axes.length === 0 ? [call.x(0)] : [call.x(0), call.to.ints(axes)])
}

const expandDims: Converter = (call) =>
  call.to.emit('Unsqueeze', [call.x(0), call.to.ints([call.int(1, 'axis')])])

const transpose: Converter = (call) => call.to.transpose(call.x(0), call.ints(1, 'permutation'))

/** Inputs and an axis, which comes last, or first in the older form. */
const concat =
  (axisFirst: boolean): Converter =>
  (call) => {
    const last = call.count - 1
    const axis = call.int(axisFirst ? 0 : last, 'axis')
    const inputs = axisFirst ? call.all(1) : call.all(0, last)
    return inputs.length === 1 ? inputs[0]! : call.to.emit('Concat', inputs, { axis })
  }

function outputsOf(call: TfCall, key: string): number {
  const count = call.node.int(key, 0)
  return count >= 1 && count <= MAX_OUTPUTS ? count : fail(`${call.node}: "${key}" is ${count}`)
}

function splitEqually(call: TfCall, x: string, axis: number, count: number): string[] {
  return count === 1 ? [x] : call.to.emitMany('Split', [x], count, { axis, num_outputs: count })
}

/** Inputs are the axis and the value. */
const split: Converter = (call) =>
  splitEqually(call, call.x(1), call.int(0, 'axis'), outputsOf(call, 'num_split'))

/** Inputs are the value, the sizes and the axis. */
const splitV: Converter = (call) => {
  const sizes = call.ints(1, 'sizes')
  if (sizes.some((size) => size < 0)) call.refuse('a size that is to be found')
  if (sizes.length !== outputsOf(call, 'num_split')) fail(`${call.node} has ${sizes.length} sizes`)
  return call.to.emitMany('Split', [call.x(0), call.to.ints(sizes)], sizes.length, {
    axis: call.int(2, 'axis'),
  })
}

const pack: Converter = (call) => {
  const axis = call.node.int('axis', 0)
  const at = call.to.ints([axis])
  const rows = call.all().map((x) => call.to.emit('Unsqueeze', [x, at]))
  return rows.length === 1 ? rows[0]! : call.to.emit('Concat', rows, { axis })
}

const unpack: Converter = (call) => {
  const axis = call.node.int('axis', 0)
  const rows = splitEqually(call, call.x(0), axis, outputsOf(call, 'num'))
  return rows.map((row) => call.to.emit('Squeeze', [row, call.to.ints([axis])]))
}

/** Inputs are the value, where the slice begins and its size, -1 for all that is left. */
const slice: Converter = (call) => {
  const { to } = call
  const [begin, size] = [call.weight(1), call.weight(2)]
  if (begin !== undefined && size !== undefined) {
    const [starts, sizes] = [call.ints(1, 'begin'), call.ints(2, 'size')]
    const ends = starts.map((start, axis) => (sizes[axis] === -1 ? END : start + sizes[axis]!))
    return to.emit('Slice', [call.x(0), to.ints(starts), to.ints(ends), to.ints([...starts.keys()])])
  }
  if (size !== undefined && call.ints(2, 'size').includes(-1)) call.refuse('computed positions')
  const starts = call.sizes(1)
  return to.emit('Slice', [call.x(0), starts, to.emit('Add', [starts, call.sizes(2)])])
}

/** One entry of a strided slice: what it takes of its axis. */
interface Stride {
  readonly axis: number
  readonly start: number
  readonly end: number
  readonly step: number
}

/**
 * x[begin:end:step, ...] with masks: a bit for each entry that begins or ends as far as it can, is an ellipsis, a new axis
 * or a single index. After an ellipsis axes count from the end.
 */
const stridedSlice: Converter = (call) => {
  const { node, to } = call
  const steps = call.ints(3, 'strides')
  const bits = (key: string) => (entry: number) => entry < 31 && (node.int(key, 0) & (1 << entry)) !== 0
  const [opensBegin, opensEnd] = [bits('begin_mask'), bits('end_mask')]
  const [isEllipsis, isNew, isIndex] = [
    bits('ellipsis_mask'),
    bits('new_axis_mask'),
    bits('shrink_axis_mask'),
  ]
  const at = (position: number, entry: number): number =>
    call.ints(position, 'positions')[entry] ?? fail(`${node}: positions do not match`)
  const strides: Stride[] = []
  const removed: number[] = []
  const added: number[] = []
  const ellipsis = steps.findIndex((_, entry) => isEllipsis(entry))
  /** Entries from `from` on that take an axis of the input, or leave one in the output. */
  const left = (from: number, takes: (entry: number) => boolean) =>
    steps.filter((_, entry) => entry >= from && takes(entry)).length
  let [axis, outAxis] = [0, 0]
  steps.forEach((step, entry) => {
    if (entry === ellipsis) {
      axis = -left(entry + 1, (other) => !isNew(other))
      outAxis = -left(entry + 1, (other) => !isIndex(other) || isNew(other))
    } else if (isNew(entry)) {
      added.push(outAxis++)
    } else if (isIndex(entry)) {
      const start = at(1, entry)
      strides.push({ axis, start, end: start === -1 ? END : start + 1, step: 1 })
      removed.push(axis++)
    } else {
      const [first, last] = step > 0 ? [0, END] : [END, -END - 1]
      const start = opensBegin(entry) ? first : at(1, entry)
      const end = opensEnd(entry) ? last : at(2, entry)
      if (start !== 0 || end !== END || step !== 1) strides.push({ axis, start, end, step })
      axis++
      outAxis++
    }
  })
  let x = call.x(0)
  if (strides.length > 0) {
    const list = (key: keyof Stride) => to.ints(strides.map((stride) => stride[key]))
    x = to.emit('Slice', [x, list('start'), list('end'), list('axis'), list('step')])
  }
  if (removed.length > 0) x = to.emit('Squeeze', [x, to.ints(removed)])
  return added.length > 0 ? to.emit('Unsqueeze', [x, to.ints(added)]) : x
}

const gather: Converter = (call) => {
  if (call.node.int('batch_dims', 0) !== 0) call.refuse('batch dimensions')
  const axis = call.count > 2 ? call.int(2, 'axis') : 0
  return call.to.emit('Gather', [call.x(0), call.x(1)], { axis })
}

const gatherNd: Converter = (call) => call.to.emit('GatherND', [call.x(0), call.int64(1)])

/** A tensor of zeros of a computed shape. */
function zeros(call: TfCall, shape: string, dtype: TfType): string {
  const data = new ELEMENT_ARRAYS[dtype](1)
  const value = { kind: 'dense', dtype, shape: [1], data } as Tensor
  return call.to.emit('ConstantOfShape', [shape], { value })
}

/** Inputs are positions, values and the shape; values at the same position add up. */
const scatterNd: Converter = (call) => {
  const base = zeros(call, call.sizes(2), call.node.type('T'))
  return call.to.emit('ScatterND', [base, call.int64(0), call.x(1)], { reduction: 'add' })
}

const scatterUpdate: Converter = (call) => call.to.emit('ScatterND', [call.x(0), call.int64(1), call.x(2)])

/** Inputs are positions [n, rank], the shape, values [n] and the value of all other elements. */
const sparseToDense: Converter = (call) => {
  const { to } = call
  const positions = to.rankOf(call.x(0)) === 1 ? to.emit('Unsqueeze', [call.x(0), to.ints([1])]) : call.x(0)
  if (to.rankOf(call.x(2)) === 0) call.refuse('one value for all positions')
  const base = to.emit('Expand', [call.x(3), call.sizes(1)])
  return to.emit('ScatterND', [base, to.cast(positions, 'int64'), call.x(2)])
}

/** Positions [n, rank] of what is true. */
const where: Converter = (call) => {
  const { to } = call
  const isBool = call.node.type('T', 'bool') === 'bool'
  const condition = isBool ? call.x(0) : to.cast(call.x(0), 'bool')
  return to.cast(to.transpose(to.emit('NonZero', [condition]), [1, 0]), 'int32')
}

const pad =
  (mode: string): Converter =>
  (call) => {
    const pads = call.ints(1, 'paddings')
    const even = (odd: 0 | 1) => pads.filter((_, i) => i % 2 === odd)
    const value = call.count > 2 && mode === 'constant' ? [call.x(2)] : []
    return call.to.emit('Pad', [call.x(0), call.to.ints([...even(0), ...even(1)]), ...value], { mode })
  }

const mirrorPad: Converter = (call) => {
  const mode = call.node.text('mode', '')
  return mode === 'REFLECT' ? pad('reflect')(call) : call.refuse(`mode ${mode}`)
}

const topK: Converter = (call) => {
  const { to } = call
  const k = call.weight(1) === undefined ? to.emit('Reshape', [call.int64(1), to.ints([1])]) : call.sizes(1)
  const sorted = call.node.flag('sorted', true) ? 1 : 0
  const [values, indices] = to.emitMany('TopK', [call.x(0), k], 2, { axis: -1, sorted }) as [string, string]
  return [values, to.cast(indices, 'int32')]
}

/** Inputs are indices, the depth, and the values of ones and of all others. */
const oneHot: Converter = (call) => {
  const { to } = call
  const first = to.ints([0])
  const values = [3, 2].map((position) => to.emit('Unsqueeze', [call.x(position), first]))
  const axis = call.node.int('axis', -1)
  return to.emit('OneHot', [call.x(0), call.int64(1), to.emit('Concat', values, { axis: 0 })], { axis })
}

const reverse: Converter = (call) => {
  const axes = call.ints(1, 'axes')
  const all = (value: number) => call.to.ints(axes.map(() => value))
  return call.to.emit('Slice', [call.x(0), all(-1), all(-END - 1), call.to.ints(axes), all(-1)])
}

const shape: Converter = (call) => call.to.cast(call.to.emit('Shape', [call.x(0)]), 'int32')

const filled =
  (value: number): Converter =>
  (call) => {
    const number = call.to.scalar(value, call.node.type('T'))
    return call.to.emit('Expand', [number, call.to.emit('Shape', [call.x(0)])])
  }

const identity: Converter = (call) => call.x(0)

export const SHAPES: readonly (readonly [string, Converter])[] = [
  ...[
    'CheckNumerics',
    'Identity',
    'PlaceholderWithDefault',
    'PreventGradient',
    'Snapshot',
    'StopGradient',
  ].map((name) => [name, identity] as const),
  ['BroadcastTo', (call) => call.to.emit('Expand', [call.x(0), call.sizes(1)])],
  ['Cast', (call) => call.to.cast(call.x(0), call.node.type('DstT'))],
  ['Concat', concat(true)],
  ['ConcatV2', concat(false)],
  ['ExpandDims', expandDims],
  ['Fill', (call) => call.to.emit('Expand', [call.x(1), call.sizes(0)])],
  ['Gather', gather],
  ['GatherNd', gatherNd],
  ['GatherV2', gather],
  ['IdentityN', (call) => call.all()],
  ['MirrorPad', mirrorPad],
  ['OneHot', oneHot],
  ['OnesLike', filled(1)],
  ['Pack', pack],
  ['Pad', pad('constant')],
  ['PadV2', pad('constant')],
  ['Range', (call) => call.to.emit('Range', call.all(0, 3))],
  ['Reshape', reshape],
  ['ReverseV2', reverse],
  ['ScatterNd', scatterNd],
  ['Shape', shape],
  ['Size', (call) => call.to.cast(call.to.emit('Size', [call.x(0)]), 'int32')],
  ['Slice', slice],
  ['SparseToDense', sparseToDense],
  ['Split', split],
  ['SplitV', splitV],
  ['Squeeze', squeeze],
  ['StridedSlice', stridedSlice],
  ['TensorScatterUpdate', scatterUpdate],
  ['Tile', (call) => call.to.emit('Tile', [call.x(0), call.sizes(1)])],
  ['TopKV2', topK],
  ['Transpose', transpose],
  ['Unpack', unpack],
  ['Where', where],
  ['ZerosLike', filled(0)],
]
