import { elementCount, type Tensor } from '../formats/tensor.js'
import { checkChoice, checkNumber, checkOptions, checkShape, checkTypedArray, describe } from '../validate.js'
import { selectKey } from './select.js'

/** Weights to be ranked by |w| * importance, the product rounded to f32. */
export interface Scored {
  readonly weights: Float32Array | Tensor<'float32'>
  /**
   * Finite factors, 0 or more: one an element, or (for a tensor of rank 2 or more) one a column, that is an element of
   * `shape[1..]`. The root mean square of a layer's inputs gives the criterion of Wanda.
   */
  readonly importance?: Float32Array
}

export interface PruneOptions {
  /** Share of all elements to be zero, 0..1; the count is rounded to the nearest integer and met exactly. */
  sparsity?: number
  /** In place of `sparsity`: elements whose score is below this become zero; 0 to Infinity. */
  threshold?: number
  importance?: Float32Array
  /** `tensor` (default): ranks all elements together. `row`: ranks each slice of axis 0 by itself. */
  granularity?: 'tensor' | 'row'
  /** Receives the weights; as long as the input, and may be the input. */
  out?: Float32Array
}

export interface PrunedWeights {
  /** The weights, with +0 where one was pruned. */
  readonly data: Float32Array
  /** 1 where the weight was kept. A weight that was zero already counts as pruned. */
  readonly mask: Uint8Array
  /** Elements that are zero. */
  readonly zeros: number
  /** The least score that was kept; Infinity when nothing was. */
  readonly threshold: number
}

/** Ranks of scores as integers: 0 for a weight that is zero already, else the bits of the score plus one. */
interface Keys {
  readonly keys: Uint32Array
  /** Elements of a slice of axis 0; all of them where there is one dimension. */
  readonly cols: number
  readonly data: Float32Array
}

function keysOf({ weights, importance }: Scored): Keys {
  const isTensor = typeof weights === 'object' && weights !== null && 'shape' in weights
  const data = isTensor ? weights.data : weights
  checkTypedArray(
    'weights',
    data,
    'Float32Array',
    isTensor ? checkShape('weights.shape', weights.shape) : undefined,
  )
  const cols = isTensor && weights.shape.length > 1 ? elementCount(weights.shape.slice(1)) : data.length
  const scores = new Float32Array(data.length)
  if (importance === undefined) {
    for (let i = 0; i < data.length; i++) scores[i] = Math.abs(data[i]!)
  } else {
    checkTypedArray('importance', importance, 'Float32Array')
    if (importance.length !== cols && importance.length !== data.length) {
      throw new RangeError(
        `"importance" expected Float32Array(${data.length}) or (${cols}), got length ${importance.length}`,
      )
    }
    const bad = importance.findIndex((factor) => !(factor >= 0 && factor < Infinity))
    if (bad >= 0)
      throw new RangeError(`"importance" expected 0 or more, got ${importance[bad]} at index ${bad}`)
    for (let i = 0, column = 0; i < data.length; i++) {
      scores[i] = Math.abs(data[i]!) * importance[column]!
      if (++column === importance.length) column = 0
    }
  }
  // Bits of non-negative floats order as integers; plus one keeps a weight of importance 0 above one that is zero.
  const keys = new Uint32Array(scores.buffer)
  for (let i = 0; i < data.length; i++) {
    const w = data[i]!
    if (w - w !== 0) throw new RangeError(`"weights" expected finite values, got ${w} at index ${i}`)
    keys[i] = w === 0 ? 0 : keys[i]! + 1
  }
  return { keys, cols, data }
}

const bits = new Uint32Array(1)
const value = new Float32Array(bits.buffer)

function scoreOf(key: number): number {
  bits[0] = Math.max(key - 1, 0)
  return value[0]!
}

/** Above every key. */
const PAST_ALL = 2 ** 32

/** The least key whose score is at or above the threshold. */
function keyOf(threshold: number): number {
  if (threshold === Infinity) return PAST_ALL
  value[0] = threshold + 0 // -0 has a sign bit
  // Rounding to f32 may go down, below the threshold; the key after it is then the first that stays.
  return bits[0]! + 1 + (value[0] < threshold ? 1 : 0)
}

/**
 * Zeroes the weights of least |w| * importance. Ties go by position: the first of equal scores is pruned first.
 *
 * @throws TypeError, RangeError; RangeError if a weight is NaN or infinite
 * @see Han et al. 2015, Learning both Weights and Connections; Sun et al. 2023 (Wanda) for importance by input
 */
export function pruneMagnitude(
  weights: Float32Array | Tensor<'float32'>,
  options: PruneOptions,
): PrunedWeights {
  checkOptions('options', options, ['sparsity', 'threshold', 'importance', 'granularity', 'out'])
  const { sparsity, threshold, importance, granularity = 'tensor' } = options
  checkChoice('granularity', granularity, ['tensor', 'row'])
  if ((sparsity === undefined) === (threshold === undefined)) {
    throw new TypeError(
      `"options" expected either sparsity or threshold, got ${sparsity === undefined ? 'neither' : 'both'}`,
    )
  }
  if (sparsity !== undefined) checkNumber('sparsity', sparsity, 0, 1)
  if (threshold !== undefined && threshold !== Infinity) checkNumber('threshold', threshold, 0)
  const { keys, cols, data } = keysOf({ weights, ...(importance && { importance }) })
  const out = options.out ?? new Float32Array(data.length)
  checkTypedArray('out', out, 'Float32Array', data.length)
  const mask = new Uint8Array(data.length)
  const width = granularity === 'row' ? cols : data.length
  let zeros = 0
  let leastKept = Infinity
  for (let start = 0; start < data.length; start += width) {
    const part = keys.subarray(start, start + width)
    const cut = sparsity === undefined ? { key: keyOf(threshold!), ties: 0 } : cutAt([part], sparsity)
    let { ties } = cut
    for (let i = 0; i < part.length; i++) {
      const key = part[i]!
      const pruned = key === 0 || key < cut.key || (key === cut.key && ties-- > 0)
      mask[start + i] = pruned ? 0 : 1
      out[start + i] = pruned ? 0 : data[start + i]!
      if (pruned) zeros++
      else if (key < leastKept) leastKept = key
    }
  }
  return { data: out, mask, zeros, threshold: leastKept === Infinity ? Infinity : scoreOf(leastKept) }
}

/** The key at the cut, and how many that equal it are to be pruned. */
function cutAt(parts: readonly Uint32Array[], sparsity: number): { key: number; ties: number } {
  const total = parts.reduce((sum, { length }) => sum + length, 0)
  const count = Math.round(sparsity * total)
  if (count >= total) return { key: PAST_ALL, ties: 0 }
  const { key, below } = selectKey(parts, count)
  return { key, ties: count - below }
}

/**
 * The score that splits several tensors ranked together, for pruning with one `threshold` across layers: no more than
 * `sparsity` of all elements score below it, and those that equal it stay. Infinity when all are to go.
 *
 * @throws TypeError, RangeError as `pruneMagnitude`
 */
export function magnitudeThreshold(parts: readonly Scored[], sparsity: number): number {
  if (!Array.isArray(parts)) throw new TypeError(`"parts" expected an array, got ${describe(parts)}`)
  checkNumber('sparsity', sparsity, 0, 1)
  const { key } = cutAt(
    parts.map((part) => keysOf(part).keys),
    sparsity,
  )
  return key === PAST_ALL ? Infinity : scoreOf(key)
}
