import { floatAttribute, intAttribute } from '../../graph/attributes.js'
import { elementCount } from '../../formats/tensor.js'
import { UnsupportedVariant, type Layer, type LayerFactory, type Loader } from '../loader.js'
import { fusedBounds } from './bounds.js'
import { packMatrix } from './matrix.js'

/** Gemm with a constant B and C one value an output: `Y = A B + C`. */
export const gemm: LayerFactory = (node, loader): Layer => {
  const [a, b, c] = node.inputs as [string, string, string | undefined]
  const weight = loader.take(b)
  if (weight === undefined) throw new UnsupportedVariant('Gemm with computed B')
  if (intAttribute(node, 'transA', 0) !== 0) throw new UnsupportedVariant('Gemm with transA')
  if (floatAttribute(node, 'alpha', 1) !== 1) throw new UnsupportedVariant('Gemm with alpha')
  const layout = intAttribute(node, 'transB', 0) === 0 ? 'kn' : 'nk'
  const [rows = 0, columns = 0] = weight.shape
  const [n, k] = layout === 'nk' ? [rows, columns] : [columns, rows]
  const bias = biasOf(loader, c, n, floatAttribute(node, 'beta', 1))
  const matrix = packMatrix(loader, {
    weight,
    n,
    k,
    layout,
    bias,
    samples: loader.samples(a, k),
    range: loader.range(a),
  })
  const bounds = fusedBounds(node)
  return {
    ...matrix,
    plan(planner) {
      matrix.plan(planner, a, node.outputs[0]!, planner.shape(a)[0]!, bounds)
    },
  }
}

/** C as one value an output, times beta. */
function biasOf(loader: Loader, name: string | undefined, n: number, beta: number): Float32Array | undefined {
  if (name === undefined || name === '') return undefined
  const weight = loader.take(name)
  const elements = weight === undefined ? -1 : elementCount(weight.shape)
  if (weight === undefined || (elements !== 1 && (elements !== n || weight.shape.at(-1) !== n))) {
    throw new UnsupportedVariant('Gemm with C that is computed or differs between rows')
  }
  const values = loader.floats(weight)
  return Float32Array.from({ length: n }, (_, j) => beta * values[elements === 1 ? 0 : j]!)
}
