import { MAX_WINDOW } from '../limits.js'
import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from './attributes.js'
import { show, type Call } from './call.js'
import type { Rule } from './operators.js'

/** How one axis of a Resize is sampled. */
export interface ResizedAxis {
  readonly axis: number
  readonly size: number
  readonly output: number
  /** The size of the output before it is rounded to whole elements. */
  readonly length: number
  /** Elements of the output for one of the input. */
  readonly scale: number
  /** Part of the input that tf_crop_and_resize takes, in lengths of the axis. */
  readonly start: number
  readonly end: number
}

/** Numbers of an input that decides about the shape; undefined where it is absent or empty. */
function numbers(call: Call, position: number, count: number): number[] | undefined {
  const type = call.optional(position)
  if (type === undefined || type.shape.includes(0)) return undefined
  const list = type.value === undefined ? call.ints(position) : Array.from(type.value.data, Number)
  if (list.length !== count) call.fail(`input ${position} expected ${count} numbers, got ${list.length}`)
  return list
}

/** The axes that a Resize names, with their new sizes. */
export function resizedAxes(call: Call): ResizedAxis[] {
  const { node } = call
  const { shape } = call.input(0)
  const axes = call.axes(intsAttribute(node, 'axes', [...shape.keys()]), shape.length)
  const count = axes.length
  const roi = numbers(call, 1, 2 * count)
  const given = numbers(call, 2, count)
  const sizes = numbers(call, 3, count)
  if ((given === undefined) === (sizes === undefined)) call.fail('expected either scales or sizes')
  const scales = given ?? sizes!.map((size, i) => size / shape[axes[i]!]!)
  // Where NaN and negative numbers stop; an axis without elements has nothing to sample.
  if (scales.some((scale, i) => !((scale > 0 || sizes?.[i] === 0) && scale < Infinity))) {
    call.fail(`cannot resize ${show(shape)} by ${show(scales)}`)
  }
  const policy = stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch')
  const common = sizes && policy !== 'stretch' ? aspect(policy)(...scales) : undefined
  return axes.map((axis, i) => {
    const size = shape[axis]!
    const scale = common ?? scales[i]!
    const length = common === undefined ? (sizes?.[i] ?? size * scale) : Math.round(size * scale)
    return {
      axis,
      size,
      output: Math.floor(length),
      length,
      scale,
      start: roi?.[i] ?? 0,
      end: roi?.[count + i] ?? 1,
    }
  })
}

const aspect = (policy: string) => (policy === 'not_larger' ? Math.min : Math.max)

export const resize: Rule = (call) => {
  const { dtype, shape } = call.input(0)
  const sizes = [...shape]
  for (const { axis, output } of resizedAxes(call)) sizes[axis] = output
  return [{ dtype, shape: sizes }]
}

/** For each element of an axis of the result, the elements that it is a sum of. */
export interface Taps {
  readonly count: number
  /** `count` an element, in ascending order of where they lie. */
  readonly indices: Int32Array
  readonly weights: Float32Array
  /** Elements that lie outside the image, which are a constant instead. */
  readonly outside: readonly number[]
}

const TRANSFORMS: Readonly<Record<string, (x: number, axis: ResizedAxis) => number>> = {
  half_pixel: (x, { scale }) => (x + 0.5) / scale - 0.5,
  half_pixel_symmetric: (x, { scale, size, output }) =>
    (size / 2) * (1 - output / (scale * size)) + (x + 0.5) / scale - 0.5,
  pytorch_half_pixel: (x, { scale, output }) => (output > 1 ? (x + 0.5) / scale - 0.5 : 0),
  align_corners: (x, { size, length }) => (length === 1 ? 0 : (x * (size - 1)) / (length - 1)),
  asymmetric: (x, { scale }) => x / scale,
  tf_half_pixel_for_nn: (x, { scale }) => (x + 0.5) / scale,
  tf_crop_and_resize: (x, { size, length, start, end }) =>
    (size - 1) * (length === 1 ? 0.5 * (start + end) : start + (x * (end - start)) / (length - 1)),
}

const ROUNDINGS: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
}

/** Weight of an element at a distance (Keys, IEEE Trans. ASSP 29, 1981). */
const cubic =
  (a: number) =>
  (distance: number): number => {
    const x = Math.abs(distance)
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1
    return x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0
  }

const linear = (distance: number) => Math.max(0, 1 - Math.abs(distance))

function choose<T>(call: Call, table: Readonly<Record<string, T>>, name: string, fallback: string): T {
  const choice = stringAttribute(call.node, name, fallback)
  return Object.hasOwn(table, choice)
    ? table[choice]!
    : call.fail(`${name} ${JSON.stringify(choice)} is not defined`)
}

/**
 * How an axis is sampled.
 *
 * @throws RangeError that names the node for options that are not defined, and coordinates that are no numbers
 * @see ONNX Resize (opset 19)
 */
export function tapsOf(call: Call, axis: ResizedAxis): Taps {
  const { node } = call
  const { size, output, scale } = axis
  const transform = choose(call, TRANSFORMS, 'coordinate_transformation_mode', 'half_pixel')
  const round = choose(call, ROUNDINGS, 'nearest_mode', 'round_prefer_floor')
  const a = floatAttribute(node, 'cubic_coeff_a', -0.75)
  const [weigh, radius] = choose(
    call,
    { nearest: [linear, 0], linear: [linear, 1], cubic: [cubic(a), 2] } as const,
    'mode',
    'nearest',
  )
  const antialias = intAttribute(node, 'antialias', 0) !== 0
  const exclude = intAttribute(node, 'exclude_outside', 0) !== 0
  const crops = transform === TRANSFORMS['tf_crop_and_resize']
  const stretch = antialias ? Math.min(scale, 1) : 1
  const first = radius === 0 ? 0 : Math.floor(-radius / stretch) + 1
  const count = radius === 0 ? 1 : 2 - 2 * first
  if (count * output > MAX_WINDOW) call.fail(`${count} elements a sample are too many`)
  const indices = new Int32Array(count * output)
  const weights = new Float32Array(count * output)
  const outside: number[] = []
  const row = new Float64Array(count)
  for (let j = 0; j < output; j++) {
    const x = transform(j, axis)
    if (!Number.isFinite(x)) call.fail(`coordinate ${x} of axis ${axis.axis}`)
    if (crops && !(x >= 0 && x <= size - 1)) outside.push(j)
    const base = radius === 0 ? round(x) : Math.floor(x)
    let sum = 0
    for (let t = 0; t < count; t++) {
      const index = base + first + t
      const isOut = index < 0 || index >= size
      indices[j * count + t] = Math.min(Math.max(index, 0), size - 1)
      row[t] = radius === 0 ? 1 : isOut && exclude ? 0 : weigh((first + t - (x - base)) * stretch)
      sum += row[t]!
    }
    const total = exclude || antialias ? sum : 1
    for (let t = 0; t < count; t++) weights[j * count + t] = row[t]! / total
  }
  return { count, indices, weights, outside }
}
