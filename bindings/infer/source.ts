import type { Model } from '../graph/model.js'
import { describe } from '../validate.js'

/** Where the bytes of an artifact come from while they are still arriving. */
export type StreamSource =
  string | URL | Response | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>

export interface SourceOptions {
  /** Ends the load: the promise rejects with the reason of the signal, and everything is freed. */
  signal?: AbortSignal
  /** How often a broken download goes on where it stopped, by a range request, if the server allows it; 3 unless given. */
  retries?: number
}

const RETRY_MS = 200
const FILE_CHUNK_BYTES = 2 ** 18

/** The bytes of a source, chunk by chunk; a chunk may be overwritten once the next is asked for. */
export async function* chunksOf(
  source: StreamSource | Uint8Array | ArrayBuffer,
  { signal, retries = 3 }: SourceOptions,
): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted()
  if (typeof source === 'string' || isA<URL>(source, 'URL')) yield* located(String(source), signal, retries)
  else if (isA<Response>(source, 'Response')) yield* downloaded(source, signal, retries)
  else if (isA<Blob>(source, 'Blob') || isA<Blob>(source, 'File')) yield* streamed(source.stream(), signal)
  else if (isA<ReadableStream<Uint8Array>>(source, 'ReadableStream')) yield* streamed(source, signal)
  else if (ArrayBuffer.isView(source) || isA<ArrayBuffer>(source, 'ArrayBuffer')) yield bytesOf(source)
  else if (Symbol.asyncIterator in source) yield* iterated(source, signal)
  else throw new TypeError(`"source" expected something with bytes, got ${describe(source)}`)
}

/** Whether bytes are yet to come from `source`. */
export function isStream<T>(source: T): source is Exclude<T, Uint8Array | ArrayBuffer | Model> {
  if (typeof source === 'string') return true
  if (typeof source !== 'object' || source === null || ArrayBuffer.isView(source)) return false
  return (
    ['URL', 'Response', 'Blob', 'File', 'ReadableStream'].some((name) => isA(source, name)) ||
    Symbol.asyncIterator in source ||
    typeof (source as { then?: unknown }).then === 'function'
  )
}

/** By name, since objects of another realm are no instances. */
function isA<T>(value: unknown, name: string): value is T {
  return Object.prototype.toString.call(value) === `[object ${name}]`
}

/** Bytes of any kind of array or buffer. */
export function bytesOf(source: ArrayBufferView | ArrayBuffer): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source)
}

function checkedChunk(chunk: unknown): Uint8Array {
  if (ArrayBuffer.isView(chunk) || isA<ArrayBuffer>(chunk, 'ArrayBuffer')) return bytesOf(chunk)
  throw new TypeError(`"source" expected chunks of bytes, got ${describe(chunk)}`)
}

/** What `promise` gives, unless the signal comes first. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  signal.throwIfAborted()
  let onAbort!: () => void
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

async function* iterated(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  let ended = false
  try {
    for (;;) {
      const { done, value } = await unlessAborted(iterator.next(), signal)
      if ((ended = done === true)) return
      yield checkedChunk(value)
    }
  } finally {
    // Not awaited: a source that hangs would hold up its own end.
    if (!ended) void iterator.return?.()?.then(undefined, () => {})
  }
}

/** Not every engine can iterate over a stream. */
async function* streamed(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await unlessAborted(reader.read(), signal)
      if (done) return
      yield checkedChunk(value)
    }
  } finally {
    void reader.cancel().catch(() => {})
  }
}

async function* located(
  place: string,
  signal: AbortSignal | undefined,
  retries: number,
): AsyncGenerator<Uint8Array> {
  if (/^(https?|blob|data):/i.test(place)) {
    yield* downloaded(await fetch(place, signal === undefined ? {} : { signal }), signal, retries)
    return
  }
  // Reached in this way, bundlers for hosts without files do not look for the module.
  const fs = globalThis.process?.getBuiltinModule?.('node:fs')
  if (fs === undefined) throw new RangeError(`"source" expected a URL: there are no files here (${place})`)
  yield* iterated(fileChunks(fs, place.startsWith('file:') ? new URL(place) : place), signal)
}

/** A file through one buffer: what the runtime's own stream allocates for each chunk is garbage as large as the file. */
async function* fileChunks(fs: typeof import('node:fs'), path: string | URL): AsyncGenerator<Uint8Array> {
  const file = await fs.promises.open(path)
  try {
    const buffer = new Uint8Array(FILE_CHUNK_BYTES)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

/** The body of a response, and of further ones that go on where it broke off. */
async function* downloaded(
  response: Response,
  signal: AbortSignal | undefined,
  retries: number,
): AsyncGenerator<Uint8Array> {
  if (!response.ok || response.body === null) {
    throw new RangeError(
      `"source" expected a response with a body, got ${response.status} ${response.statusText}`.trimEnd(),
    )
  }
  // What a content encoding makes of the body has neither the declared length nor addresses of its own.
  const isEncoded = (response.headers.get('content-encoding') ?? 'identity') !== 'identity'
  const declared = isEncoded ? NaN : Number(response.headers.get('content-length') ?? NaN)
  let body: ReadableStream<Uint8Array> = response.body
  let at = 0
  for (let left = retries; ; left--) {
    let failure: unknown
    try {
      for await (const chunk of streamed(body, signal)) {
        at += chunk.length
        yield chunk
      }
      if (!(at < declared)) return
    } catch (error) {
      failure = error
    }
    signal?.throwIfAborted()
    const next = left > 0 && !isEncoded ? await resumed(response, at, left, signal) : undefined
    if (next !== undefined) body = next
    else if (failure !== undefined) throw failure
    else return
  }
}

/** The body from byte `at` on, or undefined where it cannot be had. */
async function resumed(
  { url, headers }: Response,
  at: number,
  left: number,
  signal: AbortSignal | undefined,
): Promise<ReadableStream<Uint8Array> | undefined> {
  if (url === '') return undefined
  const validator = headers.get('etag') ?? headers.get('last-modified')
  const range = { range: `bytes=${at}-`, ...(validator === null ? {} : { 'if-range': validator }) }
  for (let attempt = 0; attempt < left; attempt++) {
    await unlessAborted(new Promise((resolve) => setTimeout(resolve, RETRY_MS * 2 ** attempt)), signal)
    try {
      const response = await fetch(
        url,
        signal === undefined ? { headers: range } : { headers: range, signal },
      )
      const starts = response.headers.get('content-range')?.startsWith(`bytes ${at}-`) === true
      if (response.status === 206 && starts && response.body !== null) return response.body
      await response.body?.cancel()
      return undefined
    } catch {
      signal?.throwIfAborted()
    }
  }
  return undefined
}
