import { CapacityError } from '../errors.js'
import { MAX_MEMORY_BYTES } from '../limits.js'

export const PAGE_BYTES = 65536

/** What `WebAssembly.Memory` offers; the js target brings a stand-in for hosts that forbid wasm. */
export interface HostMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): unknown
}

/** Linear memory without wasm: grows by copying. */
export class PlainMemory implements HostMemory {
  buffer: ArrayBuffer

  constructor(pages: number) {
    this.buffer = new ArrayBuffer(pages * PAGE_BYTES)
  }

  grow(pages: number): void {
    const grown = new Uint8Array(this.buffer.byteLength + pages * PAGE_BYTES)
    grown.set(new Uint8Array(this.buffer))
    this.buffer = grown.buffer
  }
}

/**
 * The linear memory and its typed views. A view obtained here is valid until the next allocation: growth detaches
 * the buffer, so read the properties again instead of keeping them.
 */
export class LinearMemory {
  readonly host: HostMemory
  readonly maxBytes: number
  #buffer: ArrayBuffer
  #u8!: Uint8Array<ArrayBuffer>
  #i8!: Int8Array<ArrayBuffer>
  #u16!: Uint16Array<ArrayBuffer>
  #i32!: Int32Array<ArrayBuffer>
  #u32!: Uint32Array<ArrayBuffer>
  #f32!: Float32Array<ArrayBuffer>

  constructor(host: HostMemory, maxBytes: number) {
    this.host = host
    this.maxBytes = Math.min(maxBytes, MAX_MEMORY_BYTES)
    this.#buffer = host.buffer
    this.#derive()
  }

  get bytes(): number {
    return this.host.buffer.byteLength
  }

  get u8(): Uint8Array<ArrayBuffer> {
    if (this.#buffer !== this.host.buffer) this.#derive()
    return this.#u8
  }

  get i8(): Int8Array<ArrayBuffer> {
    if (this.#buffer !== this.host.buffer) this.#derive()
    return this.#i8
  }

  get u16(): Uint16Array<ArrayBuffer> {
    if (this.#buffer !== this.host.buffer) this.#derive()
    return this.#u16
  }

  get i32(): Int32Array<ArrayBuffer> {
    if (this.#buffer !== this.host.buffer) this.#derive()
    return this.#i32
  }

  get u32(): Uint32Array<ArrayBuffer> {
    if (this.#buffer !== this.host.buffer) this.#derive()
    return this.#u32
  }

  get f32(): Float32Array<ArrayBuffer> {
    if (this.#buffer !== this.host.buffer) this.#derive()
    return this.#f32
  }

  /** Makes `end` bytes addressable. The only place in the project that grows memory. */
  ensure(end: number): void {
    if (end <= this.bytes) return
    if (end > this.maxBytes) throw new CapacityError('linear memory', end, this.maxBytes)
    // Growing by a quarter keeps the number of copies logarithmic in the js target and in engines that move memory.
    const target = Math.min(Math.max(end, this.bytes * 1.25), this.maxBytes)
    const missing = (bytes: number): number => Math.ceil((bytes - this.bytes) / PAGE_BYTES)
    try {
      this.host.grow(missing(target))
    } catch {
      try {
        this.host.grow(missing(end))
      } catch {
        throw new CapacityError('linear memory', end, this.bytes)
      }
    }
  }

  #derive(): void {
    const buffer = this.host.buffer
    this.#buffer = buffer
    this.#u8 = new Uint8Array(buffer)
    this.#i8 = new Int8Array(buffer)
    this.#u16 = new Uint16Array(buffer)
    this.#i32 = new Int32Array(buffer)
    this.#u32 = new Uint32Array(buffer)
    this.#f32 = new Float32Array(buffer)
  }
}
