import { f32LayerNorm, f32Reduce, type ReducedAxis } from '../bindings/ops/reduce.js'
import { Handle } from '../bindings/runtime/handle.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { Random } from '../tests/support/random.js'
import type { BenchCase, Prepared } from './harness.js'

const ROWS = 256
const COLUMNS = 256
const EPSILON = 1e-5

type Slots = readonly { readonly handle: Handle; readonly offset: number }[]

/** A case over a square of f32; the oracle gets its values and the result. */
function over(
  run: (slots: Slots) => void,
  isRight: (x: Float32Array, y: Float32Array) => boolean,
): (runtime: Runtime) => Prepared {
  return (runtime) => {
    const x = new Random(1).floats(ROWS * COLUMNS)
    const handles = [x.length, x.length, ROWS, ROWS].map((length) => new Handle(runtime, length * 4))
    const [from, to] = handles as [Handle, Handle]
    runtime.memory.f32.set(x, from.pointer / 4)
    const slots = handles.map((handle) => ({ handle, offset: 0 }))
    return {
      run: () => run(slots),
      exact: () => isRight(x, runtime.memory.f32.slice(to.pointer / 4, to.pointer / 4 + x.length)),
      dispose: () => handles.forEach((handle) => handle.dispose()),
    }
  }
}

const sums = (axis: ReducedAxis, at: (result: number, i: number) => number) =>
  over(
    ([from, to]) => f32Reduce('Sum', axis, from!, to!),
    (x, y) =>
      Array.from({ length: axis.outer * axis.inner }).every((_, result) => {
        let sum = 0
        for (let i = 0; i < axis.n; i++) sum += x[at(result, i)]!
        return Math.abs(y[result]! - sum) < 1e-4
      }),
  )

const norm = over(
  ([from, to, mean, inverse]) =>
    f32LayerNorm(from!, to!, { mean: mean!, inverse: inverse! }, ROWS, COLUMNS, EPSILON),
  (x, y) =>
    Array.from({ length: ROWS }).every((_, r) => {
      const row = [...x.subarray(r * COLUMNS, (r + 1) * COLUMNS)]
      const mean = row.reduce((a, b) => a + b) / COLUMNS
      const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / COLUMNS
      return row.every(
        (v, i) => Math.abs(y[r * COLUMNS + i]! - (v - mean) / Math.sqrt(variance + EPSILON)) < 1e-5,
      )
    }),
)

const shape = `${ROWS}x${COLUMNS}`
const work = ROWS * COLUMNS

export const cases: BenchCase[] = [
  {
    kernel: 'f32_reduce sum of rows',
    shape,
    unit: 'MV/s',
    work,
    peak: 'copy',
    peakWork: 4 * work,
    prepare: sums({ outer: ROWS, n: COLUMNS, inner: 1 }, (r, i) => r * COLUMNS + i),
  },
  {
    kernel: 'f32_reduce sum of columns',
    shape,
    unit: 'MV/s',
    work,
    peak: 'copy',
    peakWork: 4 * work,
    prepare: sums({ outer: 1, n: ROWS, inner: COLUMNS }, (c, i) => i * COLUMNS + c),
  },
  { kernel: 'f32_layer_norm', shape, unit: 'MV/s', work, peak: 'copy', peakWork: 8 * work, prepare: norm },
]
