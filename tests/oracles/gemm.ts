/** A matrix in an array: element (i, j) at `i * stride + j`. */
export interface Matrix<T extends ArrayLike<number> = ArrayLike<number>> {
  readonly data: T
  readonly rows: number
  readonly columns: number
  readonly stride: number
}

/** NaN and the sign of zero stay. */
export function bounded(value: number, low: number, high: number): number {
  if (value < low) return Math.fround(low)
  return value > high ? Math.fround(high) : value
}

/** bias + a * w^T, w [n][k]; starts from the bias, depth ascending, every product and every sum rounded to f32. */
export function f32Product(
  a: Matrix,
  w: ArrayLike<number>,
  n: number,
  bias: ArrayLike<number> | undefined,
  low = -Infinity,
  high = Infinity,
): number[] {
  const k = a.columns
  const result: number[] = []
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < n; j++) {
      let sum = bias?.[j] ?? 0
      for (let p = 0; p < k; p++) {
        sum = Math.fround(sum + Math.fround(a.data[i * a.stride + p]! * w[j * k + p]!))
      }
      result.push(bounded(sum, low, high))
    }
  }
  return result
}

/** (a - zeroPoint) * w^T in exact integers, w [n][k], one zero point a row. */
export function integerProduct(
  a: Matrix,
  zeroPoints: readonly number[],
  w: ArrayLike<number>,
  n: number,
): number[] {
  const k = a.columns
  const result: number[] = []
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0
      for (let p = 0; p < k; p++) sum += (a.data[i * a.stride + p]! - zeroPoints[i]!) * w[j * k + p]!
      result.push(sum)
    }
  }
  return result
}

/** Integer results made real: (aScale * wScale) * acc + bias, each operation rounded to f32, then clamped. */
export function scaleProduct(
  acc: readonly number[],
  n: number,
  aScale: readonly number[],
  wScale: ArrayLike<number>,
  bias: ArrayLike<number> | undefined,
  low = -Infinity,
  high = Infinity,
): number[] {
  return acc.map((value, index) => {
    const j = index % n
    const scale = Math.fround(aScale[Math.floor(index / n)]! * wScale[j]!)
    const real = Math.fround(Math.fround(scale * Math.fround(value)) + (bias?.[j] ?? 0))
    return bounded(real, low, high)
  })
}

/** Scale and zero point of a row that is quantized to -128..127 by its own range, zero included. */
export function dynamicParameters(row: readonly number[]): { scale: number; zeroPoint: number } {
  const low = Math.min(0, ...row)
  const high = Math.max(0, ...row)
  const range = Math.fround(Math.fround(high / 255) - Math.fround(low / 255))
  const scale = range > 0 ? range : 1
  const exact = Math.fround(-128 - Math.fround(low / scale))
  const floor = Math.floor(exact)
  const tie = exact - floor === 0.5
  const nearest = tie ? floor + (floor % 2 === 0 ? 0 : 1) : Math.round(exact)
  return { scale, zeroPoint: Math.min(Math.max(nearest, -128), 127) }
}
