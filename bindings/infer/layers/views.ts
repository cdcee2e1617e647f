import type { Layer, LayerFactory } from '../loader.js'
import { evaluated } from './evaluated.js'

/** Reshape, Flatten, Squeeze, Unsqueeze: the same elements in ONNX's order under another shape. */
export const reshape: LayerFactory = ({ inputs, outputs }): Layer => ({
  passesCodes: true,
  anyType: true,
  plan(planner) {
    planner.alias(outputs[0]!, planner.inLayout(inputs[0]!, 'first'))
  },
})

/** Identity: the same value under another name. */
export const identity: LayerFactory = ({ inputs, outputs }): Layer => ({
  passesCodes: true,
  anyType: true,
  plan(planner) {
    planner.alias(outputs[0]!, planner.value(inputs[0]!))
  },
})

/** Dropout: without a mask, the value itself. */
export const dropout: LayerFactory = (node, loader): Layer =>
  node.outputs[1] ? evaluated(node, loader) : identity(node, loader)

/** Cast: a view where the types are the same here, as those of half and single precision are. */
export const cast: LayerFactory = (node, loader): Layer => {
  const [input, output] = [node.inputs[0]!, node.outputs[0]!]
  const convert = evaluated(node, loader)
  return {
    anyType: true,
    plan(planner) {
      const layer =
        planner.type(input).dtype === planner.type(output).dtype ? identity(node, loader) : convert
      layer.plan(planner)
    },
  }
}
