import type { CodebookTensor } from '../formats/codebook.js'
import type { Tensor } from '../formats/tensor.js'
import type { Handle } from '../runtime/handle.js'
import { checkOptions, checkTypedArray } from '../validate.js'
import { f32GemmAt, PackedF32Weights, type GemmOptions } from './f32-gemm.js'
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
 * @param b a tensor, packed anew at every call, or `packWeights(b)`. Of one that shares values only the indices are packed:
 *   the bits are those of its expanded values
 * @throws TypeError, RangeError for arguments that do not fit; CapacityError when memory is short
 * @see ONNX MatMul, Gemm
 */
export function matmul(
  a: Tensor<'float32'>,
  b: Tensor<'float32'> | CodebookTensor | PackedF32Weights,
  options: MatmulOptions = {},
): Tensor<'float32'> {
  checkOptions('options', options, ['transposeB', 'bias', 'activation', 'out', 'runtime'])
  const runtime = runtimeFor(b, options)
  const resident = b instanceof PackedF32Weights ? b : undefined
  return floatProduct(
    a,
    resident,
    () => packF32(b as Tensor<'float32'> | CodebookTensor, runtime, options),
    f32GemmAt,
    options,
  )
}

/** A product of f32 rows, copied in and out, with weights of any form. */
export function floatProduct<W extends Handle & { readonly n: number; readonly k: number }>(
  a: Tensor<'float32'>,
  resident: W | undefined,
  pack: () => W,
  multiply: (weights: W, a: number, out: number, m: number, options: GemmOptions) => void,
  options: Pick<MatmulOptions, 'activation' | 'out'>,
): Tensor<'float32'> {
  const rows = checkDense('a', a)
  const bounds = boundsOf(options.activation)
  return withWeights(resident, pack, (weights) => {
    checkDepth(rows, weights)
    const length = resultLength(rows.m, weights.n)
    const out = options.out ?? new Float32Array(length)
    checkTypedArray('out', out, 'Float32Array', length)
    const { memory, scratch } = weights.runtime
    const mark = scratch.mark()
    try {
      const from = scratch.take(a.data.length * 4)
      const to = scratch.take(length * 4)
      memory.f32.set(a.data, from >>> 2)
      multiply(weights, from, to, rows.m, bounds)
      out.set(memory.f32.subarray(to >>> 2, (to >>> 2) + length))
    } finally {
      scratch.release(mark)
    }
    return { kind: 'dense', dtype: 'float32', shape: [...rows.leading, weights.n], data: out }
  })
}
