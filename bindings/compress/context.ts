import type { Tensor } from '../formats/tensor.js'
import type { GraphNode, Model } from '../graph/model.js'
import { readsOf } from '../graph/uses.js'
import { loadModel } from '../infer/load.js'
import { MAX_CALIBRATION_ROWS } from '../limits.js'
import { generator } from '../ops/random.js'
import type { Runtime } from '../runtime/runtime.js'
import type { Calibration, Feed } from './calibration.js'
import { biasOf, matrixOf, type Layer } from './layers.js'
import { Moments, type Objective } from './objective.js'
import { RelativeError } from './relative-error.js'
import { takeRows, type Rows } from './rows.js'

/** What all stages of one compression share. */
export interface Context {
  /** The network as it came, prepared. */
  readonly original: Model
  readonly layers: readonly Layer[]
  readonly calibration: Calibration | undefined
  readonly seed: number
  readonly runtime: Runtime
  /** Tells how far the running stage is; throws where the caller wants to end. */
  progress(layer: string, done: number, total: number): void
}

/** The samples of a compression whose recipe was checked to have them. */
export function calibrationOf({ calibration }: Context): Calibration {
  if (calibration === undefined) throw new Error('internal: a stage without its calibration')
  return calibration
}

/** A model whose outputs are the given values, without the nodes that they do not need. */
function upTo(model: Model, names: readonly string[]): Model {
  const needed = new Set(names)
  const nodes: GraphNode[] = []
  for (const node of [...model.nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue
    nodes.unshift(node)
    readsOf(node).forEach((name) => needed.add(name))
  }
  const outputs = names.map((name) => ({ name, dtype: 'float32', shape: undefined }) as const)
  const weights = new Map([...model.weights].filter(([name]) => needed.has(name)))
  return { ...model, nodes, outputs, weights }
}

/** Runs a model over feeds and hands on the values of these names, which may be inputs, for each feed. */
export function capture(
  runtime: Runtime,
  model: Model,
  names: readonly string[],
  feeds: readonly Feed[],
  each: (values: Readonly<Record<string, Tensor<'float32'>>>, index: number) => void,
): void {
  const made = [...new Set(names)].filter((name) => model.inputs.every((input) => input.name !== name))
  using session = made.length === 0 ? undefined : loadModel(upTo(model, made), { runtime })
  feeds.forEach((feed, index) => {
    each({ ...(feed as Record<string, Tensor<'float32'>>), ...session?.run(feed) }, index)
  })
}

/**
 * What calibration says of some layers of `model`, when their outputs are to be those that they have in
 * `reference`. Both models have the same graph.
 */
export function objectives(
  context: Context,
  model: Model,
  layers: readonly Layer[],
  reference: Model = model,
): Objective[] {
  const { runtime, seed } = context
  const { learn } = calibrationOf(context)
  const names = layers.map(({ input }) => input)
  const isSame = model === reference
  const most = Math.max(1, Math.floor(MAX_CALIBRATION_ROWS / learn.length))
  const moments = layers.map((layer) => new Moments(layer, runtime, isSame))
  const before: Rows[][] = layers.map(() => [])
  const sample = (layer: Layer, values: Readonly<Record<string, Tensor<'float32'>>>, feed: number): Rows =>
    takeRows(layer, values[layer.input]!, most, generator(seed + feed))
  if (!isSame) {
    capture(runtime, reference, names, learn, (values, feed) => {
      layers.forEach((layer, i) => before[i]!.push(sample(layer, values, feed)))
    })
  }
  capture(runtime, model, names, learn, (values, feed) => {
    layers.forEach((layer, i) => {
      const rows = sample(layer, values, feed)
      moments[i]!.add(rows, isSame ? rows : before[i]![feed]!)
    })
  })
  return layers.map((layer, i) => moments[i]!.objective(matrixOf(reference, layer), biasOf(reference, layer)))
}

/**
 * Measures how far values of other models are from those that `reference` has under the same names, over the
 * samples to judge by.
 */
export function judge(
  context: Context,
  reference: Model,
  names: readonly string[],
): (model: Model) => ReadonlyMap<string, number> {
  const { runtime } = context
  const feeds = calibrationOf(context).judge
  const expected: Readonly<Record<string, Tensor<'float32'>>>[] = []
  capture(runtime, reference, names, feeds, (values) => expected.push(values))
  return (model) => {
    const errors = new Map(names.map((name) => [name, new RelativeError()]))
    capture(runtime, model, names, feeds, (values, index) => {
      for (const [name, error] of errors) error.add(expected[index]![name]!.data, values[name]!.data)
    })
    return new Map([...errors].map(([name, error]) => [name, error.value]))
  }
}
