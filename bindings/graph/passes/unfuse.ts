import { floatAttribute, intAttribute } from '../attributes.js'
import type { Model } from '../model.js'
import { Emitter } from './emitter.js'
import { Weights } from './rewrite.js'

/** Writes what operator set 21 of ONNX does not have by what it has: for interchange, the other way round than `prepare`. */
export function unfuse(model: Model): Model {
  const weights = new Weights(model, new Set())
  const nodes = model.nodes.flatMap((node) => {
    const emit = new Emitter(node, weights)
    const [x, y, z] = node.inputs as [string, string, string?]
    if (node.domain !== '') return [node]
    if (node.op === 'MatMul' && z !== undefined) {
      emit.add('Add', [emit.add('MatMul', [x, y], node.attributes), z])
    } else if (node.op === 'Swish') {
      const alpha = floatAttribute(node, 'alpha', 1)
      const inner = alpha === 1 ? x : emit.add('Mul', [x, emit.scalar(alpha)])
      emit.add('Mul', [x, emit.add('Sigmoid', [inner])])
    } else if (node.op === 'RMSNormalization' && intAttribute(node, 'axis', -1) < 0) {
      const axes = Array.from({ length: -intAttribute(node, 'axis', -1) }, (_, i) => -1 - i)
      const mean = emit.add('ReduceMean', [emit.add('Mul', [x, x]), emit.ints(...axes)])
      const variance = emit.add('Add', [mean, emit.scalar(floatAttribute(node, 'epsilon', 1e-5))])
      emit.add('Mul', [emit.add('Div', [x, emit.add('Sqrt', [variance])]), y])
    } else {
      return [node]
    }
    return emit.finish()
  })
  return { ...model, nodes, weights: weights.all() }
}
