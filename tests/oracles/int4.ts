import { bounded, type Matrix } from './gemm.js'

/** Weights of 4 bits, one output column a row: codes q in -8..7 [n][k], scales [n][groups of a row]. */
export interface Int4Matrix {
  readonly codes: ArrayLike<number>
  readonly scale: ArrayLike<number>
  readonly n: number
  readonly k: number
  readonly groupSize: number
}

/** Bytes of rows of codes: q + 8 in four bits, low ones first, every row in whole 32-bit words, `fill` in the rest. */
export function nibbles(codes: ArrayLike<number>, rows: number, columns: number, fill = 0): Uint8Array {
  const words = Math.ceil(columns / 8)
  const bits: number[] = []
  for (let i = 0; i < rows; i++) {
    for (let p = 0; p < words * 8; p++) {
      const value = p < columns ? codes[i * columns + p]! + 8 : fill
      for (let b = 0; b < 4; b++) bits.push((value >> b) & 1)
    }
  }
  return Uint8Array.from({ length: rows * words * 4 }, (_, i) =>
    bits.slice(8 * i, 8 * i + 8).reduce((byte, bit, b) => byte + (bit << b), 0),
  )
}

/** scale * q of every weight, rounded to f32. */
export function int4Reals({ codes, scale, n, k, groupSize }: Int4Matrix): number[] {
  const groups = Math.ceil(k / groupSize)
  return Array.from({ length: n * k }, (_, i) =>
    Math.fround(scale[Math.floor(i / k) * groups + Math.floor((i % k) / groupSize)]! * codes[i]!),
  )
}

/**
 * int8 codes of activations times weights of 4 bits. Every step rounded to f32: the sum starts at -zero times the scaled
 * sum of the column, groups follow in ascending order, each an exact integer times its scale; then scale, bias, bounds.
 */
export function int4Product(
  a: Matrix,
  aScale: readonly number[],
  aZero: readonly number[],
  { codes, scale, n, k, groupSize }: Int4Matrix,
  bias: ArrayLike<number> | undefined,
  low = -Infinity,
  high = Infinity,
): number[] {
  const f = Math.fround
  const groups = Math.ceil(k / groupSize)
  /** Sum over the groups of scale * (the sum of q * factor over the group), on top of `start`. */
  const overGroups = (j: number, start: number, factor: (p: number) => number): number => {
    let sum = start
    for (let g = 0; g < groups; g++) {
      let integer = 0
      for (let p = g * groupSize; p < Math.min(k, (g + 1) * groupSize); p++) {
        integer += codes[j * k + p]! * factor(p)
      }
      sum = f(sum + f(scale[j * groups + g]! * f(integer)))
    }
    return sum
  }
  const result: number[] = []
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < n; j++) {
      const columnSum = overGroups(j, 0, () => 1)
      const sum = overGroups(j, f((0 - aZero[i]!) * columnSum), (p) => a.data[i * a.stride + p]!)
      result.push(bounded(f(f(aScale[i]! * sum) + (bias?.[j] ?? 0)), low, high))
    }
  }
  return result
}

/** A tensor whose codes stand as above, one row along `axis` after the other, as its parts say. */
export interface StoredInt4 {
  readonly shape: readonly number[]
  readonly axis: number
  readonly groupSize: number
  readonly data: ArrayLike<number>
  readonly scale: ArrayLike<number>
}

/** Its real values in row-major order, found element by element; products are not rounded. */
export function int4Elements({ shape, axis, groupSize, data, scale }: StoredInt4): number[] {
  const elements = shape.reduce((product, size) => product * size, 1)
  const columns = shape[axis]!
  return Array.from({ length: elements }, (_, index) => {
    const place: number[] = []
    let rest = index
    for (let d = shape.length - 1; d >= 0; d--) {
      place[d] = rest % shape[d]!
      rest = Math.floor(rest / shape[d]!)
    }
    const row = place.reduce((at, p, d) => (d === axis ? at : at * shape[d]! + p), 0)
    const p = place[axis]!
    const byte = data[row * Math.ceil(columns / 8) * 4 + Math.floor(p / 2)]!
    const code = p % 2 === 0 ? byte % 16 : Math.floor(byte / 16)
    return scale[row * Math.ceil(columns / groupSize) + Math.floor(p / groupSize)]! * (code - 8)
  })
}
