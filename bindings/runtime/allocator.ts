import type { LinearMemory } from './memory.js'

/** Every region begins on a cache line. */
export const ALIGNMENT = 64

/** Bytes after a region that may be read: a kernel's tail loads one whole vector at the last element. */
export const READABLE_SLACK = 16

/** Rounds up to the alignment of regions. */
export function alignUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
}

/**
 * First-fit allocator over the linear memory above `base`. Free blocks are kept sorted by address and merged with
 * their neighbours; a kernel library holds few, large, long-lived regions, for which a list is fast enough.
 * Book-keeping lives outside the linear memory: a stray kernel write cannot corrupt it.
 */
export class Allocator {
  protected readonly memory: LinearMemory
  readonly #sizes = new Map<number, number>()
  readonly #freeStarts: number[] = []
  readonly #freeSizes: number[] = []
  #end: number
  #bytesInUse = 0
  #highWater = 0

  constructor(memory: LinearMemory, base: number) {
    this.memory = memory
    this.#end = alignUp(base)
  }

  get bytesInUse(): number {
    return this.#bytesInUse
  }

  get highWater(): number {
    return this.#highWater
  }

  get liveRegions(): number {
    return this.#sizes.size
  }

  /** Reserves `bytes` (at least 1 is counted) and returns the address. Throws CapacityError; nothing changes then. */
  allocate(bytes: number): number {
    const size = alignUp(Math.max(bytes, 1) + READABLE_SLACK)
    const found = this.#freeSizes.findIndex((free) => free >= size)
    let pointer: number
    if (found >= 0) {
      pointer = this.#freeStarts[found]!
      const rest = this.#freeSizes[found]! - size
      if (rest > 0) {
        this.#freeStarts[found] = pointer + size
        this.#freeSizes[found] = rest
      } else {
        this.#freeStarts.splice(found, 1)
        this.#freeSizes.splice(found, 1)
      }
    } else {
      pointer = this.#end
      this.memory.ensure(pointer + size)
      this.#end = pointer + size
    }
    this.#sizes.set(pointer, size)
    this.#bytesInUse += size
    this.#highWater = Math.max(this.#highWater, this.#bytesInUse)
    return pointer
  }

  /** Gives a region back. Releasing an address that is not live is a bug of the caller and throws. */
  release(pointer: number): void {
    const size = this.#sizes.get(pointer)
    if (size === undefined) throw new Error(`internal: release of ${pointer}, which is not allocated`)
    this.#sizes.delete(pointer)
    this.#bytesInUse -= size
    this.#insertFree(pointer, size)
  }

  #insertFree(pointer: number, size: number): void {
    const starts = this.#freeStarts
    const sizes = this.#freeSizes
    let low = 0
    let high = starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (starts[middle]! < pointer) low = middle + 1
      else high = middle
    }
    starts.splice(low, 0, pointer)
    sizes.splice(low, 0, size)
    if (low + 1 < starts.length && pointer + size === starts[low + 1]) {
      sizes[low]! += sizes[low + 1]!
      starts.splice(low + 1, 1)
      sizes.splice(low + 1, 1)
    }
    if (low > 0 && starts[low - 1]! + sizes[low - 1]! === pointer) {
      sizes[low - 1]! += sizes[low]!
      starts.splice(low, 1)
      sizes.splice(low, 1)
      low--
    }
    if (starts[low]! + sizes[low]! === this.#end) {
      this.#end = starts[low]!
      starts.splice(low, 1)
      sizes.splice(low, 1)
    }
  }
}
