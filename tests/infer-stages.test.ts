import { afterAll, describe, expect, it } from 'vitest'
import { CapacityError, FormatError } from '../bindings/errors.js'
import type { ElementType, Tensor } from '../bindings/formats/tensor.js'
import type { Graph, GraphNode, Model } from '../bindings/graph/model.js'
import { prepare } from '../bindings/graph/prepare.js'
import type { InputValue } from '../bindings/infer/inputs.js'
import { loadModel } from '../bindings/infer/load.js'
import { writeArtifact } from '../bindings/io/artifact/index.js'
import { createRuntime } from '../bindings/index.js'
import { floats, ints, makeModel, node, type GraphParts } from './support/models.js'
import { describeTargets } from './support/targets.js'

/** A graph inside a node. */
function graph(
  outputs: string,
  nodes: readonly GraphNode[],
  weights: GraphParts['weights'] = {},
  inputs = '',
): Graph {
  const { outputs: infos, ...rest } = makeModel({ inputs: {}, nodes, outputs: outputs.split(' '), weights })
  const names = inputs.split(' ').filter(Boolean)
  return {
    nodes: rest.nodes,
    weights: rest.weights,
    outputs: infos,
    inputs: names.map((name) => ({ name, dtype: 'float32', shape: undefined })),
  }
}

const scalar = (value: number) => floats([value], [])
const bool = (value: boolean): Tensor => ({
  kind: 'dense',
  dtype: 'bool',
  shape: [],
  data: Uint8Array.of(Number(value)),
})
const list = ({ data }: Tensor) => Array.from(data as ArrayLike<number | bigint>, Number)

/** x doubled where the sum of x is above 0, otherwise x + 1: both branches name their values alike. */
const choosing: Model = makeModel({
  inputs: { x: ['N'] },
  nodes: [
    node('MatMul', 'x ones -> sum'),
    node('Greater', 'sum zero -> positive'),
    node('If', 'positive -> chosen', {
      then_branch: graph('t', [node('Mul', 'x two -> t', {}, 'inner')], { two: scalar(2) }),
      else_branch: graph('t', [node('Add', 'x one -> t', {}, 'inner')], { one: scalar(1) }),
    }),
    node('Relu', 'chosen -> y'),
  ],
  outputs: ['y'],
  weights: { ones: floats([1, 1, 1]), zero: scalar(0) },
})

const count = (extra: GraphNode[] = []): Graph =>
  graph(
    'go next seen',
    [
      node('Add', 'state step -> next'),
      node('Identity', 'next -> seen'),
      node('Identity', 'c -> go'),
      ...extra,
    ],
    {},
    'i c state',
  )

/** Adds `step` to `start` in `trips` trips, and lists what it had after each. */
const counting: Model = makeModel({
  inputs: { trips: { dtype: 'int64', shape: [] }, start: [2], step: [2] },
  nodes: [node('Loop', 'trips _ start -> last all', { body: count() }), node('Neg', 'all -> y')],
  outputs: ['last', 'y'],
})

