import { intAttribute } from '../../graph/attributes.js'
import type { GraphNode } from '../../graph/model.js'
import { windowsOf } from '../../graph/windows.js'
import {
  f32AveragePool,
  f32GlobalAveragePool,
  f32GlobalMaxPool,
  f32MaxPool,
  qs8MaxPool,
} from '../../ops/pool.js'
import { SlidingWindow } from '../../ops/window.js'
import { UnsupportedVariant, type LayerFactory } from '../loader.js'
import { imageShape, windowOptions } from './image.js'

/** The window of a pool for an input of this shape. */
function slidingWindow(node: GraphNode, shape: readonly number[]): SlidingWindow {
  return new SlidingWindow({
    ...windowOptions(windowsOf(node, shape.slice(2))),
    ceilMode: intAttribute(node, 'ceil_mode', 0) !== 0,
  })
}

/** MaxPool; the greatest of codes is the code of the greatest, so int8 images stay int8. */
export const maxPool: LayerFactory = (node) => {
  if (node.outputs.length > 1 && node.outputs[1] !== '') throw new UnsupportedVariant('MaxPool with indices')
  return {
    passesCodes: true,
    plan(planner) {
      const x = planner.inLayout(node.inputs[0]!, 'last')
      const window = slidingWindow(node, x.shape)
      const y = planner.create(node.outputs[0]!, 'last', x.coding)
      const shape = imageShape(x.shape)
      if (x.coding === undefined) {
        planner.step('f32_maxpool', [x], [y], () => f32MaxPool(window, x, shape, y))
      } else {
        planner.step('qs8_maxpool', [x], [y], () => qs8MaxPool(window, x, shape, y))
      }
    },
  }
}

export const averagePool: LayerFactory = (node) => {
  const countPadding = intAttribute(node, 'count_include_pad', 0) !== 0
  return {
    plan(planner) {
      const x = planner.float(node.inputs[0]!, 'last')
      const window = slidingWindow(node, x.shape)
      const y = planner.create(node.outputs[0]!, 'last')
      const shape = imageShape(x.shape)
      planner.step('f32_avgpool', [x], [y], () => f32AveragePool(window, x, shape, y, countPadding))
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
