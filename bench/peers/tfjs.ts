import * as tf from '@tensorflow/tfjs-core'
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm'
import { PEERS } from '../goals.js'
import type { Contender } from '../harness.js'
import type { GemmProblem } from '../problems.js'

setThreadsCount(1)
await tf.setBackend('wasm')

/** A float matMul; the backend packs the weights (XNNPACK) at the first call and keeps them. */
export function f32Gemm({ m, n, k, a, b, matches }: GemmProblem<Float32Array>): Contender {
  const x = tf.tensor2d(a, [m, k])
  const w = tf.tensor2d(b, [k, n])
  return {
    name: PEERS.tfjs,
    target: 'simd',
    run: () => tf.matMul(x, w).dispose(),
    exact: () => {
      const y = tf.matMul(x, w)
      const data = y.dataSync() as Float32Array
      y.dispose()
      return matches(data)
    },
    dispose: () => tf.dispose([x, w]),
  }
}
