import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FormatError } from '../bindings/errors.js'
import {
  huffmanDecode,
  huffmanDecodedLength,
  huffmanEncode,
  huffmanEncodeBound,
  huffmanEncodedSize,
} from '../bindings/ops/huffman.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { bestCost, decodeFrame, entropyBits } from './oracles/huffman.js'
import { Random } from './support/random.js'
import { draw, SOURCES } from './support/symbols.js'
import { describeTargets } from './support/targets.js'

const BLOCK = 2 ** 18
const SPLIT = 2 ** 14

/** One long sequence a source, drawn once for all targets. */
const LONG = new Map(Object.keys(SOURCES).map((source) => [source, draw(source, 2 * BLOCK)]))

/** Lengths around every change of structure: no block, one stream, eight streams, several blocks. */
const LENGTHS = [
  0,
  1,
  2,
  3,
  4,
  5,
  8,
  127,
  128,
  SPLIT - 1,
  SPLIT,
  SPLIT + 7,
  BLOCK,
  BLOCK + 1,
  BLOCK + SPLIT + 5,
]

/** `ok`, or the code of the FormatError. */
function outcome(runtime: Runtime, frame: Uint8Array): string {
  try {
    huffmanDecode(frame, { runtime })
  } catch (error) {
    if (error instanceof FormatError) return error.code
    throw error
  }
  return 'ok'
}

/** Outcomes by the name of a damaged frame: those of the first target, which all others must have too. */
const outcomes = new Map<string, string>()

function sameOutcome(name: string, found: string): void {
  if (!outcomes.has(name)) outcomes.set(name, found)
  expect(found, name).toBe(outcomes.get(name))
}

/** As huffmanDecodedLength, without its errors. */
function huffmanDecodedLengthOf(frame: Uint8Array): number {
  try {
    return huffmanDecodedLength(frame)
  } catch {
    return 0
  }
}

function countsOf(x: Uint8Array): number[] {
  const counts = new Array<number>(256).fill(0)
  for (const symbol of x) counts[symbol]!++
  return counts
}

