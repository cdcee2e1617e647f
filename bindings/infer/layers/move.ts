import { elementCount } from '../../formats/tensor.js'
import { intAttribute, intsAttribute } from '../../graph/attributes.js'
import { planTranspose, x32Transpose, x8CopyRows } from '../../ops/transpose.js'
import type { LayerFactory } from '../loader.js'
import { physicalAxis, physicalShape, shifted } from '../plan.js'

/** Transpose; of images, where it often only names the order in which they lie already. */
export const transpose: LayerFactory = (node) => ({
  plan(planner) {
    const x = planner.float(node.inputs[0]!)
    const rank = x.shape.length
    const permutation = intsAttribute(node, 'perm', [...x.shape.keys()].reverse())
    const plan = planTranspose(
      physicalShape(x.shape, x.layout),
      permutation.map((axis) => physicalAxis(axis, rank, x.layout)),
    )
    const [output] = node.outputs as [string]
    if (plan.kind === 'copy' && plan.columns === plan.elements) {
      planner.alias(output, x, 'first')
      return
    }
    const y = planner.create(output)
    planner.step('x32_transpose', [x], [y], () => x32Transpose(plan, x, y))
  },
})

/** Concat along any axis, a step an input. */
export const concat: LayerFactory = (node) => {
  const [output] = node.outputs as [string]
  return {
    plan(planner) {
      const { layout } = planner.value(node.inputs[0]!)
      const rank = planner.shape(output).length
      const declared = intAttribute(node, 'axis')
      const axis = physicalAxis(declared < 0 ? declared + rank : declared, rank, layout)
      const y = planner.create(output, layout)
      const shape = physicalShape(y.shape, layout)
      const rows = elementCount(shape.slice(0, axis))
      const stride = elementCount(shape.slice(axis)) * 4
      let start = 0
      for (const name of node.inputs) {
        const x = planner.float(name, layout)
        const bytes = elementCount(physicalShape(x.shape, layout).slice(axis)) * 4
        const target = shifted(y, start)
        planner.step('x8_copy_rows', [x], [y], () => x8CopyRows(x, bytes, target, stride, rows, bytes))
        start += bytes
      }
    },
  }
}
