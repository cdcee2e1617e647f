import { describe, expect, it } from 'vitest'
import { findLayers, inputOf, matrixOf, storedOrder } from '../bindings/compress/layers.js'
import { takeRows } from '../bindings/compress/rows.js'
import { generator } from '../bindings/ops/random.js'
import type { GraphNode } from '../bindings/graph/model.js'
import { runOnnx } from './oracles/onnx.js'
import { floats, makeModel, node } from './support/models.js'
import { Random } from './support/random.js'

const CASES: [string, number[], number[], GraphNode][] = [
  ['Gemm [n, k]', [5, 7], [3, 7], node('Gemm', 'x w b -> y', { transB: 1 })],
  ['Gemm [k, n]', [5, 7], [7, 3], node('Gemm', 'x w b -> y')],
  ['MatMul of a stack', [2, 4, 7], [7, 3], node('MatMul', 'x w -> y')],
  ['Conv', [2, 3, 6, 5], [4, 3, 3, 2], node('Conv', 'x w b -> y')],
  [
    'Conv with pads, strides and dilations',
    [2, 2, 7, 8],
    [3, 2, 3, 2],
    node('Conv', 'x w b -> y', { pads: [1, 2, 0, 1], strides: [2, 1], dilations: [1, 3] }),
  ],
  [
    'Conv SAME',
    [1, 2, 5, 5],
    [3, 2, 3, 3],
    node('Conv', 'x w b -> y', { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
  ],
  [
    'Conv in groups',
    [2, 4, 5, 5],
    [6, 2, 3, 3],
    node('Conv', 'x w b -> y', { group: 2, pads: [1, 1, 1, 1] }),
  ],
  ['Conv, depthwise', [1, 3, 4, 4], [3, 1, 3, 3], node('Conv', 'x w b -> y', { group: 3 })],
  ['Conv over one axis', [2, 3, 9], [4, 3, 3], node('Conv', 'x w b -> y', { strides: [2], pads: [1, 0] })],
]

describe('layers as matrices', () => {
  it.each(CASES)(
    '%s: rows of the input times rows of the matrix are the outputs',
    (_, xShape, wShape, operator) => {
      const random = new Random(7)
      const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
      const x = floats(random.floats(size(xShape)), xShape)
      const outputs = operator.op === 'Conv' || operator.attributes['transB'] === 1 ? wShape[0]! : wShape[1]!
      const bias = floats(random.floats(outputs))
      const model = makeModel({
        inputs: { x: xShape },
        nodes: [operator],
        outputs: ['y'],
        weights: {
          w: floats(random.floats(size(wShape)), wShape),
          ...(operator.inputs.length > 2 && { b: bias }),
        },
      })
      const expected = runOnnx(model, { x }).get('y')!
      const [layer] = findLayers(model)
      const { rows, cols, groups } = layer!
      const matrix = matrixOf(model, layer!)
      const input = takeRows(layer!, x, Infinity, generator(1))

      // [positions, rows] against [N, rows, ...places] for a Conv, or the same order for a matrix.
      const isConv = operator.op === 'Conv'
      const places = isConv ? size(expected.shape.slice(2)) : 1
      expect(input.count * rows).toBe(expected.data.length)
      for (let position = 0; position < input.count; position++) {
        for (let r = 0; r < rows; r++) {
          let sum = layer!.bias === undefined ? 0 : bias.data[r]!
          for (let c = 0; c < cols; c++) {
            sum +=
              matrix[r * cols + c]! * input.data[position * groups * cols + inputOf(layer!, r * cols + c)]!
          }
          const at = isConv
            ? (Math.floor(position / places) * rows + r) * places + (position % places)
            : position * rows + r
          expect(sum).toBeCloseTo(expected.data[at]!, 5)
        }
      }
      expect(storedOrder(layer!, matrix)).toEqual((model.weights.get('w') as ReturnType<typeof floats>).data)
    },
  )

  it('takes each of many positions at some time, and the same ones for the same seed', () => {
    const model = makeModel({
      inputs: { x: ['N', 3] },
      nodes: [node('Gemm', 'x w -> y')],
      outputs: ['y'],
      weights: { w: floats([1, 2, 3], [3, 1]) },
    })
    const [layer] = findLayers(model)
    const x = floats(
      Array.from({ length: 300 }, (_, i) => Math.floor(i / 3)),
      [100, 3],
    )
    const take = (seed: number): number[] =>
      [...takeRows(layer!, x, 10, generator(seed)).data].filter((_, i) => i % 3 === 0)
    expect(take(3)).toEqual(take(3))
    const seen = new Set(Array.from({ length: 200 }, (_, seed) => take(seed)).flat())
    expect(seen.size).toBe(100)
    expect(take(5).every((row, i) => Math.floor(row / 10) === i)).toBe(true)
  })

  it.each([
    ['a weight that two nodes read', [node('Gemm', 'x w -> h'), node('Gemm', 'h w -> y')], {}],
    ['a weight that is an output', [node('Gemm', 'x w -> y')], { outputs: ['y', 'w'] }],
    ['a scaled Gemm', [node('Gemm', 'x w -> y', { alpha: 2 })], {}],
    ['a computed weight', [node('Relu', 'w -> v'), node('Gemm', 'x v -> y')], {}],
    ['another domain', [{ ...node('Gemm', 'x w -> y'), domain: 'com.example' }], {}],
  ])('leaves %s alone', (_, nodes, parts) => {
    const model = makeModel({
      inputs: { x: ['N', 2] },
      nodes,
      outputs: ['y'],
      weights: { w: floats([1, 2, 3, 4], [2, 2]) },
      ...parts,
    })
    expect(findLayers(model)).toEqual([])
  })

  it('takes no bias that is shared, or that has another length', () => {
    const layers = (b: number[], nodes: GraphNode[]): (string | undefined)[] =>
      findLayers(
        makeModel({
          inputs: { x: ['N', 2] },
          nodes,
          outputs: ['y'],
          weights: { w: floats([1, 2, 3, 4], [2, 2]), v: floats([1, 2, 3, 4], [2, 2]), b: floats(b) },
        }),
      ).map(({ bias }) => bias?.name)
    expect(layers([1, 2], [node('Gemm', 'x w b -> y')])).toEqual(['b'])
    expect(layers([1], [node('Gemm', 'x w b -> y')])).toEqual([undefined])
    expect(layers([1, 2], [node('Gemm', 'x w b -> h'), node('Gemm', 'h v b -> y')])).toEqual([
      undefined,
      undefined,
    ])
  })
})
