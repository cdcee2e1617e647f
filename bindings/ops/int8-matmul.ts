import type { QuantizedTensor } from '../formats/quantized.js'
import type { Tensor } from '../formats/tensor.js'
import { checkChoice, checkInteger, checkNumber, checkOptions, checkTypedArray } from '../validate.js'
import {
  boundsOf,
  checkDense,
  checkDepth,
  packInt8,
  resultLength,
  rowsOf,
  runtimeFor,
  withWeights,
  type Activation,
  type PackWeightsOptions,
  type Rows,
} from './matmul-operands.js'
import { PackedInt8Weights, qd8GemmAt, qs8GemmAt, type Int8GemmOutput } from './qs8-gemm.js'
import { checkQuantized } from './quantize.js'
import type { AffineParameters } from './quantize-slot.js'

export interface Int8MatmulOptions<Output, Out> extends PackWeightsOptions {
  activation?: Activation
  /**
   * `f32` (default): real values. `int32`: the sums themselves, without scale, bias or activation. Scale and zero
   * point: the real values quantized to int8.
   */
  output?: Output
  /** Receives the result. */
  out?: Out
}

type Operand = QuantizedTensor | Tensor<'float32'>
type Weights = QuantizedTensor | PackedInt8Weights
type Result = Float32Array | Int32Array | Int8Array
type RealOutput = Exclude<Int8GemmOutput, { kind: 'int32' }>

/**
 * `activation(a * b + bias)` with int8 operands and int32 sums: a [..., k], b [k, n], result [..., n].
 *
 * @param a codes with one scale and zero point; or a float32 tensor, whose rows are quantized by their own ranges
 * @param b symmetric codes, per tensor or per output column, packed anew at every call, or `packWeights(b)`
 * @throws TypeError, RangeError for arguments that do not fit, or if a float `a` holds NaN or an infinity;
 *   CapacityError when memory is short
 * @see ONNX QLinearMatMul, MatMulInteger, DynamicQuantizeLinear
 */
export function int8Matmul(
  a: Operand,
  b: Weights,
  options?: Int8MatmulOptions<'f32', Float32Array>,
): Tensor<'float32'>
export function int8Matmul(
  a: QuantizedTensor,
  b: Weights,
  options: Int8MatmulOptions<'int32', Int32Array> & { output: 'int32' },
): Tensor<'int32'>
export function int8Matmul(
  a: Operand,
  b: Weights,
  options: Int8MatmulOptions<AffineParameters, Int8Array> & { output: AffineParameters },
): QuantizedTensor
export function int8Matmul(
  a: Operand,
  b: Weights,
  options: Int8MatmulOptions<'f32' | 'int32' | AffineParameters, Result> = {},
): Tensor<'float32'> | Tensor<'int32'> | QuantizedTensor {
  checkOptions('options', options, ['transposeB', 'bias', 'activation', 'output', 'out', 'runtime'])
  const rows = a?.kind === 'quantized' ? checkCodes(a) : checkDense('a', a)
  const output = outputOf(options, a)
  const bounds = boundsOf(options.activation)
  const runtime = runtimeFor(b, options)
  return withWeights(
    b instanceof PackedInt8Weights ? b : undefined,
    () => packInt8(b as QuantizedTensor, runtime, options),
    (weights) => {
      checkDepth(rows, weights)
      const out = resultArray(output, resultLength(rows.m, weights.n), options.out)
      const { memory, scratch } = runtime
      const mark = scratch.mark()
      try {
        const from = scratch.take(a.data.byteLength)
        const to = scratch.take(out.byteLength)
        if (a.kind === 'quantized') {
          memory.i8.set(a.data, from)
          const [inputScale, inputZeroPoint] = [a.scale[0]!, a.zeroPoint[0]!]
          qs8GemmAt(weights, from, to, rows.m, { inputScale, inputZeroPoint, output, ...bounds })
        } else {
          memory.f32.set(a.data, from >>> 2)
          qd8GemmAt(weights, from, to, rows.m, { output: output as RealOutput, ...bounds })
        }
        const bytes = memory.u8.subarray(to, to + out.byteLength)
        new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes)
      } finally {
        scratch.release(mark)
      }
      return wrap(output, [...rows.leading, weights.n], out)
    },
  )
}

/** Least positive f32. */
const MIN_SCALE = 2 ** -149

function checkCodes(a: QuantizedTensor): Rows {
  checkQuantized('a', a)
  if (a.scale.length !== 1) throw new RangeError('"a.granularity" expected one scale for the tensor')
  return rowsOf('a', a.shape)
}

function outputOf(
  { output = 'f32', bias, activation }: Int8MatmulOptions<'f32' | 'int32' | AffineParameters, Result>,
  a: Operand,
): Int8GemmOutput {
  if (typeof output === 'object') {
    checkOptions('output', output, ['scale', 'zeroPoint'])
    checkNumber('output.scale', output.scale)
    const scale = Math.fround(output.scale)
    checkNumber('output.scale', scale, MIN_SCALE)
    checkInteger('output.zeroPoint', output.zeroPoint, -128, 127)
    return { kind: 'int8', scale, zeroPoint: output.zeroPoint }
  }
  checkChoice('output', output, ['f32', 'int32'])
  if (output === 'int32' && (a.kind !== 'quantized' || bias !== undefined || activation !== undefined)) {
    throw new TypeError('"output" int32 goes with quantized "a", and without "bias" and "activation"')
  }
  return { kind: output }
}

const RESULTS = { f32: Float32Array, int32: Int32Array, int8: Int8Array }

function resultArray(output: Int8GemmOutput, length: number, out: Result | undefined): Result {
  const type = RESULTS[output.kind]
  if (out === undefined) return new type(length)
  checkTypedArray('out', out, type.name as 'Int8Array', length)
  return out
}

function wrap(
  output: Int8GemmOutput,
  shape: readonly number[],
  data: Result,
): Tensor<'float32'> | Tensor<'int32'> | QuantizedTensor {
  switch (output.kind) {
    case 'f32':
      return { kind: 'dense', dtype: 'float32', shape, data: data as Float32Array }
    case 'int32':
      return { kind: 'dense', dtype: 'int32', shape, data: data as Int32Array }
    case 'int8':
      return {
        kind: 'quantized',
        bits: 8,
        shape,
        data: data as Int8Array,
        scale: Float32Array.of(output.scale),
        zeroPoint: Int8Array.of(output.zeroPoint),
        granularity: { per: 'tensor' },
      }
  }
}
