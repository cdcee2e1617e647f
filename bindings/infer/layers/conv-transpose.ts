import { elementCount } from '../../formats/tensor.js'
import { intAttribute } from '../../graph/attributes.js'
import { stridesOf } from '../../graph/broadcast.js'
import type { Weight } from '../../graph/model.js'
import { transposedWindows } from '../../graph/transposed.js'
import { perAxis } from '../../graph/windows.js'
import { MAX_PHASES } from '../../limits.js'
import { viewSlot } from '../../ops/slot.js'
import { x8CopyRows } from '../../ops/transpose.js'
import { UnsupportedVariant, type LayerFactory, type Loader } from '../loader.js'
import { Operand, shifted, type Planner } from '../plan.js'
import { fusedBounds } from './bounds.js'
import { biasOf, loadConvolution, type LoadedConvolution } from './conv.js'
import { rearranged } from './rearrange.js'

/** The elements of a kernel axis that meet the output elements of one remainder modulo the stride. */
interface AxisPhase {
  readonly remainder: number
  /** In the order in which the window of an ordinary convolution meets the input. */
  readonly taps: readonly number[]
  /** Where that window begins: so many input elements before the output element's own. */
  readonly reach: number
  /** Distance of neighbours in the input. */
  readonly dilation: number
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))

/**
 * Output element q * stride + r of the full result is the sum over the taps k with k * dilation = r modulo stride of input
 * element q - (k * dilation - r) / stride.
 */
function phasesOf(kernel: number, stride: number, dilation: number): AxisPhase[] {
  const step = stride / divisor(stride, dilation)
  const phases: AxisPhase[] = []
  for (let first = 0; first < Math.min(step, kernel); first++) {
    const remainder = (first * dilation) % stride
    const count = Math.ceil((kernel - first) / step)
    const taps = Array.from({ length: count }, (_, i) => first + (count - 1 - i) * step)
    const reach = (taps[0]! * dilation - remainder) / stride
    phases.push({ remainder, taps, reach, dilation: (step * dilation) / stride })
  }
  return phases
}

function product<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((rows, list) => rows.flatMap((row) => list.map((item) => [...row, item])), [[]])
}

interface Phase {
  readonly axes: readonly AxisPhase[]
  readonly loaded: LoadedConvolution
}

/**
 * ConvTranspose over one to three spatial axes, as convolutions with the taps that meet the same outputs: one for each
 * remainder of output positions modulo the strides. Sums run as those of [conv](../../../assembly/README.md#conv), the window
 * of each turned around.
 */
export const convTranspose: LayerFactory = (node, loader) => {
  const [input, name, biasName] = node.inputs as [string, string, string | undefined]
  const [output] = node.outputs as [string]
  const weight = loader.take(name)
  if (weight === undefined) throw new UnsupportedVariant('ConvTranspose with computed weights')
  const group = intAttribute(node, 'group', 1)
  const kernel = weight.shape.slice(2)
  const strides = perAxis(node, 'strides', kernel.length, 1)
  const dilations = perAxis(node, 'dilations', kernel.length, 1)
  const bounds = fusedBounds(node)
  const bias = biasOf(loader, biasName)
  const ones = kernel.map(() => 1)
  const combinations = kernel.map((size, axis) => phasesOf(size, strides[axis]!, dilations[axis]!))
  if (combinations.reduce((count, { length }) => count * length, 1) > MAX_PHASES) {
    throw new UnsupportedVariant(`ConvTranspose of more than ${MAX_PHASES} phases`)
  }
  const phases = product(combinations).map((axes): Phase => ({
    axes,
    loaded: loadConvolution(loader, {
      weight: phaseWeight(loader, weight, group, axes),
      bias,
      strides: ones,
      dilations: axes.map(({ dilation }) => dilation),
      group,
      bounds,
      range: loader.range(input),
    }),
  }))
  const { wants, stored } = phases[0]!.loaded
  return {
    wants,
    stored: stored!,
    plan(planner) {
      const x = wants === undefined ? planner.float(input, 'last') : planner.codes(input, wants, 'last')
      const y = planner.create(output, 'last')
      const { padsBegin } = transposedWindows(node, x.shape.slice(2), kernel)
      if (y.elements === 0) return
      // Positions that no tap meets hold the bias.
      if (phases.length < elementCount(strides)) {
        const pixel = (bias ?? new Float32Array(y.shape[1]!)).map((v) =>
          Math.min(Math.max(v, bounds.min), bounds.max),
        )
        planner.step('fill', [], [y], () => {
          const data = viewSlot(y, 'float32', y.elements)
          for (let i = 0; i < data.length; i += pixel.length) data.set(pixel, i)
        })
      }
      for (const phase of phases) planPhase(planner, phase, x, y, padsBegin, strides)
    },
  }
}

