import { toCsr } from '../bindings/formats/csr.js'
import { packSparseInt8, qs8Spmm } from '../bindings/ops/qs8-spmm.js'
import { readSlot, writeSlot } from '../bindings/ops/slot.js'
import { Handle } from '../bindings/runtime/handle.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { int8Matmul } from '../tests/oracles/sparse.js'
import { Random } from '../tests/support/random.js'
import type { BenchCase, Prepared } from './harness.js'

const SIZE = 1024
const INPUT = { inputScale: 0.02, inputZeroPoint: 3 }

/** Useful operations only: two for each entry that is stored and each sample. */
function sparseCase(zeros: number, n: number): BenchCase {
  const random = new Random(zeros)
  const data = random.int8s(SIZE * SIZE, -127).map((v) => (random.next() * 100 < zeros ? 0 : v))
  const a = random.int8s(SIZE * n)
  const scale = Float32Array.of(0.01)
  const csr = toCsr({
    kind: 'quantized',
    bits: 8,
    shape: [SIZE, SIZE],
    data,
    scale,
    zeroPoint: new Int8Array(1),
    granularity: { per: 'tensor' },
  })
  return {
    kernel: 'qd8_f32_qc8w_spmm_csr',
    shape: `${SIZE}x${SIZE}x${n} ${zeros} % zeros`,
    unit: 'GOP/s',
    work: 2 * csr.values.length * n,
    peak: 'int8',
    prepare(runtime: Runtime): Prepared {
      const weights = packSparseInt8(runtime, csr)
      const input = { handle: new Handle(runtime, a.length), offset: 0 }
      const output = { handle: new Handle(runtime, 4 * SIZE * n), offset: 0 }
      writeSlot(input, a)
      return {
        run: () => qs8Spmm(weights, input, output, n, INPUT),
        exact() {
          const y = readSlot(output, new Float32Array(SIZE * n))
          const scales = new Float32Array(SIZE).fill(scale[0]!)
          const bias = new Float32Array(SIZE)
          const { inputScale, inputZeroPoint } = INPUT
          const [min, max] = [-Infinity, Infinity]
          return int8Matmul(data, scales, bias, SIZE, SIZE, a, inputScale, inputZeroPoint, n, min, max).every(
            (v, i) => v === y[i],
          )
        },
        dispose: () => [weights, input.handle, output.handle].forEach((handle) => handle.dispose()),
      }
    },
  }
}

export const cases: BenchCase[] = [80, 90, 95].flatMap((zeros) => [
  sparseCase(zeros, 1),
  sparseCase(zeros, 64),
])
