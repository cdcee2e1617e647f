import { expect, it } from 'vitest'
import { UnsupportedOpError } from '../bindings/errors.js'
import { quantizeInt8 } from '../bindings/index.js'
import type { Weight } from '../bindings/graph/model.js'
import { loadModel } from '../bindings/infer/load.js'
import { GATES, recurrent, type RecurrentProblem } from './oracles/recurrent.js'
import { expectSame } from './support/compare.js'
import { floats, makeModel, node } from './support/models.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

interface Options extends Partial<RecurrentProblem> {
  readonly op: RecurrentProblem['op']
  readonly bias?: boolean
  readonly initial?: boolean
  readonly peepholes?: boolean
}

function problemOf(options: Options): RecurrentProblem {
  const { bias, initial, peepholes, ...rest } = options
  const sizes = { steps: 5, batch: 3, input: 4, hidden: 5, direction: 'forward' as const, ...rest }
  const { op, steps, batch, input, hidden, direction } = sizes
  const random = new Random(hidden * 100 + steps)
  const directions = direction === 'bidirectional' ? 2 : 1
  const rows = directions * GATES[op] * hidden
  const maybe = (is: boolean | undefined, length: number) => (is ? random.floats(length) : undefined)
  return {
    x: random.floats(steps * batch * input),
    w: random.floats(rows * input, 0.6),
    r: random.floats(rows * hidden, 1.2 / Math.sqrt(hidden)),
    b: maybe(bias, 2 * rows),
    h: maybe(initial, directions * batch * hidden),
    c: maybe(initial && op === 'LSTM', directions * batch * hidden),
    p: maybe(peepholes, directions * 3 * hidden),
    ...sizes,
  }
}

function modelOf(q: RecurrentProblem, change: (name: string, weight: Weight) => Weight = (_, w) => w) {
  const { op, steps, batch, input, hidden, direction, layout = 0, clip } = q
  const directions = direction === 'bidirectional' ? 2 : 1
  const rows = GATES[op] * hidden
  const state = layout === 1 ? [batch, directions, hidden] : [directions, batch, hidden]
  const parts: Record<string, [ArrayLike<number> | undefined, number[]]> = {
    w: [q.w, [directions, rows, input]],
    r: [q.r, [directions, rows, hidden]],
    b: [q.b, [directions, 2 * rows]],
    h: [q.h, state],
    c: [q.c, state],
    p: [q.p, [directions, 3 * hidden]],
  }
  const weights: Record<string, Weight> = {}
  for (const [name, [data, shape]] of Object.entries(parts)) {
    if (data !== undefined) weights[name] = change(name, floats(data, shape))
  }
  if (q.lengths !== undefined) {
    weights['n'] = { kind: 'dense', dtype: 'int32', shape: [batch], data: Int32Array.from(q.lengths) }
  }
  const wire = (name: string) => (name in weights ? name : '_')
  const outputs = ['y', 'yh', ...(op === 'LSTM' ? ['yc'] : [])]
  const inputs = ['x', 'w', 'r', ...['b', 'n', 'h', 'c', 'p'].map(wire)]
  if (op !== 'LSTM') inputs.length = 6
  const attributes = {
    hidden_size: hidden,
    direction,
    layout,
    ...(clip === undefined ? {} : { clip }),
    ...(q.inputForget ? { input_forget: 1 } : {}),
    ...(q.linearBeforeReset ? { linear_before_reset: 1 } : {}),
    ...(q.activations ? { activations: q.activations } : {}),
  }
  return makeModel({
    inputs: { x: layout === 1 ? [batch, steps, input] : [steps, batch, input] },
    nodes: [node(op, `${inputs.join(' ')} -> ${outputs.join(' ')}`, attributes)],
    outputs,
    weights,
  })
}

const cases: Record<string, Options> = {
  'LSTM of one unit': { op: 'LSTM', hidden: 1, input: 1, batch: 1 },
  LSTM: { op: 'LSTM' },
  'LSTM, all inputs': { op: 'LSTM', bias: true, initial: true, peepholes: true, hidden: 8 },
  'LSTM in reverse, clipped': { op: 'LSTM', direction: 'reverse', bias: true, clip: 0.4, hidden: 7 },
  'LSTM both ways, batch first': {
    op: 'LSTM',
    direction: 'bidirectional',
    layout: 1,
    bias: true,
    initial: true,
    peepholes: true,
  },
  'LSTM both ways, sequences of different length': {
    op: 'LSTM',
    direction: 'bidirectional',
    batch: 4,
    lengths: [5, 0, 2, 5],
    bias: true,
    initial: true,
  },
  'LSTM with coupled gates': { op: 'LSTM', inputForget: 1, bias: true, peepholes: true, hidden: 6 },
  'LSTM in several chunks': { op: 'LSTM', steps: 9, batch: 20, hidden: 130, input: 2, bias: true },
  'LSTM of no steps': { op: 'LSTM', steps: 0, initial: true },
  GRU: { op: 'GRU', bias: true },
  'GRU, linear before reset, both ways': {
    op: 'GRU',
    linearBeforeReset: 1,
    direction: 'bidirectional',
    bias: true,
    initial: true,
    clip: 1.5,
    hidden: 8,
  },
  'GRU batch first, sequences of different length': {
    op: 'GRU',
    layout: 1,
    lengths: [1, 5, 3],
    direction: 'reverse',
    bias: true,
    initial: true,
    hidden: 6,
  },
  RNN: { op: 'RNN', bias: true, initial: true },
  'RNN both ways, other functions': {
    op: 'RNN',
    direction: 'bidirectional',
    activations: ['Relu', 'Sigmoid'],
    bias: true,
    clip: 0.7,
  },
}

