import { BATCHES, termsOf, type MatrixKernel, type Rate } from '../../bindings/infer/cost.js'

/** One line of times.json: a call of a kernel. */
export interface CostTime {
  kernel: MatrixKernel
  target: 'simd' | 'relaxed'
  /** The matrix, and which of its elements are zero. */
  rows: number
  cols: number
  pattern: 'any' | 'blocks' | '1:4' | '2:4'
  zeros: number
  /** What the kernel stores of it. */
  entries: number
  samples: number
  ns: number
}

/** The file: where it was measured, then the lines. */
export interface CostTimes {
  engine: string
  cpu: string
  times: CostTime[]
}

/** Solves a symmetric positive system by elimination; undefined where it has no single solution. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] | undefined {
  const rows = matrix.map((row, i) => [...row, right[i]!])
  for (let i = 0; i < rows.length; i++) {
    const pivot = rows[i]![i]!
    if (!(pivot > 1e-12)) return undefined
    for (let j = 0; j < rows.length; j++) {
      if (j === i) continue
      const factor = rows[j]![i]! / pivot
      rows[j] = rows[j]!.map((v, column) => v - factor * rows[i]![column]!)
    }
  }
  return rows.map((row, i) => row.at(-1)! / row[i]!)
}

/** Least squares of the relative errors, no rate below 0: the best of all choices of rates that are not 0. */
function fitBatch(times: readonly CostTime[]): Rate {
  const lines = times.map(({ entries, rows, cols, ns }) => termsOf(entries, rows + cols).map((v) => v / ns))
  const count = lines[0]!.length
  let [best, least]: [number[], number] = [[], Infinity]
  for (let subset = 1; subset < 2 ** count; subset++) {
    const used = Array.from({ length: count }, (_, i) => i).filter((i) => (subset >> i) & 1)
    const sum = (f: (line: number[]) => number): number => lines.reduce((total, line) => total + f(line), 0)
    const found = solve(
      used.map((i) => used.map((j) => sum((line) => line[i]! * line[j]!))),
      used.map((i) => sum((line) => line[i]!)),
    )
    if (found === undefined || found.some((rate) => rate < 0)) continue
    const rates = Array.from({ length: count }, (_, i) => (used.includes(i) ? found[used.indexOf(i)]! : 0))
    const error = sum((line) => (line.reduce((ns, v, i) => ns + v * rates[i]!, 0) - 1) ** 2)
    if (error < least) [best, least] = [rates, error]
  }
  return best.map((ns) => Number(ns.toPrecision(3))) as unknown as Rate
}

/** The rates of a kernel for each of `BATCHES`. */
export function fit({ times }: CostTimes, kernel: MatrixKernel, target: string): Rate[] {
  const own = times.filter((time) => time.kernel === kernel && time.target === target)
  return BATCHES.map((batch) => fitBatch(own.filter(({ samples }) => samples === batch)))
}

/** The times of one matrix with some samples, as one session has to choose among them. */
export function choices({ times }: CostTimes, target: 'simd' | 'relaxed'): CostTime[][] {
  const groups = new Map<string, CostTime[]>()
  for (const time of times) {
    const { kernel, rows, cols, pattern, zeros, samples } = time
    // The relaxed module has kernels of its own only for some; the others are those of the plain one.
    const own = times.some((other) => other.kernel === kernel && other.target === target)
    if (time.target !== (own ? target : 'simd')) continue
    const precision = kernel.startsWith('q') ? 'int8' : 'f32'
    const key = [precision, rows, cols, pattern, zeros, samples].join()
    groups.set(key, [...(groups.get(key) ?? []), time])
  }
  return [...groups.values()]
}
