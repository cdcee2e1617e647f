import { BLOCK_ROWS } from '../formats/block-sparse.js'
import { NM_GROUP } from '../formats/nm-sparse.js'
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
  /**
   * Where zeros may lie, for kernels that make use of it. `any` (default). `4x1`: whole blocks of four neighbouring rows (slices
   * of axis 0) and a column, ranked by the sum of their scores; a share `sparsity` of the blocks. `1:4`, `2:4`: of each four
   * neighbours of a row the one or two of greatest score stay, with neither `sparsity` nor `threshold`.
   */
  pattern?: 'any' | '4x1' | '1:4' | '2:4'
  /** `tensor` (default): ranks all elements together. `row`: ranks each slice of axis 0 by itself. Only without a pattern. */
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
  checkOptions('options', options, [
    ...['sparsity', 'threshold', 'importance', 'pattern', 'granularity', 'out'],
  ])
  const { sparsity, threshold, importance, pattern = 'any', granularity = 'tensor' } = options
  checkChoice('granularity', granularity, ['tensor', 'row'])
  checkChoice('pattern', pattern, ['any', '4x1', '1:4', '2:4'])
  checkBounds(pattern, { sparsity, threshold, granularity })
  if (sparsity !== undefined) checkNumber('sparsity', sparsity, 0, 1)
  if (threshold !== undefined && threshold !== Infinity) checkNumber('threshold', threshold, 0)
  const { keys, cols, data } = keysOf({ weights, ...(importance && { importance }) })
  const out = options.out ?? new Float32Array(data.length)
  checkTypedArray('out', out, 'Float32Array', data.length)
  const mask = new Uint8Array(data.length)
  if (pattern !== 'any') {
    if (pattern === '4x1') maskBlocks(keys, cols, sparsity!)
    else maskNeighbours(keys, cols, Number(pattern[0]))
  }
  const width = granularity === 'row' ? cols : data.length
  let zeros = 0
  let leastKept = Infinity
  for (let start = 0; start < data.length; start += width) {
    const part = keys.subarray(start, start + width)
    const cut =
      pattern !== 'any'
        ? { key: 0, ties: 0 } // what is to go has key 0 already
        : sparsity === undefined
          ? { key: keyOf(threshold!), ties: 0 }
          : cutAt([part], sparsity)
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

/** Throws unless the options say once what is to be pruned. */
function checkBounds(
  pattern: string,
  {
    sparsity,
    threshold,
    granularity,
  }: { sparsity: number | undefined; threshold: number | undefined; granularity: string },
): void {
  const given = [sparsity, threshold].filter((bound) => bound !== undefined).length
  if (pattern === 'any') {
    if (given !== 1) {
      throw new TypeError(
        `"options" expected either sparsity or threshold, got ${given === 0 ? 'neither' : 'both'}`,
      )
    }
  } else if (granularity !== 'tensor' || given !== (pattern === '4x1' ? 1 : 0) || threshold !== undefined) {
    throw new TypeError(
      `"options" expected ${pattern === '4x1' ? 'sparsity' : 'nothing else'} beside pattern ${pattern}`,
    )
  }
}

/** Takes the keys of whole blocks of four rows and a column: those of least sums, the first of equal ones first. */
function maskBlocks(keys: Uint32Array, cols: number, sparsity: number): void {
  const rows = cols === 0 ? 0 : keys.length / cols
  const sums = new Float32Array(Math.ceil(rows / BLOCK_ROWS) * cols)
  const blockOf = (i: number): number => Math.floor(i / (BLOCK_ROWS * cols)) * cols + (i % cols)
  for (let i = 0; i < keys.length; i++) sums[blockOf(i)]! += scoreOf(keys[i]!)
  const blocks = new Uint32Array(sums.buffer)
  const { key, ties } = cutAt([blocks], sparsity)
  let left = ties
  const gone = Uint8Array.from(blocks, (block) => Number(block < key || (block === key && left-- > 0)))
  for (let i = 0; i < keys.length; i++) if (gone[blockOf(i)]) keys[i] = 0
}

/** Takes the keys of all but the greatest `n` of each four neighbours of a row, the first of equal ones first. */
function maskNeighbours(keys: Uint32Array, cols: number, n: number): void {
  if (cols % NM_GROUP !== 0) {
    throw new RangeError(`"weights" expected rows of a multiple of ${NM_GROUP} elements, got ${cols}`)
  }
  for (let start = 0; start < keys.length; start += NM_GROUP) {
    const group = keys.subarray(start, start + NM_GROUP)
    // Zeros, of key 0, come first.
    const order = [0, 1, 2, 3].sort((a, b) => group[a]! - group[b]!)
    for (const i of order.slice(0, NM_GROUP - n)) group[i] = 0
  }
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
