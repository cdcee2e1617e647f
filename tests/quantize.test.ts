import { expect, it } from 'vitest'
import type { Granularity } from '../bindings/formats/quantized.js'
import { dequantizeInt8, quantizeInt8 } from '../bindings/ops/quantize.js'
import { Status } from '../bindings/runtime/status.js'
import { channelOf, quantizeOne } from './oracles/quantize.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

/** Below, at, above and past one and several vectors of 16, then of 4. */
const LENGTHS = [0, 1, 3, 4, 5, 15, 16, 17, 31, 32, 33, 100]

describeTargets('quantize kernels', (runtime) => {
  const { allocator } = runtime

  for (const inner of LENGTHS) {
    for (const [outer, channels] of [
      [1, 1],
      [1, 3],
      [2, 5],
    ] as const) {
      for (const misalign of [0, 1]) {
        it(`f32_qs8_quantize outer=${outer} channels=${channels} inner=${inner} misalign=${misalign}`, () => {
          const random = new Random(inner * 100 + channels)
          const n = outer * channels * inner
          const x = random.floats(n, 60)
          if (n > 2) x.set([0.5, -2.5, 3e38].slice(0, n)) // ties and saturation
          const scales = Float32Array.from({ length: channels }, () => 0.25 + random.next())
          const zeros = random.int8s(channels)
          const xp = allocator.allocate(n * 4 + 4 * misalign) + 4 * misalign
          const sp = allocator.allocate(channels * 4)
          const zp = allocator.allocate(channels)
          const yp = allocator.allocate(n + misalign) + misalign
          const back = allocator.allocate(n * 4)
          const { f32, i8 } = runtime.memory
          f32.set(x, xp / 4)
          f32.set(scales, sp / 4)
          i8.set(zeros, zp)
          runtime.kernels.f32_qs8_quantize(xp, sp, zp, yp, outer, channels, inner, -128)
          runtime.kernels.qs8_f32_dequantize(yp, sp, zp, back, outer, channels, inner)
          const expected = Array.from(x, (v, i) => {
            const c = channelOf(i, channels, inner)
            return quantizeOne(v, scales[c]!, zeros[c]!, -128)
          })
          expect([...i8.subarray(yp, yp + n)]).toEqual(expected)
          expect([...f32.subarray(back / 4, back / 4 + n)]).toEqual(
            expected.map((q, i) => {
              const c = channelOf(i, channels, inner)
              return Math.fround(scales[c]! * (q - zeros[c]!))
            }),
          )
          for (const p of [xp - 4 * misalign, sp, zp, yp - misalign, back]) allocator.release(p)
        })
      }
    }
  }

  it('f32_range finds the ends at every position, a zero as +0', () => {
    const xp = allocator.allocate(4 * 21)
    const out = allocator.allocate(8)
    const range = (length: number): number[] => {
      expect(runtime.kernels.f32_range(xp, out, out + 4, 1, 1, length)).toBe(Status.ok)
      return [...runtime.memory.f32.subarray(out / 4, out / 4 + 2)]
    }
    for (let length = 1; length <= 21; length++) {
      for (let at = 0; at < length; at++) {
        const x = runtime.memory.f32.subarray(xp / 4, xp / 4 + length).fill(-0)
        expect(range(length)).toEqual([0, 0])
        x[at] = 2
        expect(range(length)).toEqual([length === 1 ? 2 : 0, 2])
        x[at] = -3
        expect(range(length)).toEqual([-3, length === 1 ? -3 : 0])
      }
    }
    allocator.release(xp)
    allocator.release(out)
  })

  it.each([NaN, Infinity, -Infinity])('f32_range reports %s at every position', (bad) => {
    const xp = allocator.allocate(4 * 37)
    const out = allocator.allocate(8)
    for (let at = 0; at < 37; at++) {
      const { f32 } = runtime.memory
      f32.fill(1, xp / 4, xp / 4 + 37)
      expect(runtime.kernels.f32_range(xp, out, out + 4, 1, 1, 37)).toBe(Status.ok)
      f32[xp / 4 + at] = bad
      expect(runtime.kernels.f32_range(xp, out, out + 4, 1, 1, 37)).toBe(Status.nonFinite)
    }
    allocator.release(xp)
    allocator.release(out)
  })
})

describeTargets('quantizeInt8', (runtime) => {
  const granularities: [string, Granularity][] = [
    ['tensor', { per: 'tensor' }],
    ['first axis', { per: 'channel', axis: 0 }],
    ['last axis', { per: 'channel', axis: 2 }],
    ['group', { per: 'group', size: 5 }],
  ]
  for (const scheme of ['symmetric', 'affine'] as const) {
    it.each(granularities)(`${scheme} per %s is within half a scale`, (_, granularity) => {
      const x = new Random(7).floats(3 * 4 * 10)
      const q = quantizeInt8(x, { shape: [3, 4, 10], scheme, granularity, runtime })
      const back = dequantizeInt8(q, { runtime })
      // Half a scale, plus the rounding of the zero point to an integer.
      const bound = Math.max(...q.scale) * (scheme === 'affine' ? 1 : 0.5) * (1 + 1e-6)
      expect(Math.max(...x.map((v, i) => Math.abs(v - back[i]!)))).toBeLessThanOrEqual(bound)
      if (scheme === 'symmetric') {
        expect(q.zeroPoint.every((z) => z === 0)).toBe(true)
        expect(Math.min(...q.data)).toBeGreaterThanOrEqual(-127)
      }
    })
  }

  it('represents zero exactly and survives constant and extreme ranges', () => {
    for (const data of [
      [0, 0],
      [5, 5],
      [-3, -3],
      [3.4e38, -3.4e38],
      [1e-44, 0],
    ]) {
      for (const scheme of ['symmetric', 'affine'] as const) {
        const q = quantizeInt8(Float32Array.from([...data, 0]), { scheme, runtime })
        expect(dequantizeInt8(q, { runtime })[data.length]).toBe(0)
        expect(q.scale[0]).toBeGreaterThan(0)
      }
    }
  })

  it('names what is wrong', () => {
    const x = new Float32Array(4)
    const untyped = quantizeInt8 as (...args: unknown[]) => unknown
    expect(() => untyped([1, 2], { runtime })).toThrow('"x" expected Float32Array, got array of 2')
    expect(() => untyped(x, { sheme: 'affine', runtime })).toThrow('"options" has no option "sheme"')
    expect(() => quantizeInt8(x, { shape: [5], runtime })).toThrow(
      '"x" expected Float32Array(5), got length 4',
    )
    expect(() => quantizeInt8(Float32Array.of(1, NaN), { runtime })).toThrow('got NaN at index 1')
    expect(() => quantizeInt8(x, { granularity: { per: 'group', size: 3 }, runtime })).toThrow(RangeError)
    expect(() => quantizeInt8(x, { out: new Int8Array(3), runtime })).toThrow('"out" expected Int8Array(4)')
    expect(() => untyped(x, { scheme: 'weird', runtime })).toThrow(
      '"scheme" expected one of symmetric, affine',
    )
  })

  it('writes into out and returns it', () => {
    const out = new Int8Array(2)
    expect(quantizeInt8(Float32Array.of(1, -1), { out, runtime }).data).toBe(out)
    expect([...out]).toEqual([127, -127])
  })
})
