import { ELEMENT_ARRAYS, elementCount, type Tensor } from './tensor.js'

/** A tensor with its axes in another order: axis i of the result is axis `permutation[i]` of `tensor`. */
export function permuted(tensor: Tensor, permutation: readonly number[]): Tensor {
  const shape = permutation.map((axis) => tensor.shape[axis]!)
  const strides = permutation.map((axis) => elementCount(tensor.shape.slice(axis + 1)))
  const data = new ELEMENT_ARRAYS[tensor.dtype](tensor.data.length)
  // Elements only move, so that numbers and bigints are alike.
  const [from, to] = [tensor.data, data] as unknown as [number[], number[]]
  const last = shape.length - 1
  const [inner, step] = [shape[last] ?? 1, strides[last] ?? 0]
  const index = shape.map(() => 0)
  for (let at = 0, row = 0; at < to.length;) {
    for (let i = 0, read = row; i < inner; i++, read += step) to[at++] = from[read]!
    for (let axis = last - 1; axis >= 0; axis--) {
      row += strides[axis]!
      if (++index[axis]! < shape[axis]!) break
      row -= strides[axis]! * shape[axis]!
      index[axis] = 0
    }
  }
  return { ...tensor, shape, data } as Tensor
}