/** Weights [C, O / group, ...kernel] of one phase as [O, C / group, ...taps]. */
function phaseWeight(loader: Loader, weight: Weight, group: number, axes: readonly AxisPhase[]): Weight {
  const [channels = 0, filters = 0, ...kernel] = weight.shape
  const strides = stridesOf(kernel)
  const offsets = product(axes.map(({ taps }, axis) => taps.map((tap) => tap * strides[axis]!)))
  const taps = offsets.map((parts) => parts.reduce((sum, part) => sum + part, 0))
  const size = elementCount(kernel)
  const inputs = channels / group
  const order: number[] = []
  for (let o = 0; o < filters * group; o++) {
    const [first, column] = [Math.floor(o / filters) * inputs, o % filters]
    for (let c = 0; c < inputs; c++) {
      for (const tap of taps) order.push(((first + c) * filters + column) * size + tap)
    }
  }
  const shape = [filters * group, inputs, ...axes.map((axis) => axis.taps.length)]
  return rearranged(loader, weight, group === 1 ? 1 : -1, shape, order)
}

/** Where the outputs of a phase along one axis are computed, and where they go. */
interface AxisPlan {
  readonly padBegin: number
  readonly padEnd: number
  /** Outputs that are computed, and how many of them come before the first that is wanted. */
  readonly windows: number
  readonly skipped: number
  /** The wanted ones, from `first` on in steps of the stride. */
  readonly count: number
  readonly first: number
}

function planAxis(
  { remainder, taps, reach, dilation }: AxisPhase,
  size: number,
  output: number,
  pad: number,
  stride: number,
): AxisPlan {
  const first = (((remainder - pad) % stride) + stride) % stride
  const count = Math.max(0, Math.ceil((output - first) / stride))
  const start = (first + pad - remainder) / stride - reach
  const extent = (taps.length - 1) * dilation
  // Kernels pad, but do not crop: what is beyond the wanted outputs is computed too.
  const padBegin = Math.max(0, -start)
  const last = Math.max(start + count - 1, size - 1 - extent)
  const padEnd = Math.max(0, last + extent - (size - 1))
  return { padBegin, padEnd, windows: last + padBegin + 1, skipped: start + padBegin, count, first }
}

function planPhase(
  planner: Planner,
  { axes, loaded }: Phase,
  x: Operand,
  y: Operand,
  pads: readonly number[],
  strides: readonly number[],
): void {
  const [batch, channels, ...sizes] = y.shape as [number, number, ...number[]]
  const plans = axes.map((axis, i) => planAxis(axis, x.shape[i + 2]!, sizes[i]!, pads[i]!, strides[i]!))
  if (plans.some(({ count }) => count === 0)) return
  const begin = plans.map(({ padBegin }) => padBegin)
  const end = plans.map(({ padEnd }) => padEnd)
  const isWhole = plans.every(({ windows }, i) => windows === sizes[i] && strides[i] === 1)
  if (isWhole) return loaded.plan(planner, x, begin, end, y)
  const windows = plans.map((plan) => plan.windows)
  const shape = [batch, channels, ...windows]
  const part = new Operand(shape, { layout: 'last', coding: undefined }, planner.temporary(shape).place)
  loaded.plan(planner, x, begin, end, part)
  const bytes = channels * 4
  const last = plans.pop()!
  const step = strides.at(-1)! * bytes
  const copy = (axis: number, from: number, to: number): void => {
    const plan = plans[axis]
    if (plan === undefined) {
      const source = shifted(part, (from * last.windows + last.skipped) * bytes)
      const target = shifted(y, (to * sizes.at(-1)! + last.first) * bytes)
      return x8CopyRows(source, bytes, target, step, last.count, bytes)
    }
    for (let i = 0; i < plan.count; i++) {
      const row = from * plan.windows + plan.skipped + i
      copy(axis + 1, row, to * sizes[axis]! + plan.first + i * strides[axis]!)
    }
  }
  planner.step('x8_copy_rows', [part], [y], () => {
    for (let image = 0; image < batch; image++) copy(0, image, image)
  })
}
