/** All indices of a shape in row-major order. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  if (shape.length === 0) {
    yield []
    return
  }
  for (let i = 0; i < shape[0]!; i++) for (const rest of indices(shape.slice(1))) yield [i, ...rest]
}

/** Position of an index in row-major order; an axis of size 1 repeats, and missing leading axes too. */
export function position(shape: readonly number[], index: readonly number[]): number {
  const aligned = index.slice(index.length - shape.length)
  return shape.reduce((sum, size, axis) => sum * size + (size === 1 ? 0 : aligned[axis]!), 0)
}

export function broadcast(
  a: { shape: readonly number[]; data: ArrayLike<number> },
  b: { shape: readonly number[]; data: ArrayLike<number> },
  shape: readonly number[],
  apply: (a: number, b: number) => number,
): number[] {
  return [...indices(shape)].map((index) =>
    Math.fround(apply(a.data[position(a.shape, index)]!, b.data[position(b.shape, index)]!)),
  )
}

/** Axis k of the result is axis permutation[k] of x. */
export function transpose(
  x: ArrayLike<number>,
  shape: readonly number[],
  permutation: readonly number[],
): number[] {
  const result = permutation.map((axis) => shape[axis]!)
  return [...indices(result)].map((index) => {
    const source = new Array<number>(shape.length)
    permutation.forEach((axis, k) => (source[axis] = index[k]!))
    return x[position(shape, source)]!
  })
}
