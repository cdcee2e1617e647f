import type { Tensor } from '../formats/tensor.js'
import { checkOptions, checkTypedArray } from '../validate.js'
import { f32GemmAt, PackedF32Weights } from './f32-gemm.js'
import {
  boundsOf,
  checkDense,
  checkDepth,
  packF32,
  resultLength,
  runtimeFor,
  withWeights,
  type Activation,
  type PackWeightsOptions,
} from './matmul-operands.js'

export interface MatmulOptions extends PackWeightsOptions {
  activation?: Activation
  /** Receives the result. */
  out?: Float32Array
}

/**
 * `activation(a * b + bias)` in f32: a [..., k], b [k, n], result [..., n]. Sums run over k in ascending order from the
 * bias, each operation rounded to f32: the same bits on every engine.
 *
 * @param b a tensor, packed anew at every call, or `packWeights(b)`
 * @throws TypeError, RangeError for arguments that do not fit; CapacityError when memory is short
 * @see ONNX MatMul, Gemm
 */
export function matmul(
  a: Tensor<'float32'>,
  b: Tensor<'float32'> | PackedF32Weights,
  options: MatmulOptions = {},
): Tensor<'float32'> {
  checkOptions('options', options, ['transposeB', 'bias', 'activation', 'out', 'runtime'])
  const rows = checkDense('a', a)
  const bounds = boundsOf(options.activation)
  const runtime = runtimeFor(b, options)
  const resident = b instanceof PackedF32Weights ? b : undefined
  return withWeights(
    resident,
    () => packF32(b as Tensor<'float32'>, runtime, options),
    (weights) => {
      checkDepth(rows, weights)
      const length = resultLength(rows.m, weights.n)
      const out = options.out ?? new Float32Array(length)
      checkTypedArray('out', out, 'Float32Array', length)
      const { memory, scratch } = runtime
      const mark = scratch.mark()
      try {
        const from = scratch.take(a.data.length * 4)
        const to = scratch.take(length * 4)
        memory.f32.set(a.data, from >>> 2)
        f32GemmAt(weights, from, to, rows.m, bounds)
        out.set(memory.f32.subarray(to >>> 2, (to >>> 2) + length))
      } finally {
        scratch.release(mark)
      }
      return { kind: 'dense', dtype: 'float32', shape: [...rows.leading, weights.n], data: out }
    },
  )
}
