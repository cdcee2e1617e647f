import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import '../bindings/embedded.js'
import { CapacityError, FormatError, UnsupportedOpError } from '../bindings/errors.js'
import { loadModel, type LoadProgress, type Session } from '../bindings/infer/index.js'
import { writeArtifact } from '../bindings/io/artifact/write.js'
import { quantizeInt8 } from '../bindings/ops/quantize.js'
import { createRuntime } from '../bindings/runtime/default.js'
import { floats, makeModel, node } from './support/models.js'
import { Random } from './support/random.js'

const random = new Random(3)
const weight = (rows: number, columns: number) => floats(random.floats(rows * columns), [rows, columns])

/** Three layers, dense and int8, of 60 KB in all. */
const model = makeModel({
  inputs: { x: ['N', 64] },
  nodes: [
    node('Gemm', 'x w1 b1 -> h1'),
    node('Relu', 'h1 -> r1'),
    node('MatMul', 'r1 w2 -> h2'),
    node('Add', 'h2 b2 -> a2'),
    node('Tanh', 'a2 -> t2'),
    node('Gemm', 't2 w3 -> y', { transB: 1 }),
  ],
  outputs: ['y'],
  weights: {
    w1: weight(64, 100),
    b1: floats(random.floats(100), [100]),
    w2: quantizeInt8(weight(100, 128), { granularity: { per: 'channel', axis: 1 } }),
    b2: floats(random.floats(128), [128]),
    w3: weight(40, 128),
  },
})
const { bytes } = writeArtifact(model)
const x = floats(random.floats(3 * 64), [3, 64])
const resultOf = (session: Session) => session.run({ x })['y']!.data
const expected = (() => {
  using session = loadModel(bytes)
  return resultOf(session).slice()
})()

async function* chunks(source = bytes, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.length; at += size) yield source.slice(at, at + size)
}

const streamOf = (source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> => {
  const iterator = source[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
  })
}

const folder = mkdtempSync(join(tmpdir(), 'mcompress-load-'))
const path = join(folder, 'model.safetensors')
/** What the server does with a request, by its path. */
const answers: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {}
let server: Server
let base: string

