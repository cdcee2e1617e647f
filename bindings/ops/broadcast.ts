import { checkShape } from '../validate.js'

/**
 * How two operands of different shapes meet, by the rules of NumPy and ONNX: shapes are aligned at the last axis, and
 * an axis of 1 repeats. Axes that can be walked as one are merged; the last is a row, the one before it counts rows,
 * the rest are `outer`. Made once for a pair of shapes.
 */
export interface Broadcast {
  /** Shape of the result. */
  readonly shape: readonly number[]
  readonly aElements: number
  readonly bElements: number
  readonly elements: number
  readonly rows: number
  readonly columns: number
  /** Strides in elements; 0 repeats. */
  readonly aRow: number
  readonly bRow: number
  readonly aStep: number
  readonly bStep: number
  readonly outer: readonly OuterAxis[]
}

interface OuterAxis {
  readonly size: number
  readonly aStride: number
  readonly bStride: number
}

/** Strides of a shape aligned to `rank` axes; 0 where it repeats. */
function alignedStrides(shape: readonly number[], rank: number): number[] {
  const strides = new Array<number>(rank).fill(0)
  let stride = 1
  for (let i = 1; i <= shape.length; i++) {
    const size = shape.at(-i)!
    strides[rank - i] = size === 1 ? 0 : stride
    stride *= size
  }
  return strides
}

/**
 * Plans an element-wise operation of two shapes.
 *
 * @throws RangeError if two aligned axes differ and neither is 1
 * @see ONNX, Multidirectional Broadcasting
 */
export function planBroadcast(a: readonly number[], b: readonly number[]): Broadcast {
  const aElements = checkShape('a', a)
  const bElements = checkShape('b', b)
  const rank = Math.max(a.length, b.length)
  const shape = Array.from({ length: rank }, (_, axis) => {
    const sizeA = a[a.length - rank + axis] ?? 1
    const sizeB = b[b.length - rank + axis] ?? 1
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) {
      throw new RangeError(`shapes [${a.join(', ')}] and [${b.join(', ')}] do not broadcast`)
    }
    return sizeA === 1 ? sizeB : sizeA
  })
  const elements = checkShape('result', shape)
  const aStrides = alignedStrides(a, rank)
  const bStrides = alignedStrides(b, rank)

  const axes: OuterAxis[] = []
  for (let axis = rank - 1; axis >= 0; axis--) {
    const size = shape[axis]!
    if (size === 1) continue
    const aStride = aStrides[axis]!
    const bStride = bStrides[axis]!
    const inner = axes[0]
    if (
      inner !== undefined &&
      aStride === inner.aStride * inner.size &&
      bStride === inner.bStride * inner.size
    ) {
      axes[0] = { ...inner, size: size * inner.size }
    } else {
      axes.unshift({ size, aStride, bStride })
    }
  }
  const row = axes.pop() ?? { size: 1, aStride: 1, bStride: 1 }
  const rows = axes.pop() ?? { size: 1, aStride: 0, bStride: 0 }
  return {
    shape,
    aElements,
    bElements,
    elements,
    rows: rows.size,
    columns: row.size,
    aRow: rows.aStride,
    bRow: rows.bStride,
    aStep: row.aStride,
    bStep: row.bStride,
    outer: axes,
  }
}
