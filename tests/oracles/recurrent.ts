/** LSTM, GRU and RNN by the equations of the ONNX operator pages, one sequence and one element at a time, in float64. */

export interface RecurrentProblem {
  readonly op: 'LSTM' | 'GRU' | 'RNN'
  readonly steps: number
  readonly batch: number
  readonly input: number
  readonly hidden: number
  readonly direction: 'forward' | 'reverse' | 'bidirectional'
  readonly layout?: number
  readonly clip?: number
  readonly inputForget?: number
  readonly linearBeforeReset?: number
  /** Of an RNN, by direction. */
  readonly activations?: readonly string[]
  readonly x: ArrayLike<number>
  readonly w: ArrayLike<number>
  readonly r: ArrayLike<number>
  readonly b?: ArrayLike<number> | undefined
  readonly lengths?: ArrayLike<number> | undefined
  readonly h?: ArrayLike<number> | undefined
  readonly c?: ArrayLike<number> | undefined
  readonly p?: ArrayLike<number> | undefined
}

export const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const

const sigmoid = (v: number) => 1 / (1 + Math.exp(-v))
const FUNCTIONS: Record<string, (v: number) => number> = {
  Tanh: Math.tanh,
  Relu: (v) => Math.max(v, 0),
  Sigmoid: sigmoid,
}

export function recurrent(q: RecurrentProblem): { y: Float64Array; h: Float64Array; c: Float64Array } {
  const { op, steps, batch, input, hidden: n, clip = Infinity, layout = 0 } = q
  const gates = GATES[op]
  const directions = q.direction === 'bidirectional' ? 2 : 1
  const y = new Float64Array(steps * directions * batch * n)
  const lastH = new Float64Array(directions * batch * n)
  const lastC = new Float64Array(directions * batch * n)
  const bound = (v: number) => Math.min(Math.max(v, -clip), clip)
  for (let d = 0; d < directions; d++) {
    const backwards = q.direction === 'reverse' || d === 1
    for (let s = 0; s < batch; s++) {
      const stateAt = (i: number) => (layout === 1 ? (s * directions + d) * n + i : (d * batch + s) * n + i)
      let h = Array.from({ length: n }, (_, i) => q.h?.[stateAt(i)] ?? 0)
      let c = Array.from({ length: n }, (_, i) => q.c?.[stateAt(i)] ?? 0)
      const length = q.lengths?.[s] ?? steps
      for (let k = 0; k < length; k++) {
        const t = backwards ? length - 1 - k : k
        const x = (i: number) => q.x[(layout === 1 ? s * steps + t : t * batch + s) * input + i]!
        const fromInput = (g: number, i: number) => {
          let sum = q.b?.[(d * 2 * gates + g) * n + i] ?? 0
          for (let j = 0; j < input; j++) sum += x(j) * q.w[((d * gates + g) * n + i) * input + j]!
          return sum
        }
        const fromState = (g: number, i: number, state: number[]) => {
          let sum = q.b?.[(d * 2 * gates + gates + g) * n + i] ?? 0
          for (let j = 0; j < n; j++) sum += state[j]! * q.r[((d * gates + g) * n + i) * n + j]!
          return sum
        }
        const both = (g: number, i: number) => fromInput(g, i) + fromState(g, i, h)
        const units = [...h.keys()]
        if (op === 'LSTM') {
          const peep = (g: number, i: number) => q.p?.[(d * 3 + g) * n + i] ?? 0
          const it = units.map((i) => sigmoid(bound(both(0, i) + peep(0, i) * c[i]!)))
          const ft = units.map((i) =>
            q.inputForget ? 1 - it[i]! : sigmoid(bound(both(2, i) + peep(2, i) * c[i]!)),
          )
          const next = units.map((i) => ft[i]! * c[i]! + it[i]! * Math.tanh(bound(both(3, i))))
          const state = units.map(
            (i) => sigmoid(bound(both(1, i) + peep(1, i) * next[i]!)) * Math.tanh(bound(next[i]!)),
          )
          ;[c, h] = [next, state]
        } else if (op === 'GRU') {
          const z = units.map((i) => sigmoid(bound(both(0, i))))
          const r = units.map((i) => sigmoid(bound(both(1, i))))
          const kept = units.map((i) => r[i]! * h[i]!)
          const candidate = units.map((i) => {
            const part = q.linearBeforeReset ? r[i]! * fromState(2, i, h) : fromState(2, i, kept)
            return Math.tanh(bound(fromInput(2, i) + part))
          })
          h = units.map((i) => (1 - z[i]!) * candidate[i]! + z[i]! * h[i]!)
        } else {
          h = units.map((i) => FUNCTIONS[q.activations?.[d] ?? 'Tanh']!(bound(both(0, i))))
        }
        h.forEach((value, i) => {
          const row = layout === 1 ? (s * steps + t) * directions + d : (t * directions + d) * batch + s
          y[row * n + i] = value
        })
      }
      h.forEach((value, i) => (lastH[stateAt(i)] = value))
      c.forEach((value, i) => (lastC[stateAt(i)] = value))
    }
  }
  return { y, h: lastH, c: lastC }
}