function expectNear(actual: Float32Array, expected: Float64Array, most: number): void {
  const errors = actual.map((value, i) => Math.abs(value - expected[i]!))
  expect(Math.max(0, ...errors)).toBeLessThanOrEqual(most)
}

const reference = new Map<string, Record<string, Float32Array>>()

describeTargets('recurrent layers', (runtime) => {
  it.each(Object.keys(cases))('%s', (name) => {
    const problem = problemOf(cases[name]!)
    const expected = recurrent(problem)
    using session = loadModel(modelOf(problem), { runtime })
    const x = Float32Array.from(problem.x)
    const run = () => {
      const { y, yh, yc } = session.run({ x })
      return { y: y!.data, h: yh!.data, ...(yc === undefined ? {} : { c: yc.data }) }
    }
    const outputs: Record<string, Float32Array> = run()
    for (const [key, data] of Object.entries(outputs)) {
      const wanted = expected[key as keyof typeof expected]
      expect(data.length).toBe(wanted.length)
      expectNear(data, wanted, 4e-6)
    }
    const first = reference.get(name) ?? outputs
    reference.set(name, first)
    const again: Record<string, Float32Array> = run()
    for (const key of Object.keys(outputs)) {
      expectSame(outputs[key]!, first[key]!)
      expectSame(again[key]!, first[key]!)
    }
  })

  it('takes weights that are computed', () => {
    const problem = problemOf({ op: 'LSTM', bias: true, lengths: [5, 2, 0] })
    const { y, h } = recurrent(problem)
    const model = modelOf(problem)
    const weights = [...model.weights].map(([name, weight]) => ({
      ...(weight as ReturnType<typeof floats>),
      name,
    }))
    const computed = {
      ...model,
      inputs: [...model.inputs, ...weights.map(({ name, dtype, shape }) => ({ name, dtype, shape }))],
      weights: new Map(),
    }
    using session = loadModel(computed, { runtime })
    const inputs = Object.fromEntries(weights.map(({ name, ...weight }) => [name, weight]))
    const outputs = session.run({ ...inputs, x: Float32Array.from(problem.x) })
    expectNear(outputs['y']!.data, y, 4e-6)
    expectNear(outputs['yh']!.data, h, 4e-6)
    const { highWater } = runtime.stats()
    session.run({ ...inputs, x: Float32Array.from(problem.x) })
    expect(runtime.stats().highWater).toBe(highWater)
  })

  it('goes without the outputs that nobody reads', () => {
    const problem = problemOf({ op: 'GRU', linearBeforeReset: 1 })
    const model = modelOf(problem)
    const last = { ...model.nodes[0]!, outputs: ['', 'yh'] }
    const outputs = model.outputs.slice(1)
    using session = loadModel({ ...model, nodes: [last], outputs }, { runtime })
    expectNear(session.run({ x: Float32Array.from(problem.x) })['yh']!.data, recurrent(problem).h, 4e-6)
  })

  it('keeps int8 and sparse weights as they are', () => {
    const problem = problemOf({ op: 'LSTM', hidden: 32, input: 16, bias: true, direction: 'bidirectional' })
    const expected = recurrent(problem).y
    const x = Float32Array.from(problem.x)
    const isMatrix = (name: string) => name === 'w' || name === 'r'
    const granularities = [
      { per: 'tensor' },
      { per: 'channel', axis: 1 },
      { per: 'channel', axis: 0 },
    ] as const
    for (const granularity of granularities) {
      const coded = modelOf(problem, (name, weight) =>
        isMatrix(name) ? quantizeInt8(weight as ReturnType<typeof floats>, { granularity }) : weight,
      )
      using session = loadModel(coded, { runtime })
      expect(session.describe().nodes[0]!.stored).toBe('int8')
      const { y } = session.run({ x })
      expectNear(y!.data, expected, 0.05)
    }
    const zeroed = (data: ArrayLike<number>) => Float32Array.from(data, (v, i) => (i % 5 === 0 ? v : 0))
    const sparse = { ...problem, w: zeroed(problem.w), r: zeroed(problem.r) }
    using session = loadModel(modelOf(sparse), { runtime })
    expect(session.describe().nodes[0]!.stored).toBe('sparse')
    const wanted = recurrent(sparse).y
    const { y } = session.run({ x })
    expectNear(y!.data, wanted, 4e-6)
  })

  it('refuses other activations by name, and attributes that fit nothing', () => {
    const problem = problemOf({ op: 'LSTM' })
    const model = modelOf(problem)
    const load = (attributes: Record<string, unknown>) => {
      const changed = { ...model.nodes[0]!, attributes: { ...model.nodes[0]!.attributes, ...attributes } }
      using session = loadModel({ ...model, nodes: [changed] } as typeof model, { runtime })
      session.run({ x: Float32Array.from(problem.x) })
    }
    expect(() => load({ activations: ['HardSigmoid', 'Tanh', 'Tanh'] })).toThrow(UnsupportedOpError)
    expect(() => load({ activations: ['Sigmoid', 'Tanh'] })).toThrow(UnsupportedOpError)
    expect(() => load({ hidden_size: 6 })).toThrow(RangeError)
    expect(() => load({ hidden_size: -1 })).toThrow(RangeError)
    expect(() => load({ direction: 'sideways' })).toThrow(RangeError)
    expect(() => load({ layout: 2 })).toThrow(RangeError)
    const late = modelOf({ ...problem, lengths: [1, 6, 2] })
    using session = loadModel(late, { runtime })
    expect(() => session.run({ x: Float32Array.from(problem.x) })).toThrow(RangeError)
  })
})
