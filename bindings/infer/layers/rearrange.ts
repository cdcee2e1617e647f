import type { Weight } from '../../graph/model.js'
import type { Loader } from '../loader.js'
import { isSymmetric } from '../weights.js'

/**
 * A weight of outputs first, made of the elements of another one at `order`. int8 codes that have one scale, or one for each
 * output, stay codes.
 *
 * @param axis of the outputs in the weight that is given; -1 if they have none of their own
 */
export function rearranged(
  loader: Loader,
  weight: Weight,
  axis: number,
  shape: readonly number[],
  order: readonly number[],
): Weight {
  if (loader.integers && isSymmetric(weight, axis)) {
    const { data, granularity } = weight
    return {
      ...weight,
      shape,
      data: Int8Array.from(order, (i) => data[i]!),
      granularity: granularity.per === 'channel' ? { per: 'channel', axis: 0 } : granularity,
    }
  }
  const data = loader.floats(weight)
  return { kind: 'dense', dtype: 'float32', shape, data: Float32Array.from(order, (i) => data[i]!) }
}
