import { expect, it } from 'vitest'
import { prepare } from '../bindings/graph/prepare.js'
import { loadModel } from '../bindings/infer/load.js'
import { resize, type ResizeProblem } from './oracles/resize.js'
import { expectSame } from './support/compare.js'
import { floats, ints, makeModel, node } from './support/models.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

const TRANSFORMS = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'tf_half_pixel_for_nn',
  'tf_crop_and_resize',
]
const ROUNDINGS = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']

type Options = Partial<ResizeProblem> & Pick<ResizeProblem, 'mode' | 'transform'>

/** An image of 5 x 4, and what becomes of it. */
function problemOf(options: Options): ResizeProblem {
  const shape = options.shape ?? [2, 3, 5, 4]
  const scales = options.scales ?? [1, 1, 1.5, 2.25]
  const output = options.output ?? shape.map((size, axis) => Math.floor(size * scales[axis]!))
  const length = shape.reduce((product, size) => product * size, 1)
  return { data: new Random(length).floats(length), ...options, shape, scales, output }
}

function modelOf(q: ResizeProblem, sizes = false) {
  const attributes = {
    mode: q.mode,
    coordinate_transformation_mode: q.transform,
    ...(q.nearest === undefined ? {} : { nearest_mode: q.nearest }),
    ...(q.a === undefined ? {} : { cubic_coeff_a: q.a }),
    ...(q.exclude ? { exclude_outside: 1 } : {}),
    ...(q.antialias ? { antialias: 1 } : {}),
    ...(q.extrapolation === undefined ? {} : { extrapolation_value: q.extrapolation }),
  }
  const roi = floats(q.roi ?? [])
  const wires = sizes ? 'x roi _ sizes -> y' : 'x roi scales -> y'
  return makeModel({
    inputs: { x: q.shape.map(() => null) },
    nodes: [node('Resize', wires, attributes)],
    outputs: ['y'],
    weights: { roi, ...(sizes ? { sizes: ints(q.output) } : { scales: floats(q.scales) }) },
  })
}

const cases: Options[] = [
  ...TRANSFORMS.flatMap((transform) => {
    const crop = { roi: [0, 0, 0.2, -0.3, 1, 1, 0.7, 1.2], extrapolation: 7 }
    const extra = transform === 'tf_crop_and_resize' ? crop : {}
    return ['nearest', 'linear', 'cubic'].map((mode) => ({ mode, transform, ...extra }))
  }),
  ...ROUNDINGS.map((nearest) => ({
    mode: 'nearest',
    transform: 'half_pixel',
    nearest,
    scales: [1, 1, 2, 0.5],
  })),
  { mode: 'linear', transform: 'half_pixel', scales: [1, 1, 2, 2], shape: [1, 16, 6, 5] },
  { mode: 'linear', transform: 'half_pixel', scales: [1, 2, 1, 0.5] },
  { mode: 'linear', transform: 'asymmetric', scales: [1, 1, 3], shape: [2, 5, 7] },
  { mode: 'cubic', transform: 'half_pixel', a: -0.5, exclude: true, scales: [1, 1, 0.75, 2] },
  {
    mode: 'linear',
    transform: 'half_pixel',
    antialias: true,
    scales: [1, 1, 0.5, 0.375],
    shape: [1, 2, 9, 8],
  },
  { mode: 'cubic', transform: 'half_pixel', antialias: true, scales: [1, 1, 0.5, 2], shape: [1, 2, 9, 8] },
  { mode: 'nearest', transform: 'asymmetric', scales: [1, 1, 1, 1] },
  { mode: 'linear', transform: 'half_pixel', scales: [1, 1, 1.5, 0.1] },
]

const nameOf = (options: Options) =>
  Object.entries(options)
    .map(([key, value]) => `${key} ${String(value)}`)
    .join(', ')

const reference = new Map<string, Float32Array>()

