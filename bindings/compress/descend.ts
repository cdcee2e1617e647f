import type { Layer } from './layers.js'
import type { Objective } from './objective.js'

export interface DescendOptions {
  /** Most rounds over the weights of a row. */
  sweeps: number
  /**
   * Moves that gain less than this share of the power of the original output, divided by the number of weights, are
   * not made, and a row ends with the first round that makes none.
   */
  precision: number
  /**
   * Pull towards the weights as they come in, as a share of the mean power of the inputs: keeps weights where the
   * samples say little about them.
   */
  ridge?: number
  /** The values that a weight may take; any, unless given. */
  snap?: (weight: number) => number
}

/**
 * Moves the weights of a layer that are not 0 towards the least error of its output: each in turn to its best value
 * given the others (Gauss-Seidel), or to the permitted value nearest to that. Zeros stay. A move never raises the
 * error, so it may stop at any round.
 *
 * Rows are independent. All sums are f64 in index order: the result has the same bits everywhere.
 *
 * @param weights rows * cols values, changed in place
 * @see Behdin et al. 2023, QuantEase, for the descent over permitted values
 */
export function descend(
  { rows, cols, groups }: Layer,
  { gram, target, power, energy }: Objective,
  weights: Float32Array,
  { sweeps, precision, ridge = 0, snap }: DescendOptions,
): void {
  if (gram === undefined || target === undefined) return
  const columns = new Int32Array(cols)
  const value = new Float64Array(cols)
  const gradient = new Float64Array(cols)
  for (let r = 0; r < rows; r++) {
    const group = Math.floor((r * groups) / rows)
    const products = gram[group]!
    const row = r * cols
    let kept = 0
    for (let c = 0; c < cols; c++) {
      if (weights[row + c] === 0) continue
      columns[kept] = c
      value[kept++] = weights[row + c]!
    }
    // The part of the Gram matrix that the row's weights meet, dense, so that sweeps run over consecutive values.
    const own = new Float64Array(kept * kept)
    for (let i = 0, at = 0; i < kept; i++) {
      const from = columns[i]! * cols
      let rest = target[row + columns[i]!]!
      for (let j = 0; j < kept; j++, at++) {
        const product = products[from + columns[j]!]!
        own[at] = product
        rest -= product * value[j]!
      }
      gradient[i] = rest
    }
    const origin = value.slice(0, kept)
    const pull = ridge * meanOf(power.subarray(group * cols, (group + 1) * cols))
    const least = (precision * energy[r]!) / kept
    for (let sweep = 0; sweep < sweeps; sweep++) {
      let hasMoved = false
      for (let i = 0; i < kept; i++) {
        const curvature = own[i * kept + i]! + pull
        if (!(curvature > 0)) continue
        const best = value[i]! + (gradient[i]! + pull * (origin[i]! - value[i]!)) / curvature
        const next = snap === undefined ? best : snap(best)
        const move = next - value[i]!
        if (!(curvature * move * (2 * (best - value[i]!) - move) > least)) continue
        hasMoved = true
        value[i] = next
        for (let j = 0, at = i * kept; j < kept; j++, at++) gradient[j]! -= move * own[at]!
      }
      if (!hasMoved) break
    }
    for (let i = 0; i < kept; i++) weights[row + columns[i]!] = value[i]!
  }
}

function meanOf(values: Float64Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}
