import { floatAttribute, intAttribute } from '../../graph/attributes.js'
import type { Weight } from '../../graph/model.js'
import { planBroadcast } from '../../ops/broadcast.js'
import { f32Add } from '../../ops/elementwise.js'
import { planTranspose, x32Transpose } from '../../ops/transpose.js'
import { UnsupportedVariant, type Layer, type LayerFactory, type Loader } from '../loader.js'
import type { Operand, Planner } from '../plan.js'
import { fusedBounds } from './bounds.js'
import { clampInPlace } from './elementwise.js'
import { packMatrix } from './matrix.js'

/** Gemm: `Y = alpha A B + beta C`. */
export const gemm: LayerFactory = (node, loader): Layer => {
  const [a, b, c] = node.inputs as [string, string, string | undefined]
  const given = loader.take(b)
  if (given === undefined) throw new UnsupportedVariant('Gemm with computed B')
  const weight = scaled(loader, given, floatAttribute(node, 'alpha', 1))
  const turned = intAttribute(node, 'transA', 0) !== 0
  const layout = intAttribute(node, 'transB', 0) === 0 ? 'kn' : 'nk'
  const [rows = 0, columns = 0] = weight.shape
  const [n, k] = layout === 'nk' ? [rows, columns] : [columns, rows]
  const addend = addendOf(loader, c, floatAttribute(node, 'beta', 1))
  const { length = -1 } = addend?.data ?? {}
  const isBias = length === 1 || (length === n && addend?.shape.at(-1) === n)
  const bias = isBias
    ? Float32Array.from({ length: n }, (_, j) => addend!.data[length === 1 ? 0 : j]!)
    : undefined
  const isPlain = !turned && (isBias || addend === undefined)
  const range = isPlain ? loader.range(a) : undefined
  const samples = loader.samples(a, k)
  const matrix = packMatrix(loader, { weight, n, k, layout, bias, range, samples })
  const bounds = fusedBounds(node)
  const [output] = node.outputs as [string]
  if (isPlain) {
    return {
      ...matrix,
      plan(planner) {
        matrix.plan(planner, a, output, planner.shape(a)[0]!, bounds)
      },
    }
  }
  const { kernel, run } = matrix.product!
  const resident = isBias || addend === undefined ? undefined : loader.resident(addend.shape, addend.data)
  return {
    stored: matrix.stored!,
    plan(planner) {
      const x = turned ? turn(planner, planner.float(a, 'first')) : planner.float(a, 'first')
      const y = planner.create(output)
      planner.step(kernel, [x], [y], () => run(x, y, y.shape[0]!))
      if (resident !== undefined) {
        const plan = planBroadcast(y.shape, resident.shape)
        planner.step('f32_binary', [y], [y], () => f32Add(plan, y, resident, y))
      }
      clampInPlace(planner, y, bounds)
    },
  }
}

function turn(planner: Planner, x: Operand): Operand {
  const plan = planTranspose(x.shape, [1, 0])
  const y = planner.temporary(plan.shape)
  planner.step('x32_transpose', [x], [y], () => x32Transpose(plan, x, y))
  return y
}

/** A weight times a number. */
function scaled(loader: Loader, weight: Weight, factor: number): Weight {
  if (factor === 1) return weight
  if (weight.kind === 'quantized') return { ...weight, scale: weight.scale.map((scale) => factor * scale) }
  const data = loader.floats(weight).map((value) => factor * value)
  return { kind: 'dense', dtype: 'float32', shape: weight.shape, data }
}

/** C times beta; undefined when it is absent. */
function addendOf(
  loader: Loader,
  name = '',
  beta: number,
): { shape: readonly number[]; data: Float32Array } | undefined {
  if (name === '') return undefined
  const weight = loader.take(name)
  if (weight === undefined) throw new UnsupportedVariant('Gemm with computed C')
  return { shape: weight.shape, data: loader.floats(weight).map((value) => beta * value) }
}
