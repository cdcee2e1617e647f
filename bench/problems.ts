import type { Codebook } from '../bindings/formats/codebook.js'
import type { GroupSize, Int4Tensor } from '../bindings/formats/int4.js'
import { kmeansCodebook } from '../bindings/ops/kmeans.js'
import { dynamicParameters, f32Product, integerProduct, type Matrix } from '../tests/oracles/gemm.js'
import { int4Product, int4Reals, nibbles } from '../tests/oracles/int4.js'
import { nearest } from '../tests/oracles/kmeans.js'
import { quantizeOne } from '../tests/oracles/quantize.js'
import { Random } from '../tests/support/random.js'

/** A matrix product c [m][n] = a [m][k] * b [k][n] with its seeded operands and a check of results. */
export interface GemmProblem<T extends Float32Array | Int8Array> {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a: T
  readonly b: T
  /** The oracle's result, of the first rows. */
  readonly expected: ArrayLike<number>
  /** int8: exactly the oracle's integers. f32: within the error bound of any order of summation. */
  matches(c: ArrayLike<number>): boolean
  /** The oracle's bits: ours are the same in every target, in ascending k. */
  equals(c: ArrayLike<number>): boolean
}

/** Oracle rows: a naive product of all rows of a large problem would take longer than the benchmark. */
const CHECKED_ROWS = 4

export function f32GemmProblem(m: number, k: number, n: number): GemmProblem<Float32Array<ArrayBuffer>> {
  const random = new Random(m + 31 * k + 997 * n)
  return f32Problem(m, k, n, random.floats(m * k), random.floats(k * n))
}

function f32Problem<T extends Float32Array>(m: number, k: number, n: number, a: T, b: T): GemmProblem<T> {
  const rows = Math.min(m, CHECKED_ROWS)
  const expected = f32Product({ data: a, rows, columns: k, stride: k }, transpose(b, k, n), n, undefined)
  // Standard model: |error| <= k * eps * sum |a b|, the sum of k products of standard normals being about 0.64 k.
  const bound = k * 2 ** -23 * k
  return {
    m,
    n,
    k,
    a,
    b,
    expected,
    matches: (c) => expected.every((value, i) => Math.abs(c[i]! - value) <= bound),
    equals: (c) => expected.every((value, i) => c[i] === value),
  }
}

/** A product whose weights share a few values. */
export interface CodebookGemmProblem extends GemmProblem<Float32Array<ArrayBuffer>> {
  readonly indices: Uint8Array<ArrayBuffer>
  readonly codebook: Codebook
}

export function codebookGemmProblem(m: number, k: number, n: number, count: number): CodebookGemmProblem {
  const random = new Random(m + 31 * k + 997 * n + count)
  const centroids = random.floats(count).sort()
  const indices = Uint8Array.from({ length: k * n }, () => random.integer(0, count - 1))
  const b = Float32Array.from(indices, (index) => centroids[index]!)
  return { ...f32Problem(m, k, n, random.floats(m * k), b), indices, codebook: { centroids } }
}

/** Samples times a weight matrix of which most is zero: c [m][n] = a [m][k] * b [k][n]. */
export interface SparseProblem extends GemmProblem<Float32Array<ArrayBuffer>> {
  /** b as [n][k], as a layer holds its weights. */
  readonly weights: Float32Array<ArrayBuffer>
}

export function sparseProblem(samples: number, size: number, zeros: number): SparseProblem {
  const random = new Random(samples + 31 * zeros)
  const weights = random.floats(size * size).map((w) => (random.next() * 100 < zeros ? 0 : w))
  const problem = f32Problem(
    samples,
    size,
    size,
    random.floats(samples * size),
    transpose(weights, size, size),
  )
  return { ...problem, weights }
}

export function int8GemmProblem(m: number, k: number, n: number): GemmProblem<Int8Array<ArrayBuffer>> {
  const random = new Random(m + 31 * k + 997 * n)
  const a = random.int8s(m * k)
  const b = random.int8s(k * n)
  const rows = Math.min(m, CHECKED_ROWS)
  const zeros = new Array<number>(rows).fill(0)
  const expected = integerProduct({ data: a, rows, columns: k, stride: k }, zeros, transpose(b, k, n), n)
  const equals = (c: ArrayLike<number>): boolean => expected.every((value, i) => c[i] === value)
  return { m, n, k, a, b, expected, matches: equals, equals }
}

