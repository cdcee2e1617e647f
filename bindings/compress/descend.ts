import type { Layer } from './layers.js'
import type { Objective } from './objective.js'

export interface DescendOptions {
  /** Most rounds over the weights of a row. */
  sweeps: number
  /** Ends a row after a round that gains less than this share of all that was gained. */
  enough: number
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
  { gram, target, power }: Objective,
  weights: Float32Array,
  { sweeps, enough, ridge = 0, snap }: DescendOptions,
): void {
  if (gram === undefined || target === undefined) return
  const columns = new Int32Array(cols)
  for (let r = 0; r < rows; r++) {
    const group = Math.floor((r * groups) / rows)
    const products = gram[group]!
    const row = r * cols
    let kept = 0
    for (let c = 0; c < cols; c++) if (weights[row + c] !== 0) columns[kept++] = c
    // The part of the Gram matrix that the row's weights meet, dense, so that sweeps run over consecutive values.
    const own = new Float64Array(kept * kept)
    const value = new Float64Array(kept)
    const gradient = new Float64Array(kept)
    for (let i = 0; i < kept; i++) {
      const from = columns[i]! * cols
      for (let j = 0; j < kept; j++) own[i * kept + j] = products[from + columns[j]!]!
      value[i] = weights[row + columns[i]!]!
    }
    for (let i = 0; i < kept; i++) {
      let sum = target[row + columns[i]!]!
      for (let j = 0; j < kept; j++) sum -= own[i * kept + j]! * value[j]!
      gradient[i] = sum
    }
    const origin = value.slice()
    let total = 0
    const pull = ridge * meanOf(power.subarray(group * cols, (group + 1) * cols))
    for (let sweep = 0; sweep < sweeps; sweep++) {
      let gain = 0
      for (let i = 0; i < kept; i++) {
        const curvature = own[i * kept + i]! + pull
        if (!(curvature > 0)) continue
        const best = value[i]! + (gradient[i]! + pull * (origin[i]! - value[i]!)) / curvature
        const next = snap === undefined ? best : snap(best)
        const move = next - value[i]!
        if (move === 0) continue
        gain += curvature * move * move
        value[i] = next
        for (let j = 0; j < kept; j++) gradient[j]! -= move * own[i * kept + j]!
      }
      total += gain
      if (gain <= enough * total) break
    }
    for (let i = 0; i < kept; i++) weights[row + columns[i]!] = value[i]!
  }
}

function meanOf(values: Float64Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}
