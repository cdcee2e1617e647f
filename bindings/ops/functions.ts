import type { Tensor } from '../formats/tensor.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkOptions, checkTypedArray } from '../validate.js'
import { f32Relu, f32Softmax, f32Unary } from './elementwise.js'
import { readSlot, writeSlot, type Slot } from './slot.js'
import { checkTensor, withTemporaries } from './temporaries.js'

export interface FunctionOptions {
  /** Receives the result; may be the data of `x`. */
  out?: Float32Array
  runtime?: Runtime
}

/** Runs a function that works in place on the values of a tensor. */
function apply(
  x: Tensor<'float32'>,
  options: FunctionOptions,
  run: (values: Slot, length: number) => void,
): Tensor<'float32'> {
  checkOptions('options', options, ['out', 'runtime'])
  checkTensor('x', x)
  const { length } = x.data
  const { out = new Float32Array(length), runtime = defaultRuntime() } = options
  checkTypedArray('out', out, 'Float32Array', length)
  return withTemporaries(runtime, (slot) => {
    const values = slot(length)
    writeSlot(values, x.data)
    run(values, length)
    return { kind: 'dense', dtype: 'float32', shape: [...x.shape], data: readSlot(values, out) }
  })
}

/** `max(x, 0)` of every element; NaN stays NaN. */
export function relu(x: Tensor<'float32'>, options: FunctionOptions = {}): Tensor<'float32'> {
  return apply(x, options, (values, length) => f32Relu(values, values, length))
}

/** `e^x` of every element, within 1.02 ULP. */
export function exp(x: Tensor<'float32'>, options: FunctionOptions = {}): Tensor<'float32'> {
  return apply(x, options, (values, length) => f32Unary('Exp', values, values, length))
}

/** `1 / (1 + e^-x)` of every element, within 2.41 ULP. */
export function sigmoid(x: Tensor<'float32'>, options: FunctionOptions = {}): Tensor<'float32'> {
  return apply(x, options, (values, length) => f32Unary('Sigmoid', values, values, length))
}

/** Hyperbolic tangent of every element, within 2.5 ULP. */
export function tanh(x: Tensor<'float32'>, options: FunctionOptions = {}): Tensor<'float32'> {
  return apply(x, options, (values, length) => f32Unary('Tanh', values, values, length))
}

/**
 * Softmax over the last axis: `e^(x - m) / sum(e^(x - m))`, m the greatest element of the row.
 *
 * @throws TypeError, RangeError for arguments that do not fit
 * @see ONNX Softmax
 */
export function softmax(x: Tensor<'float32'>, options: FunctionOptions = {}): Tensor<'float32'> {
  return apply(x, options, (values, length) => {
    const columns = x.shape.at(-1) ?? 1
    if (length > 0) f32Softmax(values, values, length / columns, columns)
  })
}
