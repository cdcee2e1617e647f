import { f32Resample } from '../bindings/ops/resample.js'
import { readSlot, writeSlot } from '../bindings/ops/slot.js'
import { Handle } from '../bindings/runtime/handle.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { Random } from '../tests/support/random.js'
import type { BenchCase, Prepared } from './harness.js'

/** One axis of an image [64, 64, 32], linear to twice its size. */
const AXIS = { outer: 64, size: 64, rows: 128, columns: 32, taps: 2 }
const { outer, size, rows, columns, taps } = AXIS

/** Half pixels: output row i lies at (i + 0.5) / 2 - 0.5. */
const places = Array.from({ length: rows }, (_, i) => Math.min(Math.max((i + 0.5) / 2 - 0.5, 0), size - 1))

function prepare(runtime: Runtime): Prepared {
  const x = new Random(1).floats(outer * size * columns)
  const low = places.map(Math.floor)
  const indices = Int32Array.from(low.flatMap((row) => [row, Math.min(row + 1, size - 1)]))
  const weights = Float32Array.from(places.flatMap((place, i) => [1 - (place - low[i]!), place - low[i]!]))
  const handles = [x.length, rows * taps, rows * taps, outer * rows * columns].map(
    (length) => new Handle(runtime, length * 4),
  )
  const slots = handles.map((handle) => ({ handle, offset: 0 }))
  const [from, at, by, to] = slots as [
    (typeof slots)[0],
    (typeof slots)[0],
    (typeof slots)[0],
    (typeof slots)[0],
  ]
  writeSlot(from, x)
  writeSlot(at, indices)
  writeSlot(by, weights)
  return {
    run: () => f32Resample(AXIS, from, at, by, to),
    exact: () =>
      readSlot(to, new Float32Array(outer * rows * columns)).every((value, i) => {
        const [column, row] = [i % columns, Math.floor(i / columns) % rows]
        const base = Math.floor(i / columns / rows) * size
        const pick = (tap: number): number => x[(base + indices[row * taps + tap]!) * columns + column]!
        return Math.abs(value - (pick(0) * weights[row * taps]! + pick(1) * weights[row * taps + 1]!)) < 1e-5
      }),
    dispose: () => handles.forEach((handle) => handle.dispose()),
  }
}

export const cases: BenchCase[] = [
  {
    kernel: 'f32_resample',
    shape: `linear, ${outer}x${size}x${columns} to ${outer}x${rows}x${columns}`,
    unit: 'MV/s',
    work: outer * rows * columns,
    peak: 'copy',
    peakWork: outer * (size + rows) * columns * 4,
    prepare,
  },
]
