import { addressOf, checkSlot, type Slot } from './slot.js'

interface Axis {
  readonly size: number
  readonly xStride: number
  readonly yStride: number
}

/** Elements that are copied from one tensor to a place in another. Made once for a shape. */
export interface Copy {
  /** Bytes that move at once, 4 or 1; strides and offsets count them. */
  readonly unit: 1 | 4
  readonly xStart: number
  readonly yStart: number
  readonly axes: readonly Axis[]
  /** Units up to the last that is read or written. */
  readonly xEnd: number
  readonly yEnd: number
}

/** Where the elements of a copy lie in one of its tensors, in elements: the first, and from one to the next along each axis. */
export interface Side {
  readonly start?: number
  readonly strides: readonly number[]
}

/** Plans `y[start + sum(i * strides)] = x[start + sum(i * strides)]` over all indices of `shape`, for elements of some bytes. */
export function planCopy(shape: readonly number[], x: Side, y: Side, bytes: number): Copy {
  const unit = bytes % 4 === 0 ? 4 : 1
  const parts = bytes / unit
  const axes: Axis[] = parts === 1 ? [] : [{ size: parts, xStride: 1, yStride: 1 }]
  for (let i = shape.length - 1; i >= 0; i--) {
    const [size, xStride, yStride] = [shape[i]!, x.strides[i]! * parts, y.strides[i]! * parts]
    const [inner] = axes
    const isNext = (inner: Axis) =>
      xStride === inner.xStride * inner.size && yStride === inner.yStride * inner.size
    if (inner !== undefined && isNext(inner)) {
      axes[0] = { ...inner, size: size * inner.size }
    } else if (size !== 1) axes.unshift({ size, xStride, yStride })
  }
  const [xStart, yStart] = [(x.start ?? 0) * parts, (y.start ?? 0) * parts]
  const end = (start: number, key: 'xStride' | 'yStride') =>
    axes.reduce((last, axis) => last + (axis.size - 1) * Math.max(axis[key], 0), start) + 1
  return { unit, xStart, yStart, axes, xEnd: end(xStart, 'xStride'), yEnd: end(yStart, 'yStride') }
}

/** Does a copy. Rows that lie together on both sides move by a kernel. Allocates nothing in linear memory. */
export function copy(plan: Copy, x: Slot, y: Slot): void {
  const { unit, axes, xStart, yStart } = plan
  if (axes.some(({ size }) => size === 0)) return
  checkSlot('x', x, plan.xEnd * unit)
  checkSlot('y', y, plan.yEnd * unit)
  const { kernels, memory } = y.handle.runtime
  const units = unit === 4 ? memory.i32 : memory.u8
  const row = axes.at(-1) ?? { size: 1, xStride: 1, yStride: 1 }
  const isTogether = row.xStride === 1 && row.yStride === 1
  const rows = (isTogether ? axes.at(-2) : undefined) ?? { size: 1, xStride: 0, yStride: 0 }
  const outer = Math.max(0, axes.length - (isTogether ? 2 : 1))

  const walk = (axis: number, from: number, to: number): void => {
    if (axis < outer) {
      const { size, xStride, yStride } = axes[axis]!
      for (let i = 0; i < size; i++) walk(axis + 1, from + i * xStride, to + i * yStride)
    } else if (isTogether) {
      const [xBytes, yBytes] = [rows.xStride * unit, rows.yStride * unit]
      kernels.x8_copy_rows(from * unit, xBytes, to * unit, yBytes, rows.size, row.size * unit)
    } else if (row.xStride === 0 && row.yStride === 1) {
      units.fill(units[from]!, to, to + row.size)
    } else {
      for (let i = 0; i < row.size; i++) units[to + i * row.yStride] = units[from + i * row.xStride]!
    }
  }
  walk(0, addressOf(x) / unit + xStart, addressOf(y) / unit + yStart)
}
