import { planBroadcast } from '../bindings/ops/broadcast.js'
import { f32Add, f32Relu, f32Softmax } from '../bindings/ops/elementwise.js'
import { f32AveragePool, f32MaxPool } from '../bindings/ops/pool.js'
import type { Slot } from '../bindings/ops/slot.js'
import { planTranspose, x32Transpose } from '../bindings/ops/transpose.js'
import { SlidingWindow } from '../bindings/ops/window.js'
import { Handle } from '../bindings/runtime/handle.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { broadcast, transpose } from '../tests/oracles/arrays.js'
import { averagePool, maxPool, type Sliding } from '../tests/oracles/window.js'
import { Random } from '../tests/support/random.js'
import type { BenchCase, Prepared } from './harness.js'

type Run = (runtime: Runtime, from: Slot, to: Slot) => void

/** A case over one input and one output, both f32; the oracle gets the input. */
function over(
  inputs: number,
  outputs: number,
  run: Run,
  expected: (x: Float32Array) => ArrayLike<number>,
  tolerance = 0,
): (runtime: Runtime) => Prepared {
  return (runtime) => {
    const x = new Random(1).floats(inputs)
    const from = new Handle(runtime, inputs * 4)
    const to = new Handle(runtime, outputs * 4)
    runtime.memory.f32.set(x, from.pointer / 4)
    return {
      run: () => run(runtime, { handle: from, offset: 0 }, { handle: to, offset: 0 }),
      exact: () => {
        const got = runtime.memory.f32.subarray(to.pointer / 4, to.pointer / 4 + outputs)
        const want = expected(x)
        return got.every((v, i) => Math.abs(v - want[i]!) <= tolerance)
      },
      dispose: () => [from, to].forEach((handle) => handle.dispose()),
    }
  }
}

const SAME = 65536
const same = planBroadcast([SAME], [SAME])
const CHANNELS = [784, 64]
const perChannel = planBroadcast(CHANNELS, [64])
const IMAGE = [1, 56, 56, 64] as const
const ELEMENTS = 56 * 56 * 64
const toNchw = planTranspose(IMAGE, [0, 3, 1, 2])
const toNhwc = planTranspose([1, 64, 56, 56], [0, 2, 3, 1])
const POOL: Sliding = {
  input: IMAGE,
  kernel: [2, 2],
  strides: [2, 2],
  pads: [0, 0, 0, 0],
  dilations: [1, 1],
}
const window = new SlidingWindow({ kernel: [2, 2], strides: [2, 2] })

function softmax(x: Float32Array, columns: number): number[] {
  const result: number[] = []
  for (let i = 0; i < x.length; i += columns) {
    const row = [...x.subarray(i, i + columns)].map((v) => Math.exp(v))
    const sum = row.reduce((a, b) => a + b)
    result.push(...row.map((e) => e / sum))
  }
  return result
}

export const cases: BenchCase[] = [
  {
    kernel: 'f32_binary',
    shape: 'add 65536',
    unit: 'GB/s',
    work: SAME * 12,
    peak: 'copy',
    prepare: over(
      SAME,
      SAME,
      (_, x, to) => f32Add(same, x, x, to),
      (x) => x.map((v) => v + v),
    ),
  },
  {
    kernel: 'f32_binary',
    shape: 'add 784x64 and 64',
    unit: 'GB/s',
    work: 784 * 64 * 8,
    peak: 'copy',
    prepare: over(
      784 * 64,
      784 * 64,
      (_, x, to) => f32Add(perChannel, x, x, to),
      (x) => broadcast({ shape: CHANNELS, data: x }, { shape: [64], data: x }, CHANNELS, (a, b) => a + b),
    ),
  },
  {
    kernel: 'f32_clamp',
    shape: 'relu 65536',
    unit: 'GB/s',
    work: SAME * 8,
    peak: 'copy',
    prepare: over(
      SAME,
      SAME,
      (_, x, to) => f32Relu(x, to, SAME),
      (x) => x.map((v) => Math.max(v, 0)),
    ),
  },
  ...[10, 1000].map((columns): BenchCase => {
    const rows = 64000 / columns
    return {
      kernel: 'f32_softmax',
      shape: `${rows}x${columns}`,
      unit: 'MV/s',
      work: 64000,
      peak: 'copy',
      peakWork: 64000 * 8,
      prepare: over(
        64000,
        64000,
        (_, x, to) => f32Softmax(x, to, rows, columns),
        (x) => softmax(x, columns),
        1e-6,
      ),
    }
  }),
  {
    kernel: 'x32_transpose',
    shape: '56x56x64 to NCHW',
    unit: 'GB/s',
    work: ELEMENTS * 8,
    peak: 'copy',
    prepare: over(
      ELEMENTS,
      ELEMENTS,
      (_, x, to) => x32Transpose(toNchw, x, to),
      (x) => transpose(x, IMAGE, [0, 3, 1, 2]),
    ),
  },
  {
    kernel: 'x32_transpose',
    shape: '64x56x56 to NHWC',
    unit: 'GB/s',
    work: ELEMENTS * 8,
    peak: 'copy',
    prepare: over(
      ELEMENTS,
      ELEMENTS,
      (_, x, to) => x32Transpose(toNhwc, x, to),
      (x) => transpose(x, [1, 64, 56, 56], [0, 2, 3, 1]),
    ),
  },
  {
    kernel: 'f32_maxpool',
    shape: '56x56x64 2x2',
    unit: 'GB/s',
    work: ELEMENTS * 5,
    peak: 'copy',
    prepare: over(
      ELEMENTS,
      ELEMENTS / 4,
      (_, x, to) => f32MaxPool(window, x, IMAGE, to),
      (x) => maxPool(POOL, x, -Infinity),
    ),
  },
  {
    kernel: 'f32_avgpool',
    shape: '56x56x64 2x2',
    unit: 'GB/s',
    work: ELEMENTS * 5,
    peak: 'copy',
    prepare: over(
      ELEMENTS,
      ELEMENTS / 4,
      (_, x, to) => f32AveragePool(window, x, IMAGE, to),
      (x) => averagePool(POOL, x, false),
    ),
  },
]
