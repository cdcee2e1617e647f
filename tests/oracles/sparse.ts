import { bounded } from './gemm.js'

/** y = clamp(W x + bias) for dense W [rows, cols] and x [cols, n], in ascending k, each operation rounded to f32. */
export function denseMatmul(
  w: Float32Array,
  rows: number,
  cols: number,
  x: Float32Array,
  n: number,
  bias: Float32Array | undefined,
  min: number,
  max: number,
): Float32Array {
  const y = new Float32Array(rows * n)
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) {
      let acc = bias?.[r] ?? 0
      for (let k = 0; k < cols; k++) acc = Math.fround(acc + Math.fround(w[r * cols + k]! * x[k * n + j]!))
      y[r * n + j] = bounded(acc, min, max)
    }
  }
  return y
}

/** The other order of the same matrix: [rows, cols] to [cols, rows]. */
export function transpose<T extends Float32Array | Int8Array>(x: T, rows: number, cols: number): T {
  return x.map((_, i) => x[(i % rows) * cols + Math.floor(i / rows)]!) as T
}

/** clamp((aScale * scale[r]) * (W (a - aZero)) + bias[r]) for int8 W [rows, cols] and a [cols, n]. */
export function int8Matmul(
  w: Int8Array,
  scale: Float32Array,
  bias: Float32Array,
  rows: number,
  cols: number,
  a: Int8Array,
  aScale: number,
  aZero: number,
  n: number,
  min: number,
  max: number,
): Float32Array {
  const y = new Float32Array(rows * n)
  for (let r = 0; r < rows; r++) {
    const step = Math.fround(Math.fround(aScale) * scale[r]!)
    for (let j = 0; j < n; j++) {
      let acc = 0
      for (let k = 0; k < cols; k++) acc += w[r * cols + k]! * (a[k * n + j]! - aZero)
      const real = Math.fround(Math.fround(step * Math.fround(acc)) + bias[r]!)
      y[r * n + j] = Math.min(Math.max(real, min), max)
    }
  }
  return y
}

/** Indices of the `count` weights of least |w| * importance: exact zeros first, then by score, then by position. */
export function leastImportant(
  weights: Float32Array,
  count: number,
  importance: (i: number) => number,
): Set<number> {
  const score = (i: number): number =>
    weights[i] === 0 ? -1 : Math.fround(Math.abs(weights[i]!) * importance(i))
  const order = Array.from(weights.keys()).sort((a, b) => score(a) - score(b) || a - b)
  return new Set(order.filter((i, rank) => rank < count || weights[i] === 0))
}
