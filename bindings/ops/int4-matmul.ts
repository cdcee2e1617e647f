import type { Int4Tensor } from '../formats/int4.js'
import type { Tensor } from '../formats/tensor.js'
import { checkChoice, checkOptions } from '../validate.js'
import { packInt4, runtimeFor, type PackWeightsOptions } from './matmul-operands.js'
import { floatProduct, type MatmulOptions } from './matmul.js'
import { int4GemmAt, PackedInt4Weights, type Int4GemmOptions } from './qb4w-gemm.js'

export interface Int4MatmulOptions
  extends Omit<PackWeightsOptions, 'transposeB'>, Pick<MatmulOptions, 'activation' | 'out'> {
  /**
   * `int8` (default): every row of `a` is quantized by its own range, and multiplied in integers within a group.
   * `float32`: it is taken as it is, and the result has the bits of `matmul` with the dequantized weights; slower.
   */
  inputs?: Int4GemmOptions['inputs']
}

/**
 * `activation(a * b + bias)` with weights of 4 bits: a [..., k], result [..., n]. Sums over groups run in ascending order,
 * each operation rounded to f32: the same bits on every engine.
 *
 * @param b weights [k, n] with groups along axis 0, or [n, k] with groups along axis 1, packed anew at every call; or
 *   `packWeights(b)`
 * @throws TypeError, RangeError for arguments that do not fit, or if `a` is to be quantized and holds NaN or an infinity;
 *   CapacityError when memory is short
 */
export function int4Matmul(
  a: Tensor<'float32'>,
  b: Int4Tensor | PackedInt4Weights,
  options: Int4MatmulOptions = {},
): Tensor<'float32'> {
  checkOptions('options', options, ['bias', 'activation', 'inputs', 'out', 'runtime'])
  const { inputs = 'int8' } = options
  checkChoice('inputs', inputs, ['int8', 'float32'])
  const runtime = runtimeFor(b, options)
  const resident = b instanceof PackedInt4Weights ? b : undefined
  return floatProduct(
    a,
    resident,
    () => packInt4(b as Int4Tensor, runtime, options),
    (weights, from, to, m, bounds) => int4GemmAt(weights, from, to, m, { ...bounds, inputs }),
    options,
  )
}
