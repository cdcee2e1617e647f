import { CapacityError } from '../errors.js'
import { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'

/**
 * The one region that holds the values of a plan. It grows to the largest plan that ran; the slots of all plans reach
 * it through this object, so they stay valid when the region moves.
 */
export class Arena {
  readonly #memory: ActivationMemory
  #handle: Handle | undefined

  constructor(memory: ActivationMemory) {
    this.#memory = memory
  }

  get bytes(): number {
    return this.#handle?.bytes ?? 0
  }

  get handle(): Handle {
    if (this.#handle === undefined) throw new Error('internal: the arena is used before it was reserved')
    return this.#handle
  }

  /** Makes at least `bytes` available; contents are lost when the region grows. */
  reserve(bytes: number): void {
    if (this.#handle !== undefined && this.#handle.bytes >= bytes) return
    // The old region goes first: its contents are not needed, and the new one may take its place.
    this.dispose()
    this.#memory.check(bytes)
    this.#handle = new Handle(this.#memory.runtime, bytes)
  }

  dispose(): void {
    this.#handle?.dispose()
    this.#handle = undefined
  }
}

/** The activations of a session, and of all that runs inside it, held to one ceiling. */
export class ActivationMemory {
  readonly runtime: Runtime
  readonly #available: () => number
  readonly #arenas: Arena[] = []

  /** @param available bytes for all arenas together */
  constructor(runtime: Runtime, available: () => number) {
    this.runtime = runtime
    this.#available = available
  }

  arena(): Arena {
    const arena = new Arena(this)
    this.#arenas.push(arena)
    return arena
  }

  get bytes(): number {
    return this.#arenas.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** @throws CapacityError unless so many bytes more are allowed */
  check(bytes: number): void {
    const available = this.#available() - this.bytes
    if (bytes > available) throw new CapacityError('the activations of this run', bytes, available)
  }

  dispose(): void {
    for (const arena of this.#arenas) arena.dispose()
  }
}
