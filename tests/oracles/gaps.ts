/** Gaps and values of FORMAT.md, one element at a time. */
export function gapsOf(
  x: ArrayLike<number>,
  zero: number,
  bits: number,
): { gaps: number[]; values: number[] } {
  const gaps: number[] = []
  const values: number[] = []
  let run = 0
  for (let i = 0; i < x.length; i++) {
    if (x[i] === zero) {
      run++
      continue
    }
    const filler = 2 ** bits - 1
    while (run >= filler) {
      gaps.push(filler)
      run -= filler
    }
    gaps.push(run)
    values.push(x[i]!)
    run = 0
  }
  return { gaps, values }
}
