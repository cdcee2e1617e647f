import { FormatError } from '../errors.js'

/** A reader that yields how many bytes of a file it needs next, and is given just those. */
export type PieceReader<T> = Generator<number, T, Uint8Array>

function truncated(wanted: number, got: number, at: number): FormatError {
  return new FormatError(
    'truncated',
    `the file ends early: ${wanted} bytes are expected, ${got} are there`,
    at,
  )
}

function superfluous(at: number): FormatError {
  return new FormatError('offsets', 'bytes follow the end of the file', at)
}

/** Lets a reader read bytes that are all there; pieces are views of them. */
export function readWhole<T>(reader: PieceReader<T>, bytes: Uint8Array): T {
  let at = 0
  let step = reader.next()
  while (!step.done) {
    const end = at + step.value
    step =
      end > bytes.length
        ? reader.throw(truncated(step.value, bytes.length - at, bytes.length))
        : reader.next(bytes.subarray(at, end))
    at = end
  }
  if (at < bytes.length) throw superfluous(at)
  return step.value
}

/** The pieces of a stream of chunks. A piece within one chunk is a view of it. */
class Chunks {
  readonly #source: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array()

  constructor(source: AsyncIterator<Uint8Array>) {
    this.#source = source
  }

  /** Up to `size` bytes, fewer only at the end. */
  async take(size: number): Promise<Uint8Array> {
    if (this.#rest.length >= size) return this.#cut(size)
    const piece = new Uint8Array(size)
    let filled = 0
    while (filled < size) {
      if (this.#rest.length === 0 && !(await this.#fill())) break
      const part = this.#cut(Math.min(size - filled, this.#rest.length))
      piece.set(part, filled)
      filled += part.length
    }
    return piece.subarray(0, filled)
  }

  #cut(size: number): Uint8Array {
    const cut = this.#rest.subarray(0, size)
    this.#rest = this.#rest.subarray(size)
    return cut
  }

  async #fill(): Promise<boolean> {
    const { done, value } = await this.#source.next()
    if (done !== true) this.#rest = value
    return done !== true
  }

  async close(): Promise<void> {
    await this.#source.return?.()
  }
}

/**
 * Lets a reader read a file that is still arriving. The reader sees a failure of the source as an error at its `yield`, and
 * the source is told when nobody reads on.
 */
export async function readChunks<T>(
  reader: PieceReader<T>,
  source: AsyncIterable<Uint8Array>,
  onPiece: (bytesRead: number) => void = () => {},
): Promise<T> {
  const chunks = new Chunks(source[Symbol.asyncIterator]())
  let at = 0
  try {
    let step = reader.next()
    while (!step.done) {
      const wanted = step.value
      let piece: Uint8Array
      try {
        piece = await chunks.take(wanted)
        if (piece.length < wanted) throw truncated(wanted, piece.length, at + piece.length)
      } catch (error) {
        step = reader.throw(error)
        continue
      }
      at += wanted
      step = reader.next(piece)
      onPiece(at)
    }
    if ((await chunks.take(1)).length > 0) throw superfluous(at)
    return step.value
  } finally {
    await chunks.close()
  }
}
