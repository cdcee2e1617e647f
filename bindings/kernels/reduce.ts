import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'

/** What `op` of f32_reduce may be; mirrors assembly/reduce/combine.ts. */
export const ReduceOp = { Sum: 0, Max: 1, Min: 2, Prod: 3 } as const

const IDENTITIES = [0, -Infinity, Infinity, 1]

function combine(op: number, a: number, b: number): number {
  switch (op) {
    case ReduceOp.Sum:
      return Math.fround(a + b)
    case ReduceOp.Max:
      return Math.max(a, b)
    case ReduceOp.Min:
      return Math.min(a, b)
    default:
      return Math.fround(a * b)
  }
}

const CHAINS = 16

/** `n` elements combined, in the order of assembly/reduce/row.ts. */
function row(op: number, n: number, at: (i: number) => number): number {
  const chains = new Array<number>(CHAINS).fill(IDENTITIES[op]!)
  const whole = n - (n % CHAINS)
  for (let i = 0; i < n; i++) {
    const chain = i % (i < whole ? CHAINS : 4)
    chains[chain] = combine(op, chains[chain]!, at(i))
  }
  for (let width = CHAINS / 2; width >= 1; width /= 2) {
    for (let i = 0; i < width; i++) chains[i] = combine(op, chains[i]!, chains[i + width]!)
  }
  return chains[0]!
}

export function reduceKernels(memory: LinearMemory): Pick<Kernels, 'f32_reduce' | 'f32_layer_norm'> {
  return {
    f32_reduce(op, x, y, outer, n, inner, divisor) {
      const { f32 } = memory
      let to = y >>> 2
      for (let o = 0; o < outer; o++) {
        const from = (x >>> 2) + o * n * inner
        for (let j = 0; j < inner; j++) {
          let value = IDENTITIES[op]!
          if (inner === 1) value = row(op, n, (i) => f32[from + i]!)
          else for (let i = 0; i < n; i++) value = combine(op, value, f32[from + i * inner + j]!)
          f32[to++] = value / Math.fround(divisor)
        }
      }
    },

    f32_layer_norm(x, scale, shift, y, mean, inverse, rows, n, epsilon) {
      const { f32 } = memory
      const round = Math.fround
      for (let r = 0; r < rows; r++) {
        const from = (x >>> 2) + r * n
        let m = 0
        if (mean !== 0) {
          m = round(row(ReduceOp.Sum, n, (i) => f32[from + i]!) / round(n))
          f32[(mean >>> 2) + r] = m
        }
        const squares = row(ReduceOp.Sum, n, (i) => {
          const d = round(f32[from + i]! - m)
          return round(d * d)
        })
        const variance = round(squares / round(n))
        const factor = round(1 / round(Math.sqrt(round(variance + round(epsilon)))))
        f32[(inverse >>> 2) + r] = factor
        for (let i = 0; i < n; i++) {
          let v = round(round(f32[from + i]! - m) * factor)
          if (scale !== 0) v = round(v * f32[(scale >>> 2) + i]!)
          if (shift !== 0) v = round(v + f32[(shift >>> 2) + i]!)
          f32[(y >>> 2) + r * n + i] = v
        }
      }
    },
  }
}
