import { elementCount } from '../../formats/tensor.js'
import { intAttribute } from '../../graph/attributes.js'
import { f32Softmax } from '../../ops/elementwise.js'
import { planTranspose, x32Transpose } from '../../ops/transpose.js'
import type { LayerFactory } from '../loader.js'
import { physicalAxis, physicalShape } from '../plan.js'

/** Softmax along one axis; one that is not contiguous is brought to the end and back. */
export const softmax: LayerFactory = (node) => ({
  plan(planner) {
    const x = planner.float(node.inputs[0]!)
    const shape = physicalShape(x.shape, x.layout)
    const rank = shape.length
    const declared = intAttribute(node, 'axis', -1)
    const axis = physicalAxis(declared < 0 ? declared + rank : declared, rank, x.layout)
    const columns = shape[axis]!
    const rows = columns === 0 ? 0 : x.elements / columns
    const y = planner.overwrite(node.outputs[0]!, x)
    if (elementCount(shape.slice(axis + 1)) === 1) {
      planner.step('f32_softmax', [x], [y], () => f32Softmax(x, y, rows, columns))
      return
    }
    const others = [...shape.keys()].filter((other) => other !== axis)
    const there = planTranspose(shape, [...others, axis])
    const back = planTranspose(there.shape, [
      ...others.slice(0, axis).keys(),
      rank - 1,
      ...others.slice(axis).map((_, i) => axis + i),
    ])
    const turned = planner.temporary(there.shape)
    planner.step('x32_transpose', [x], [turned], () => x32Transpose(there, x, turned))
    planner.step('f32_softmax', [turned], [turned], () => f32Softmax(turned, turned, rows, columns))
    planner.step('x32_transpose', [turned], [y], () => x32Transpose(back, turned, y))
  },
})
