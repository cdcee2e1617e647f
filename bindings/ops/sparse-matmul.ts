import type { Tensor } from '../formats/tensor.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkOptions, checkShape, checkTypedArray, describe } from '../validate.js'
import { boundsOf, type Activation } from './matmul-operands.js'
import { checkSparse, SparseWeights, spmmAt, type SparseMatrix } from './spmm.js'

export interface SparseMatmulOptions {
  /** Added to each row; length `rows`. Only with a matrix: packed weights carry their bias. */
  bias?: Float32Array
  activation?: Activation
  /** Receives the result; `rows * n` long. */
  out?: Float32Array
  runtime?: Runtime
}

/**
 * Sparse times dense: `a` [rows, cols] times `x` [cols, n] or [cols], plus bias, with a fused activation. For finite data
 * the bits are those of the dense product, but for the sign of zero. For repeated use pack `a` once with `packWeights`.
 *
 * @returns a tensor [rows, n], or [rows] for a vector
 * @throws TypeError, RangeError for arguments that do not fit each other
 */
export function sparseMatmul(
  a: SparseMatrix | SparseWeights,
  x: Tensor<'float32'>,
  options: SparseMatmulOptions = {},
): Tensor<'float32'> {
  checkOptions('options', options, ['bias', 'activation', 'out', 'runtime'])
  const { bias } = options
  const bounds = boundsOf(options.activation)
  if (a instanceof SparseWeights) {
    if (bias !== undefined) throw new TypeError('"bias" expected none: packed weights have theirs')
    if (options.runtime !== undefined && options.runtime !== a.runtime) {
      throw new RangeError('"runtime" expected the runtime of the weights')
    }
    return multiply(a, x, bounds, options.out)
  }
  checkSparse('a', a, bias)
  const packed = new SparseWeights(options.runtime ?? defaultRuntime(), a, bias)
  try {
    return multiply(packed, x, bounds, options.out)
  } finally {
    packed.dispose()
  }
}

function multiply(
  weights: SparseWeights,
  x: Tensor<'float32'>,
  { min, max }: { min: number; max: number },
  out: Float32Array | undefined,
): Tensor<'float32'> {
  const { rows, cols } = weights
  if (typeof x !== 'object' || x === null || x.kind !== 'dense') {
    throw new TypeError(`"x" expected a float32 tensor, got ${describe(x)}`)
  }
  const elements = checkShape('x.shape', x.shape)
  checkTypedArray('x.data', x.data, 'Float32Array', elements)
  const [depth, n = 1] = x.shape
  if (x.shape.length < 1 || x.shape.length > 2 || depth !== cols) {
    throw new RangeError(`"x" expected shape [${cols}, n] or [${cols}], got [${x.shape.join(', ')}]`)
  }
  const shape = x.shape.length === 1 ? [rows] : [rows, n]
  const length = checkShape('result', shape)
  const data = out ?? new Float32Array(length)
  checkTypedArray('out', data, 'Float32Array', length)
  const { memory, scratch } = weights.runtime
  const mark = scratch.mark()
  try {
    const xPointer = scratch.take(4 * elements)
    const outPointer = scratch.take(4 * length)
    memory.f32.set(x.data, xPointer >>> 2)
    spmmAt(weights, xPointer, outPointer, n, 'columns', min, max)
    data.set(memory.f32.subarray(outPointer >>> 2, (outPointer >>> 2) + length))
  } finally {
    scratch.release(mark)
  }
  return { kind: 'dense', dtype: 'float32', shape, data }
}