describeTargets('plans that values decide about', (runtime) => {
  it('reshapes to what data say', () => {
    const model = makeModel({
      inputs: { x: ['N'], n: [1] },
      nodes: [
        node('Relu', 'x -> r'),
        node('Cast', 'n -> rows', { to: 7 }),
        node('Concat', 'rows rest -> shape', { axis: 0 }),
        node('Reshape', 'r shape -> m'),
        node('Neg', 'm -> y'),
      ],
      outputs: ['y'],
      weights: { rest: ints([-1]) },
    })
    using session = loadModel(model, { runtime })
    const x = Float32Array.of(-1, 2, 3, -4, 5, 6)
    for (const n of [2, 3, 2, 6, 3]) {
      const { y } = session.run({ x, n: Float32Array.of(n) })
      expect(y).toEqual(floats([-0, -2, -3, -0, -5, -6], [n, 6 / n]))
    }
    expect(() => session.run({ x, n: Float32Array.of(4) })).toThrow('cannot become [4, -1]')
    expect(session.run({ x, n: Float32Array.of(1) }).y!.shape).toEqual([1, 6])
    expect(session.describe({ x: [6] }).nodes.map(({ op }) => op)).toEqual([
      'Relu',
      'Cast',
      'Concat',
      'Reshape',
      'Neg',
    ])
  })

  it('finds what is not zero', () => {
    const model = makeModel({
      inputs: { x: [null, null] },
      nodes: [
        node('Relu', 'x -> r'),
        node('NonZero', 'r -> at'),
        node('GatherND', 'x where -> y'),
        node('Transpose', 'at -> where'),
      ],
      outputs: ['at', 'y'],
    })
    const sorted = { ...model, nodes: [model.nodes[0]!, model.nodes[1]!, model.nodes[3]!, model.nodes[2]!] }
    using session = loadModel(sorted, { runtime })
    const run = (values: number[]) => session.run<ElementType>({ x: floats(values, [2, values.length / 2]) })
    expect(run([1, -1, 0, 5])).toEqual({ at: ints([0, 1, 0, 1], [2, 2]), y: floats([1, 5]) })
    expect(run([0, 0, 0, 0])).toEqual({ at: ints([], [2, 0]), y: floats([]) })
    expect(run(new Array<number>(5000).fill(2)).y!.shape).toEqual([5000])
    expect(run([0, 0, 0, 7])).toEqual({ at: ints([1, 1], [2, 1]), y: floats([7]) })
  })

  it('takes the branch that data choose', () => {
    for (const model of [choosing, prepare(choosing)]) {
      using session = loadModel(model, { runtime })
      for (let round = 0; round < 3; round++) {
        expect(list(session.run({ x: Float32Array.of(1, 2, -1) }).y!)).toEqual([2, 4, 0])
        expect(list(session.run({ x: Float32Array.of(-3, 2, 0.5) }).y!)).toEqual([0, 3, 1.5])
      }
      expect(session.describe({ x: [3] }).nodes.map(({ op }) => op)).toContain('Add')
    }
  })

  it('keeps branches and bodies in a file', () => {
    const x = Float32Array.of(1, 2, -1)
    for (const model of [choosing, prepare(choosing)]) {
      using session = loadModel(writeArtifact(model, { runtime }).bytes, { runtime })
      expect(list(session.run({ x }).y!)).toEqual([2, 4, 0])
    }
    using session = loadModel(writeArtifact(prepare(counting), { runtime }).bytes, { runtime })
    const inputs = { trips: [2], start: Float32Array.of(1, 10), step: Float32Array.of(2, 3) }
    expect(list(session.run(inputs).last!)).toEqual([5, 16])
  })

  it('puts a branch in the place of an If whose condition is constant', () => {
    for (const value of [true, false]) {
      const model = makeModel({
        inputs: { x: ['N'] },
        nodes: [
          node('Not', 'given -> turned'),
          node('If', 'turned -> y', {
            then_branch: graph('a', [node('Neg', 'x -> a')]),
            else_branch: graph('x', []),
          }),
        ],
        outputs: ['y'],
        weights: { given: bool(value) },
      })
      const prepared = prepare(model)
      expect(prepared.nodes.map(({ op }) => op)).not.toContain('If')
      for (const source of [model, prepared]) {
        using session = loadModel(source, { runtime })
        expect(list(session.run({ x: Float32Array.of(1, -2) }).y!)).toEqual(value ? [1, -2] : [-1, 2])
      }
    }
  })

  it('chooses inside of branches, by values of an input', () => {
    const inner = (low: number, high: number) =>
      graph('z', [
        node('If', 'second -> z', {
          then_branch: graph('c', [], { c: scalar(high) }),
          else_branch: graph('c', [], { c: scalar(low) }),
        }),
      ])
    const model = makeModel({
      inputs: { x: ['N'], first: { dtype: 'bool', shape: [] }, second: { dtype: 'bool', shape: [] } },
      nodes: [
        node('If', 'first -> c', { then_branch: inner(3, 4), else_branch: inner(1, 2) }),
        node('Mul', 'x c -> y'),
      ],
      outputs: ['y'],
    })
    using session = loadModel(model, { runtime })
    const run = (first: boolean, second: boolean) =>
      list(session.run({ x: Float32Array.of(10), first: bool(first), second: bool(second) }).y!)[0]
    const all = () => [run(false, false), run(false, true), run(true, false), run(true, true)]
    expect([...all(), ...all()]).toEqual([10, 20, 30, 40, 10, 20, 30, 40])
  })

  it('goes round a loop', () => {
    using session = loadModel(counting, { runtime })
    const run = (trips: number) =>
      session.run({ trips: [trips], start: Float32Array.of(1, 10), step: Float32Array.of(2, 3) })
    for (const trips of [3, 1, 3]) {
      const seen = Array.from({ length: trips }, (_, i) => [-1 - 2 * (i + 1), -10 - 3 * (i + 1)])
      expect(run(trips)).toEqual({
        last: floats(seen.at(-1)!.map((v) => -v)),
        y: floats(seen.flat(), [trips, 2]),
      })
    }
    expect(run(0).last).toEqual(floats([1, 10]))
    expect(run(1000).y!.shape).toEqual([1000, 2])
  })

  it('leaves a loop when its condition says so, and grows what it carries', () => {
    const body = graph(
      'go longer',
      [
        node('Concat', 'state state -> longer', { axis: 0 }),
        node('Size', 'longer -> n'),
        node('Less', 'n most -> go'),
      ],
      { most: ints([20], []) },
      'i c state',
    )
    const model = makeModel({
      inputs: { x: ['N'] },
      nodes: [node('Loop', '_ _ x -> y', { body })],
      outputs: ['y'],
    })
    using session = loadModel(model, { runtime })
    expect(list(session.run({ x: Float32Array.of(1, 2, 3) }).y!)).toEqual(
      Array.from({ length: 24 }, (_, i) => 1 + (i % 3)),
    )
    expect(session.run({ x: new Float32Array(30) }).y!.shape).toEqual([60])
  })

  it('packs weights that inputs bring', () => {
    const constant = makeModel({
      inputs: { x: [1, 2, 4, 4] },
      nodes: [node('Conv', 'x w b -> y', { pads: [1, 1, 1, 1] })],
      outputs: ['y'],
      weights: {
        w: floats(
          Array.from({ length: 54 }, (_, i) => (i % 7) - 3),
          [3, 2, 3, 3],
        ),
        b: floats([1, 2, 3]),
      },
    })
    const { w, b } = Object.fromEntries(constant.weights) as Record<string, Tensor>
    const computed = {
      ...constant,
      weights: new Map(),
      inputs: [
        ...constant.inputs,
        ...['w', 'b'].map((name) => ({ name, dtype: 'float32', shape: undefined }) as const),
      ],
    }
    const x = floats(
      Array.from({ length: 32 }, (_, i) => i),
      [1, 2, 4, 4],
    )
    using expected = loadModel(constant, { runtime })
    using session = loadModel(computed, { runtime })
    for (let round = 0; round < 3; round++)
      expect(session.run({ x, w: w!, b: b! })).toEqual(expected.run({ x }))
    const none = session.run({ x, w: floats(new Float32Array(54), [3, 2, 3, 3]), b: b! })
    expect(list(none.y!).slice(0, 17)).toEqual([...new Array<number>(16).fill(1), 2])
  })
})

