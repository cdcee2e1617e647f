import { Allocator, alignUp } from '../../bindings/runtime/allocator.js'
import { Scratch } from '../../bindings/runtime/scratch.js'
import type { LinearMemory } from '../../bindings/runtime/memory.js'

const BAND_BYTES = 64
const CANARY = 0xc5
/** As f32 this is a NaN, as an index it is far out of range: use of fresh or freed memory shows in the result. */
const POISON = 0xff

/**
 * Allocator for tests. Wasm has no address sanitizer: every region lies between canary bands that are checked when it
 * is released, fresh and freed bytes are poisoned, and every allocation grows memory (by no page, which detaches the
 * buffer all the same), so that a view taken before it is stale.
 */
export class GuardedAllocator extends Allocator {
  readonly #asked = new Map<number, number>()

  override allocate(bytes: number): number {
    const start = super.allocate(alignUp(bytes) + 2 * BAND_BYTES)
    this.memory.host.grow(0)
    const pointer = start + BAND_BYTES
    const { u8 } = this.memory
    u8.fill(CANARY, start, pointer)
    u8.fill(POISON, pointer, pointer + bytes)
    u8.fill(CANARY, pointer + bytes, pointer + alignUp(bytes) + BAND_BYTES)
    this.#asked.set(pointer, bytes)
    return pointer
  }

  override release(pointer: number): void {
    const bytes = this.#asked.get(pointer)
    if (bytes === undefined) throw new Error(`release of ${pointer}, which is not live`)
    this.verify(pointer)
    this.#asked.delete(pointer)
    this.memory.u8.fill(POISON, pointer, pointer + bytes)
    super.release(pointer - BAND_BYTES)
  }

  /** Throws if a byte around the region at `pointer`, or around any live region, was written. */
  verify(pointer?: number): void {
    const pointers = pointer === undefined ? [...this.#asked.keys()] : [pointer]
    for (const at of pointers) {
      const bytes = this.#asked.get(at)!
      checkCanaries(this.memory, at - BAND_BYTES, at, `before the region of ${bytes} bytes`)
      checkCanaries(
        this.memory,
        at + bytes,
        at + alignUp(bytes) + BAND_BYTES,
        `after the region of ${bytes} bytes`,
      )
    }
  }
}

function checkCanaries(memory: LinearMemory, start: number, end: number, where: string): void {
  const { u8 } = memory
  for (let i = start; i < end; i++) {
    if (u8[i] !== CANARY) throw new Error(`canary overwritten ${where}: byte ${i - start} is ${u8[i]}`)
  }
}

/** Scratch for tests: every buffer is an allocation of its own, between canaries. */
export class GuardedScratch extends Scratch {
  readonly #taken: number[] = []

  override mark(): number {
    return this.#taken.length
  }

  override take(bytes: number): number {
    const pointer = this.allocator.allocate(bytes)
    this.#taken.push(pointer)
    return pointer
  }

  override release(mark: number): void {
    while (this.#taken.length > mark) this.allocator.release(this.#taken.pop()!)
  }
}
