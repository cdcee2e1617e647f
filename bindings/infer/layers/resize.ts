import { elementCount } from '../../formats/tensor.js'
import { floatAttribute } from '../../graph/attributes.js'
import { Call } from '../../graph/call.js'
import { resizedAxes, tapsOf, type Taps } from '../../graph/resize.js'
import { f32Resample } from '../../ops/resample.js'
import { fillSlot, writeSlot } from '../../ops/slot.js'
import type { LayerFactory } from '../loader.js'
import { physicalAxis, physicalShape, shifted, type Operand } from '../plan.js'

/** Resize, axis by axis: first those that shrink most. */
export const resize: LayerFactory = (node, loader) => {
  for (const name of node.inputs.slice(1)) loader.take(name)
  const filling = floatAttribute(node, 'extrapolation_value', 0)
  return {
    plan(planner) {
      const call = new Call(
        node,
        node.inputs.map((name) => (name === '' ? undefined : planner.type(name))),
      )
      const axes = resizedAxes(call)
        .map((axis) => ({ ...axis, taps: tapsOf(call, axis) }))
        .filter(({ size, output, taps }) => size !== output || !isIdentity(taps))
        .sort((a, b) => a.output / a.size - b.output / b.size)
      const [output] = node.outputs as [string]
      const x = planner.float(node.inputs[0]!, axes.every(({ axis }) => axis > 1) ? 'last' : 'first')
      const { layout } = x
      let shape = physicalShape(x.shape, layout)
      let from: Operand = x
      axes.forEach(({ axis: logical, size, output: rows, taps: { count, indices, weights, outside } }, i) => {
        const axis = physicalAxis(logical, shape.length, layout)
        shape = shape.with(axis, rows)
        const to = i === axes.length - 1 ? planner.create(output, layout) : planner.temporary(shape)
        const tables = [planner.temporary([indices.length]), planner.temporary([weights.length])] as const
        const columns = elementCount(shape.slice(axis + 1))
        const outer = elementCount(shape.slice(0, axis))
        const plan = { outer, size, rows, columns, taps: count }
        const source = from
        if (elementCount(shape) > 0) {
          planner.step('f32_resample', [source], [...tables, to], () => {
            writeSlot(tables[0], indices)
            writeSlot(tables[1], weights)
            f32Resample(plan, source, ...tables, to)
            for (const row of outside) {
              for (let o = 0; o < outer; o++) {
                fillSlot(shifted(to, (o * rows + row) * columns * 4), columns, filling)
              }
            }
          })
        }
        from = to
      })
      if (axes.length === 0) planner.alias(output, x)
    },
  }
}

function isIdentity({ count, indices, weights, outside }: Taps): boolean {
  const isOwn = (weight: number, i: number) =>
    weight === 0 || (weight === 1 && indices[i] === Math.floor(i / count))
  return outside.length === 0 && weights.every(isOwn)
}
