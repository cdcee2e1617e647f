import { FormatError } from '../errors.js'

/**
 * A reader that yields how many bytes of a file it needs next, and is given just those; last of all it yields
 * `END_OF_FILE`. A piece may be overwritten once the next is asked for. Whatever goes wrong comes to the reader as an error
 * at its `yield`.
 */
export type PieceReader<T> = Generator<number, T, Uint8Array>

export const END_OF_FILE = -1

const NOTHING = new Uint8Array()

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
    const left = bytes.length - at
    if (step.value === END_OF_FILE) {
      step = left > 0 ? reader.throw(superfluous(at)) : reader.next(NOTHING)
    } else if (step.value > left) {
      step = reader.throw(truncated(step.value, left, bytes.length))
    } else {
      const piece = bytes.subarray(at, at + step.value)
      at += piece.length
      step = reader.next(piece)
    }
  }
  return step.value
}

/** The pieces of a stream of chunks: views of one chunk, or put together in a buffer that serves again and again. */
class Chunks {
  readonly #source: AsyncIterator<Uint8Array>
  #buffer: Uint8Array = NOTHING
  #rest: Uint8Array = NOTHING
  #at = 0

  constructor(source: AsyncIterator<Uint8Array>) {
    this.#source = source
  }

  /** So many bytes, or none at the end of the file. */
  async take(wanted: number): Promise<Uint8Array> {
    if (wanted === END_OF_FILE) {
      if (this.#rest.length > 0 || (await this.#fill())) throw superfluous(this.#at)
      return NOTHING
    }
    if (this.#rest.length >= wanted) return this.#cut(wanted)
    if (this.#buffer.length < wanted) this.#buffer = new Uint8Array(wanted)
    const piece = this.#buffer.subarray(0, wanted)
    let filled = 0
    while (filled < wanted) {
      if (this.#rest.length === 0 && !(await this.#fill())) throw truncated(wanted, filled, this.#at)
      const part = this.#cut(Math.min(wanted - filled, this.#rest.length))
      piece.set(part, filled)
      filled += part.length
    }
    return piece
  }

  #cut(size: number): Uint8Array {
    const cut = this.#rest.subarray(0, size)
    this.#rest = this.#rest.subarray(size)
    this.#at += size
    return cut
  }

  /** Gets the next bytes; false at the end. */
  async #fill(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#source.next()
      if (done === true) return false
      this.#rest = value
    }
    return true
  }

  async close(): Promise<void> {
    await this.#source.return?.()
  }
}

/** Lets a reader read a file that is still arriving. The source is told when nobody reads on. */
export async function readChunks<T>(reader: PieceReader<T>, source: AsyncIterable<Uint8Array>): Promise<T> {
  const chunks = new Chunks(source[Symbol.asyncIterator]())
  try {
    let step = reader.next()
    while (!step.done) {
      let piece: Uint8Array
      try {
        piece = await chunks.take(step.value)
      } catch (error) {
        step = reader.throw(error)
        continue
      }
      step = reader.next(piece)
    }
    return step.value
  } finally {
    await chunks.close()
  }
}
