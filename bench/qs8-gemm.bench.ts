import { packInt8Weights, qd8Gemm } from '../bindings/ops/qs8-gemm.js'
import { readSlot, writeSlot } from '../bindings/ops/slot.js'
import { Handle } from '../bindings/runtime/handle.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { dynamicParameters, integerProduct, scaleProduct } from '../tests/oracles/gemm.js'
import { quantizeOne } from '../tests/oracles/quantize.js'
import { Random } from '../tests/support/random.js'
import { int8GemmContender } from './contenders.js'
import { gemmShape } from './goals.js'
import type { BenchCase, Prepared } from './harness.js'
import { int8GemmProblem } from './problems.js'
import { SHAPES } from './shapes.js'

/** A dense layer with dynamically quantized activations: f32 in, quantized row by row, multiplied, scaled, f32 out. */
function prepareDynamic(runtime: Runtime, m: number, k: number, n: number): Prepared {
  const random = new Random(m + k + n)
  const x = random.floats(m * k)
  const data = random.int8s(n * k)
  const scale = random.floats(n).map((s) => Math.abs(s) / 100)
  const bias = random.floats(n)
  const weights = packInt8Weights(runtime, { data, n, k, layout: 'nk', scale, bias })
  const from = { handle: new Handle(runtime, 4 * m * k), offset: 0 }
  const to = { handle: new Handle(runtime, 4 * m * n), offset: 0 }
  writeSlot(from, x)
  return {
    run: () => qd8Gemm(weights, from, to, m, { min: 0 }),
    exact() {
      const row = [...x.subarray((m - 1) * k)]
      const parameters = dynamicParameters(row)
      const codes = row.map((v) => quantizeOne(v, parameters.scale, parameters.zeroPoint, -128))
      const a = { data: codes, rows: 1, columns: k, stride: k }
      const acc = integerProduct(a, [parameters.zeroPoint], data, n)
      const last = readSlot(to, new Float32Array(m * n)).subarray((m - 1) * n)
      return scaleProduct(acc, n, [parameters.scale], scale, bias, 0).every((v, j) => v === last[j])
    },
    dispose: () => [weights, from.handle, to.handle].forEach((handle) => handle.dispose()),
  }
}

export const cases: BenchCase[] = [
  ...SHAPES.map(([m, k, n]): BenchCase => ({
    kernel: 'qs8_i32_gemm',
    shape: gemmShape(m, k, n),
    unit: 'GOP/s',
    work: 2 * m * k * n,
    peak: 'int8',
    prepare: (runtime) => int8GemmContender(runtime, int8GemmProblem(m, k, n)),
  })),
  ...SHAPES.map(([m, k, n]): BenchCase => ({
    kernel: 'qd8_f32_qc8w_gemm',
    shape: gemmShape(m, k, n),
    unit: 'GOP/s',
    work: 2 * m * k * n,
    peak: 'int8',
    prepare: (runtime) => prepareDynamic(runtime, m, k, n),
  })),
]
