import { expect, it } from 'vitest'
import { elementCount } from '../bindings/formats/tensor.js'
import type { GraphNode } from '../bindings/graph/model.js'
import { FUNCTIONS } from '../bindings/graph/families/math.js'
import { prepare } from '../bindings/graph/prepare.js'
import { RUNNABLE } from '../bindings/graph/runnable.js'
import { loadModel } from '../bindings/infer/load.js'
import { runOnnx } from './oracles/onnx.js'
import { expectSame } from './support/compare.js'
import { floats, ints, makeModel, node, type GraphParts } from './support/models.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

const random = new Random(7)
const values = (...shape: number[]) => floats(random.floats(elementCount(shape)), shape)
const image = node('MaxPool', 'x -> i', { kernel_shape: [1, 1] })

interface Case extends Pick<GraphParts, 'nodes' | 'weights'> {
  readonly shapes: Readonly<Record<string, readonly number[]>>
  readonly outputs?: readonly string[]
  /** What is done to random inputs first, for functions that are not defined everywhere. */
  readonly change?: (x: number) => number
}

const one = (op: string, shape: readonly number[], attributes: GraphNode['attributes'] = {}): Case => ({
  nodes: [node(op, 'x -> y', attributes)],
  shapes: { x: shape },
})

const cases: Record<string, Case> = {}

for (const op of [...FUNCTIONS, 'Abs', 'Neg', 'Sign']) {
  const change = op === 'Log' || op === 'Sqrt' ? Math.abs : (x: number) => 3 * x
  cases[op] = { ...one(op, [3, 7]), change }
}
Object.assign(cases, {
  'Gelu, tanh': one('Gelu', [2, 9], { approximate: 'tanh' }),
  'HardSigmoid with parameters': one('HardSigmoid', [2, 9], { alpha: 0.4, beta: 0.3 }),
  'LeakyRelu with a slope': one('LeakyRelu', [2, 9], { alpha: 0.3 }),
  'Elu with a factor': one('Elu', [2, 9], { alpha: 0.7 }),
  'Shrink with parameters': one('Shrink', [2, 9], { lambd: 0.2, bias: 0.1 }),
  'Swish with a factor': one('Swish', [2, 9], { alpha: 1.702 }),
  'ThresholdedRelu with a threshold': one('ThresholdedRelu', [2, 9], { alpha: 0.4 }),
  'a function of a scalar': one('Erf', []),
  'a function of nothing': one('Erf', [0, 3]),
  'a function of an image': { nodes: [image, node('Erf', 'i -> y')], shapes: { x: [2, 3, 4, 5] } },

  'PRelu by channel': {
    nodes: [node('PRelu', 'x w -> y')],
    shapes: { x: [2, 3, 4, 5] },
    weights: { w: values(3, 1, 1) },
  },
  'Pow of computed exponents': {
    nodes: [node('Pow', 'a b -> y')],
    shapes: { a: [3, 5], b: [5] },
    change: Math.abs,
  },
  'Min and Max of two': {
    nodes: [node('Min', 'a b -> c'), node('Max', 'c a -> y')],
    shapes: { a: [3, 5], b: [3, 1] },
  },
  'Max of three, Min of one': {
    nodes: [node('Max', 'a b w -> c'), node('Min', 'c -> y')],
    shapes: { a: [3, 5], b: [3, 1] },
    weights: { w: values(5) },
  },
  'Sum and Mean of three': {
    nodes: [node('Sum', 'a b w -> c'), node('Mean', 'a c b -> y')],
    shapes: { a: [3, 5], b: [3, 1] },
    weights: { w: values(5) },
  },
})