/** f32 activations a [m][k] times weights of 4 bits in groups, and checks for both ways to multiply by them. */
export interface Int4GemmProblem {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a: Float32Array<ArrayBuffer>
  readonly weights: Int4Tensor
  /** The oracle's bits, where rows are quantized to int8 and where they are not. */
  equals(c: ArrayLike<number>, inputs: 'int8' | 'float32'): boolean
  /** Within what the int8 rounding of activations and any order of summation may change. */
  matches(c: ArrayLike<number>): boolean
}

export function int4GemmProblem(m: number, k: number, n: number, groupSize: GroupSize): Int4GemmProblem {
  const random = new Random(m + 31 * k + 997 * n)
  const a = random.floats(m * k)
  const codes = random.int8s(n * k, -8, 7)
  const scale = random.floats(n * Math.ceil(k / groupSize)).map((s) => Math.abs(s) / 100 + 0.001)
  const matrix = { codes, scale, n, k, groupSize }
  const data = nibbles(codes, n, k)
  const weights: Int4Tensor = { kind: 'int4', shape: [n, k], axis: 1, groupSize, data, scale }
  // The last row alone: a naive product of all would take longer than the benchmark.
  const row = a.subarray((m - 1) * k)
  const { scale: step, zeroPoint } = dynamicParameters([...row])
  const quantized = [...row].map((v) => quantizeOne(v, step, zeroPoint, -128))
  const rowOf = (values: ArrayLike<number>): Matrix => ({ data: values, rows: 1, columns: k, stride: k })
  const reals = int4Reals(matrix)
  const expected = {
    int8: int4Product(rowOf(quantized), [step], [zeroPoint], matrix, undefined),
    float32: f32Product(rowOf(row), reals, n, undefined),
  }
  // Half a step for every activation, and some more for sums in f32.
  const bounds = Float64Array.from({ length: n }, (_, j) => {
    let sum = 0
    for (let p = 0; p < k; p++) sum += Math.abs(reals[j * k + p]!)
    return sum * step * 0.51
  })
  const last = (c: ArrayLike<number>, j: number): number => c[(m - 1) * n + j]!
  return {
    m,
    n,
    k,
    a,
    weights,
    equals: (c, inputs) => expected[inputs].every((value, j) => last(c, j) === value),
    matches: (c) => expected.float32.every((value, j) => Math.abs(last(c, j) - value) <= bounds[j]!),
  }
}

/** b [k][n] as [n][k]. */
export function transpose<T extends Float32Array | Int8Array>(b: T, k: number, n: number): T {
  const result = b.slice() as T
  for (let p = 0; p < k; p++) for (let j = 0; j < n; j++) result[j * k + p] = b[p * n + j]!
  return result
}

/** Assignment of values to the nearest of k trained centroids. */
export interface AssignProblem {
  readonly values: Float32Array<ArrayBuffer>
  readonly centroids: Float32Array
  /** Looks at every so many indices: the oracle works in big integers. */
  matches(indices: ArrayLike<number> | undefined): boolean
}

const CHECKED_STEP = 97

export function assignProblem(length: number, k: number): AssignProblem {
  const values = new Random(1).floats(length, 0.05)
  const { centroids } = kmeansCodebook(values, { k })
  const checked = Array.from({ length: Math.ceil(length / CHECKED_STEP) }, (_, i) => i * CHECKED_STEP)
  const expected = checked.map((i) => nearest(values[i]!, centroids))
  return { values, centroids, matches: (indices) => checked.every((at, i) => indices?.[at] === expected[i]) }
}

/** int8 weights as a Gaussian gives them: 6.55 bits of entropy, in 256 symbols. */
export function gaussianBytes(length: number): Uint8Array<ArrayBuffer> {
  const random = new Random(11)
  return Uint8Array.from({ length }, () =>
    Math.min(Math.max(Math.round(random.normal() * 22.7) + 128, 0), 255),
  )
}

/** Codebook indices as shared weights give them: 32 symbols, 3.6 bits of entropy. */
export function skewedBytes(length: number): Uint8Array<ArrayBuffer> {
  const random = new Random(12)
  return Uint8Array.from({ length }, () => Math.min(Math.max(Math.round(random.normal() * 2.94) + 16, 0), 31))
}

/** Order-0 entropy in bytes. */
export function entropyBytes(symbols: Uint8Array): number {
  const counts = new Float64Array(256)
  for (const symbol of symbols) counts[symbol]!++
  let bits = 0
  for (const count of counts) if (count > 0) bits -= count * Math.log2(count / symbols.length)
  return bits / 8
}
