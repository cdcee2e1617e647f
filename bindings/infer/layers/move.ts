import { BYTES_PER_ELEMENT, elementCount } from '../../formats/tensor.js'
import { intAttribute, intsAttribute } from '../../graph/attributes.js'
import { elementTranspose, planTranspose, x8CopyRows, type Transpose } from '../../ops/transpose.js'
import type { LayerFactory } from '../loader.js'
import { physicalAxis, physicalShape, shifted, type Layout } from '../plan.js'

/** Transpose; of images, where it often only names the order in which they lie already. */
export const transpose: LayerFactory = (node) => ({
  anyType: true,
  plan(planner) {
    const x = planner.decoded(node.inputs[0]!)
    const rank = x.shape.length
    const shape = physicalShape(x.shape, x.layout)
    const permutation = intsAttribute(node, 'perm', [...x.shape.keys()].reverse())
    const axes = permutation.map((axis) => physicalAxis(axis, rank, x.layout))
    const isView = (layout: Layout) => isCopy(planTranspose(shape, physicalShape(axes, layout)))
    const [output] = node.outputs as [string]
    const view = (['first', 'last'] as const).find(isView)
    if (view !== undefined) {
      planner.alias(output, x, view)
      return
    }
    const { plan, kernel, run } = elementTranspose(shape, axes, BYTES_PER_ELEMENT[x.dtype])
    const y = planner.create(output)
    planner.step(kernel, [x], [y], () => run(plan, x, y))
  },
})

/** Whether all elements stay where they are. */
const isCopy = ({ kind, columns, elements }: Transpose): boolean => kind === 'copy' && columns === elements

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
