import { alignUp, READABLE_SLACK, type Allocator } from './allocator.js'

interface Chunk {
  pointer: number
  bytes: number
}

const CHUNK_SPAN = 2 ** 32
const MIN_CHUNK_BYTES = 64 * 1024

/**
 * Stack arena for the buffers of one call: `mark`, `take` all that is needed, then derive views, then `release`.
 *
 *     mark 0        take a     take b          take c (did not fit)
 *     | chunk 0: [ a ........ | b ..... | free ] -> chunk 1: [ c .......... | free ]
 *
 * When the arena is empty again several chunks become one, so that a steady workload allocates nothing.
 */
export class Scratch {
  protected readonly allocator: Allocator
  #chunks: Chunk[] = []
  #current = 0
  #offset = 0
  /** Size of the next first chunk: what all chunks together were when the arena was last merged. */
  #mergedBytes = 0

  constructor(allocator: Allocator) {
    this.allocator = allocator
  }

  /** The current depth, to be given to `release`. */
  mark(): number {
    return this.#current * CHUNK_SPAN + this.#offset
  }

  /** Reserves `bytes` until the release of an earlier mark; returns the address, aligned, with readable slack. */
  take(bytes: number): number {
    const size = alignUp(bytes + READABLE_SLACK)
    for (;;) {
      const chunk = this.#chunks[this.#current]
      if (chunk === undefined) {
        this.#addChunk(size)
        continue
      }
      if (this.#offset + size <= chunk.bytes) {
        const pointer = chunk.pointer + this.#offset
        this.#offset += size
        return pointer
      }
      this.#current++
      this.#offset = 0
    }
  }

  /** Gives back everything taken since `mark`. */
  release(mark: number): void {
    this.#current = Math.floor(mark / CHUNK_SPAN)
    this.#offset = mark % CHUNK_SPAN
    if (mark === 0 && this.#chunks.length > 1) {
      this.#mergedBytes = this.#chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)
      for (const chunk of this.#chunks) this.allocator.release(chunk.pointer)
      this.#chunks = []
    }
  }

  #addChunk(size: number): void {
    const wished = Math.max(size, MIN_CHUNK_BYTES, 2 * (this.#chunks.at(-1)?.bytes ?? 0), this.#mergedBytes)
    this.#mergedBytes = 0
    let bytes = wished
    let pointer: number
    try {
      pointer = this.allocator.allocate(wished)
    } catch (error) {
      if (wished === size) throw error
      bytes = size
      pointer = this.allocator.allocate(size)
    }
    this.#chunks.push({ pointer, bytes })
  }
}
