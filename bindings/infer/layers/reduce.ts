import { elementCount } from '../../formats/tensor.js'
import { intAttribute } from '../../graph/attributes.js'
import { Call } from '../../graph/call.js'
import { reducedAxes } from '../../graph/families/math.js'
import { f32Reduce } from '../../ops/reduce.js'
import type { LayerFactory } from '../loader.js'
import { physicalAxis, physicalShape, type Operand } from '../plan.js'

/** Neighbouring axes that are all reduced or all kept. */
interface Run {
  readonly isReduced: boolean
  size: number
}

/** ReduceSum and its kin over any axes: a step for each run of reduced axes, the last one first. */
export const reduce: LayerFactory = (node, loader) => {
  const [input, axesInput] = node.inputs as [string, string?]
  loader.take(axesInput)
  const kind = node.op.slice('Reduce'.length) as 'Max' | 'Mean' | 'Min' | 'Prod' | 'Sum'
  const op = kind === 'Mean' ? 'Sum' : kind
  const keeps = intAttribute(node, 'keepdims', 1) !== 0
  return {
    plan(planner) {
      const types = node.inputs.map((name) => (name === '' ? undefined : planner.type(name)))
      const { shape } = types[0]!
      const rank = shape.length
      const axes = reducedAxes(new Call(node, types))
      // Without the axes that are gone, an image in another layout is in ONNX's order only if channels or pixels are.
      const turns = !keeps && !axes.includes(1) && !shape.every((_, axis) => axis < 2 || axes.includes(axis))
      const x = turns ? planner.float(input, 'first') : planner.float(input)
      const { layout } = x
      const reduced = new Set(axes.map((axis) => physicalAxis(axis, rank, layout)))
      const runs: Run[] = []
      physicalShape(shape, layout).forEach((size, axis) => {
        const [isReduced, last] = [reduced.has(axis), runs.at(-1)]
        if (last?.isReduced === isReduced) last.size *= size
        else if (size !== 1) runs.push({ isReduced, size })
      })
      const sizes = (from: number, to?: number) => elementCount(runs.slice(from, to).map(({ size }) => size))
      const y = planner.create(node.outputs[0]!, keeps ? layout : 'first')
      const divisor = kind === 'Mean' ? elementCount(axes.map((axis) => shape[axis]!)) : 1
      let from: Operand = x
      for (let left = Math.max(1, runs.filter(({ isReduced }) => isReduced).length); left > 0; left--) {
        const at = runs.findLastIndex(({ isReduced }) => isReduced)
        // Where there is nothing to reduce, each element is alone.
        const axis =
          at < 0
            ? { outer: 1, n: 1, inner: sizes(0) }
            : { outer: sizes(0, at), n: runs[at]!.size, inner: sizes(at + 1) }
        if (at >= 0) runs.splice(at, 1)
        const [source, to] = [from, left > 1 ? planner.temporary([axis.outer * axis.inner]) : y]
        const by = left > 1 ? 1 : divisor
        planner.step('f32_reduce', [source], [to], () => f32Reduce(op, axis, source, to, by))
        from = to
      }
    },
  }
}
