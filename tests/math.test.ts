import { expect, it } from 'vitest'
import { expF32, sigmoidF32, tanhF32 } from '../bindings/kernels/math.js'
import { references, ulp } from './oracles/math.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

/** The greatest error in ULP, as assembly/README.md states it, and the same function in plain TypeScript. */
const functions = [
  { name: 'exp', bound: 1.02, js: expF32 },
  { name: 'sigmoid', bound: 2.41, js: sigmoidF32 },
  { name: 'tanh', bound: 2.5, js: tanhF32 },
] as const

const SPECIALS = [
  [0, -0, Infinity, -Infinity, NaN, 1e-45, -1e-45, 1.1754942e-38, 1.1754944e-38, -1.1754944e-38],
  [3.4028235e38, -3.4028235e38, 88.72283, 88.72284, 89, -87.33655, -103.972, -103.9721, -104, -105],
  [1, -1, 0.5, 0.9, 0.8999999, -0.9, 3.9, 3.95, 4, 4.1, 9, 9.02, -9.02, 17.4, -17.4, 0.34657359, 0.70710677],
].flat()

/** Every exponent and sign with seeded mantissas, the range where results are ordinary more densely, and specials. */
function sample(): Float32Array {
  const random = new Random(3)
  const bits: number[] = []
  for (let exponent = 0; exponent < 510; exponent++) {
    for (let i = 0; i < 8; i++) bits.push(((exponent << 23) | random.integer(0, 0x7fffff)) >>> 0)
  }
  const everywhere = new Float32Array(Uint32Array.from(bits).buffer)
  const ordinary = Array.from({ length: 12000 }, () => (random.next() - 0.5) * 2 ** random.integer(-3, 7))
  return Float32Array.from([...everywhere, ...ordinary, ...SPECIALS])
}

const inputs = sample()

describeTargets('math kernels', (runtime) => {
  const { allocator, kernels } = runtime

  for (const { name, bound, js } of functions) {
    const kernel = kernels[`f32_${name}`]

    it(`f32_${name} is within ${bound} ULP and gives the bits of the js target`, () => {
      const n = inputs.length
      const x = allocator.allocate(n * 4)
      const y = allocator.allocate(n * 4)
      runtime.memory.f32.set(inputs, x / 4)
      kernel(x, y, n)
      const got = runtime.memory.f32.slice(y / 4, y / 4 + n)
      let worst = 0
      inputs.forEach((v, i) => {
        const exact = references[name](v)
        if (!Object.is(got[i], js(v))) expect.fail(`${name}(${v}) is ${got[i]}, in js ${js(v)}`)
        if (Number.isFinite(Math.fround(exact)) && exact !== 0) {
          worst = Math.max(worst, Math.abs(got[i]! - exact) / ulp(exact))
        } else if (!Object.is(got[i], Math.fround(exact))) {
          expect.fail(`${name}(${v}) is ${got[i]}, expected ${exact}`)
        }
      })
      expect(worst).toBeLessThanOrEqual(bound)
      expect(worst).toBeGreaterThan(0.5)
      allocator.release(x)
      allocator.release(y)
    })

    it(`f32_${name} stays inside its output for every tail, also in place`, () => {
      for (let n = 0; n <= 9; n++) {
        const x = allocator.allocate(n * 4)
        const y = allocator.allocate(n * 4)
        const values = Float32Array.from({ length: n }, (_, i) => i + 0.5)
        runtime.memory.f32.set(values, x / 4)
        kernel(x, y, n)
        kernel(x, x, n)
        const { f32 } = runtime.memory
        expect([...f32.subarray(y / 4, y / 4 + n)]).toEqual([...values].map((v) => js(v)))
        expect([...f32.subarray(x / 4, x / 4 + n)]).toEqual([...values].map((v) => js(v)))
        allocator.release(x)
        allocator.release(y)
      }
    })
  }
})
