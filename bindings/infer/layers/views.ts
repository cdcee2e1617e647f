import { UnsupportedOpError } from '../../errors.js'
import { intAttribute } from '../../graph/attributes.js'
import { elementTypeOf } from '../../graph/element-types.js'
import type { Layer, LayerFactory } from '../loader.js'

/** Reshape, Flatten, Squeeze, Unsqueeze: the same elements in ONNX's order under another shape. */
export const reshape: LayerFactory = ({ inputs, outputs }): Layer => ({
  passesCodes: true,
  plan(planner) {
    planner.alias(outputs[0]!, planner.inLayout(inputs[0]!, 'first'))
  },
})

/** Identity, Dropout: the same value under another name. */
export const identity: LayerFactory = ({ inputs, outputs }): Layer => ({
  passesCodes: true,
  plan(planner) {
    planner.alias(outputs[0]!, planner.value(inputs[0]!))
  },
})

/** Cast between floating types, which are all float32 here. */
export const cast: LayerFactory = (node, loader): Layer => {
  const code = intAttribute(node, 'to')
  return elementTypeOf(code) === 'float32' ? identity(node, loader) : shapeArithmetic(node, loader)
}

/** Operators on shapes: their results are known once the shapes are, so no step of theirs is ever planned. */
export const shapeArithmetic: LayerFactory = ({ op, name }): Layer => ({
  plan() {
    throw new UnsupportedOpError([{ op: `${op} of computed values`, nodes: [name] }])
  },
})
