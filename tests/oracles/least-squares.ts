/** Solves A x = b for a positive definite A of n * n by Gaussian elimination with pivoting, in float64. */
export function solve(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  const n = b.length
  const rows = Array.from({ length: n }, (_, i) => [
    ...Array.from({ length: n }, (_, j) => a[i * n + j]!),
    b[i]!,
  ])
  for (let column = 0; column < n; column++) {
    let pivot = column
    for (let r = column + 1; r < n; r++) {
      if (Math.abs(rows[r]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = r
    }
    ;[rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!]
    for (let r = 0; r < n; r++) {
      if (r === column) continue
      const factor = rows[r]![column]! / rows[column]![column]!
      for (let c = column; c <= n; c++) rows[r]![c]! -= factor * rows[column]![c]!
    }
  }
  return rows.map((row, i) => row[n]! / row[i]!)
}

/** Mean squared difference of w . x + bias and y over samples, in float64. */
export function squaredError(
  w: ArrayLike<number>,
  bias: number,
  samples: readonly { readonly x: ArrayLike<number>; readonly y: number }[],
): number {
  let sum = 0
  for (const { x, y } of samples) {
    let output = bias
    for (let i = 0; i < w.length; i++) output += w[i]! * x[i]!
    sum += (output - y) ** 2
  }
  return sum / samples.length
}
