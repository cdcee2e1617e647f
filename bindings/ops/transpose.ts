import type { Kernels } from '../runtime/instantiate.js'
import { checkInteger, checkShape } from '../validate.js'
import { addressOf, checkSlot, type Slot } from './slot.js'

/**
 * A permutation of axes, reduced to what a kernel does in one call (copy rows, or transpose a matrix) and the axes
 * that are left to walk. Made once for a shape.
 */
export interface Transpose {
  /** Shape of the result. */
  readonly shape: readonly number[]
  readonly elements: number
  /** `copy`: both sides are contiguous along the same axis. `matrix`: each is contiguous along an axis of the other. */
  readonly kind: 'copy' | 'matrix'
  readonly rows: number
  readonly columns: number
  /** Elements between rows of the input, and between rows of the output (columns of the input for a matrix). */
  readonly xStride: number
  readonly yStride: number
  readonly outer: readonly Axis[]
}

interface Axis {
  readonly size: number
  readonly xStride: number
  readonly yStride: number
}

/** Axes of the result, outermost first, those of 1 dropped and neighbours that stay neighbours merged. */
function mergedAxes(shape: readonly number[], permutation: readonly number[]): Axis[] {
  const xStrides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1))
  const axes: Axis[] = []
  let yStride = 1
  for (const axis of [...permutation].reverse()) {
    const size = shape[axis]!
    if (size === 1) continue
    const inner = axes[0]
    if (inner !== undefined && xStrides[axis] === inner.xStride * inner.size) {
      axes[0] = { ...inner, size: inner.size * size }
    } else {
      axes.unshift({ size, xStride: xStrides[axis]!, yStride })
    }
    yStride *= size
  }
  return axes
}

/**
 * Plans `y[i_p0, i_p1, ...] = x[i_0, i_1, ...]`: axis `k` of the result is axis `permutation[k]` of `shape`.
 *
 * @throws RangeError unless `permutation` holds every axis once
 * @see ONNX Transpose
 */
export function planTranspose(shape: readonly number[], permutation: readonly number[]): Transpose {
  const elements = checkShape('shape', shape)
  for (const axis of permutation) checkInteger('permutation', axis, 0, shape.length - 1)
  if (permutation.length !== shape.length || new Set(permutation).size !== shape.length) {
    throw new RangeError(
      `"permutation" expected every axis of ${shape.length} once, got [${permutation.join(', ')}]`,
    )
  }
  const axes = elements > 0 ? mergedAxes(shape, permutation) : []
  const common = { shape: permutation.map((axis) => shape[axis]!), elements }
  const last = axes.pop() ?? { size: elements, xStride: 1, yStride: 1 }
  if (last.xStride === 1) {
    const rows = axes.pop() ?? { size: 1, xStride: 0, yStride: 0 }
    return {
      ...common,
      kind: 'copy',
      rows: rows.size,
      columns: last.size,
      xStride: rows.xStride,
      yStride: rows.yStride,
      outer: axes,
    }
  }
  const contiguous = axes.find((axis) => axis.xStride === 1)!
  return {
    ...common,
    kind: 'matrix',
    rows: last.size,
    columns: contiguous.size,
    xStride: last.xStride,
    yStride: contiguous.yStride,
    outer: axes.filter((axis) => axis !== contiguous),
  }
}

function eachBlock(
  kernels: Kernels,
  plan: Transpose,
  bytes: 1 | 4,
  axis: number,
  x: number,
  y: number,
): void {
  if (axis === plan.outer.length) {
    const { kind, rows, columns, xStride, yStride } = plan
    if (kind === 'copy') {
      kernels.x8_copy_rows(x, xStride * bytes, y, yStride * bytes, rows, columns * bytes)
    } else if (bytes === 4) {
      kernels.x32_transpose(x, xStride, y, yStride, rows, columns)
    } else {
      kernels.x8_transpose(x, xStride, y, yStride, rows, columns)
    }
    return
  }
  const { size, xStride, yStride } = plan.outer[axis]!
  for (let i = 0; i < size; i++) {
    eachBlock(kernels, plan, bytes, axis + 1, x + i * xStride * bytes, y + i * yStride * bytes)
  }
}

function transpose(plan: Transpose, x: Slot, out: Slot, bytes: 1 | 4): void {
  checkSlot('x', x, plan.elements * bytes)
  checkSlot('out', out, plan.elements * bytes)
  if (plan.elements === 0) return
  eachBlock(out.handle.runtime.kernels, plan, bytes, 0, addressOf(x), addressOf(out))
}

/** Permutes the axes of 32-bit elements. Allocates nothing. */
export function x32Transpose(plan: Transpose, x: Slot, out: Slot): void {
  transpose(plan, x, out, 4)
}

/** The transposition of elements of any size: those of 8 bytes move as two of 4, those of 2 as two of 1. */
export function elementTranspose(
  shape: readonly number[],
  permutation: readonly number[],
  bytes: number,
): { plan: Transpose; kernel: string; run: typeof x32Transpose } {
  const unit = bytes % 4 === 0 ? 4 : 1
  const parts = bytes === unit ? [] : [bytes / unit]
  const plan = planTranspose([...shape, ...parts], [...permutation, ...parts.map(() => shape.length)])
  return { plan, kernel: `x${unit * 8}_transpose`, run: unit === 4 ? x32Transpose : x8Transpose }
}

/** Permutes the axes of bytes. Allocates nothing. */
export function x8Transpose(plan: Transpose, x: Slot, out: Slot): void {
  transpose(plan, x, out, 1)
}

/** Copies `rows` rows of `rowBytes`, strides in bytes: concatenation and splitting along any axis. */
export function x8CopyRows(
  x: Slot,
  xStride: number,
  out: Slot,
  outStride: number,
  rows: number,
  rowBytes: number,
): void {
  if (rows === 0) return
  checkSlot('x', x, (rows - 1) * xStride + rowBytes)
  checkSlot('out', out, (rows - 1) * outStride + rowBytes)
  out.handle.runtime.kernels.x8_copy_rows(addressOf(x), xStride, addressOf(out), outStride, rows, rowBytes)
}
