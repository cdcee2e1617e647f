import { floatFromHalf, halfFromFloat } from '../../formats/half.js'
import type { Model, Weight } from '../../graph/model.js'
import type { Context } from '../context.js'
import { biasOf, replaceWeights } from '../layers.js'

/** Rounds the biases of layers to values that float16 holds; one that does not fit its range stays as it is. */
export function bias({ layers }: Context, model: Model): Model {
  const rounded = layers.flatMap((layer): [string, Weight][] => {
    const halves = biasOf(model, layer).map((value) => floatFromHalf(halfFromFloat(value)))
    if (layer.bias === undefined || !halves.every(Number.isFinite)) return []
    const { name, shape } = layer.bias
    return [[name, { kind: 'dense', dtype: 'float32', shape, data: halves }]]
  })
  return replaceWeights(model, rounded)
}
