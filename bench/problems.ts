import { f32Product, integerProduct } from '../tests/oracles/gemm.js'
import { Random } from '../tests/support/random.js'

/** A matrix product c [m][n] = a [m][k] * b [k][n] with its seeded operands and a check of results. */
export interface GemmProblem<T extends Float32Array | Int8Array> {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a: T
  readonly b: T
  /** int8: exactly the oracle's integers. f32: within the error bound of any order of summation. */
  matches(c: ArrayLike<number>): boolean
}

/** Oracle rows: a naive product of all rows of a large problem would take longer than the benchmark. */
const CHECKED_ROWS = 4

export function f32GemmProblem(m: number, k: number, n: number): GemmProblem<Float32Array<ArrayBuffer>> {
  const random = new Random(m + 31 * k + 997 * n)
  const a = random.floats(m * k)
  const b = random.floats(k * n)
  const rows = Math.min(m, CHECKED_ROWS)
  const expected = f32Product({ data: a, rows, columns: k, stride: k }, transpose(b, k, n), n, undefined)
  // Standard model: |error| <= k * eps * sum |a b|, the sum of k products of standard normals being about 0.64 k.
  const bound = k * 2 ** -23 * k
  return { m, n, k, a, b, matches: (c) => expected.every((value, i) => Math.abs(c[i]! - value) <= bound) }
}

export function int8GemmProblem(m: number, k: number, n: number): GemmProblem<Int8Array<ArrayBuffer>> {
  const random = new Random(m + 31 * k + 997 * n)
  const a = random.int8s(m * k)
  const b = random.int8s(k * n)
  const rows = Math.min(m, CHECKED_ROWS)
  const zeros = new Array<number>(rows).fill(0)
  const expected = integerProduct({ data: a, rows, columns: k, stride: k }, zeros, transpose(b, k, n), n)
  return { m, n, k, a, b, matches: (c) => expected.every((value, i) => c[i] === value) }
}

/** b [k][n] as [n][k]. */
export function transpose<T extends Float32Array | Int8Array>(b: T, k: number, n: number): T {
  const result = b.slice() as T
  for (let p = 0; p < k; p++) for (let j = 0; j < n; j++) result[j * k + p] = b[p * n + j]!
  return result
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