describeTargets('Resize', (runtime) => {
  it.each(cases.map((options) => [nameOf(options), options] as const))('%s', (name, options) => {
    const problem = problemOf(options)
    const expected = resize({ ...problem, scales: Float32Array.from(problem.scales) as unknown as number[] })
    using session = loadModel(modelOf(problem), { runtime })
    const x = floats(problem.data, problem.shape)
    const { y } = session.run({ x })
    expect(y!.shape).toEqual(problem.output)
    expect(Math.max(0, ...y!.data.map((v, i) => Math.abs(v - expected[i]!)))).toBeLessThanOrEqual(2e-6)
    const first = reference.get(name) ?? y!.data
    reference.set(name, first)
    expectSame(y!.data, first)
    expectSame(session.run({ x })['y']!.data, first)
  })

  it('takes sizes, axes and an aspect ratio', () => {
    const x = floats(new Random(2).floats(24), [1, 1, 4, 6])
    const run = (size: number[], attributes: Record<string, string | number | number[]>) => {
      const sizes = ints(size)
      const resizing = node('Resize', 'x _ _ sizes -> y', { mode: 'linear', ...attributes })
      const model = makeModel({
        inputs: { x: [1, 1, 4, 6] },
        nodes: [resizing],
        outputs: ['y'],
        weights: { sizes },
      })
      using session = loadModel(model, { runtime })
      return session.run({ x })['y']!
    }
    const q = { mode: 'linear', transform: 'half_pixel', data: x.data, shape: x.shape }
    const whole = run([1, 1, 7, 3], {})
    const expected = resize({ ...q, output: [1, 1, 7, 3], scales: [1, 1, 7 / 4, 3 / 6] })
    whole.data.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5))
    expectSame(run([7, 3], { axes: [2, 3] }).data, whole.data)
    expectSame(run([3, 7], { axes: [-1, -2] }).data, whole.data)
    expect(run([8, 6], { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' }).shape).toEqual([1, 1, 4, 6])
    expect(run([8, 6], { axes: [2, 3], keep_aspect_ratio_policy: 'not_smaller' }).shape).toEqual([
      1, 1, 8, 12,
    ])
  })

  it('reads Upsample as opset 9 has it', () => {
    const parts = { inputs: { x: [1, 1, 2, 2] }, outputs: ['y'], opset: 9 }
    const weights = { scales: floats([1, 1, 2, 3]) }
    const nodes = [node('Upsample', 'x scales -> y', { mode: 'nearest' })]
    using session = loadModel(prepare(makeModel({ ...parts, nodes, weights })), { runtime })
    const { y } = session.run({ x: Float32Array.of(1, 2, 3, 4) })
    const [top, bottom] = [[1, 1, 1, 2, 2, 2], [3, 3, 3, 4, 4, 4]] // prettier-ignore
    expectSame(y!.data, [...top, ...top, ...bottom, ...bottom])
  })

  it('refuses what it cannot do', () => {
    const x = floats(new Float32Array(12), [1, 1, 3, 4])
    const run = (change: Partial<ResizeProblem>, inputs: Record<string, number[]> = {}) => {
      const q = { ...problemOf({ mode: 'linear', transform: 'half_pixel', shape: [1, 1, 3, 4] }), ...change }
      const model = modelOf(q)
      const weights = new Map(model.weights)
      for (const [name, values] of Object.entries(inputs)) weights.set(name, floats(values))
      using session = loadModel({ ...model, weights }, { runtime })
      session.run({ x })
    }
    expect(() => run({ mode: 'lanczos' })).toThrow(RangeError)
    expect(() => run({ transform: 'constructor' })).toThrow(RangeError)
    expect(() => run({}, { scales: [1, 1, 0, 2] })).toThrow(RangeError)
    expect(() => run({}, { scales: [1, 1, NaN, 2] })).toThrow(RangeError)
    expect(() => run({}, { scales: [1, 1, -1, 2] })).toThrow(RangeError)
    expect(() => run({}, { scales: [1, 1, 1e9, 1e9] })).toThrow(RangeError)
    expect(() => run({}, { scales: [1, 1, 2] })).toThrow(RangeError)
    const roi = [0, 0, NaN, 0, 1, 1, 1, 1]
    expect(() => run({ transform: 'tf_crop_and_resize' }, { roi })).toThrow(RangeError)
  })
})
