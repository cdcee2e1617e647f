import { MAX, MIN, SUM } from './combine'

/** Combines `count` blocks of sixteen elements, `stride` bytes apart, into sixteen chains at y. */
export function sixteen(op: i32, x: usize, stride: usize, count: i32, identity_f32x4: v128, y: usize): void {
  let acc0 = identity_f32x4
  let acc1 = acc0
  let acc2 = acc0
  let acc3 = acc0
  while (count > 0) {
    const x0 = v128.load(x)
    const x1 = v128.load(x, 16)
    const x2 = v128.load(x, 32)
    const x3 = v128.load(x, 48)
    switch (op) {
      case SUM:
        acc0 = f32x4.add(acc0, x0)
        acc1 = f32x4.add(acc1, x1)
        acc2 = f32x4.add(acc2, x2)
        acc3 = f32x4.add(acc3, x3)
        break
      case MAX:
        acc0 = f32x4.max(acc0, x0)
        acc1 = f32x4.max(acc1, x1)
        acc2 = f32x4.max(acc2, x2)
        acc3 = f32x4.max(acc3, x3)
        break
      case MIN:
        acc0 = f32x4.min(acc0, x0)
        acc1 = f32x4.min(acc1, x1)
        acc2 = f32x4.min(acc2, x2)
        acc3 = f32x4.min(acc3, x3)
        break
      default:
        acc0 = f32x4.mul(acc0, x0)
        acc1 = f32x4.mul(acc1, x1)
        acc2 = f32x4.mul(acc2, x2)
        acc3 = f32x4.mul(acc3, x3)
    }
    x += stride
    count--
  }
  v128.store(y, acc0)
  v128.store(y, acc1, 16)
  v128.store(y, acc2, 32)
  v128.store(y, acc3, 48)
}

/** Combines `count` vectors, `stride` bytes apart, with `acc`. */
export function four(op: i32, x: usize, stride: usize, count: i32, acc: v128): v128 {
  while (count > 0) {
    const v = v128.load(x)
    switch (op) {
      case SUM:
        acc = f32x4.add(acc, v)
        break
      case MAX:
        acc = f32x4.max(acc, v)
        break
      case MIN:
        acc = f32x4.min(acc, v)
        break
      default:
        acc = f32x4.mul(acc, v)
    }
    x += stride
    count--
  }
  return acc
}
