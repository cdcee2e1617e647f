import { expect, it } from 'vitest'
import { quantizeInt8 } from '../bindings/index.js'
import { elementCount } from '../bindings/formats/tensor.js'
import type { ActivationRange, GraphNode, Model, Weight } from '../bindings/graph/model.js'
import { loadModel } from '../bindings/infer/load.js'
import { runOnnx } from './oracles/onnx.js'
import { expectSame } from './support/compare.js'
import { floats, ints, makeModel, node } from './support/models.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

// Networks nobody would draw: every node reads any values made before it, so that layouts, views, places that are written
// over and int8 codes meet in all orders.

const GRAPHS = 40

interface Value {
  readonly name: string
  readonly shape: readonly number[]
}

class Sketch {
  readonly random: Random
  readonly nodes: GraphNode[] = []
  readonly weights: Record<string, Weight> = {}
  readonly values: Value[]

  constructor(seed: number) {
    this.random = new Random(seed)
    this.values = ['a', 'b'].map((name) => ({ name, shape: [2, this.#size(), this.#size(), this.#size()] }))
    const length = this.random.integer(4, 16)
    while (this.nodes.length < length) this.#grow()
  }

  #size(): number {
    return this.random.integer(1, 5)
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.random.integer(0, items.length - 1)]!
  }

  #add(op: string, inputs: string, shape: readonly number[], attributes: GraphNode['attributes'] = {}): void {
    const name = `v${this.nodes.length}`
    this.nodes.push(node(op, `${inputs} -> ${name}`, attributes))
    this.values.push({ name, shape })
  }

  #weight(shape: readonly number[]): string {
    const name = `w${Object.keys(this.weights).length}`
    this.weights[name] = floats(this.random.floats(elementCount(shape), 0.5), shape)
    return name
  }

  #grow(): void {
    const { name, shape } = this.#pick(this.values)
    const [batch, channels, height, width] = shape as [number, number, number, number]
    const axis = this.random.integer(1, 3)
    const likes = this.values.filter((other) => String(other.shape) === String(shape))
    switch (this.random.integer(0, 12)) {
      case 0:
        return this.#add('Relu', name, shape)
      case 1:
        return this.#add('Tanh', name, shape)
      case 2:
      case 3:
        return this.#add(this.#pick(['Add', 'Sub', 'Mul']), `${name} ${this.#pick(likes).name}`, shape)
      case 4: {
        const other = this.#pick([[channels, 1, 1], [height, width], [1, channels, 1, width], []])
        return this.#add('Add', `${this.#weight(other)} ${name}`, shape)
      }
      case 5:
      case 6: {
        const filters = this.#size()
        const weight = this.#weight([filters, channels, 3, 1])
        return this.#add('Conv', `${name} ${weight}`, [batch, filters, height, width], { pads: [1, 0, 1, 0] })
      }
      case 7:
        return this.#add('MaxPool', name, shape, { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })
      case 8:
        return this.#add('Softmax', name, shape, { axis })
      case 9: {
        const perm = this.#pick([
          [0, 2, 3, 1],
          [0, 3, 1, 2],
          [0, 2, 1, 3],
          [0, 1, 3, 2],
        ])
        return this.#add(
          'Transpose',
          name,
          perm.map((from) => shape[from]!),
          { perm },
        )
      }
      case 10: {
        const joined = shape.with(axis, 2 * shape[axis]!)
        if (elementCount(joined) > 1000) return
        return this.#add('Concat', `${name} ${this.#pick(likes).name}`, joined, { axis })
      }
      case 11: {
        const to = this.#pick([
          [batch, height, channels, width],
          [batch, channels * height, 1, width],
        ])
        const target = `t${Object.keys(this.weights).length}`
        this.weights[target] = ints(to)
        return this.#add('Reshape', `${name} ${target}`, to)
      }
      case 12: {
        const weight = this.#weight([width, width])
        return this.#add('MatMul', `${name} ${weight}`, shape)
      }
    }
  }

  /** The model with a few of its values as outputs, the last one among them. */
  model(): Model {
    const made = this.values.slice(2)
    const outputs = made.filter((_, i) => i === made.length - 1 || this.random.next() < 0.3)
    const inputs = Object.fromEntries(this.values.slice(0, 2).map(({ name, shape }) => [name, shape]))
    const { nodes, weights } = this
    return makeModel({ inputs, nodes, weights, outputs: outputs.map(({ name }) => name) })
  }

  inputs(): Record<string, { shape: readonly number[]; data: Float32Array<ArrayBuffer> }> {
    const entries = this.values.slice(0, 2).map(({ name, shape }) => {
      return [name, { shape, data: this.random.floats(elementCount(shape)) }] as const
    })
    return Object.fromEntries(entries)
  }
}

/** The same model with int8 weights and some of its values calibrated. */
function quantized(model: Model, random: Random): Model {
  const weights = [...model.weights].map(([name, weight]): [string, Weight] => {
    const isMatrix =
      weight.kind === 'dense' && weight.dtype === 'float32' && [2, 4].includes(weight.shape.length)
    if (!isMatrix || elementCount(weight.shape) === 0) return [name, weight]
    return [name, quantizeInt8(weight as never, { granularity: { per: 'tensor' } })]
  })
  const names = ['a', 'b', ...model.nodes.flatMap(({ outputs }) => outputs)]
  const ranges = names
    .filter(() => random.next() < 0.8)
    .map((name): [string, ActivationRange] => {
      // Few different ones, so that neighbours often agree.
      return [name, random.next() < 0.7 ? { scale: 0.03, zeroPoint: -5 } : { scale: 0.05, zeroPoint: 12 }]
    })
  return { ...model, weights: new Map(weights), activations: new Map(ranges) }
}

const bits = new Map<string, Float32Array>()

describeTargets('random graphs', (runtime) => {
  it.each(Array.from({ length: GRAPHS }, (_, i) => i))('seed %i', (seed) => {
    const sketch = new Sketch(seed)
    const model = sketch.model()
    const given = sketch.inputs()
    const inputs = Object.fromEntries(Object.entries(given).map(([name, { data }]) => [name, data]))
    const expected = runOnnx(model, given)
    using session = loadModel(model, { runtime })
    for (const [name, { shape, data }] of Object.entries(session.run(inputs))) {
      const wanted = expected.get(name)!
      expect(shape).toEqual(wanted.shape)
      const largest = wanted.data.reduce((most, v) => Math.max(most, Math.abs(v)), 1)
      const worst = data.reduce((most, v, i) => Math.max(most, Math.abs(v - wanted.data[i]!)), 0)
      expect(worst / largest).toBeLessThan(1e-5)
    }

    // Codes between layers change no bit: asked for every value, the session leaves all of them as real ones.
    const coded = quantized(model, new Random(seed))
    using plain = loadModel(coded, { runtime })
    using detour = loadModel(coded, { runtime, outputs: coded.nodes.flatMap(({ outputs }) => outputs) })
    const outputs = plain.run(inputs)
    const all = detour.run(inputs)
    for (const [name, { data }] of Object.entries(outputs)) {
      expectSame(data, all[name]!.data)
      const key = `${seed} ${name}`
      expectSame(data, bits.get(key) ?? data)
      bits.set(key, data)
    }
  })
})