describe('hostile graphs', () => {
  const runtime = createRuntime({ maxBytes: 2 ** 26 })
  afterAll(() => {
    expect(runtime.stats().liveHandles).toBe(0)
  })

  /** Fails with this message twice, and leaves nothing behind. */
  function expectFailure(model: Model, inputs: Record<string, InputValue>, message: string): void {
    const before = runtime.stats().bytesInUse
    {
      using session = loadModel(model, { runtime })
      expect(() => session.run(inputs)).toThrow(message)
      expect(() => session.run(inputs)).toThrow(message)
    }
    expect(runtime.stats().bytesInUse).toBe(before)
  }

  it('loops for ever', () => {
    const inputs = { start: new Float32Array(2), step: new Float32Array(2) }
    expectFailure(counting, { ...inputs, trips: BigInt64Array.of(2n ** 62n) }, 'more than 65536 trips')
    using session = loadModel(counting, { runtime })
    expect(() => session.run({ ...inputs, trips: BigInt64Array.of(2n ** 62n) })).toThrow(RangeError)
    expect(session.run({ ...inputs, trips: [2] }).y!.shape).toEqual([2, 2])
  })

  it('has loops inside of loops', () => {
    const nested = (depth: number): Graph => {
      const name = (what: string) => what + depth
      const [i, c, s] = [name('i'), name('c'), name('s')]
      const inner =
        depth === 0
          ? node('Neg', `${s} -> ${name('o')}`)
          : node('Loop', `many _ ${s} -> ${name('o')}`, { body: nested(depth - 1) })
      return graph(
        `${name('g')} ${name('o')}`,
        [node('Identity', `${c} -> ${name('g')}`), inner],
        {},
        `${i} ${c} ${s}`,
      )
    }
    const model = makeModel({
      inputs: { x: [1] },
      nodes: [node('Loop', 'many _ x -> y', { body: nested(5) })],
      outputs: ['y'],
      weights: { many: ints([1000], []) },
    })
    expectFailure(model, { x: new Float32Array(1) }, 'more than 65536 trips')
  })

  it('nests branches too deep', () => {
    let inner = graph('x', [])
    for (let depth = 0; depth < 20; depth++) {
      inner = graph(`y${depth}`, [node('If', `c -> y${depth}`, { then_branch: inner, else_branch: inner })])
    }
    const model = makeModel({
      inputs: { x: [1], c: { dtype: 'bool', shape: [] } },
      nodes: [node('If', 'c -> y', { then_branch: inner, else_branch: inner })],
      outputs: ['y'],
    })
    expect(() => loadModel(model, { runtime })).toThrow(FormatError)
  })

  it('counts further than there is memory', () => {
    const range = makeModel({
      inputs: { n: { dtype: 'int64', shape: [] } },
      nodes: [node('Range', 'zero n one -> y')],
      outputs: ['y'],
      weights: { zero: ints([0], []), one: ints([1], []) },
    })
    expectFailure(range, { n: [10 ** 12] }, 'expected an integer in 0..')
    expectFailure(range, { n: [2 ** 29] }, 'needs 4294967296 bytes')
    using session = loadModel(range, { runtime })
    expect(() => session.run({ n: [2 ** 29] })).toThrow(CapacityError)
    expect(list(session.run({ n: [3] }).y!)).toEqual([0, 1, 2])
  })

  it('repeats further than there is memory', () => {
    const model = makeModel({
      inputs: { x: [1], shape: { dtype: 'int64', shape: ['R'] } },
      nodes: [node('Expand', 'x shape -> y')],
      outputs: ['y'],
    })
    expectFailure(model, { x: new Float32Array(1), shape: [10 ** 5, 10 ** 5, 10 ** 5] }, 'expected at most')
    expectFailure(model, { x: new Float32Array(1), shape: [-1] }, 'got -1')
  })

  it('goes wrong in a branch or body', () => {
    const body = graph('c next', [node('Concat', 'state other -> next', { axis: 1 })], {}, 'i c state')
    const model = makeModel({
      inputs: { x: [2], other: [2], many: { dtype: 'int64', shape: [] } },
      nodes: [node('Loop', 'many _ x -> y', { body })],
      outputs: ['y'],
    })
    expectFailure(
      model,
      { x: new Float32Array(2), other: new Float32Array(2), many: [3] },
      'axis 1 does not exist',
    )
    const wide = {
      ...model,
      nodes: [node('If', 'x -> y', { then_branch: graph('x', []), else_branch: graph('x', []) })],
    }
    expectFailure(wide, { x: new Float32Array(2), other: new Float32Array(2), many: [3] }, 'one condition')
  })
})
