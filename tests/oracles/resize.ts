/** ONNX Resize by its operator page: every element of the result by itself, all axes at once, in float64. */

export interface ResizeProblem {
  readonly data: ArrayLike<number>
  readonly shape: readonly number[]
  readonly output: readonly number[]
  readonly scales: readonly number[]
  readonly roi?: readonly number[]
  readonly mode: string
  readonly transform: string
  readonly nearest?: string
  readonly a?: number
  readonly exclude?: boolean
  readonly antialias?: boolean
  readonly extrapolation?: number
}

function coordinate(q: ResizeProblem, axis: number, x: number): number {
  const [size, out, scale] = [q.shape[axis]!, q.output[axis]!, q.scales[axis]!]
  switch (q.transform) {
    case 'half_pixel':
      return (x + 0.5) / scale - 0.5
    case 'pytorch_half_pixel':
      return out > 1 ? (x + 0.5) / scale - 0.5 : 0
    case 'align_corners':
      return out === 1 ? 0 : (x * (size - 1)) / (scale * size - 1)
    case 'asymmetric':
      return x / scale
    case 'tf_half_pixel_for_nn':
      return (x + 0.5) / scale
    case 'half_pixel_symmetric': {
      const adjustment = out / (scale * size)
      return (size / 2) * (1 - adjustment) + (x + 0.5) / scale - 0.5
    }
    default: {
      const [start, end] = [q.roi![axis]!, q.roi![q.shape.length + axis]!]
      return out > 1
        ? start * (size - 1) + (x * (end - start) * (size - 1)) / (scale * size - 1)
        : 0.5 * (start + end) * (size - 1)
    }
  }
}

function nearest(mode: string, x: number): number {
  if (mode === 'floor') return Math.floor(x)
  if (mode === 'ceil') return Math.ceil(x)
  const isTie = x - Math.floor(x) === 0.5
  if (isTie) return mode === 'round_prefer_ceil' ? Math.ceil(x) : Math.floor(x)
  return Math.round(x)
}

function weightOf(q: ResizeProblem, distance: number): number {
  const d = Math.abs(distance)
  if (q.mode === 'linear') return Math.max(0, 1 - d)
  const a = q.a ?? -0.75
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1
  return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0
}

/** Elements of an axis and their weights. */
function neighbours(q: ResizeProblem, axis: number, x: number): [number, number][] {
  const size = q.shape[axis]!
  const clamp = (i: number) => Math.min(Math.max(i, 0), size - 1)
  if (q.mode === 'nearest') return [[clamp(nearest(q.nearest ?? 'round_prefer_floor', x)), 1]]
  const s = q.antialias ? Math.min(1, q.scales[axis]!) : 1
  const reach = (q.mode === 'linear' ? 1 : 2) / s
  const list: [number, number][] = []
  for (let i = Math.floor(x - reach) - 1; i <= x + reach + 1; i++) {
    const isOut = i < 0 || i >= size
    list.push([clamp(i), q.exclude && isOut ? 0 : weightOf(q, (i - x) * s)])
  }
  const total = q.exclude || q.antialias ? list.reduce((sum, [, w]) => sum + w, 0) : 1
  return list.map(([i, w]) => [i, w / total])
}

export function resize(q: ResizeProblem): Float64Array {
  const strides = q.shape.map((_, axis) => q.shape.slice(axis + 1).reduce((a, b) => a * b, 1))
  const result: number[] = []
  const visit = (index: number[]): void => {
    if (index.length < q.output.length) {
      for (let i = 0; i < q.output[index.length]!; i++) visit([...index, i])
      return
    }
    const xs = index.map((i, axis) => coordinate(q, axis, i))
    const isOut = xs.some((x, axis) => x < 0 || x > q.shape[axis]! - 1)
    if (q.transform === 'tf_crop_and_resize' && isOut) {
      result.push(q.extrapolation ?? 0)
      return
    }
    const lists = xs.map((x, axis) => neighbours(q, axis, x))
    const sum = (axis: number, at: number): number =>
      axis === lists.length
        ? q.data[at]!
        : lists[axis]!.reduce((total, [i, w]) => total + w * sum(axis + 1, at + i * strides[axis]!), 0)
    result.push(sum(0, 0))
  }
  visit([])
  return Float64Array.from(result)
}
