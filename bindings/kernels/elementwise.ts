import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { expF32, powF32 } from './math.js'
import { clamp } from './rounding.js'

/** What `op` of f32_binary may be; mirrors assembly/elementwise/binary.ts. */
export const BinaryOp = {
  add: 0,
  sub: 1,
  mul: 2,
  div: 3,
  min: 4,
  max: 5,
  prelu: 6,
  pow: 7,
} as const

function apply(op: number, a: number, b: number): number {
  switch (op) {
    case BinaryOp.add:
      return a + b
    case BinaryOp.sub:
      return a - b
    case BinaryOp.mul:
      return a * b
    case BinaryOp.div:
      return a / b
    case BinaryOp.min:
      return Math.min(a, b)
    case BinaryOp.max:
      return Math.max(a, b)
    case BinaryOp.prelu:
      return a < 0 ? a * b : a
    default:
      return powF32(a, b)
  }
}

export function elementwiseKernels(
  memory: LinearMemory,
): Pick<Kernels, 'f32_binary' | 'f32_clamp' | 'f32_softmax'> {
  return {
    f32_binary(op, a, aRow, aStep, b, bRow, bStep, y, rows, n) {
      const { f32 } = memory
      let to = y >>> 2
      for (let row = 0; row < rows; row++) {
        let i = (a >>> 2) + row * aRow
        let j = (b >>> 2) + row * bRow
        for (let k = 0; k < n; k++, i += aStep, j += bStep) f32[to++] = apply(op, f32[i]!, f32[j]!)
      }
    },

    f32_clamp(x, y, n, low, high) {
      const { f32 } = memory
      for (let i = 0; i < n; i++) f32[(y >>> 2) + i] = clamp(f32[(x >>> 2) + i]!, low, high)
    },

    f32_softmax(x, y, rows, n) {
      const { f32 } = memory
      const sums = [0, 0, 0, 0]
      for (let row = 0; row < rows; row++) {
        const from = (x >>> 2) + row * n
        const to = (y >>> 2) + row * n
        let greatest = -Infinity
        for (let i = 0; i < n; i++) greatest = Math.max(greatest, f32[from + i]!)
        sums.fill(0)
        for (let i = 0; i < n; i++) {
          const e = expF32(Math.fround(f32[from + i]! - greatest))
          f32[to + i] = e
          sums[i & 3] = Math.fround(sums[i & 3]! + e)
        }
        const sum = Math.fround(Math.fround(sums[0]! + sums[2]!) + Math.fround(sums[1]! + sums[3]!))
        for (let i = 0; i < n; i++) f32[to + i] = f32[to + i]! / sum
      }
    },
  }
}
