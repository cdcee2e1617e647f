import { f32GruCell, f32GruGates, f32LstmCell } from '../bindings/ops/recurrent.js'
import { readSlot, writeSlot } from '../bindings/ops/slot.js'
import { Handle } from '../bindings/runtime/handle.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { Random } from '../tests/support/random.js'
import type { BenchCase, Prepared } from './harness.js'

const ROWS = 16
const HIDDEN = 128
const VALUES = ROWS * HIDDEN
const OPTIONS = { hidden: HIDDEN, clip: Infinity }

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-5

/** Values in memory, so many for each element of the state. */
function filled(runtime: Runtime, counts: readonly number[]) {
  const random = new Random(1)
  return counts.map((count) => {
    const data = random.floats(VALUES * count)
    const slot = { handle: new Handle(runtime, data.byteLength), offset: 0 }
    writeSlot(slot, data)
    return { data, slot, read: () => readSlot(slot, new Float32Array(data.length)) }
  })
}

type Filled = ReturnType<typeof filled>[number]

/** The gates of an element, the sum of its parts from the input and from the state. */
const gates = (x: Filled, r: Filled, at: number, count: number): number[] => {
  const row = Math.floor(at / HIDDEN)
  return Array.from({ length: count }, (_, gate) => {
    const place = (of: Filled) => row * (of.data.length / ROWS) + gate * HIDDEN + (at % HIDDEN)
    return x.data[place(x)]! + r.data[place(r)]!
  })
}

function lstm(runtime: Runtime): Prepared {
  const [x, r, c, h] = filled(runtime, [4, 4, 1, 1]) as [Filled, Filled, Filled, Filled]
  return {
    run: () => f32LstmCell(x.slot, r.slot, undefined, c.slot, h.slot, ROWS, { ...OPTIONS, coupled: false }),
    exact: () => {
      const [cells, states] = [c.read(), h.read()]
      return cells.every((cell, at) => {
        const [i, o, f, g] = gates(x, r, at, 4) as [number, number, number, number]
        const expected = sigmoid(f) * c.data[at]! + sigmoid(i) * Math.tanh(g)
        return near(cell, expected) && near(states[at]!, sigmoid(o) * Math.tanh(expected))
      })
    },
    dispose: () => [x, r, c, h].forEach(({ slot }) => slot.handle.dispose()),
  }
}

function gru(runtime: Runtime): Prepared {
  const [x, r, h, out] = filled(runtime, [3, 2, 1, 1]) as [Filled, Filled, Filled, Filled]
  const rows = ({ slot }: Filled, columns: number) => ({ slot, stride: columns * HIDDEN })
  return {
    run: () => f32GruGates(x.slot, rows(r, 2), rows(h, 1), rows(out, 1), ROWS, OPTIONS),
    exact: () => out.read().every((value, at) => near(value, sigmoid(gates(x, r, at, 2)[1]!) * h.data[at]!)),
    dispose: () => [x, r, h, out].forEach(({ slot }) => slot.handle.dispose()),
  }
}

function gruState(runtime: Runtime): Prepared {
  const [x, s, h] = filled(runtime, [3, 1, 1]) as [Filled, Filled, Filled]
  return {
    run: () => f32GruCell(x.slot, { slot: s.slot, stride: HIDDEN }, h.slot, ROWS, OPTIONS),
    exact: () =>
      h.read().every((value, at) => {
        const third = (gate: number) => x.data[(Math.floor(at / HIDDEN) * 3 + gate) * HIDDEN + (at % HIDDEN)]!
        const z = third(0)
        return near(value, (1 - z) * Math.tanh(third(2) + s.data[at]!) + z * h.data[at]!)
      }),
    dispose: () => [x, s, h].forEach(({ slot }) => slot.handle.dispose()),
  }
}

const common = { shape: `${ROWS}x${HIDDEN}`, unit: 'MV/s', work: VALUES, peak: 'copy' } as const

export const cases: BenchCase[] = [
  { kernel: 'f32_lstm_cell', ...common, peakWork: VALUES * 4 * 12, prepare: lstm },
  { kernel: 'f32_gru_gates', ...common, peakWork: VALUES * 4 * 7, prepare: gru },
  { kernel: 'f32_gru_cell', ...common, peakWork: VALUES * 4 * 5, prepare: gruState },
]