describeTargets('huffman', (runtime) => {
  const { allocator } = runtime

  for (const source of Object.keys(SOURCES)) {
    it.each(LENGTHS)(`${source}: round trip, exact size and the oracle at n=%i`, (n) => {
      const x = LONG.get(source)!.subarray(0, n)
      const frame = huffmanEncode(x, { runtime })
      expect(frame.length).toBe(huffmanEncodedSize(x, { runtime }))
      expect(frame.length).toBeLessThanOrEqual(huffmanEncodeBound(n))
      expect(huffmanDecodedLength(frame)).toBe(n)
      expect(Buffer.compare(huffmanDecode(frame, { runtime }), x)).toBe(0)
      if (n === SPLIT || n < 200) expect(Buffer.compare(Uint8Array.from(decodeFrame(frame)), x)).toBe(0)
    })
  }

  it('stays near the entropy, and at one bit a symbol where there is less', () => {
    // The rest is what Huffman pays for rounding probabilities to powers of two, and for the limit of 12 bits.
    for (const [source, slack] of [
      ['gaussian', 1.006],
      ['uniform', 1.001],
      ['even symbols', 1.001],
      ['codebook of 32', 1.01],
    ] as const) {
      const x = LONG.get(source)!
      const ratio = (huffmanEncodedSize(x, { runtime }) * 8) / entropyBits(x)
      expect(ratio, source).toBeGreaterThanOrEqual(1)
      expect(ratio, source).toBeLessThan(slack)
    }
    expect(huffmanEncodedSize(draw('two symbols far apart', 80_000), { runtime })).toBeLessThan(10_050)
    expect(huffmanEncodedSize(draw('constant', 1_000_000), { runtime })).toBeLessThan(16)
  })

  it('keeps tables of small alphabets small', () => {
    // 32 equal counts code without loss, so all that is added is the frame: count, table, flag.
    const flat = Uint8Array.from({ length: 1024 }, (_, i) => i % 32)
    expect(huffmanEncodedSize(flat, { runtime }) - (1024 * 5) / 8).toBeLessThanOrEqual(10)
    const x = draw('codebook of 32', 2000)
    expect(huffmanEncodedSize(x, { runtime }) - entropyBits(x) / 8).toBeLessThan(24)
  })

  it('u8_histogram counts at every alignment and length', () => {
    const random = new Random(3)
    for (const n of [0, 1, 7, 8, 9, 63, 1000]) {
      for (const misalign of [0, 1, 5]) {
        const x = random.bytes(n)
        const xp = allocator.allocate(n + misalign) + misalign
        const cp = allocator.allocate(1024)
        runtime.memory.u8.set(x, xp)
        runtime.kernels.u8_histogram(xp, cp, n)
        expect([...runtime.memory.u32.subarray(cp / 4, cp / 4 + 256)]).toEqual(countsOf(x))
        allocator.release(cp)
        allocator.release(xp - misalign)
      }
    }
  })

  function lengthsFor(counts: readonly number[], limit: number): { lengths: number[]; bits: number } {
    const cp = allocator.allocate(1024)
    const lp = allocator.allocate(256)
    runtime.memory.u32.fill(0, cp / 4, cp / 4 + 256).set(counts, cp / 4)
    const bits = runtime.kernels.u8_huf_lengths(cp, lp, limit)
    const lengths = [...runtime.memory.u8.subarray(lp, lp + counts.length)]
    allocator.release(lp)
    allocator.release(cp)
    return { lengths, bits }
  }

  it('u8_huf_lengths is optimal: no code within the limit is shorter', () => {
    const counts = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(counts, (counts) => {
        // Limits below 8 would also do for so few symbols, which makes the limit bite.
        for (const limit of [4, 8]) {
          const { lengths, bits } = lengthsFor(counts, limit)
          expect(bits).toBe(bestCost(counts, limit))
          expect(counts.reduce((sum, count, i) => sum + count * lengths[i]!, 0)).toBe(bits)
          expect(Math.max(...lengths)).toBeLessThanOrEqual(limit)
        }
      }),
      { seed: 11, numRuns: 60 },
    )
  })

  it('u8_huf_lengths holds Fibonacci counts to the limit, with a full code space', () => {
    const counts = [1, 1]
    while (counts.length < 28) counts.push(counts.at(-1)! + counts.at(-2)!)
    for (const limit of [8, 11, 12]) {
      const { lengths } = lengthsFor(counts, limit)
      expect(Math.max(...lengths)).toBe(limit)
      expect(lengths.reduce((sum, length) => sum + 2 ** -length, 0)).toBe(1)
    }
  })

  it('encodes a block whose code is at the limit', () => {
    const parts = [1, 1]
    while (parts.length < 24) parts.push(parts.at(-1)! + parts.at(-2)!)
    const x = Uint8Array.from(parts.flatMap((count, symbol) => new Array<number>(count).fill(symbol)))
    const random = new Random(5)
    for (let i = x.length - 1; i > 0; i--) {
      const k = random.integer(0, i)
      const swap = x[i]!
      x[i] = x[k]!
      x[k] = swap
    }
    const frame = huffmanEncode(x, { runtime })
    expect(Buffer.compare(huffmanDecode(frame, { runtime }), x)).toBe(0)
  })

  it('round-trips whatever fast-check thinks of', () => {
    const runs = fc.array(fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 3000 })), { maxLength: 12 })
    fc.assert(
      fc.property(runs, fc.uint8Array({ maxLength: 300 }), (runs, tail) => {
        const x = Uint8Array.from([
          ...runs.flatMap(([symbol, count]) => new Array<number>(count).fill(symbol)),
          ...tail,
        ])
        const frame = huffmanEncode(x, { runtime })
        expect(huffmanEncodedSize(x, { runtime })).toBe(frame.length)
        expect(Buffer.compare(huffmanDecode(frame, { runtime }), x)).toBe(0)
        expect(Buffer.compare(Uint8Array.from(decodeFrame(frame)), x)).toBe(0)
      }),
      { seed: 12, numRuns: 30 },
    )
  })

  it('refuses every prefix, every extra byte and set padding', () => {
    for (const [source, n] of [
      ['gaussian', 300],
      ['codebook of 32', SPLIT],
      ['constant', 70],
      ['ternary', 5],
    ] as const) {
      const frame = huffmanEncode(draw(source, n), { runtime })
      const step = Math.ceil(frame.length / 400)
      for (let length = 0; length < frame.length; length += length < 200 ? 1 : step) {
        expect(() => huffmanDecode(frame.subarray(0, length), { runtime }), `${source} ${length}`).toThrow(
          FormatError,
        )
      }
      for (const extra of [0, 1, 255]) {
        expect(() => huffmanDecode(Uint8Array.of(...frame, extra), { runtime })).toThrow(FormatError)
      }
    }
    // Two symbols, one bit each: 8 + 1 + 8 + gamma(1) + gamma(2) + 2 + 2 bits, so the last byte has padding.
    const padded = huffmanEncode(Uint8Array.of(0, 1), { runtime })
    padded[padded.length - 1]! |= 128
    expect(() => huffmanDecode(padded, { runtime })).toThrow(FormatError)
  })

  it('survives flipped bits, alike on every target', () => {
    for (const [source, n] of [
      ['gaussian', 300],
      ['gaussian', SPLIT + 5],
      ['codebook of 32', SPLIT + 3],
      ['two symbols far apart', 100],
    ] as const) {
      const frame = huffmanEncode(draw(source, n), { runtime })
      const random = new Random(n)
      for (let round = 0; round < 300; round++) {
        const at = round < 150 ? round % frame.length : random.integer(0, frame.length - 1)
        const damaged = frame.slice()
        damaged[at]! ^= 1 << (round % 8)
        sameOutcome(`${source} ${n}: byte ${at} ^ ${1 << (round % 8)}`, outcome(runtime, damaged))
      }
    }
  })

  it('decodes blocks that are much larger than the one before, and codes that serve again', () => {
    const random = new Random(9)
    const x = new Uint8Array(5 * BLOCK + 100)
    for (let i = 0; i < x.length; i++) {
      const kind = Math.floor(i / BLOCK)
      x[i] =
        kind === 0 ? 7 : kind === 1 ? random.integer(0, 255) : kind === 2 ? i & 1 : random.integer(0, 255)
    }
    const frame = huffmanEncode(x, { runtime })
    expect(Buffer.compare(huffmanDecode(frame, { runtime }), x)).toBe(0)
    // Three tables of 256 symbols cost 3 * 35 bytes at least; two that serve again cost nothing.
    expect(frame.length).toBeLessThan(3 * BLOCK + BLOCK / 8 + 100 + 250)
    for (const length of [frame.length - 1, BLOCK + 1000, 40]) {
      expect(outcome(runtime, frame.subarray(0, length))).toBe('truncated')
    }
  })

  it('reads no more than 16 bytes behind its input, at the end of memory too', () => {
    const { allocator, kernels, memory } = runtime
    for (const [source, n] of [
      ['gaussian', SPLIT],
      ['codebook of 32', SPLIT],
      ['gaussian', 50],
    ] as const) {
      const x = draw(source, n)
      const frame = huffmanEncode(x, { runtime })
      const count = n < 128 ? 1 : 3
      const op = allocator.allocate(n)
      const sp = allocator.allocate(256)
      memory.ensure(memory.bytes + 65536)
      const at = memory.bytes - 16 - (frame.length - count)
      const { u8 } = memory
      u8.fill(0, sp, sp + 256)
      u8.set(frame.subarray(count), at)
      const taken = kernels.u8_huf_decode_block(at, op, sp, frame.length - count, n, 0)
      expect(Math.ceil(taken / 8)).toBe(frame.length - count)
      expect(Buffer.compare(u8.subarray(op, op + n), x)).toBe(0)
      allocator.release(sp)
      allocator.release(op)
    }
  })

  it('refuses codes that do not fill the code space, or repeat a code that is not there', () => {
    /** Frames by hand: fields of [value, width]. */
    const pack = (...fields: [value: number, width: number][]): Uint8Array => {
      const bits = fields.flatMap(([value, width]) =>
        Array.from({ length: width }, (_, i) => (value >> i) & 1),
      )
      return Uint8Array.from({ length: Math.ceil(bits.length / 8) }, (_, byte) =>
        bits.slice(8 * byte, 8 * byte + 8).reduce((sum, bit, i) => sum | (bit << i), 0),
      )
    }
    const two: [number, number][] = [
      [2, 8],
      [1, 1],
      [1, 8],
      [1, 1], // gap 1
      [2, 3], // run of 2: gamma 0 1 0
    ]
    const valid = pack(...two, [1, 1], [1, 1], [0, 1], [1, 1])
    expect([...huffmanDecode(valid, { runtime })]).toEqual([0, 1])
    expect(decodeFrame(valid)).toEqual([0, 1])
    const codeOf = (bytes: Uint8Array): string => {
      try {
        huffmanDecode(bytes, { runtime })
      } catch (error) {
        if (error instanceof FormatError) return error.code
      }
      return 'no FormatError'
    }
    expect(codeOf(pack(...two, [1, 1], [2, 2], [0, 8]))).toBe('corrupt') // lengths 1 and 2: incomplete
    expect(codeOf(pack(...two, [4, 3], [0, 8]))).toBe('corrupt') // length 0
    expect(codeOf(pack([2, 8], [1, 1], [2, 8], [1, 1], [6, 3], [7, 3], [0, 8]))).toBe('corrupt') // three of one bit
    expect(codeOf(pack([2, 8], [1, 1], [1, 8], [1, 1], [6, 3], [3, 2], [0, 8]))).toBe('corrupt') // run passes used
    expect(codeOf(pack([2, 8], [0, 1], [0, 7]))).toBe('corrupt') // repeats nothing
    expect(codeOf(Uint8Array.of(0x80, 0x00))).toBe('corrupt') // count not minimal
    expect(codeOf(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x7f))).toBe('corrupt') // count above 2^30
    expect(codeOf(Uint8Array.of(0x80))).toBe('truncated')
    expect(codeOf(new Uint8Array(0))).toBe('truncated')
  })

  it('fuzz: damaged frames decode where the oracle does, and nowhere else', () => {
    const seed = Date.now() & 0xffff
    const random = new Random(seed)
    const names = Object.keys(SOURCES)
    const deadline = performance.now() + 400
    for (let round = 0; round < 3000 && performance.now() < deadline; round++) {
      const isLarge = random.integer(0, 9) === 0
      const n = isLarge ? random.integer(SPLIT, SPLIT + 9) : random.integer(1, 60)
      const frame = huffmanEncode(draw(names[random.integer(0, names.length - 1)]!, n, round), { runtime })
      const damaged = frame.slice(0, random.integer(0, 3) ? frame.length : random.integer(1, frame.length))
      for (let k = random.integer(0, 3); k >= 0; k--) {
        damaged[random.integer(1, damaged.length - 1)] = random.integer(0, 255)
      }
      // A count of a gigabyte is legal; the oracle need not write it down.
      if (damaged.length < 2 || huffmanDecodedLengthOf(damaged) > 2 * n) continue
      let expected = 'ok'
      try {
        decodeFrame(damaged)
      } catch {
        expected = 'fails'
      }
      const found = outcome(runtime, damaged) === 'ok' ? 'ok' : 'fails'
      expect(found, `seed ${seed} round ${round}`).toBe(expected)
    }
  })

  it('checks limits and buffers before it allocates', () => {
    const frame = huffmanEncode(draw('constant', 100_000), { runtime })
    expect(() => huffmanDecode(frame, { maxBytes: 99_999, runtime })).toThrow(FormatError)
    expect(huffmanDecode(frame, { maxBytes: 100_000, runtime }).length).toBe(100_000)
    expect(() => huffmanDecode(frame, { out: new Uint8Array(99_999), runtime })).toThrow(RangeError)
    const out = new Uint8Array(100_000)
    expect(huffmanDecode(frame, { out, runtime })).toBe(out)
    // 2^30 symbols from ten bytes: refused by the default limit.
    const bomb = Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x04, 1, 2, 0)
    expect(() => huffmanDecode(bomb, { runtime })).toThrow('declares 1073741824 bytes, the limit is')
    expect(() => huffmanEncode(new Uint8Array(4), { out: new Uint8Array(4), runtime })).toThrow(RangeError)
    const room = new Uint8Array(huffmanEncodeBound(4))
    expect(huffmanEncode(new Uint8Array(4), { out: room, runtime }).buffer).toBe(room.buffer)
    expect(() => huffmanEncode([1, 2] as unknown as Uint8Array, { runtime })).toThrow(
      '"symbols" expected Uint8Array, got array of 2',
    )
    expect(() => huffmanDecode(frame, { limit: 3 } as object)).toThrow('has no option "limit"')
  })
})
