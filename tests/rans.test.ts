import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FormatError } from '../bindings/errors.js'
import { ransDecode, ransDecodedLength, ransEncode, ransEncodeBound } from '../bindings/ops/rans.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { entropyBits } from './oracles/huffman.js'
import { decodeRansFrame } from './oracles/rans.js'
import { Random } from './support/random.js'
import { draw, SOURCES } from './support/symbols.js'
import { describeTargets } from './support/targets.js'

const BLOCK = 2 ** 18
const SPLIT = 2 ** 16

const LONG = new Map(Object.keys(SOURCES).map((source) => [source, draw(source, BLOCK + SPLIT + 5)]))

/** Lengths around every change of structure: one state, sixteen, groups of 16, several blocks. */
const LENGTHS = [0, 1, 2, 3, 127, 128, 5000, SPLIT - 1, SPLIT, SPLIT + 15]
const LONG_LENGTHS = [BLOCK, BLOCK + 1, BLOCK + SPLIT + 5]

/** `ok`, or the code of the FormatError. */
function outcome(runtime: Runtime, frame: Uint8Array): string {
  try {
    ransDecode(frame, { maxBytes: 2 ** 20, runtime })
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

describeTargets('rans', (runtime) => {
  for (const source of Object.keys(SOURCES)) {
    const isLong = ['gaussian', 'two symbols far apart'].includes(source)
    it.each(isLong ? [...LENGTHS, ...LONG_LENGTHS] : LENGTHS)(
      `${source}: round trip and the same frame everywhere at n=%i`,
      (n) => {
        const x = LONG.get(source)!.subarray(0, n)
        const frame = ransEncode(x, { runtime })
        sameAsFirst(`${source} ${n}`, createHash('sha256').update(frame).digest('hex'))
        expect(frame.length).toBeLessThanOrEqual(ransEncodeBound(n))
        expect(ransDecodedLength(frame)).toBe(n)
        expect(Buffer.compare(ransDecode(frame, { runtime }), x)).toBe(0)
        if (n === SPLIT || n < 200) expect(decodeRansFrame(frame)).toEqual([...x])
      },
    )
  }

  it('stays near the entropy, below a bit a symbol too', () => {
    for (const [source, slack] of [
      ['gaussian', 1.003],
      ['even symbols', 1.002],
      ['codebook of 32', 1.002],
      ['two symbols far apart', 1.007],
    ] as const) {
      const x = LONG.get(source)!.subarray(0, BLOCK)
      const ratio = (ransEncode(x, { runtime }).length * 8) / entropyBits(x)
      expect(ratio, source).toBeGreaterThanOrEqual(1)
      expect(ratio, source).toBeLessThan(slack)
    }
    expect(ransEncode(new Uint8Array(1_000_000), { runtime }).length).toBeLessThan(16)
    // One in 2^18: the rare symbol still has its slot.
    const lonely = new Uint8Array(BLOCK)
    lonely[1000] = 9
    const frame = ransEncode(lonely, { runtime })
    expect(frame.length).toBeLessThan(130)
    expect(Buffer.compare(ransDecode(frame, { runtime }), lonely)).toBe(0)
  })

  it('never expands by more than a byte a block', () => {
    const x = new Random(4).bytes(BLOCK + 1000)
    expect(ransEncode(x, { runtime }).length).toBe(3 + x.length + 2)
    expect(ransEncode(Uint8Array.of(1, 2, 3), { runtime })).toEqual(Uint8Array.of(3, 0, 1, 2, 3))
  })

  it('uses frequencies again, also across blocks that it stores', () => {
    const skewed = draw('codebook of 32', BLOCK, 2)
    const x = new Uint8Array(4 * BLOCK)
    x.set(skewed)
    x.set(new Random(4).bytes(BLOCK), BLOCK)
    x.set(skewed, 2 * BLOCK)
    x.set(new Uint8Array(BLOCK), 3 * BLOCK)
    const frame = ransEncode(x, { runtime })
    expect(Buffer.compare(ransDecode(frame, { runtime }), x)).toBe(0)
    const one = ransEncode(skewed, { runtime })
    expect(frame[3 + (one.length - 3) + 1 + BLOCK]).toBe(2)
    // Behind a constant block there is nothing to use again.
    const after = ransEncode(Uint8Array.of(...skewed.subarray(0, 3000)), { runtime })
    after[2] = 2
    expect(outcome(runtime, after)).toBe('corrupt')
  })

  it('round-trips whatever fast-check thinks of', () => {
    const runs = fc.array(fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 3000 })), { maxLength: 12 })
    fc.assert(
      fc.property(runs, fc.uint8Array({ maxLength: 300 }), (runs, tail) => {
        const x = Uint8Array.from([
          ...runs.flatMap(([symbol, count]) => new Array<number>(count).fill(symbol)),
          ...tail,
        ])
        const frame = ransEncode(x, { runtime })
        expect(Buffer.compare(ransDecode(frame, { runtime }), x)).toBe(0)
        expect(Buffer.compare(Uint8Array.from(decodeRansFrame(frame)), x)).toBe(0)
      }),
      { seed: 12, numRuns: 30 },
    )
  })

  it('refuses every prefix, every extra byte and set padding', () => {
    for (const [source, n] of [
      ['gaussian', 300],
      ['codebook of 32', SPLIT],
      ['two symbols far apart', SPLIT],
      ['constant', 70],
      ['uniform', 50],
    ] as const) {
      const frame = ransEncode(draw(source, n), { runtime })
      const step = Math.ceil(frame.length / 300)
      for (let length = 0; length < frame.length; length += length < 200 ? 1 : step) {
        expect(outcome(runtime, frame.subarray(0, length)), `${source} ${length}`).toBe('truncated')
      }
      for (const extra of [0, 1, 255]) {
        expect(outcome(runtime, Uint8Array.of(...frame, extra))).toBe('corrupt')
      }
    }
    // 8 bits for the one symbol, 1 for the gap, so 7 of padding.
    const padded = ransEncode(new Uint8Array(70), { runtime })
    expect(padded).toEqual(Uint8Array.of(70, 1, 0, 1))
    padded[3]! |= 128
    expect(outcome(runtime, padded)).toBe('corrupt')
  })

  it('survives flipped bits, alike on every target', () => {
    for (const [source, n] of [
      ['gaussian', 300],
      ['codebook of 32', SPLIT + 3],
      ['two symbols far apart', 1000],
    ] as const) {
      const frame = ransEncode(draw(source, n), { runtime })
      const random = new Random(n)
      for (let round = 0; round < 200; round++) {
        const at = round < 100 ? round % frame.length : random.integer(0, frame.length - 1)
        const damaged = frame.slice()
        damaged[at]! ^= 1 << (round % 8)
        sameAsFirst(`${source} ${n}: byte ${at} ^ ${1 << (round % 8)}`, outcome(runtime, damaged))
      }
    }
  })

  it('finds damaged words by the states in the end', () => {
    const x = draw('codebook of 32', 5000)
    const frame = ransEncode(x, { runtime })
    for (let at = frame.length - 400; at < frame.length; at++) {
      const damaged = frame.slice()
      damaged[at]! ^= 4
      expect(outcome(runtime, damaged), `byte ${at}`).not.toBe('ok')
    }
  })

  it('refuses frequencies with a wrong sum, states out of range, and modes that do not exist', () => {
    const frame = ransEncode(draw('codebook of 32', 5000), { runtime })
    const wrongMode = frame.slice()
    wrongMode[2] = 3
    expect(outcome(runtime, wrongMode)).toBe('corrupt')
    // used 2, gap 1, run 2, levels 1 and 1, then 11 bits each: 2048 + 2049.
    const bits = '01000000' + '1' + '010' + '1' + '1' + '00000000000' + '10000000000'
    const bytes = [...bits.padEnd(40, '0').matchAll(/.{8}/g)].map(([byte]) =>
      Number.parseInt([...byte].reverse().join(''), 2),
    )
    expect(bytes).toHaveLength(5)
    const behind = [0, 0x80, 0, 0]
    expect(outcome(runtime, Uint8Array.of(4, 1, ...bytes, ...behind))).toBe('corrupt')
    const half = bits.slice(0, 14) + '0'.repeat(22)
    const even = [...half.padEnd(40, '0').matchAll(/.{8}/g)].map(([byte]) =>
      Number.parseInt([...byte].reverse().join(''), 2),
    )
    // Four halvings of 2^15 + 2^4 slots' worth: what the oracle makes of it decides.
    for (const state of [
      [0, 0x80, 0, 0],
      [0, 0x7f, 0, 0],
      [0, 0, 0, 0x80],
      [0, 0, 8, 0],
    ]) {
      const given = Uint8Array.of(4, 1, ...even, ...state)
      let expected = 'ok'
      try {
        decodeRansFrame(given)
      } catch {
        expected = 'fails'
      }
      expect(outcome(runtime, given) === 'ok' ? 'ok' : 'fails').toBe(expected)
    }
    expect(outcome(runtime, Uint8Array.of(0x80, 0x00))).toBe('corrupt')
    expect(outcome(runtime, new Uint8Array(0))).toBe('truncated')
  })

  it('fuzz: damaged frames decode where the oracle does, and nowhere else', () => {
    const seed = Date.now() & 0xffff
    const random = new Random(seed)
    const names = Object.keys(SOURCES)
    const deadline = performance.now() + 300
    for (let round = 0; round < 3000 && performance.now() < deadline; round++) {
      const n = random.integer(1, 90)
      const frame = ransEncode(draw(names[random.integer(0, names.length - 1)]!, n, round), { runtime })
      const damaged = frame.slice(0, random.integer(0, 3) ? frame.length : random.integer(1, frame.length))
      for (let k = random.integer(0, 2); k >= 0; k--) {
        damaged[random.integer(1, damaged.length - 1)] = random.integer(0, 255)
      }
      if (damaged[0]! > 127) continue
      let expected = 'ok'
      try {
        decodeRansFrame(damaged)
      } catch {
        expected = 'fails'
      }
      const found = outcome(runtime, damaged) === 'ok' ? 'ok' : 'fails'
      expect(found, `seed ${seed} round ${round}`).toBe(expected)
    }
  })

  it('reads no more than 16 bytes behind its input, and writes nothing beside its output', () => {
    const { allocator, kernels, memory } = runtime
    for (const [source, n] of [
      ['gaussian', SPLIT + 9],
      ['two symbols far apart', SPLIT],
      ['gaussian', 50],
    ] as const) {
      const x = draw(source, n)
      const block = ransEncode(x, { runtime }).slice(n < 128 ? 1 : 3)
      // Every region lies between canaries.
      const regions = [n, 512, Math.floor(1.5 * n) + 2048, n].map((bytes) => allocator.allocate(bytes))
      const [out, state, room, input] = regions as [number, number, number, number]
      memory.ensure(memory.bytes + 65536)
      const at = memory.bytes - 16 - block.length
      memory.u8.fill(0, state, state + 512)
      memory.u8.set(block, at)
      expect(kernels.u8_rans_decode_block(at, out, state, block.length, n)).toBe(block.length)
      expect(Buffer.compare(memory.u8.subarray(out, out + n), x)).toBe(0)

      memory.u8.set(x, input)
      memory.u8.fill(0, state, state + 512)
      expect(kernels.u8_rans_encode_block(input, room, state, n)).toBe(block.length)
      expect(Buffer.compare(memory.u8.subarray(room, room + block.length), block)).toBe(0)
      for (const region of regions) allocator.release(region)
    }
  })

  it('checks limits and buffers before it allocates', () => {
    const frame = ransEncode(new Uint8Array(100_000), { runtime })
    expect(() => ransDecode(frame, { maxBytes: 99_999, runtime })).toThrow(FormatError)
    expect(() => ransDecode(frame, { out: new Uint8Array(99_999), runtime })).toThrow(RangeError)
    const out = new Uint8Array(100_000)
    expect(ransDecode(frame, { out, runtime })).toBe(out)
    const bomb = Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x04, 1, 0, 1)
    expect(() => ransDecode(bomb, { runtime })).toThrow('rANS frame: declares 1073741824 bytes, the limit is')
    expect(() => ransEncode(new Uint8Array(4), { out: new Uint8Array(4), runtime })).toThrow(RangeError)
    const room = new Uint8Array(ransEncodeBound(4))
    expect(ransEncode(new Uint8Array(4), { out: room, runtime }).buffer).toBe(room.buffer)
    expect(() => ransDecode(frame, { limit: 3 } as object)).toThrow('has no option "limit"')
  })
})
