import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { FormatError } from '../bindings/errors.js'
import { contextDecode, contextEncode, type ContextShape } from '../bindings/ops/context.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { decodeContext } from './oracles/context.js'
import { entropyBits } from './oracles/huffman.js'
import { Random } from './support/random.js'
import { describeTargets } from './support/targets.js'

/** As a sequence of mode 10 has it, behind the mode. Numbers below 128 or in two bytes. */
function sequence(
  count: number,
  { zero, width, columns, distance }: ContextShape,
  code: Uint8Array,
): Uint8Array {
  const leb = (value: number) => [(value % 128) | 128, Math.floor(value / 128) | 128, 0]
  return Uint8Array.of(...leb(count), zero, width, ...leb(columns), ...leb(distance), ...code)
}

interface Case extends ContextShape {
  rows: number
  symbol(random: Random, row: number, column: number): number
}

const sparse = (random: Random, density: number, values: number, zero: number): number =>
  random.next() < density ? random.integer(0, values - 1) : zero

/** Every width, lines that wrap around at 1024, distances around the ends of rows, ragged last rows. */
const CASES: Record<string, Case> = {
  'mask, columns of their own density': {
    ...{ rows: 60, columns: 90, distance: 10, zero: 0, width: 1 },
    symbol: (random, _, column) => Number(random.next() < (column % 9) / 20),
  },
  'codebook of 16': {
    ...{ rows: 80, columns: 64, distance: 8, zero: 8, width: 4 },
    symbol: (random, row) => sparse(random, row % 7 ? 0.05 : 0.6, 16, 8),
  },
  'codebook of 5': {
    ...{ rows: 20, columns: 31, distance: 30, zero: 2, width: 3 },
    symbol: (random) => sparse(random, 0.5, 5, 2),
  },
  int8: {
    ...{ rows: 10, columns: 60, distance: 59, zero: 0, width: 8 },
    symbol: (random) => Math.round(random.normal() * 20) & 255,
  },
  'rows longer than 1024': {
    ...{ rows: 2, columns: 1500, distance: 3, zero: 1, width: 2 },
    symbol: (random) => sparse(random, 0.3, 4, 1),
  },
  'more rows than 1024': {
    ...{ rows: 1500, columns: 2, distance: 2, zero: 0, width: 2 },
    symbol: (random, row) => (row % 3 ? 0 : random.integer(0, 3)),
  },
  'one column': {
    ...{ rows: 500, columns: 1, distance: 7, zero: 0, width: 5 },
    symbol: (random) => sparse(random, 0.4, 32, 0),
  },
  'all zero': { ...{ rows: 40, columns: 50, distance: 2, zero: 3, width: 6 }, symbol: () => 3 },
  'one symbol': { ...{ rows: 1, columns: 1, distance: 2, zero: 0, width: 8 }, symbol: () => 255 },
}

function draw({ rows, columns, symbol }: Case): Uint8Array {
  const random = new Random(rows * columns)
  return Uint8Array.from({ length: rows * columns }, (_, i) =>
    symbol(random, Math.floor(i / columns), i % columns),
  )
}

function encode(x: Uint8Array, shape: ContextShape, runtime: Runtime): Uint8Array {
  return contextEncode(x, shape, 2 * x.length + 64, runtime)!
}

function outcome(code: Uint8Array, count: number, shape: ContextShape, runtime: Runtime): string {
  try {
    contextDecode('test', code, count, shape, runtime)
  } catch (error) {
    if (error instanceof FormatError) return error.code
    throw error
  }
  return 'ok'
}

/** What the first target made, which all others must make too. */
const firsts = new Map<string, unknown>()

function sameAsFirst(name: string, found: unknown): void {
  if (!firsts.has(name)) firsts.set(name, found)
  expect(found, name).toEqual(firsts.get(name))
}

describeTargets('context', (runtime) => {
  for (const [name, shape] of Object.entries(CASES)) {
    it(`${name}: round trip, the same code everywhere, and the oracle`, () => {
      const all = draw(shape)
      for (const x of [all, all.subarray(0, all.length - (shape.columns >> 1))]) {
        const code = encode(x, shape, runtime)
        sameAsFirst(`${name} ${x.length}`, createHash('sha256').update(code).digest('hex'))
        expect(contextDecode('test', code, x.length, shape, runtime)).toEqual(x)
        if (x === all) expect(decodeContext(sequence(x.length, shape, code))).toEqual([...x])
      }
    })
  }

  it('takes less than the entropy of symbols where lines or neighbours tell', () => {
    const sizeOf = (name: string) => {
      const shape = CASES[name]!
      const x = draw(shape)
      return (encode(x, shape, runtime).length * 8) / entropyBits(x)
    }
    expect(sizeOf('mask, columns of their own density')).toBeLessThan(0.95)
    expect(sizeOf('codebook of 16')).toBeLessThan(0.92)
    // Where there is nothing to find, learning costs some per cent.
    expect(sizeOf('codebook of 5')).toBeLessThan(1.12)
    const zeros = CASES['all zero']!
    expect(encode(draw(zeros), zeros, runtime).length).toBeLessThan(20)
  })

  it('gives up where the room does not suffice', () => {
    const shape = CASES['codebook of 16']!
    const x = draw(shape)
    const { length } = encode(x, shape, runtime)
    expect(contextEncode(x, shape, length, runtime)).toHaveLength(length)
    for (const room of [0, 3, length >> 1, length - 1]) {
      expect(contextEncode(x, shape, room, runtime)).toBeUndefined()
    }
  })

  it('refuses every prefix, every extra byte and shapes that are none', () => {
    for (const name of ['codebook of 5', 'all zero', 'one symbol']) {
      const shape = CASES[name]!
      const x = draw(shape)
      const code = encode(x, shape, runtime)
      for (let length = 0; length < code.length; length++) {
        expect(outcome(code.subarray(0, length), x.length, shape, runtime), `${name} ${length}`).not.toBe(
          'ok',
        )
      }
      expect(outcome(code.subarray(0, 3), x.length, shape, runtime)).toBe('truncated')
      for (const extra of [0, 255]) {
        expect(outcome(Uint8Array.of(...code, extra), x.length, shape, runtime)).toBe('corrupt')
      }
      for (const wrong of [{ width: 0 }, { width: 9 }, { columns: 0 }, { distance: 1 }, { zero: 256 }]) {
        expect(outcome(code, x.length, { ...shape, ...wrong }, runtime)).toBe('corrupt')
      }
    }
  })

  it('decodes damaged codes alike on every target, mostly to an error', () => {
    const shape = CASES['codebook of 5']!
    const x = draw(shape)
    const code = encode(x, shape, runtime)
    let found = 0
    for (let round = 0; round < 120; round++) {
      const damaged = code.slice()
      damaged[(round * 7) % code.length]! ^= 1 << (round % 8)
      const result = outcome(damaged, x.length, shape, runtime)
      sameAsFirst(`damage ${round}`, result)
      if (result !== 'ok') found++
    }
    expect(found).toBe(120)
    // Any bytes at all, with any count: as many steps as symbols, and no more.
    const random = new Random(1)
    for (let round = 0; round < 60; round++) {
      const bytes = random.bytes(random.integer(0, 40))
      const any = { columns: 7, distance: 3, zero: 0, width: 1 + (round % 8) }
      sameAsFirst(`noise ${round}`, outcome(bytes, random.integer(0, 500), any, runtime))
    }
  })
})
