import * as ort from 'onnxruntime-web'
import { buildOnnx, type OnnxModel } from '../../tests/support/onnx-builder.js'
import { PEERS } from '../goals.js'
import type { Contender } from '../harness.js'
import type { GemmProblem, Int4GemmProblem } from '../problems.js'

ort.env.wasm.numThreads = 1

async function contender(
  name: string,
  model: OnnxModel,
  feeds: Record<string, ort.Tensor>,
  exact: (data: ort.Tensor['data']) => boolean,
): Promise<Contender> {
  const session = await ort.InferenceSession.create(buildOnnx(model), { graphOptimizationLevel: 'all' })
  let output: ort.Tensor | undefined
  return {
    name,
    target: 'simd',
    run: async () => {
      output = (await session.run(feeds))['y']
    },
    exact: () => output !== undefined && exact(output.data),
    dispose: () => void session.release(),
  }
}

/** A float MatMul with constant weights, which the runtime packs when it loads. */
export function f32Gemm({ m, n, k, a, b, matches }: GemmProblem<Float32Array>): Promise<Contender> {
  return contender(
    PEERS.onnxruntime,
    {
      nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
      initializers: { w: { shape: [k, n], data: b } },
      inputs: [{ name: 'x', shape: [m, k] }],
      outputs: [{ name: 'y', shape: [m, n] }],
    },
    { x: new ort.Tensor('float32', a, [m, k]) },
    (data) => matches(data as Float32Array),
  )
}

/** MatMulInteger with int8 weights and activations that are unsigned (offset by 128, as its fast path wants) or signed. */
export function int8Gemm(
  { m, n, k, a, b, matches }: GemmProblem<Int8Array>,
  activations: 'u8' | 's8',
): Promise<Contender> {
  const unsigned = activations === 'u8'
  const x = unsigned ? Uint8Array.from(a, (value) => value + 128) : a
  return contender(
    unsigned ? PEERS.u8s8 : PEERS.s8s8,
    {
      nodes: [{ op: 'MatMulInteger', inputs: unsigned ? ['x', 'w', 'zero'] : ['x', 'w'], outputs: ['y'] }],
      initializers: {
        w: { dtype: 'int8', shape: [k, n], data: b },
        ...(unsigned ? { zero: { dtype: 'uint8' as const, shape: [], data: [128] } } : {}),
      },
      inputs: [{ name: 'x', dtype: unsigned ? 'uint8' : 'int8', shape: [m, k] }],
      outputs: [{ name: 'y', dtype: 'int32', shape: [m, n] }],
    },
    { x: new ort.Tensor(unsigned ? 'uint8' : 'int8', x, [m, k]) },
    (data) => matches(data as Int32Array),
  )
}

/** QLinearMatMul, whose results are int8 too: in steps of a power of two, so that only their rounding is open. */
export function qlinearGemm({ m, n, k, a, b, expected }: GemmProblem<Int8Array>): Promise<Contender> {
  const step = 2 ** Math.ceil(Math.log2(Math.max(...Array.from(expected, Math.abs)) / 127))
  return contender(
    PEERS.qlinear,
    {
      nodes: [
        {
          op: 'QLinearMatMul',
          inputs: ['x', 'one', 'middle', 'w', 'one', 'zero', 'step', 'middle'],
          outputs: ['y'],
        },
      ],
      initializers: {
        w: { dtype: 'int8', shape: [k, n], data: b },
        one: { shape: [], data: [1] },
        step: { shape: [], data: [step] },
        middle: { dtype: 'uint8', shape: [], data: [128] },
        zero: { dtype: 'int8', shape: [], data: [0] },
      },
      inputs: [{ name: 'x', dtype: 'uint8', shape: [m, k] }],
      outputs: [{ name: 'y', dtype: 'uint8', shape: [m, n] }],
    },
    {
      x: new ort.Tensor(
        'uint8',
        Uint8Array.from(a, (value) => value + 128),
        [m, k],
      ),
    },
    (data) => Array.from(expected).every((sum, i) => Math.abs(Number(data[i]) - 128 - sum / step) <= 0.5),
  )
}

/**
 * A float MatMul with weights of 4 bits in blocks. `int8`: the runtime may quantize activations too (accuracy_level 4),
 * as ours does; otherwise it computes in float.
 */
export function int4Gemm(
  { m, n, k, a, weights, matches }: Int4GemmProblem,
  activations: 'int8' | 'float32',
): Promise<Contender> {
  const { groupSize, data, scale } = weights
  const blocks = Math.ceil(k / groupSize)
  return contender(
    activations === 'int8' ? PEERS.nBits8 : PEERS.nBits,
    {
      nodes: [
        {
          op: 'MatMulNBits',
          domain: 'com.microsoft',
          inputs: ['x', 'w', 'scales'],
          outputs: ['y'],
          attributes: {
            K: k,
            N: n,
            bits: 4,
            block_size: groupSize,
            ...(activations === 'int8' ? { accuracy_level: 4 } : {}),
          },
        },
      ],
      initializers: {
        w: { dtype: 'uint8', shape: [n, blocks, groupSize / 2], data },
        scales: { shape: [n * blocks], data: scale },
      },
      inputs: [{ name: 'x', shape: [m, k] }],
      outputs: [{ name: 'y', shape: [m, n] }],
    },
    { x: new ort.Tensor('float32', a, [m, k]) },
    (values) => matches(values as Float32Array),
  )
}
