import { BinaryOp } from '../kernels/elementwise.js'
import type { Kernels } from '../runtime/instantiate.js'
import type { Broadcast } from './broadcast.js'
import { addressOf, checkSlot, type Slot } from './slot.js'

/** Walks the outer axes and calls the kernel for each combination; recursion is as deep as the axes that do not merge. */
function eachRowBlock(
  kernels: Kernels,
  op: number,
  plan: Broadcast,
  axis: number,
  a: number,
  b: number,
  out: number,
): number {
  if (axis === plan.outer.length) {
    const { aRow, aStep, bRow, bStep, rows, columns } = plan
    kernels.f32_binary(op, a, aRow, aStep, b, bRow, bStep, out, rows, columns)
    return out + rows * columns * 4
  }
  const { size, aStride, bStride } = plan.outer[axis]!
  for (let i = 0; i < size; i++) {
    out = eachRowBlock(kernels, op, plan, axis + 1, a + i * aStride * 4, b + i * bStride * 4, out)
  }
  return out
}

function binary(op: number, plan: Broadcast, a: Slot, b: Slot, out: Slot): void {
  checkSlot('a', a, plan.aElements * 4)
  checkSlot('b', b, plan.bElements * 4)
  checkSlot('out', out, plan.elements * 4)
  if (plan.elements === 0) return
  const { kernels } = out.handle.runtime
  eachRowBlock(kernels, op, plan, 0, addressOf(a), addressOf(b), addressOf(out))
}

/** `out = a + b`. `out` may be an operand that does not repeat. */
export function f32Add(plan: Broadcast, a: Slot, b: Slot, out: Slot): void {
  binary(BinaryOp.add, plan, a, b, out)
}

/** `out = a - b`. `out` may be an operand that does not repeat. */
export function f32Sub(plan: Broadcast, a: Slot, b: Slot, out: Slot): void {
  binary(BinaryOp.sub, plan, a, b, out)
}

/** `out = a * b`. `out` may be an operand that does not repeat. */
export function f32Mul(plan: Broadcast, a: Slot, b: Slot, out: Slot): void {
  binary(BinaryOp.mul, plan, a, b, out)
}

/** `out = a / b`. `out` may be an operand that does not repeat. */
export function f32Div(plan: Broadcast, a: Slot, b: Slot, out: Slot): void {
  binary(BinaryOp.div, plan, a, b, out)
}

function checkPair(x: Slot, out: Slot, length: number): void {
  checkSlot('x', x, length * 4)
  checkSlot('out', out, length * 4)
}

/** `out = min(max(x, min), max)` of `length` values, in place if the slots are one. NaN stays NaN. */
export function f32Clamp(x: Slot, out: Slot, length: number, min: number, max: number): void {
  checkPair(x, out, length)
  out.handle.runtime.kernels.f32_clamp(addressOf(x), addressOf(out), length, min, max)
}

/** `out = max(x, 0)` */
export function f32Relu(x: Slot, out: Slot, length: number): void {
  f32Clamp(x, out, length, 0, Infinity)
}

/** `out = e^x` of `length` values, in place if the slots are one; so are the four below. */
export function f32Exp(x: Slot, out: Slot, length: number): void {
  checkPair(x, out, length)
  out.handle.runtime.kernels.f32_exp(addressOf(x), addressOf(out), length)
}

/** `out = 1 / (1 + e^-x)` */
export function f32Sigmoid(x: Slot, out: Slot, length: number): void {
  checkPair(x, out, length)
  out.handle.runtime.kernels.f32_sigmoid(addressOf(x), addressOf(out), length)
}

export function f32Tanh(x: Slot, out: Slot, length: number): void {
  checkPair(x, out, length)
  out.handle.runtime.kernels.f32_tanh(addressOf(x), addressOf(out), length)
}

/** Softmax of each of `rows` rows of `columns` values, in place if the slots are one. */
export function f32Softmax(x: Slot, out: Slot, rows: number, columns: number): void {
  checkPair(x, out, rows * columns)
  if (columns > 0) out.handle.runtime.kernels.f32_softmax(addressOf(x), addressOf(out), rows, columns)
}
