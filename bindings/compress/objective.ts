import type { Tensor } from '../formats/tensor.js'
import { MAX_GRAM_COLUMNS } from '../limits.js'
import { matmul } from '../ops/matmul.js'
import type { Runtime } from '../runtime/runtime.js'
import { inputOf, type Layer } from './layers.js'
import type { Rows } from './rows.js'

/**
 * What is known of a layer from calibration: the expected squared error of its output as a function of new weights.
 *
 * With x the row that goes into the compressed layer, y the output of the original one (each less its mean, if the
 * layer has a bias to make up for it), row r of new weights w has the error
 *
 *     E (w x - y)^2 = E y^2 - 2 w . target[r] + w . gram w
 */
export interface Objective {
  /** E x x' of each group, cols * cols; undefined for a layer of more than MAX_GRAM_COLUMNS. */
  readonly gram: readonly Float64Array[] | undefined
  /** E y x, rows * cols; undefined with `gram`. */
  readonly target: Float64Array | undefined
  /** E x^2, groups * cols. */
  readonly power: Float64Array
  /** E y (w x) of each row for the original weights w, which is E y^2 as long as x is still the original input. */
  readonly energy: Float64Array
  /** The bias with which `weights` reproduce the mean output of the original layer. */
  biasFor(weights: Float32Array): Float32Array
}

/** Rows that are multiplied at once. Sums in f32 stay this short; what follows is added in f64. */
const CHUNK = 512

/**
 * Adds up the moments of pairs of rows: what goes into the compressed layer, and what went into the original one.
 */
export class Moments {
  readonly #layer: Layer
  readonly #runtime: Runtime
  readonly #width: number
  readonly #gram: Float64Array[] | undefined
  readonly #cross: Float64Array[] | undefined
  readonly #power: Float64Array
  readonly #now: Side
  readonly #before: Side
  #count = 0

  /** @param isSame the two rows of a pair are the same: the network before the layer is still the original one */
  constructor(layer: Layer, runtime: Runtime, isSame: boolean) {
    this.#layer = layer
    this.#runtime = runtime
    const { cols, groups } = layer
    this.#width = groups * cols
    const square = (): Float64Array[] => Array.from({ length: groups }, () => new Float64Array(cols * cols))
    this.#gram = cols <= MAX_GRAM_COLUMNS ? square() : undefined
    this.#cross = isSame ? this.#gram : this.#gram && square()
    this.#power = new Float64Array(this.#width)
    this.#now = new Side(this.#width, layer.bias !== undefined)
    this.#before = isSame ? this.#now : new Side(this.#width, layer.bias !== undefined)
  }

