import { DisposedError } from '../errors.js'
import type { Runtime } from './runtime.js'

/**
 * A region of linear memory that outlives calls: packed weights, CSR arrays, tables. It stays resident until
 * `dispose()`, or until the end of a `using` block. Disposing twice is harmless; any other use after it throws.
 */
export class Handle {
  readonly runtime: Runtime
  /** Size in linear memory. */
  readonly bytes: number
  #pointer: number

  /** @internal */
  constructor(runtime: Runtime, bytes: number) {
    this.runtime = runtime
    this.bytes = bytes
    this.#pointer = runtime.adopt(this, bytes)
  }

  /** Address of the region; for ops/ and runtime/ only. @internal */
  get pointer(): number {
    if (this.#pointer < 0 || this.runtime.disposed) throw new DisposedError(this.constructor.name)
    return this.#pointer
  }

  get disposed(): boolean {
    return this.#pointer < 0
  }

  dispose(): void {
    if (this.#pointer < 0) return
    this.runtime.abandon(this, this.#pointer)
    this.#pointer = -1
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
