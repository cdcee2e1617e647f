import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FormatError } from '../bindings/errors.js'
import type { GapCode } from '../bindings/formats/gaps.js'
import { countGaps, decodeGaps, encodeGaps } from '../bindings/ops/gaps.js'
import { gapsOf } from './oracles/gaps.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

const WIDTHS = [3, 4, 5, 6, 7, 8]

function sparse(length: number, density: number, zero: number, seed = 1): Uint8Array {
  const random = new Random(seed)
  return Uint8Array.from({ length }, () => (random.next() < density ? random.integer(0, 255) : zero))
}

describeTargets('gaps', (runtime) => {
  for (const length of [0, 1, 15, 16, 17, 33, 1000]) {
    for (const density of [0, 0.01, 0.2, 1]) {
      it(`length=${length} density=${density} equals the oracle in all widths`, () => {
        for (const zero of [0, 7, 255]) {
          const x = sparse(length, density, zero)
          const counts = countGaps(x, { zero, runtime })
          for (const bits of WIDTHS) {
            const code = encodeGaps(x, { zero, bits, runtime })
            const expected = gapsOf(x, zero, bits)
            expect([...code.gaps]).toEqual(expected.gaps)
            expect([...code.values]).toEqual(expected.values)
            expect(counts.nonzeros).toBe(expected.values.length)
            expect(counts.gaps[bits - 3]).toBe(expected.gaps.length)
            expect([...decodeGaps(code, { runtime })]).toEqual([...x])
          }
        }
      })
    }
  }

  it('writes gaps of exactly a filler, one less and one more', () => {
    for (const bits of WIDTHS) {
      const filler = 2 ** bits - 1
      for (const gap of [filler - 1, filler, filler + 1, 2 * filler - 1, 2 * filler, 2 * filler + 1]) {
        const x = new Uint8Array(gap + 1 + 40)
        x[gap] = 9
        const code = encodeGaps(x, { bits, runtime })
        expect(code.gaps.at(-1)).toBe(gap % filler)
        expect(code.gaps.length).toBe(Math.floor(gap / filler) + 1)
        expect([...decodeGaps(code, { runtime })]).toEqual([...x])
      }
    }
  })

  it('round-trips whatever fast-check thinks of', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(255),
        fc.integer({ min: 3, max: 8 }),
        (x, zero, bits) => {
          expect([...decodeGaps(encodeGaps(x, { zero, bits, runtime }), { runtime })]).toEqual([...x])
        },
      ),
      { seed: 21, numRuns: 200 },
    )
  })

  it('refuses codes that the encoder cannot have made', () => {
    const good: GapCode = {
      kind: 'gaps',
      length: 20,
      zero: 0,
      bits: 3,
      gaps: Uint8Array.of(7, 2, 0),
      values: Uint8Array.of(5, 6),
    }
    const codeOf = (change: Partial<GapCode>): string => {
      try {
        decodeGaps({ ...good, ...change }, { runtime })
      } catch (error) {
        if (error instanceof FormatError) return error.code
      }
      return 'no FormatError'
    }
    expect(codeOf({})).toBe('no FormatError')
    expect(codeOf({ gaps: Uint8Array.of(7, 2, 8) })).toBe('corrupt')
    expect(codeOf({ gaps: Uint8Array.of(7, 2, 0, 7) })).toBe('corrupt')
    expect(codeOf({ gaps: Uint8Array.of(7, 2) })).toBe('corrupt')
    expect(codeOf({ gaps: Uint8Array.of(7, 2, 0, 0) })).toBe('corrupt')
    expect(codeOf({ values: Uint8Array.of(5, 0) })).toBe('corrupt')
    expect(codeOf({ values: Uint8Array.of(5) })).toBe('corrupt')
    expect(codeOf({ length: 10 })).toBe('overflow')
    expect(codeOf({ length: 9 })).toBe('overflow')
    expect(codeOf({ length: 11 })).toBe('no FormatError')
    expect(codeOf({ length: 0, gaps: new Uint8Array(0), values: new Uint8Array(0) })).toBe('no FormatError')
  })

  it('fuzz: random codes decode in bounds or fail', () => {
    const seed = Date.now() & 0xffff
    const random = new Random(seed)
    const deadline = performance.now() + 200
    for (let round = 0; round < 2000 && performance.now() < deadline; round++) {
      const bits = random.integer(3, 8)
      const code: GapCode = {
        kind: 'gaps',
        length: random.integer(0, 100),
        zero: random.integer(0, 255),
        bits,
        gaps: random.bytes(random.integer(0, 20)).map((gap) => gap % 2 ** bits),
        values: random.bytes(random.integer(0, 20)),
      }
      try {
        const x = decodeGaps(code, { runtime })
        expect(encodeGaps(x, { zero: code.zero, bits, runtime }), `seed ${seed} round ${round}`).toEqual(code)
      } catch (error) {
        expect(error, `seed ${seed} round ${round}`).toBeInstanceOf(FormatError)
      }
    }
  })

  it('names what is wrong', () => {
    const x = new Uint8Array(4)
    expect(() => encodeGaps(x, { bits: 9, runtime })).toThrow('"bits" expected an integer in 3..8, got 9')
    expect(() => encodeGaps(x, { zero: -1, runtime })).toThrow(RangeError)
    expect(() => encodeGaps([] as unknown as Uint8Array, { runtime })).toThrow(TypeError)
    expect(() => decodeGaps({} as GapCode, { runtime })).toThrow('"code" expected a GapCode, got object')
    const code = encodeGaps(x, { runtime })
    expect(() => decodeGaps(code, { maxBytes: 3, runtime })).toThrow(FormatError)
    expect(() => decodeGaps(code, { out: new Uint8Array(5), runtime })).toThrow(
      '"out" expected Uint8Array(4)',
    )
  })
})
