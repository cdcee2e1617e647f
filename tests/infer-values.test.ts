import { expect, it } from 'vitest'
import { UnsupportedOpError } from '../bindings/errors.js'
import { ELEMENT_ARRAYS, type ElementType, type Tensor } from '../bindings/formats/tensor.js'
import type { GraphNode } from '../bindings/graph/model.js'
import type { InputValue } from '../bindings/infer/inputs.js'
import { loadModel } from '../bindings/infer/load.js'
import { floats, ints, makeModel, node } from './support/models.js'
import { describeTargets } from './support/targets.js'

const TYPES = Object.keys(ELEMENT_ARRAYS).filter((dtype) => dtype !== 'float16') as ElementType[]

/** A tensor of any type from numbers. */
function values(dtype: ElementType, numbers: readonly number[], shape = [numbers.length]): Tensor {
  const data = new ELEMENT_ARRAYS[dtype](numbers.length) as unknown as (number | bigint)[]
  numbers.forEach((x, i) => (data[i] = dtype.endsWith('int64') ? BigInt(x) : x))
  return { kind: 'dense', dtype, shape, data: data as unknown as Float32Array }
}

const numbersOf = ({ data }: Tensor) => Array.from(data as ArrayLike<number | bigint>, Number)

describeTargets('values of any type', (runtime) => {
  /** Runs nodes over inputs whose shapes are left open. */
  function run(
    nodes: readonly GraphNode[],
    inputs: Readonly<Record<string, Tensor>>,
    weights: Readonly<Record<string, Tensor>> = {},
  ): Record<string, Tensor> {
    const model = makeModel({
      inputs: Object.fromEntries(
        Object.entries(inputs).map(([name, { dtype, shape }]) => [
          name,
          { dtype, shape: shape.map(() => null) },
        ]),
      ),
      nodes,
      outputs: nodes.at(-1)!.outputs,
      weights,
    })
    using session = loadModel(model, { runtime })
    const first = session.run<ElementType>(inputs)
    // A plan is used again, over the leavings of the first run.
    expect(session.run<ElementType>(inputs)).toEqual(first)
    return first
  }

  for (const dtype of TYPES) {
    it(`${dtype} goes in, moves and comes out`, () => {
      const x = values(dtype, [0, 1, 1, 0, 1, 0], [2, 3])
      const { y } = run(
        [node('Transpose', 'x -> t'), node('Concat', 't t -> c', { axis: 1 }), node('Identity', 'c -> y')],
        { x },
      )
      expect(y).toEqual(values(dtype, [0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 0], [3, 4]))
    })

    it(`${dtype} casts to every type and back`, () => {
      const x = values(dtype, [0, 1, 1])
      for (const [code, type] of [
        [1, 'float32'],
        [11, 'float64'],
        [2, 'uint8'],
        [3, 'int8'],
        [4, 'uint16'],
        [5, 'int16'],
        [6, 'int32'],
        [7, 'int64'],
        [9, 'bool'],
        [12, 'uint32'],
        [13, 'uint64'],
      ] as const) {
        expect(run([node('Cast', 'x -> y', { to: code })], { x }).y).toEqual(values(type, [0, 1, 1]))
      }
    })
  }

  const ARITHMETIC: readonly [string, ElementType, number[], number[], number[]][] = [
    ['Add', 'int8', [100, -100], [100, -100], [-56, 56]],
    ['Add', 'uint64', [1, 2], [3, 4], [4, 6]],
    ['Mul', 'int32', [65537, 3], [65537, -4], [131073, -12]],
    ['Div', 'int64', [7, -7], [2, 2], [3, -3]],
    ['Div', 'int16', [7, -7], [2, 2], [3, -3]],
    ['Div', 'float64', [1, -1], [4, 0], [0.25, -Infinity]],
    ['Mod', 'int32', [7, -7, 7, -7], [3, 3, -3, -3], [1, 2, -2, -1]],
    ['Mod', 'float32', [5.5, -5.5], [2, 2], [1.5, 0.5]],
    ['Pow', 'int64', [2, -3], [10, 3], [1024, -27]],
    ['Max', 'float32', [1, NaN, 3], [2, 1, NaN], [2, NaN, NaN]],
    ['Min', 'int64', [1, 5], [2, 4], [1, 4]],
    ['BitwiseXor', 'uint32', [0xffffffff], [1], [0xfffffffe]],
  ]
  for (const [op, dtype, a, b, expected] of ARITHMETIC) {
    it(`${op} of ${dtype}`, () => {
      const { y } = run([node(op, 'a b -> y')], { a: values(dtype, a), b: values(dtype, b) })
      expect(y).toEqual(values(dtype, expected))
    })
  }

  it('compares, chooses and counts', () => {
    const inputs = { a: ints([1, 5, 3]), b: ints([4, 4, 3]) }
    expect(numbersOf(run([node('LessOrEqual', 'a b -> y')], inputs).y!)).toEqual([1, 0, 1])
    const nodes = [node('Greater', 'a b -> g'), node('Where', 'g a b -> w'), node('ArgMax', 'w -> y')]
    expect(run(nodes, inputs).y).toEqual(ints([1]))
    expect(run([node('Size', 'a -> y')], inputs).y).toEqual(ints([3], []))
  })

  it('looks up rows of a table by tokens', () => {
    const table = floats([0, 1, 10, 11, 20, 21], [3, 2])
    const { y } = run([node('Gather', 'table ids -> y')], { ids: ints([2, 0, -1], [1, 3]) }, { table })
    expect(y).toEqual(floats([20, 21, 0, 1, 20, 21], [1, 3, 2]))
  })

  it('casts what no type holds to what comes nearest', () => {
    const x = floats([NaN, Infinity, -Infinity, 300, -1.9])
    expect(numbersOf(run([node('Cast', 'x -> y', { to: 2 })], { x }).y!)).toEqual([0, 255, 0, 255, 0])
    expect(run([node('Cast', 'x -> y', { to: 7 })], { x }).y!.data).toEqual(
      BigInt64Array.of(0n, 2n ** 63n - 1n, -(2n ** 63n), 300n, -1n),
    )
  })

  it('takes bare values of the input type, and safe integers for 64-bit ones', () => {
    const model = makeModel({
      inputs: { x: { dtype: 'int64', shape: ['N'] } },
      nodes: [node('Neg', 'x -> y')],
      outputs: ['y'],
    })
    using session = loadModel(model, { runtime })
    for (const x of [BigInt64Array.of(1n, -2n), [1, -2], Int32Array.of(1, -2)]) {
      expect(session.run<'int64'>({ x }).y!.data).toEqual(BigInt64Array.of(-1n, 2n))
    }
    const out = { y: new BigInt64Array(2) }
    expect(session.run<'int64'>({ x: [3, 4] }, { out }).y!.data).toBe(out.y)
    const wrong =
      (x: unknown, options = {}) =>
      () =>
        session.run({ x: x as InputValue }, options)
    expect(wrong([1.5])).toThrow('"inputs.x" expected BigInt64Array, got array of 1')
    expect(wrong(Float32Array.of(1))).toThrow('"inputs.x" expected BigInt64Array')
    expect(wrong(floats([1]))).toThrow('expected a int64 tensor, got float32')
    expect(wrong([1], { out: { y: new Float32Array(1) } })).toThrow('"out.y" expected BigInt64Array(1)')
    expect(session.describe({ x: [4] }).nodes[0]).toMatchObject({ kernels: ['evaluate'], shape: [4] })
  })

  it('names what a run cannot compute, and goes on', () => {
    const model = makeModel({
      inputs: { a: { dtype: 'int32', shape: [2] }, b: { dtype: 'int32', shape: [2] } },
      nodes: [node('Div', 'a b -> y')],
      outputs: ['y'],
    })
    using session = loadModel(model, { runtime })
    const a = Int32Array.of(7, 8)
    expect(() => session.run({ a, b: Int32Array.of(0, 1) })).toThrow(
      'Div "Div.y" has no result for these values',
    )
    expect(session.run<'int32'>({ a, b: Int32Array.of(2, -3) }).y!.data).toEqual(Int32Array.of(3, -2))
    const doubled = makeModel({
      inputs: { x: { dtype: 'float64', shape: [2] } },
      nodes: [node('Relu', 'x -> y')],
      outputs: ['y'],
    })
    using other = loadModel(doubled, { runtime })
    expect(() => other.run({ x: new Float64Array(2) })).toThrow(UnsupportedOpError)
    expect(() => other.run({ x: new Float64Array(2) })).toThrow('Relu of float64 (Relu.y)')
  })

  it('refuses indices that are out of range, and goes on', () => {
    const model = makeModel({
      inputs: { i: { dtype: 'int64', shape: [1] } },
      nodes: [node('Gather', 'table i -> y')],
      outputs: ['y'],
      weights: { table: floats([1, 2, 3]) },
    })
    using session = loadModel(model, { runtime })
    for (const i of [3, -4, 2 ** 40]) {
      expect(() => session.run({ i: [i] })).toThrow(`axis ${i} does not exist in 3 dimensions`)
    }
    expect(numbersOf(session.run({ i: [-3] }).y!)).toEqual([1])
  })

  it('makes no more than memory allows', () => {
    const model = makeModel({
      inputs: { x: { dtype: 'int64', shape: ['N'] } },
      nodes: [node('Expand', 'x shape -> y')],
      outputs: ['y'],
      weights: { shape: ints([2 ** 20, 2 ** 10]) },
    })
    using session = loadModel(model, { runtime })
    expect(() => session.run({ x: new Array<number>(2 ** 10).fill(1) })).toThrow('needs 8589')
  })
})
