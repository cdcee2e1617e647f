import { checkTypedArray } from '../validate.js'

/** How far one output lies from another; sums run in f64. */
export interface Distance {
  /** Mean of the squared differences. */
  readonly mse: number
  /** Greatest absolute difference. */
  readonly maxError: number
  /** Cosine of the angle between the two as vectors; 1 for two zero vectors, 0 if only one is zero. */
  readonly cosine: number
  /** Signal-to-noise ratio in decibels, 10 log10(sum reference^2 / sum difference^2); Infinity when equal. */
  readonly snr: number
}

/**
 * Compares an output with its reference.
 *
 * `snr` goes through `Math.log10`, whose last bit depends on the engine: show it to people, and decide by `mse`.
 *
 * @throws TypeError, RangeError unless both are Float32Array of one length
 */
export function distance(reference: Float32Array, actual: Float32Array): Distance {
  checkTypedArray('reference', reference, 'Float32Array')
  checkTypedArray('actual', actual, 'Float32Array', reference.length)
  let signal = 0
  let power = 0
  let product = 0
  let noise = 0
  let maxError = 0
  for (let i = 0; i < reference.length; i++) {
    const r = reference[i]!
    const a = actual[i]!
    signal += r * r
    power += a * a
    product += r * a
    noise += (r - a) * (r - a)
    // Math.max keeps a NaN, so a NaN in an output shows in every figure.
    maxError = Math.max(maxError, Math.abs(r - a))
  }
  return {
    mse: reference.length === 0 ? 0 : noise / reference.length,
    maxError,
    cosine: cosine(product, signal, power),
    snr: noise === 0 ? Infinity : 10 * Math.log10(signal / noise),
  }
}

function cosine(product: number, signal: number, power: number): number {
  if (signal === 0 || power === 0) return signal === power ? 1 : 0
  // One root of the product gives exactly 1 for equal vectors; of f32 data it cannot overflow f64.
  return product / Math.sqrt(signal * power)
}
