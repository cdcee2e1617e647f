import { elementCount } from '../../formats/tensor.js'
import { intAttribute } from '../../graph/attributes.js'
import type { GraphNode } from '../../graph/model.js'
import { windowsOf, type Windows } from '../../graph/windows.js'
import {
  f32AveragePool,
  f32GlobalAveragePool,
  f32GlobalMaxPool,
  f32MaxPool,
  qs8MaxPool,
} from '../../ops/pool.js'
import { SlidingWindow } from '../../ops/window.js'
import { UnsupportedVariant, type LayerFactory } from '../loader.js'
import type { Operand, Planner } from '../plan.js'
import { imageShape, windowOptions } from './image.js'

type PoolRun = (window: SlidingWindow, x: Operand, shape: readonly number[], y: Operand) => void

/** Windows that differ from others in some of their axes. */
const part = (windows: Windows, ...axes: [from: number, to?: number]): Windows =>
  Object.fromEntries(
    Object.entries(windows).map(([key, list]) => [key, (list as number[]).slice(...axes)]),
  ) as unknown as Windows

/**
 * Slides the windows of a node over `x`. Those over three axes slide over height and width, then over depth: greatest
 * elements and means may be taken one after the other.
 */
function planPool(
  planner: Planner,
  node: GraphNode,
  x: Operand,
  y: Operand,
  kernel: string,
  run: PoolRun,
): void {
  const ceilMode = intAttribute(node, 'ceil_mode', 0) !== 0
  const windows = windowsOf(node, x.shape.slice(2))
  const slide = (axes: Windows, from: Operand, shape: readonly number[], to: Operand) => {
    const window = new SlidingWindow({ ...windowOptions(axes), ceilMode })
    planner.step(kernel, [from], [to], () => run(window, from, shape, to))
  }
  const [batch = 0, channels = 0, depth = 0, ...size] = x.shape
  if (x.shape.length > 5) throw new UnsupportedVariant(`${node.op} over ${x.shape.length - 2} spatial axes`)
  if (x.shape.length < 5) return slide(windows, x, imageShape(x.shape), y)
  const area = elementCount(windows.output.slice(1))
  const slices = planner.temporary([batch, depth, area, channels])
  slide(part(windows, 1), x, [batch * depth, ...size, channels], slices)
  slide(part(windows, 0, 1), slices, [batch, 1, depth, area * channels], y)
}

/** MaxPool; the greatest of codes is the code of the greatest, so int8 images stay int8. */
export const maxPool: LayerFactory = (node) => {
  if (node.outputs.length > 1 && node.outputs[1] !== '') throw new UnsupportedVariant('MaxPool with indices')
  return {
    passesCodes: true,
    plan(planner) {
      const [input, output] = [node.inputs[0]!, node.outputs[0]!]
      const isImage = planner.shape(input).length < 5
      const x = isImage ? planner.inLayout(input, 'last') : planner.float(input, 'last')
      const y = planner.create(output, 'last', x.coding)
      if (x.coding === undefined) planPool(planner, node, x, y, 'f32_maxpool', f32MaxPool)
      else planPool(planner, node, x, y, 'qs8_maxpool', qs8MaxPool)
    },
  }
}

export const averagePool: LayerFactory = (node) => {
  const countPadding = intAttribute(node, 'count_include_pad', 0) !== 0
  return {
    plan(planner) {
      const x = planner.float(node.inputs[0]!, 'last')
      const y = planner.create(node.outputs[0]!, 'last')
      planPool(planner, node, x, y, 'f32_avgpool', (window, from, shape, to) =>
        f32AveragePool(window, from, shape, to, countPadding),
      )
    },
  }
}

const globalPool =
  (kernel: string, run: typeof f32GlobalAveragePool): LayerFactory =>
  (node) => ({
    plan(planner) {
      const x = planner.float(node.inputs[0]!, 'last')
      const y = planner.create(node.outputs[0]!, 'last')
      const shape = imageShape(x.shape)
      planner.step(kernel, [x], [y], () => run(x, shape, y))
    },
  })

export const globalAveragePool = globalPool('f32_avgpool', f32GlobalAveragePool)
export const globalMaxPool = globalPool('f32_maxpool', f32GlobalMaxPool)
