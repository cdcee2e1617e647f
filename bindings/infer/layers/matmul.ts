import { elementCount } from '../../formats/tensor.js'
import { broadcastStrides } from '../../graph/broadcast.js'
import type { GraphNode } from '../../graph/model.js'
import { f32MatMul } from '../../ops/f32-matmul.js'
import type { Layer, LayerFactory, Loader } from '../loader.js'
import { packMatrix } from './matrix.js'

const OPEN = { min: -Infinity, max: Infinity }

/** MatMul: with a constant matrix at the right its weights are packed at load, otherwise at every run. */
export const matmul: LayerFactory = (node, loader) => {
  const weight = loader.weight(node.inputs[1])
  return weight?.shape.length === 2 ? byConstant(node, loader) : ofComputed(node)
}

/** All rows of A, whatever its leading axes, times one matrix. */
function byConstant(node: GraphNode, loader: Loader): Layer {
  const [a, b, c] = node.inputs as [string, string, string?]
  const weight = loader.take(b)!
  const bias = loader.take(c)
  const [k = 0, n = 0] = weight.shape
  const matrix = packMatrix(loader, {
    weight,
    n,
    k,
    layout: 'kn',
    bias: bias && loader.floats(bias),
    samples: loader.samples(a, k),
    range: loader.range(a),
  })
  return {
    ...matrix,
    plan(planner) {
      const rows = elementCount(planner.shape(a).slice(0, -1))
      matrix.plan(planner, a, node.outputs[0]!, rows, OPEN)
    },
  }
}

/** A product for each combination of the leading axes, which broadcast. */
function ofComputed(node: GraphNode): Layer {
  const [a, b] = node.inputs as [string, string]
  const [output] = node.outputs as [string]
  return {
    plan(planner) {
      const x = planner.float(a, 'first')
      const w = planner.float(b, 'first')
      const y = planner.create(output)
      // A vector is a matrix of one row at the left, of one column at the right.
      const left = x.shape.length === 1 ? [1, ...x.shape] : x.shape
      const right = w.shape.length === 1 ? [...w.shape, 1] : w.shape
      const [m, k] = left.slice(-2) as [number, number]
      const n = right.at(-1)!
      const sizes = y.shape.slice(0, Math.max(left.length, right.length) - 2)
      const aStrides = broadcastStrides(left.slice(0, -2), sizes)
      const bStrides = broadcastStrides(right.slice(0, -2), sizes)
      const batch = sizes.map((size, i) => ({ size, aStride: aStrides[i]!, bStride: bStrides[i]! }))
      planner.step('f32_gemm', [x, w], [y], () => f32MatMul({ m, n, k, batch }, x, w, y))
    },
  }
}