beforeAll(async () => {
  writeFileSync(path, bytes)
  server = createServer((request, response) => answers[request.url!]!(request, response))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

/** Sends up to `limit` bytes of the range asked for, then drops the connection. */
function serve(limit: number, { ranges = true, etag = '"v1"', body = bytes } = {}) {
  const seen: { range: string | undefined; ifRange: string | undefined }[] = []
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { range, 'if-range': ifRange } = request.headers
    seen.push({ range, ifRange: ifRange as string | undefined })
    const from = ranges && range !== undefined ? Number(/^bytes=(\d+)-$/.exec(range)![1]) : 0
    const partial = ranges && range !== undefined
    response.writeHead(partial ? 206 : 200, {
      etag,
      'content-length': body.length - from,
      ...(partial ? { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` } : {}),
    })
    const end = Math.min(body.length, from + limit)
    response.write(body.subarray(from, end), () => {
      if (end === body.length) response.end()
      else setTimeout(() => response.destroy(), 20)
    })
  }
  return { answer, seen }
}

async function rejection(promise: Promise<unknown> | Session): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('the promise did not reject')
}

describe('loadModel of what is still arriving', () => {
  const sources: Record<string, () => Parameters<typeof loadModel>[0]> = {
    'a promise of bytes': () => Promise.resolve(bytes) as never,
    'a promise of a model': () => Promise.resolve(model) as never,
    'a Response': () => new Response(bytes.slice()) as never,
    'a promise of a Response': () => Promise.resolve(new Response(streamOf(chunks()))) as never,
    'a Blob': () => new Blob([bytes.slice()]) as never,
    'a stream': () => streamOf(chunks(bytes, 777)) as never,
    'an async iterable': () => chunks(bytes, 1) as never,
    'a path': () => path as never,
    'a file URL': () => pathToFileURL(path) as never,
  }
  for (const [name, source] of Object.entries(sources)) {
    it(`gives the same session from ${name}`, async () => {
      const runtime = createRuntime()
      const loaded = loadModel(source(), { runtime }) as unknown as Promise<Session>
      expect(loaded).toBeInstanceOf(Promise)
      const session = await loaded
      expect(resultOf(session)).toEqual(expected)
      session.dispose()
      expect(runtime.stats().liveHandles).toBe(0)
    })
  }

  it('packs layers while later ones are on the way, and says how far it is', async () => {
    const progress: LoadProgress[] = []
    const session = await loadModel(chunks(bytes, 500), { onProgress: (step) => progress.push(step) })
    session.dispose()
    expect(progress.at(-1)).toEqual({
      loadedBytes: bytes.length,
      totalBytes: bytes.length,
      loadedNodes: 6,
      totalNodes: 6,
    })
    expect(progress[0]).toMatchObject({ loadedBytes: 500, totalBytes: undefined, totalNodes: undefined })
    const half = progress.find(({ loadedBytes }) => loadedBytes > bytes.length * 0.75)!
    expect(half.loadedNodes).toBeGreaterThanOrEqual(3)
    expect(half.loadedNodes).toBeLessThan(6)
    progress.slice(1).forEach((step, i) => {
      expect(step.loadedBytes).toBeGreaterThan(progress[i]!.loadedBytes)
      expect(step.loadedNodes).toBeGreaterThanOrEqual(progress[i]!.loadedNodes)
    })
  })

  it('goes on where a download broke off, by range requests', async () => {
    const { answer, seen } = serve(Math.ceil(bytes.length / 3) + 1)
    answers['/broken'] = answer
    using session = await loadModel(`${base}/broken`)
    expect(resultOf(session)).toEqual(expected)
    expect(seen.length).toBe(3)
    expect(seen[0]).toEqual({ range: undefined, ifRange: undefined })
    for (const { range, ifRange } of seen.slice(1)) {
      expect(Number(/^bytes=(\d+)-$/.exec(range!)![1])).toBeGreaterThan(0)
      expect(ifRange).toBe('"v1"')
    }
  })

  it('gives up after as many attempts as it may make, or where the server sends all again', async () => {
    const runtime = createRuntime()
    const thrice = serve(1000)
    answers['/thrice'] = thrice.answer
    expect(await rejection(loadModel(fetch(`${base}/thrice`), { runtime, retries: 2 }))).toBeInstanceOf(Error)
    expect(thrice.seen.length).toBe(3)
    const whole = serve(1000, { ranges: false })
    answers['/whole'] = whole.answer
    expect(await rejection(loadModel(fetch(`${base}/whole`), { runtime }))).toBeInstanceOf(Error)
    expect(whole.seen.length).toBe(2)
    const never = serve(1000)
    answers['/never'] = never.answer
    expect(await rejection(loadModel(`${base}/never`, { runtime, retries: 0 }))).toBeInstanceOf(Error)
    expect(never.seen.length).toBe(1)
    expect(runtime.stats()).toMatchObject({ liveHandles: 0 })
  })

  it('notices that the file was swapped midway', async () => {
    const first = serve(Math.ceil(bytes.length / 2))
    const other = writeArtifact({ ...model, weights: new Map([...model.weights, ['w3', weight(40, 128)]]) })
    expect(other.bytes.length).toBe(bytes.length)
    const second = serve(Infinity, { body: other.bytes })
    answers['/swapped'] = (request, response) =>
      (request.headers.range === undefined ? first : second).answer(request, response)
    const runtime = createRuntime()
    expect(await rejection(loadModel(`${base}/swapped`, { runtime }))).toMatchObject({ code: 'checksum' })
    expect(runtime.stats()).toMatchObject({ liveHandles: 0 })
  })

  it('refuses responses that are errors, files that are not there, and things without bytes', async () => {
    answers['/missing'] = (_, response) => response.writeHead(404).end('no')
    expect(await rejection(loadModel(`${base}/missing`))).toMatchObject({
      name: 'RangeError',
      message: '"source" expected a response with a body, got 404 Not Found',
    })
    expect(await rejection(loadModel(join(folder, 'none')))).toMatchObject({ code: 'ENOENT' })
    expect(await rejection(loadModel(Promise.resolve(5) as never))).toBeInstanceOf(TypeError)
    const words = (async function* () {
      yield 'not bytes'
    })()
    expect(await rejection(loadModel(words as never))).toBeInstanceOf(TypeError)
    expect(() => loadModel(bytes, { retries: 1 } as never)).toThrow(TypeError)
    expect(await rejection(loadModel(path, { retries: -1 }))).toBeInstanceOf(RangeError)
    const onnx = Uint8Array.of(8, 7, 0x12, 4, 1, 2, 3)
    expect(await rejection(loadModel(chunks(onnx)))).toMatchObject({ code: 'onnx' })
  })

  it('frees everything after every failure: early end, damage, short memory, operators', async () => {
    const runtime = createRuntime()
    const damaged = bytes.slice()
    damaged[bytes.length - 10]! ^= 4
    const unsupported = writeArtifact({ ...model, nodes: [...model.nodes, node('NoSuchOp', 'y -> z')] })
    const cases: [AsyncIterable<Uint8Array>, object, unknown][] = [
      [chunks(bytes.subarray(0, -1)), {}, FormatError],
      [chunks(bytes.subarray(0, 3000)), {}, FormatError],
      [chunks(damaged), {}, FormatError],
      [chunks(), { maxBytes: 30_000 }, FormatError],
      [chunks(unsupported.bytes), {}, UnsupportedOpError],
    ]
    for (const [source, options, kind] of cases) {
      expect(await rejection(loadModel(source, { runtime, ...options }))).toBeInstanceOf(kind)
      expect(runtime.stats()).toMatchObject({ liveHandles: 0 })
    }
    const small = createRuntime({ maxBytes: 2 * 65536 })
    expect(await rejection(loadModel(chunks(), { runtime: small }))).toBeInstanceOf(CapacityError)
    expect(small.stats()).toMatchObject({ liveHandles: 0 })
    using session = await loadModel(chunks(), { runtime })
    expect(resultOf(session)).toEqual(expected)
  })

  it('ends when its signal says so, wherever it is, and lets go of the source', async () => {
    const runtime = createRuntime()
    for (let after = 0; after <= Math.ceil(bytes.length / 5000); after++) {
      const controller = new AbortController()
      let closed = false
      async function* source() {
        try {
          let count = 0
          for await (const chunk of chunks(bytes, 5000)) {
            if (count++ === after) controller.abort(new Error('enough'))
            yield chunk
          }
          controller.abort(new Error('enough'))
          await new Promise(() => {})
        } finally {
          closed = true
        }
      }
      const loading = loadModel(source(), { runtime, signal: controller.signal })
      expect(await rejection(loading)).toMatchObject({ message: 'enough' })
      expect(runtime.stats()).toMatchObject({ liveHandles: 0 })
      // A source that waits for ever cannot be closed.
      if (after * 5000 < bytes.length) await expect.poll(() => closed).toBe(true)
    }
    const aborted = AbortSignal.abort(new Error('before'))
    expect(await rejection(loadModel(path, { runtime, signal: aborted }))).toMatchObject({
      message: 'before',
    })
  })

  it('fails cleanly when the runtime is disposed meanwhile', async () => {
    const runtime = createRuntime()
    async function* source() {
      let count = 0
      for await (const chunk of chunks(bytes, 5000)) {
        if (count++ === 6) runtime.dispose()
        yield chunk
      }
    }
    expect(await rejection(loadModel(source(), { runtime }))).toMatchObject({ name: 'DisposedError' })
  })
})
