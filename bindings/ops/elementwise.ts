import { BinaryOp } from '../kernels/elementwise.js'
import { UNARY_OPS, type UnaryOp } from '../kernels/unary-ops.js'
import type { Kernels } from '../runtime/instantiate.js'
import type { Broadcast } from './broadcast.js'
import { addressOf, checkSlot, type Slot } from './slot.js'

export type { UnaryOp }

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

/** `out = min(a, b)`, NaN if either is. `out` may be an operand that does not repeat. */
export function f32Min(plan: Broadcast, a: Slot, b: Slot, out: Slot): void {
  binary(BinaryOp.min, plan, a, b, out)
}

/** `out = max(a, b)`, NaN if either is. `out` may be an operand that does not repeat. */
export function f32Max(plan: Broadcast, a: Slot, b: Slot, out: Slot): void {
  binary(BinaryOp.max, plan, a, b, out)
}

/** `out = a < 0 ? a * b : a`. `out` may be an operand that does not repeat. */
export function f32PRelu(plan: Broadcast, a: Slot, b: Slot, out: Slot): void {
  binary(BinaryOp.prelu, plan, a, b, out)
}

/** `out = a^b`. `out` may be an operand that does not repeat. */
export function f32Pow(plan: Broadcast, a: Slot, b: Slot, out: Slot): void {
  binary(BinaryOp.pow, plan, a, b, out)
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

/**
 * `out = op(x)` of `length` values, in place if the slots are one.
 *
 * @param op by its name in ONNX; `GeluTanh` is Gelu with approximate = tanh
 * @param alpha what ONNX calls so, lambd of Shrink
 * @param beta likewise; bias of Shrink
 */
export function f32Unary(op: UnaryOp, x: Slot, out: Slot, length: number, alpha = 0, beta = 0): void {
  checkPair(x, out, length)
  const { kernels } = out.handle.runtime
  kernels.f32_unary(UNARY_OPS.indexOf(op), addressOf(x), addressOf(out), length, alpha, beta)
}

/** Softmax of each of `rows` rows of `columns` values, in place if the slots are one. */
export function f32Softmax(x: Slot, out: Slot, rows: number, columns: number): void {
  checkPair(x, out, rows * columns)
  if (columns > 0) out.handle.runtime.kernels.f32_softmax(addressOf(x), addressOf(out), rows, columns)
}