  add(now: Rows, before: Rows): void {
    for (let start = 0; start < now.count; start += CHUNK) {
      const count = Math.min(CHUNK, now.count - start)
      const part = ({ data }: Rows): Float32Array =>
        data.subarray(start * this.#width, (start + count) * this.#width)
      const x = this.#now.centre(part(now), count)
      const x0 = this.#before === this.#now ? x : this.#before.centre(part(before), count)
      for (let i = 0, c = 0; i < x.length; i++) {
        this.#power[c]! += x[i]! * x[i]!
        if (++c === this.#width) c = 0
      }
      if (this.#gram !== undefined) {
        this.#addProducts(this.#gram, x, x, count)
        if (this.#cross !== this.#gram) this.#addProducts(this.#cross!, x0, x, count)
      }
      this.#count += count
    }
  }

  /** sums += a' b, group by group. */
  #addProducts(sums: readonly Float64Array[], a: Float32Array, b: Float32Array, count: number): void {
    const { cols } = this.#layer
    sums.forEach((sum, group) => {
      const left = new Float32Array(cols * count)
      const right = new Float32Array(count * cols)
      for (let i = 0; i < count; i++) {
        const at = i * this.#width + group * cols
        for (let c = 0; c < cols; c++) left[c * count + i] = a[at + c]!
        right.set(b.subarray(at, at + cols), i * cols)
      }
      const { data } = matmul(dense([cols, count], left), dense([count, cols], right), {
        runtime: this.#runtime,
      })
      for (let i = 0; i < sum.length; i++) sum[i]! += data[i]!
    })
  }

  /** The objective of reproducing what the original `weights` and `bias` give. */
  objective(weights: Float32Array, bias: Float32Array): Objective {
    const { rows, cols, groups } = this.#layer
    const n = Math.max(this.#count, 1)
    const now = this.#now.mean(n)
    const before = this.#before.mean(n)
    const centre = (sum: Float64Array, group: number, a: Side, b: Side): Float64Array => {
      const at = group * cols
      return sum.map((value, i) => {
        const r = Math.floor(i / cols)
        return value / n - a.residue(at + r, n) * b.residue(at + (i - r * cols), n)
      })
    }
    const gram = this.#gram?.map((sum, g) => centre(sum, g, this.#now, this.#now))
    const cross =
      this.#cross === this.#gram
        ? gram
        : this.#cross?.map((sum, g) => centre(sum, g, this.#before, this.#now))
    const power = this.#power.map((sum, i) => Math.max(sum / n - this.#now.residue(i, n) ** 2, 0))
    const perGroup = rows / groups
    const target = cross && this.#project(weights, cross)
    const biasFor = (fresh: Float32Array): Float32Array =>
      bias.map((value, r) => {
        const at = Math.floor(r / perGroup) * cols
        let sum = value
        for (let c = 0; c < cols; c++) {
          sum += weights[r * cols + c]! * before[at + c]! - fresh[r * cols + c]! * now[at + c]!
        }
        return sum
      })
    return { gram, target, power, energy: this.#energy(weights, power, target), biasFor }
  }

  /** Without products of inputs, as if they were independent. */
  #energy(weights: Float32Array, power: Float64Array, target: Float64Array | undefined): Float64Array {
    const energy = new Float64Array(this.#layer.rows)
    for (let i = 0; i < weights.length; i++) {
      const w = weights[i]!
      const r = Math.floor(i / this.#layer.cols)
      energy[r]! += w * (target === undefined ? w * power[inputOf(this.#layer, i)]! : target[i]!)
    }
    return energy
  }

  /** Rows of the original weights times the cross moments of their group. */
  #project(weights: Float32Array, cross: readonly Float64Array[]): Float64Array {
    const { rows, cols, groups } = this.#layer
    const perGroup = rows / groups
    const target = new Float64Array(rows * cols)
    cross.forEach((moments, g) => {
      const at = g * perGroup * cols
      const part = weights.subarray(at, at + perGroup * cols)
      const { data } = matmul(
        dense([perGroup, cols], part),
        dense([cols, cols], Float32Array.from(moments)),
        {
          runtime: this.#runtime,
        },
      )
      target.set(data, at)
    })
    return target
  }
}

function dense(shape: readonly number[], data: Float32Array): Tensor<'float32'> {
  return { kind: 'dense', dtype: 'float32', shape, data }
}

/**
 * The sum of rows, each less the mean of the first ones: products of what is left are then small and lose few
 * digits. Without a bias that could make up for a mean, nothing is taken away.
 */
class Side {
  readonly #isCentred: boolean
  readonly #sum: Float64Array
  #shift: Float32Array | undefined

  constructor(width: number, isCentred: boolean) {
    this.#isCentred = isCentred
    this.#sum = new Float64Array(width)
  }

  centre(rows: Float32Array, count: number): Float32Array {
    if (!this.#isCentred) return rows
    const width = this.#sum.length
    if (this.#shift === undefined) {
      const sum = new Float64Array(width)
      for (let i = 0; i < rows.length; i++) sum[i % width]! += rows[i]!
      this.#shift = Float32Array.from(sum, (value) => value / count)
    }
    const centred = new Float32Array(rows.length)
    for (let i = 0, c = 0; i < rows.length; i++) {
      const x = rows[i]! - this.#shift[c]!
      centred[i] = x
      this.#sum[c]! += centred[i]!
      if (++c === width) c = 0
    }
    return centred
  }

  /** What the mean of `count` centred rows still is. */
  residue(i: number, count: number): number {
    return this.#sum[i]! / count
  }

  /** Mean of the rows as they came; 0 where it is not asked for. */
  mean(count: number): Float64Array {
    return this.#sum.map((sum, i) => sum / count + (this.#shift?.[i] ?? 0))
  }
}