for (const kind of ['Sum', 'Mean', 'Max', 'Min', 'Prod']) {
  const reduce = (axes: number[], keepdims: number, ...shape: number[]): Case => ({
    nodes: [node(`Reduce${kind}`, 'x axes -> y', { keepdims })],
    shapes: { x: shape },
    weights: { axes: ints(axes) },
  })
  Object.assign(cases, {
    [`Reduce${kind}, last axis`]: reduce([-1], 0, 3, 4, 21),
    [`Reduce${kind}, first axis`]: reduce([0], 1, 3, 4, 21),
    [`Reduce${kind}, middle axes`]: reduce([1, 2], 0, 2, 3, 4, 5),
    [`Reduce${kind}, outer axes`]: reduce([0, 2], 1, 2, 3, 4),
    [`Reduce${kind}, three runs of axes`]: reduce([4, 0, 2], 0, 2, 3, 2, 3, 2),
    [`Reduce${kind}, an axis of one`]: reduce([1], 0, 4, 1, 5),
    [`Reduce${kind} of all`]: one(`Reduce${kind}`, [3, 4, 5]),
    [`Reduce${kind} of all, not kept`]: one(`Reduce${kind}`, [3, 4], { keepdims: 0 }),
    [`Reduce${kind} of a scalar`]: one(`Reduce${kind}`, []),
    [`Reduce${kind} of no axes`]: one(`Reduce${kind}`, [3, 4], { noop_with_empty_axes: 1 }),
    [`Reduce${kind} of an image, pixels`]: {
      nodes: [image, node(`Reduce${kind}`, 'i axes -> y', { keepdims: 0 })],
      shapes: { x: [2, 3, 4, 5] },
      weights: { axes: ints([2, 3]) },
    },
    [`Reduce${kind} of an image, columns`]: {
      nodes: [image, node(`Reduce${kind}`, 'i axes -> y', { keepdims: 0 })],
      shapes: { x: [2, 3, 4, 5] },
      weights: { axes: ints([3]) },
    },
    [`Reduce${kind} of an image, channels kept`]: {
      nodes: [image, node(`Reduce${kind}`, 'i axes -> y')],
      shapes: { x: [2, 3, 4, 5] },
      weights: { axes: ints([1]) },
    },
  })
}

const norm = (
  shape: readonly number[],
  axis: number,
  scale: number[],
  bias?: number[],
  outputs = 'y',
): Case => ({
  nodes: [node('LayerNormalization', `x s${bias ? ' b' : ''} -> ${outputs}`, { axis, epsilon: 0.01 })],
  shapes: { x: shape },
  outputs: outputs.split(' '),
  weights: { s: values(...scale), ...(bias ? { b: values(...bias) } : {}) },
})
Object.assign(cases, {
  LayerNormalization: norm([2, 3, 17], -1, [17], [17]),
  'LayerNormalization with its statistics': norm([2, 3, 17], -1, [17], [17], 'y mean inverse'),
  'LayerNormalization without bias': norm([5, 8], 1, [8]),
  'LayerNormalization of two axes': norm([2, 3, 5], 1, [3, 5], [3, 5]),
  'LayerNormalization, parameters that repeat': norm([2, 3, 5], -2, [1, 5], [3, 1]),
  'LayerNormalization of all axes': norm([2, 3, 5], 0, [1], [2, 3, 5]),
  RMSNormalization: {
    nodes: [node('RMSNormalization', 'x s -> y', { epsilon: 0.01 })],
    shapes: { x: [4, 9] },
    weights: { s: values(9) },
  },
})

// What `prepare` writes by other operators.
for (const op of [
  'Celu',
  'Cosh',
  'Mish',
  'Selu',
  'Sinh',
  'Softsign',
  'Tan',
  'Asinh',
  'Acosh',
  'Atanh',
  'Asin',
  'Acos',
]) {
  const change =
    op === 'Acosh'
      ? (x: number) => 1 + 3 * Math.abs(x)
      : /^A(tanh|sin|cos)$/.test(op)
        ? Math.tanh
        : (x: number) => 1.5 * x
  cases[op] = { ...one(op, [3, 7]), change }
}
for (const exponent of [-2, -1, -0.5, 0.5, 1, 2, 3, 2.5]) {
  cases[`Pow by ${exponent}`] = {
    nodes: [node('Pow', 'x p -> y')],
    shapes: { x: [3, 7] },
    weights: { p: floats([exponent], []) },
    change: (x) => 0.5 + Math.abs(x),
  }
}
cases['Pow by integers'] = {
  nodes: [node('Pow', 'x p -> y')],
  shapes: { x: [3, 4] },
  weights: { p: ints([0, 1, 2, 5]) },
}
for (const kind of ['L1', 'L2', 'LogSum', 'LogSumExp', 'SumSquare']) {
  for (const keepdims of [0, 1]) {
    cases[`Reduce${kind}, ${keepdims ? 'kept' : 'not kept'}`] = {
      nodes: [node(`Reduce${kind}`, 'x axes -> y', { keepdims })],
      shapes: { x: [3, 4, 5] },
      weights: { axes: ints([1, 2]) },
      change: (x) => 0.5 + Math.abs(x),
    }
  }
}
const grouped = (op: string, shape: readonly number[], attributes: GraphNode['attributes'] = {}): Case => ({
  nodes: [node(op, 'x s b -> y', { epsilon: 0.01, ...attributes })],
  shapes: { x: shape },
  weights: { s: values(shape[1]!), b: values(shape[1]!) },
})
Object.assign(cases, {
  InstanceNormalization: grouped('InstanceNormalization', [2, 3, 4, 5]),
  'InstanceNormalization of one axis': grouped('InstanceNormalization', [2, 3, 7]),
  GroupNormalization: grouped('GroupNormalization', [2, 6, 3, 2], { num_groups: 2 }),
  LpNormalization: one('LpNormalization', [3, 4, 5], { axis: 1 }),
  'LpNormalization, p = 1': one('LpNormalization', [3, 4], { p: 1 }),
  MeanVarianceNormalization: one('MeanVarianceNormalization', [2, 3, 4, 5]),
  LRN: one('LRN', [2, 7, 3, 2], { size: 5, alpha: 0.5, beta: 0.6, bias: 2 }),
  'LRN of an even size': one('LRN', [1, 5, 3], { size: 4, alpha: 0.5 }),
  LogSoftmax: one('LogSoftmax', [3, 4, 5], { axis: 1 }),
  Hardmax: one('Hardmax', [3, 4, 5], { axis: 1 }),
  'MatMul with a bias, rank 3': {
    nodes: [node('MatMul', 'x w b -> y')],
    shapes: { x: [2, 3, 5] },
    weights: { w: values(5, 9), b: values(9) },
  },
})

