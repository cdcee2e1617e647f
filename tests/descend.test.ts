import { expect, it } from 'vitest'
import { descend } from '../bindings/compress/descend.js'
import { findLayers, type Layer } from '../bindings/compress/layers.js'
import { Moments } from '../bindings/compress/objective.js'
import { solve, squaredError } from './oracles/least-squares.js'
import { floats, makeModel, node } from './support/models.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

const EXACT = { sweeps: 20_000, precision: 0 }

function layerOf(rows: number, cols: number, hasBias: boolean, groups = 1): Layer {
  const weights = { w: floats(new Float32Array(rows * cols), groups === 1 ? [rows, cols] : [rows, cols, 1]) }
  const operator =
    groups === 1
      ? node('Gemm', hasBias ? 'x w b -> y' : 'x w -> y', { transB: 1 })
      : node('Conv', hasBias ? 'x w b -> y' : 'x w -> y', { group: groups })
  const [layer] = findLayers(
    makeModel({
      inputs: { x: undefined },
      nodes: [operator],
      outputs: ['y'],
      weights: { ...weights, ...(hasBias && { b: floats(new Float32Array(rows)) }) },
    }),
  )
  return layer!
}

/** Inputs with correlation and an offset; `now` is `before` with some noise, as after compressed layers. */
function inputs(random: Random, count: number, width: number) {
  const mixing = random.floats(width * width)
  const before = new Float32Array(count * width)
  for (let i = 0; i < count; i++) {
    const z = random.floats(width)
    for (let c = 0; c < width; c++) {
      let sum = 3
      for (let j = 0; j < width; j++) sum += mixing[c * width + j]! * z[j]!
      before[i * width + c] = sum
    }
  }
  return { before, now: before.map((value) => value + 0.1 * random.normal()) }
}

describeTargets('least squares on calibration', (runtime) => {
  for (const hasBias of [true, false]) {
    for (const [rows, cols, groups, count] of [
      [3, 5, 1, 40],
      [4, 3, 2, 700],
      [2, 9, 1, 1100],
    ] as const) {
      it(`finds the best kept weights: rows=${rows} cols=${cols} groups=${groups} count=${count} bias=${hasBias}`, () => {
        const random = new Random(rows * 100 + cols)
        const layer = layerOf(rows, cols, hasBias, groups)
        const width = groups * cols
        const { before, now } = inputs(random, count, width)
        const original = random.floats(rows * cols)
        const bias = hasBias ? random.floats(rows) : new Float32Array(rows)
        const moments = new Moments(layer, runtime, false)
        // In two portions, as feeds come.
        const part = (data: Float32Array, from: number, to: number) => ({
          data: data.subarray(from * width, to * width),
          count: to - from,
        })
        const half = count >> 1
        moments.add(part(now, 0, half), part(before, 0, half))
        moments.add(part(now, half, count), part(before, half, count))
        const objective = moments.objective(original, bias)

        const weights = original.map((w, i) => (i % 3 === 1 ? 0 : w))
        const start = weights.slice()
        descend(layer, objective, weights, EXACT)
        const fresh = objective.biasFor(weights)

        for (let r = 0; r < rows; r++) {
          const at = Math.floor((r * groups) / rows) * cols
          const samples = Array.from({ length: count }, (_, i) => {
            let y = bias[r]!
            for (let c = 0; c < cols; c++) y += original[r * cols + c]! * before[i * width + at + c]!
            return { x: now.subarray(i * width + at, i * width + at + cols), y }
          })
          // The oracle has the bias as one more weight, on an input of 1.
          const kept = [...Array(cols).keys()].filter((c) => start[r * cols + c] !== 0)
          const rowsOf = ({ x }: (typeof samples)[0]): number[] => [
            ...kept.map((c) => x[c]!),
            ...(hasBias ? [1] : []),
          ]
          const n = kept.length + (hasBias ? 1 : 0)
          const gram = new Float64Array(n * n)
          const right = new Float64Array(n)
          for (const sample of samples) {
            const x = rowsOf(sample)
            x.forEach((a, i) => {
              right[i]! += a * sample.y
              x.forEach((b, j) => (gram[i * n + j]! += a * b))
            })
          }
          const best = solve(gram, right)
          const row = weights.subarray(r * cols, (r + 1) * cols)
          for (let c = 0; c < cols; c++) if (start[r * cols + c] === 0) expect(row[c]).toBe(0)
          const wanted = new Float64Array(cols)
          kept.forEach((c, i) => (wanted[c] = best[i]!))
          const error = squaredError(row, fresh[r]!, samples)
          const least = squaredError(wanted, hasBias ? best[n - 1]! : 0, samples)
          const power = samples.reduce((sum, { y }) => sum + y * y, 0) / count
          expect(error).toBeGreaterThanOrEqual(least - 1e-9 * power)
          expect(error - least).toBeLessThan(1e-5 * power)
          const first = squaredError(start.subarray(r * cols, (r + 1) * cols), bias[r]!, samples)
          expect(error).toBeLessThan(first)
        }
      })
    }
  }

  it('over permitted values: ends on them, never above where it began, and where no single change helps', () => {
    const random = new Random(5)
    const [rows, cols, count] = [4, 6, 60]
    const layer = layerOf(rows, cols, true)
    const { before, now } = inputs(random, count, cols)
    const original = random.floats(rows * cols)
    const bias = random.floats(rows)
    const moments = new Moments(layer, runtime, false)
    moments.add({ data: now, count }, { data: before, count })
    const objective = moments.objective(original, bias)
    const values = [-1.5, -0.5, 0.25, 1]
    const snap = (w: number): number => values.reduce((a, b) => (Math.abs(b - w) < Math.abs(a - w) ? b : a))
    const start = original.map(snap)
    const weights = start.slice()
    descend(layer, objective, weights, { ...EXACT, snap })
    expect(weights).not.toEqual(start)
    const error = (w: Float32Array, r: number): number =>
      squaredError(
        w.subarray(r * cols, (r + 1) * cols),
        objective.biasFor(w)[r]!,
        Array.from({ length: count }, (_, i) => ({
          x: now.subarray(i * cols, (i + 1) * cols),
          y: original
            .subarray(r * cols, (r + 1) * cols)
            .reduce((sum, w, c) => sum + w * before[i * cols + c]!, bias[r]!),
        })),
      )
    for (let r = 0; r < rows; r++) {
      const reached = error(weights, r)
      expect(reached).toBeLessThanOrEqual(error(start, r))
      for (let c = 0; c < cols; c++) {
        expect(values).toContain(weights[r * cols + c])
        for (const value of values) {
          const changed = weights.slice()
          changed[r * cols + c] = value
          expect(error(changed, r)).toBeGreaterThan(reached * (1 - 1e-6))
        }
      }
    }
  })

  it('keeps weights about which the samples say nothing', () => {
    const layer = layerOf(1, 3, false)
    const moments = new Moments(layer, runtime, true)
    const rows = { data: Float32Array.of(1, 0, 0, 2, 0, 0), count: 2 }
    moments.add(rows, rows)
    const weights = Float32Array.of(5, 6, 7)
    descend(layer, moments.objective(Float32Array.of(1, 2, 3), new Float32Array(1)), weights, EXACT)
    expect([...weights]).toEqual([1, 6, 7])
  })
})
