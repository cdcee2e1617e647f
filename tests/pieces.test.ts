import { describe, expect, it } from 'vitest'
import { FormatError } from '../bindings/errors.js'
import type { Model, Weight } from '../bindings/graph/model.js'
import { readArtifact, receiveArtifact } from '../bindings/io/artifact/read.js'
import { writeArtifact } from '../bindings/io/artifact/write.js'
import { END_OF_FILE, readChunks, readWhole, type PieceReader } from '../bindings/io/pieces.js'
import { Random } from './support/random.js'

async function* chunksOf(bytes: Uint8Array, size: number, failAt = Infinity): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    if (at >= failAt) throw new Error('connection lost')
    yield bytes.slice(at, at + size)
  }
}

const code = async (run: () => unknown): Promise<string> => {
  try {
    await run()
  } catch (error) {
    return error instanceof FormatError ? error.code : String(error)
  }
  return 'none'
}

/** Gives back the pieces of 3, 0 and 5 bytes, after which the file ends. */
function* pieces(): PieceReader<number[][]> {
  const read: number[][] = []
  for (const size of [3, 0, 5, END_OF_FILE]) read.push([...(yield size)])
  return read
}

describe('readWhole and readChunks', () => {
  const bytes = Uint8Array.from({ length: 8 }, (_, i) => i)
  const expected = [[0, 1, 2], [], [3, 4, 5, 6, 7], []]

  it('give a reader what it asks for, however the bytes arrive', async () => {
    expect(readWhole(pieces(), bytes)).toEqual(expected)
    for (let size = 1; size <= 9; size++) {
      expect(await readChunks(pieces(), chunksOf(bytes, size))).toEqual(expected)
    }
  })

  it('refuse a file that ends early or goes on', async () => {
    const longer = new Uint8Array(9)
    expect(await code(() => readWhole(pieces(), longer))).toBe('offsets')
    expect(await code(() => readChunks(pieces(), chunksOf(longer, 4)))).toBe('offsets')
    for (let length = 0; length < 8; length++) {
      const prefix = bytes.subarray(0, length)
      expect(await code(() => readWhole(pieces(), prefix))).toBe('truncated')
      expect(await code(() => readChunks(pieces(), chunksOf(prefix, 3)))).toBe('truncated')
    }
  })

  it('lets the reader clean up when the source fails, and closes a source that is not read on', async () => {
    const seen: string[] = []
    function* careful(): PieceReader<void> {
      try {
        yield 4
        yield 4
      } finally {
        seen.push('reader')
      }
    }
    await expect(readChunks(careful(), chunksOf(bytes, 4, 4))).rejects.toThrow('connection lost')
    async function* source() {
      try {
        yield bytes
        yield bytes
      } finally {
        seen.push('source')
      }
    }
    function* failing(): PieceReader<void> {
      yield 1
      throw new RangeError('no')
    }
    await expect(readChunks(failing(), source())).rejects.toThrow(RangeError)
    expect(seen).toEqual(['reader', 'source'])
  })
})

const random = new Random(5)
const floats = (...shape: number[]): Weight => ({
  kind: 'dense',
  dtype: 'float32',
  shape,
  data: random.floats(shape.reduce((a, b) => a * b, 1)),
})

/** Two products with a shared bias, a branch with a weight of its own, and a weight that nobody reads. */
function model(): Model {
  const bias = floats(4)
  const gemm = (name: string, x: string, w: string, y: string) => ({
    name,
    op: 'Gemm',
    domain: '',
    inputs: [x, w, 'bias'],
    outputs: [y],
    attributes: {},
  })
  const constant = floats(2, 2)
  return {
    name: 'pieces',
    opset: 21,
    metadata: {},
    inputs: [
      { name: 'x', dtype: 'float32', shape: ['N', 4] },
      { name: 'c', dtype: 'bool', shape: [] },
    ],
    outputs: [{ name: 'y', dtype: 'float32', shape: undefined }],
    nodes: [
      gemm('first', 'x', 'w1', 'h'),
      gemm('second', 'h', 'w2', 'z'),
      {
        name: 'branch',
        op: 'If',
        domain: '',
        inputs: ['c'],
        outputs: ['y'],
        attributes: {
          then_branch: {
            inputs: [],
            outputs: [{ name: 'sum', dtype: 'float32', shape: undefined }],
            nodes: [
              { name: 'add', op: 'Add', domain: '', inputs: ['z', 'own'], outputs: ['sum'], attributes: {} },
            ],
            weights: new Map([['own', floats(1, 4)]]),
          },
          value: constant as never,
        },
      },
    ],
    weights: new Map([
      ['w1', floats(4, 4)],
      ['w2', floats(4, 4)],
      ['bias', bias],
      ['unread', { kind: 'dense', dtype: 'int8', shape: [3], data: Int8Array.of(1, 2, 3) }],
    ]),
  }
}

describe('receiveArtifact', () => {
  const original = model()
  const { bytes } = writeArtifact(original)

  it('reads the same model from chunks of any size', async () => {
    expect(readArtifact(bytes)).toEqual(original)
    for (const size of [1, 7, 64, 1000, bytes.length]) {
      expect(await readChunks(receiveArtifact({}), chunksOf(bytes, size))).toEqual(original)
    }
  })

  it('completes nodes in order, each before the data of the next has arrived', async () => {
    const arrived: [string, number][] = []
    let given = 0
    async function* counted() {
      for await (const chunk of chunksOf(bytes, 1)) {
        given++
        yield chunk
      }
    }
    let total = 0
    const receiver = {
      begin: (_: Model, totalBytes: number) => (total = totalBytes),
      node(model: Model, index: number) {
        const { name, inputs } = model.nodes[index]!
        arrived.push([name, given])
        for (const input of inputs) {
          const weight = original.weights.get(input)
          if (weight !== undefined) expect(model.weights.get(input)).toEqual(weight)
        }
      },
    }
    await readChunks(receiveArtifact({}, receiver), counted())
    expect(total).toBe(bytes.length)
    expect(arrived.map(([name]) => name)).toEqual(['first', 'second', 'branch'])
    const [first, second, branch] = arrived.map(([, at]) => at) as [number, number, number]
    expect(second - first).toBe(64)
    expect(branch).toBeGreaterThan(second)
    expect(branch).toBeLessThanOrEqual(bytes.length)
  })

  it('refuses every prefix and every changed byte of a stream', async () => {
    for (let length = 0; length < bytes.length; length += 3) {
      const prefix = bytes.subarray(0, length)
      expect(await code(() => readChunks(receiveArtifact({}), chunksOf(prefix, 50)))).toBe('truncated')
    }
    for (let at = 0; at < bytes.length; at += 5) {
      const damaged = bytes.slice()
      damaged[at]! ^= 1 << (at % 8)
      const result = await code(() => readChunks(receiveArtifact({}), chunksOf(damaged, 100)))
      expect(['checksum', 'truncated', 'limit', 'not-artifact']).toContain(result)
    }
  })

  it('refuses an entry beyond the limit before it asks for its bytes', () => {
    const large = { ...original, weights: new Map([...original.weights, ['w1', floats(1024, 1025)]]) }
    const reader = receiveArtifact({ maxBytes: 1000 })
    const file = writeArtifact(large as Model).bytes
    let asked = 0
    expect(() => {
      let at = 0
      for (let step = reader.next(); !step.done; at += asked) {
        asked = step.value
        step = reader.next(file.subarray(at, at + asked))
      }
    }).toThrow(FormatError)
    expect(asked).toBeLessThan(100_000)
  })
})
