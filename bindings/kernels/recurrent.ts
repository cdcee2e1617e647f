import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'
import { sigmoidF32, tanhF32 } from './math.js'
import { clamp } from './rounding.js'

const round = Math.fround

type Recurrent = Pick<Kernels, 'f32_lstm_cell' | 'f32_gru_gates' | 'f32_gru_cell'>

// Contract: assembly/README.md#recurrent. Every operation is rounded to f32.
export function recurrentKernels(memory: LinearMemory): Recurrent {
  return {
    f32_lstm_cell(x, r, p, c, h, rows, n, clip, coupled) {
      const { f32 } = memory
      const sigmoid = (v: number) => sigmoidF32(clamp(v, -clip, clip))
      const tanh = (v: number) => tanhF32(clamp(v, -clip, clip))
      for (let at = 0; at < rows * n; at++) {
        const lane = at % n
        const first = (at - lane) * 4 + lane
        const gate = (g: number) => round(f32[(x >>> 2) + first + g * n]! + f32[(r >>> 2) + first + g * n]!)
        const peep = (v: number, g: number, cell: number) =>
          p === 0 ? v : round(v + round(f32[(p >>> 2) + lane + g * n]! * cell))
        const before = f32[(c >>> 2) + at]!
        const input = sigmoid(peep(gate(0), 0, before))
        const forget = coupled !== 0 ? round(1 - input) : sigmoid(peep(gate(2), 2, before))
        const after = round(round(forget * before) + round(input * tanh(gate(3))))
        f32[(c >>> 2) + at] = after
        f32[(h >>> 2) + at] = sigmoid(peep(gate(1), 1, after)) * tanh(after)
      }
    },

    f32_gru_gates(x, r, rStride, h, hStride, y, yStride, rows, n, clip) {
      const { f32 } = memory
      const sigmoid = (v: number) => sigmoidF32(clamp(v, -clip, clip))
      for (let at = 0; at < rows * n; at++) {
        const lane = at % n
        const row = (at - lane) / n
        const first = (x >>> 2) + row * 3 * n + lane
        const other = (r >>> 2) + row * rStride + lane
        const reset = sigmoid(round(f32[first + n]! + f32[other + n]!))
        f32[first] = sigmoid(round(f32[first]! + f32[other]!))
        f32[(y >>> 2) + row * yStride + lane] = reset * f32[(h >>> 2) + row * hStride + lane]!
      }
    },

    f32_gru_cell(x, s, sStride, h, rows, n, clip) {
      const { f32 } = memory
      for (let at = 0; at < rows * n; at++) {
        const lane = at % n
        const row = (at - lane) / n
        const first = (x >>> 2) + row * 3 * n + lane
        const part = round(f32[first + 2 * n]! + f32[(s >>> 2) + row * sStride + lane]!)
        const candidate = tanhF32(clamp(part, -clip, clip))
        const [z, state] = [f32[first]!, f32[(h >>> 2) + at]!]
        f32[(h >>> 2) + at] = round(round(1 - z) * candidate) + round(z * state)
      }
    },
  }
}
