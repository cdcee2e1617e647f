import { BYTES_PER_ELEMENT, elementCount } from '../../formats/tensor.js'
import { intAttribute, intsAttribute } from '../../graph/attributes.js'
import { elementTranspose, x8CopyRows } from '../../ops/transpose.js'
import type { LayerFactory } from '../loader.js'
import { physicalAxis, physicalShape, shifted } from '../plan.js'

/** Transpose; of images, where it often only names the order in which they lie already. */
export const transpose: LayerFactory = (node) => ({
  anyType: true,
  plan(planner) {
    const x = planner.decoded(node.inputs[0]!)
    const rank = x.shape.length
    const permutation = intsAttribute(node, 'perm', [...x.shape.keys()].reverse())
    const { plan, kernel, run } = elementTranspose(
      physicalShape(x.shape, x.layout),
      permutation.map((axis) => physicalAxis(axis, rank, x.layout)),
      BYTES_PER_ELEMENT[x.dtype],
    )
    const [output] = node.outputs as [string]
    if (plan.kind === 'copy' && plan.columns === plan.elements) {
      planner.alias(output, x, 'first')
      return
    }
    const y = planner.create(output)
    planner.step(kernel, [x], [y], () => run(plan, x, y))
  },
})

/** Concat along any axis, a step an input. */
export const concat: LayerFactory = (node) => {
  const [output] = node.outputs as [string]
  return {
    anyType: true,
    plan(planner) {
      const { layout, dtype } = planner.value(node.inputs[0]!)
      const rank = planner.shape(output).length
      const declared = intAttribute(node, 'axis')
      const axis = physicalAxis(declared < 0 ? declared + rank : declared, rank, layout)
      const y = planner.create(output, layout)
      const shape = physicalShape(y.shape, layout)
      const rows = elementCount(shape.slice(0, axis))
      const size = BYTES_PER_ELEMENT[dtype]
      const stride = elementCount(shape.slice(axis)) * size
      let start = 0
      for (const name of node.inputs) {
        const x = planner.decoded(name, layout)
        const bytes = elementCount(physicalShape(x.shape, layout).slice(axis)) * size
        const target = shifted(y, start)
        planner.step('x8_copy_rows', [x], [y], () => x8CopyRows(x, bytes, target, stride, rows, bytes))
        start += bytes
      }
    },
  }
}
