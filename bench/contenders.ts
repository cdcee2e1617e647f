import { f32Gemm, packF32Weights } from '../bindings/ops/f32-gemm.js'
import { packInt8Weights, qs8Gemm } from '../bindings/ops/qs8-gemm.js'
import { readSlot, writeSlot } from '../bindings/ops/slot.js'
import { Handle } from '../bindings/runtime/handle.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import type { Contender } from './harness.js'
import type { GemmProblem } from './problems.js'

/** f32 GEMM on resident operands, weights packed before. */
export function f32GemmContender(runtime: Runtime, problem: GemmProblem<Float32Array>): Contender {
  const { m, n, k, a, b, matches } = problem
  const weights = packF32Weights(runtime, { data: b, n, k, layout: 'kn' })
  const region = new Handle(runtime, (m * k + m * n) * 4 + 64)
  const x = { handle: region, offset: 0 }
  const y = { handle: region, offset: Math.ceil((m * k * 4) / 64) * 64 }
  writeSlot(x, a)
  return {
    name: 'mcompress',
    target: runtime.target.name,
    run: () => f32Gemm(weights, x, y, m),
    exact: () => matches(readSlot(y, new Float32Array(m * n))),
    dispose: () => [weights, region].forEach((handle) => handle.dispose()),
  }
}

/** int8 GEMM to int32 on resident operands, weights packed before. */
export function int8GemmContender(runtime: Runtime, problem: GemmProblem<Int8Array>): Contender {
  const { m, n, k, a, b, matches } = problem
  const weights = packInt8Weights(runtime, { data: b, n, k, layout: 'kn', scale: Float32Array.of(1) })
  const region = new Handle(runtime, m * k + m * n * 4 + 64)
  const x = { handle: region, offset: 0 }
  const y = { handle: region, offset: Math.ceil((m * k) / 64) * 64 }
  writeSlot(x, a)
  const options = { inputScale: 1, inputZeroPoint: 0, output: { kind: 'int32' } } as const
  return {
    name: 'mcompress',
    target: runtime.target.name,
    run: () => qs8Gemm(weights, x, y, m, options),
    exact: () => matches(readSlot(y, new Int32Array(m * n))),
    dispose: () => [weights, region].forEach((handle) => handle.dispose()),
  }
}
