import { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'

/**
 * The one region that holds the activations of a session. It grows to the largest plan that ran; the slots of all
 * plans reach it through this object, so they stay valid when the region moves.
 */
export class Arena {
  readonly runtime: Runtime
  #handle: Handle | undefined

  constructor(runtime: Runtime) {
    this.runtime = runtime
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
    this.#handle = new Handle(this.runtime, bytes)
  }

  dispose(): void {
    this.#handle?.dispose()
    this.#handle = undefined
  }
}