/** Results of the first target, to which the bits of the others must be equal. */
const reference = new Map<string, Float32Array>()

describeTargets('functions, reductions and normalizations', (runtime) => {
  it.each(Object.keys(cases))('%s', (name) => {
    const { shapes, nodes, weights = {}, outputs = nodes.at(-1)!.outputs, change = (x) => x } = cases[name]!
    const model = makeModel({ inputs: shapes, nodes, weights, outputs })
    const inputs = Object.fromEntries(
      Object.entries(shapes).map(([input, shape], i) => [
        input,
        floats(new Random(i + 1).floats(elementCount(shape)).map(change), shape),
      ]),
    )
    const expected = runOnnx(model, inputs)
    const isRunnable = nodes.every(({ op }) => RUNNABLE.has(op)) && name !== 'Pow by integers'
    for (const form of isRunnable ? [model, prepare(model)] : [prepare(model)]) {
      using session = loadModel(form, { runtime })
      const results = session.run(inputs)
      for (const [output, { shape, data }] of Object.entries(results)) {
        const wanted = expected.get(output)!
        expect(shape).toEqual(wanted.shape)
        data.forEach((v, i) => {
          const bound = 3e-6 * (1 + Math.abs(wanted.data[i]!))
          if (!(Math.abs(v - wanted.data[i]!) <= bound))
            expect.fail(`${output}[${i}] is ${v}, not ${wanted.data[i]}`)
        })
        const key = `${name} ${output} ${form === model}`
        expectSame(data, reference.get(key) ?? data)
        reference.set(key, reference.get(key) ?? data)
      }
    }
  })

  it('reductions of nothing give what changes nothing', () => {
    const run = (op: string) => {
      const model = makeModel({
        inputs: { x: [2, 0] },
        nodes: [node(op, 'x axes -> y', { keepdims: 0 })],
        weights: { axes: ints([1]) },
        outputs: ['y'],
      })
      using session = loadModel(model, { runtime })
      return [...session.run({ x: floats([], [2, 0]) })['y']!.data]
    }
    expect(run('ReduceSum')).toEqual([0, 0])
    expect(run('ReduceProd')).toEqual([1, 1])
    expect(run('ReduceMax')).toEqual([-Infinity, -Infinity])
    expect(run('ReduceMin')).toEqual([Infinity, Infinity])
    expect(run('ReduceMean')).toEqual([NaN, NaN])
  })

  it('integers are reduced by the evaluators', () => {
    const model = makeModel({
      inputs: { x: { dtype: 'int32', shape: [2, 3, 2] } },
      nodes: ['Sum', 'Max', 'Min', 'Prod'].map((kind) =>
        node(`Reduce${kind}`, `x axes -> ${kind}`, { keepdims: 0 }),
      ),
      weights: { axes: ints([1]) },
      outputs: [],
    })
    const outputs = ['Sum', 'Max', 'Min', 'Prod'].map(
      (name) => ({ name, dtype: 'int32', shape: [2, 2] }) as const,
    )
    using session = loadModel({ ...model, outputs }, { runtime })
    const data = Int32Array.of(1, 2, 3, 4, 5, 6, -1, -2, 7, 2 ** 30, 9, 2)
    const results = session.run({ x: { kind: 'dense', dtype: 'int32', shape: [2, 3, 2], data } })
    const lists = Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [name, [...tensor.data]]),
    )
    expect(lists).toEqual({
      Sum: [9, 12, 15, 2 ** 30],
      Max: [5, 6, 9, 2 ** 30],
      Min: [1, 2, -1, -2],
      Prod: [15, 48, -63, 0],
    })
  })
})
