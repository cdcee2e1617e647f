// How near a model comes to another one.
import type { Tensor } from '../../bindings/formats/tensor.js'
import { evaluate } from '../../bindings/evaluate/index.js'
import type { Session } from '../../bindings/infer/index.js'
import type { Images } from './data.js'

export type Outputs = Readonly<Record<string, Tensor>>

const numbers = ({ data }: Tensor): number[] => Array.from(data as ArrayLike<number | bigint>, Number)

/** The largest difference of an output over the range of the expected one, over all runs. */
export function relativeError(actual: readonly Outputs[], expected: readonly Outputs[]): number {
  const worst = Object.keys(expected[0]!).map((name) => {
    let [low, high, difference] = [Infinity, -Infinity, 0]
    expected.forEach((outputs, run) => {
      const [a, b] = [numbers(actual[run]![name]!), numbers(outputs[name]!)]
      if (a.length !== b.length) difference = Infinity
      b.forEach((value, i) => {
        low = Math.min(low, value)
        high = Math.max(high, value)
        difference = Math.max(difference, Math.abs(a[i]! - value))
      })
    })
    // An output of one value that hardly changes has its size for a range.
    return difference === 0 ? 0 : difference / (high - low || Math.abs(high) || 1)
  })
  return Math.max(...worst)
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + value * y[i]!, 0)
  const size = Math.sqrt(dot(a, a) * dot(b, b))
  return size === 0 ? Number(dot(a, a) === dot(b, b)) : dot(a, b) / size
}

/** Mean over the outputs of the cosine of all that runs gave. */
export function likeness(actual: readonly Outputs[], expected: readonly Outputs[]): number {
  const names = Object.keys(expected[0]!)
  const all = (runs: readonly Outputs[], name: string) => runs.flatMap((outputs) => numbers(outputs[name]!))
  return names.reduce((sum, name) => sum + cosine(all(actual, name), all(expected, name)), 0) / names.length
}

/** Share of test images that a classifier gets right. */
export function accuracy(session: Session, { inputs, labels }: Images): number {
  return evaluate(session, { inputs, labels, shape: [1, 28, 28] }).accuracy
}
