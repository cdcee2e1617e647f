/**
 * The shape that two shapes broadcast to; undefined when they do not.
 *
 * @see ONNX Broadcasting.md, multidirectional
 */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length)
  const shape = new Array<number>(rank)
  for (let axis = 0; axis < rank; axis++) {
    const x = a[axis - rank + a.length] ?? 1
    const y = b[axis - rank + b.length] ?? 1
    if (x !== y && x !== 1 && y !== 1) return undefined
    shape[axis] = x === 1 ? y : x
  }
  return shape
}

/** Elements from one entry to the next along each axis of a dense tensor. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  let step = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step
    step *= shape[axis]!
  }
  return strides
}

/** Strides that read a tensor of `shape` as if it were of the larger `target`: 0 along repeated axes. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const strides = stridesOf(shape)
  const skip = target.length - shape.length
  return target.map((_, axis) => (axis < skip || shape[axis - skip] === 1 ? 0 : strides[axis - skip]!))
}
